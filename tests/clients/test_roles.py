"""Roles: what people may do everywhere on the server, by the command and by conda's clients."""

import json

import packages
import pytest
from server_api import Repo


@pytest.fixture(scope="module")
def ann(server):
    return Repo(server, "ann-roles").account()


def session(person):
    body = {"login": person.login, "password": person.password}
    return person.ask("POST", "v1/session", body).json()["token"]


@pytest.fixture(scope="module")
def private(server, tmp_path_factory):
    name = server.channel("hushed")
    work = tmp_path_factory.mktemp("built")
    built = packages.conda(work, work, "quiet", "1.0", {"share/quiet": "hush"}, noarch="generic")
    server.latchkey("upload", name, built)
    return name


def index(server, channel, token):
    return server.get(f"/t/{token}/{channel}/noarch/repodata.json")


def refused(server, *words, token=None):
    ran = server.latchkey(*words, token=token, ok=False)
    assert ran.returncode != 0, ran.stdout
    return ran.stderr + ran.stdout


def test_a_role_opens_every_channel_until_it_is_taken_away(server, ann, private):
    token = session(ann)
    assert index(server, private, token).status == 403
    made = server.latchkey("role", "create", "readers", "--level", "artifacts=read,channels=read", "--description", "sees all")
    assert made["levels"]["artifacts"] == "read" and made["levels"]["roles"] == "none" and made["accounts"] == 0
    given = server.latchkey("role", "assign", "readers", ann.login)
    assert given["accounts"] == 1 and given["receipt"]["silent"] == []
    answer = index(server, private, token)
    assert answer.status == 200 and b"quiet" in answer.body
    listed = server.latchkey("channel", "list", token=token)
    assert private in [channel["name"] for channel in listed["channels"]]
    assert "roles=manage" not in str(server.latchkey("whoami", token=token))
    assert server.latchkey("whoami", token=token)["roles"] == ["author", "readers"]
    assert ann.bearer("GET", "account").json()["roles"] == ["author", "readers"]
    # It reads, and no more.
    assert "lacks" in refused(server, "channel", "set", private, "--public", token=token)
    taken = server.latchkey("role", "unassign", "readers", ann.login)
    assert taken["accounts"] == 0 and taken["receipt"]["confirmed"]
    assert index(server, private, token).status == 403


def test_a_narrower_level_and_a_deleted_role_are_effective_at_once(server, ann, private):
    token = session(ann)
    server.latchkey("role", "create", "keepers", "--level", "artifacts=manage")
    server.latchkey("role", "assign", "keepers", ann.login)
    assert index(server, private, token).status == 200
    # What is not named stays.
    changed = server.latchkey("role", "edit", "keepers", "--level", "audit_log=read", "--name", "watchers")
    assert changed["levels"]["artifacts"] == "manage" and changed["levels"]["audit_log"] == "read"
    assert server.latchkey("channel", "history", private, token=token)["history"]
    changed = server.latchkey("role", "edit", "watchers", "--level", "artifacts=none")
    assert changed["receipt"]["silent"] == []
    assert index(server, private, token).status == 403
    assert server.latchkey("channel", "history", private, token=token)["history"]
    shown = server.latchkey("role", "show", "watchers")
    assert [holder["login"] for holder in shown["holders"]] == [ann.login]
    server.latchkey("role", "delete", "watchers", "--yes")
    assert "watchers" not in [role["name"] for role in server.latchkey("role", "list")["roles"]]
    refused(server, "channel", "history", private, token=token)


def test_a_group_holds_a_role_for_its_members(server, ann, private):
    token = session(ann)
    server.latchkey("account", "create", "hats", "--organisation")
    server.latchkey("group", "create", "hats/auditors")
    server.latchkey("role", "create", "auditors", "--level", "artifacts=read")
    server.latchkey("role", "assign", "auditors", "--group", "hats/auditors")
    assert index(server, private, token).status == 403
    server.latchkey("group", "add", "hats/auditors", ann.login)
    assert index(server, private, token).status == 200
    shown = server.latchkey("role", "show", "auditors")["holders"]
    assert [(holder["organisation"], holder["group"]) for holder in shown] == [("hats", "auditors")]
    server.latchkey("group", "remove", "hats/auditors", ann.login)
    assert index(server, private, token).status == 403
    server.latchkey("group", "add", "hats/auditors", ann.login)
    server.latchkey("role", "unassign", "auditors", "--group", "hats/auditors")
    assert index(server, private, token).status == 403


def test_the_last_administrator_stays_and_admin_is_given_and_taken(server, ann):
    token = session(ann)
    me = server.latchkey("whoami")["account"]["login"]
    assert "last administrator" in refused(server, "role", "unassign", "admin", me)
    refused(server, "role", "list", token=token)
    server.latchkey("role", "assign", "admin", ann.login)
    roles = {role["name"]: role for role in server.latchkey("role", "list", token=token)["roles"]}
    assert roles["admin"]["accounts"] == 2 and roles["admin"]["shipped"] and roles["everyone"]["shipped"]
    assert server.latchkey("whoami", token=token)["account"]["admin"] is True
    server.latchkey("role", "unassign", "admin", ann.login)
    assert server.latchkey("whoami", token=token)["account"]["admin"] is False
    assert "comes with the server" in refused(server, "role", "delete", "author", "--yes")
    assert "comes with the server" in refused(server, "role", "create", "Admin")


def test_a_token_for_roles_does_that_and_nothing_else(server):
    secret = server.latchkey("token", "create", "for-roles", "--scope", "role:view", "--expires", "1d")["token"]
    assert server.latchkey("role", "list", token=secret)["roles"]
    assert "role:edit" in refused(server, "role", "create", "by-token", token=secret)


def test_what_happened_is_in_the_log(server, ann):
    server.latchkey("role", "create", "noted", "--level", "channels=read")
    server.latchkey("role", "assign", "noted", ann.login)
    server.latchkey("role", "edit", "noted", "--level", "channels=write")
    server.latchkey("role", "unassign", "noted", ann.login)
    server.latchkey("role", "delete", "noted", "--yes")
    answer = server.get("/api/v1/events/authz?from=1", {"Authorization": f"Bearer {server.admin}"})
    lines = [json.loads(line) for line in answer.body.splitlines()]
    events = [event for line in lines for event in line.get("envelope", {}).get("events", [])]
    made = next(event["role_id"] for event in events if event["type"] == "RoleCreated" and event["name"] == "noted")
    about = [event for event in events if event.get("role_id") == made]
    kinds = ["RoleCreated", "RoleAssigned", "RoleChanged", "RoleUnassigned", "RoleDeleted"]
    assert [event["type"] for event in about] == kinds
    assert about[2]["before"]["channels"] == "read" and about[2]["after"]["channels"] == "write"

"""Channels and subchannels of Anaconda Server's API, as `conda repo channel` calls them."""

import sys

import packages
import pytest
from conftest import run
from server_api import Repo, day, told

FIELDS = {
    "name", "privacy", "description", "artifact_count", "download_count", "mirror_count", "subchannel_count", "owners", "parent",
    "created", "updated", "indexing_behavior",
}  # fmt: skip


@pytest.fixture(scope="module")
def ann(server):
    return Repo(server, "ann-channels").account().cli()


@pytest.fixture(scope="module")
def bob(server):
    return Repo(server, "bob-channels").account().cli()


def test_a_channel_is_made_locked_unlocked_and_removed(ann, bob):
    made = ann.xauth("POST", "channels", {"name": "kept"}, 201).json()
    assert FIELDS <= made.keys() and made["name"] == "kept" and made["parent"] is None
    assert made["privacy"] == "public" and made["owners"] == [ann.login] and made["indexing_behavior"] == "default"
    assert made["artifact_count"] == made["subchannel_count"] == 0 and made["created"][:10] == day(0)
    assert ann.xauth("GET", "channels/kept", want=200).json() == made
    for privacy in ("private", "authenticated", "public"):
        assert ann.xauth("PUT", "channels/kept", {"privacy": privacy}, 200).json()["privacy"] == privacy
        assert ann.xauth("GET", "channels/kept", want=200).json()["privacy"] == privacy
        sees = bob.xauth("GET", "channels/kept").status
        assert sees == (403 if privacy == "private" else 200)
        anybody = bob.ask("GET", "channels/kept").status
        assert anybody == (200 if privacy == "public" else 401)
    changed = ann.xauth("PUT", "channels/kept", {"description": "for the team", "indexing_behavior": "default"}, 200)
    assert changed.json()["description"] == "for the team"
    assert bob.xauth("PUT", "channels/kept", {"privacy": "private"}).status == 403
    assert bob.xauth("DELETE", "channels/kept").status == 403
    ann.xauth("DELETE", "channels/kept", want=202)
    assert ann.xauth("GET", "channels/kept").status == 403
    assert ann.xauth("DELETE", "channels/kept").status == 403


def test_wrong_names_and_duplicates_are_refused(ann):
    ann.xauth("POST", "channels", {"name": "twice"}, 201)
    again = ann.xauth("POST", "channels", {"name": "twice"}, 409).json()
    assert again["code"] == "conflict" and again["message"] == again["detail"]
    for name in ("Capital", "with space", "", "noarch", "api", "a" * 200):
        refused = ann.xauth("POST", "channels", {"name": name})
        assert refused.status == 400, (name, refused.body)
    assert ann.xauth("POST", "channels", {"name": "odd", "privacy": "secret"}).status == 400
    assert ann.xauth("POST", "channels", {}).status == 400
    assert ann.xauth("PUT", "channels/twice", {"privacy": "secret"}).status == 400
    assert ann.xauth("PUT", "channels/twice", {"indexing_behavior": "sometimes"}).status == 422


def test_subchannels_have_names_privacy_and_addresses_of_their_own(ann, bob):
    ann.xauth("POST", "channels", {"name": "above"}, 201)
    made = ann.xauth("POST", "channels/above/subchannels", {"name": "stage"}, 201).json()
    assert FIELDS <= made.keys() and (made["name"], made["parent"], made["privacy"]) == ("stage", "above", "public")
    ann.xauth("POST", "channels/above/subchannels", {"name": "hidden", "privacy": "private"}, 201)
    assert ann.xauth("POST", "channels/above/subchannels", {"name": "stage"}).status == 409
    assert ann.xauth("POST", "channels/above/subchannels/stage", {"name": "deeper"}).status == 405
    listed, total = ann.items("channels/above/subchannels")
    assert [(one["name"], one["parent"]) for one in listed] == [("hidden", "above"), ("stage", "above")] and total == 2
    assert all(FIELDS <= one.keys() for one in listed)
    assert ann.xauth("GET", "channels/above", want=200).json()["subchannel_count"] == 2
    # Whoever may not see one does not see it counted.
    listed, total = bob.items("channels/above/subchannels")
    assert [one["name"] for one in listed] == ["stage"] and total == 1
    assert bob.xauth("GET", "channels/above", want=200).json()["subchannel_count"] == 1
    assert bob.xauth("GET", "channels/above/subchannels/stage", want=200).json()["name"] == "stage"
    hidden, never = (told(bob.xauth("GET", f"channels/above/subchannels/{name}"), name) for name in ("hidden", "neveri"))
    assert hidden == never and hidden[0] == 403
    locked = ann.xauth("PUT", "channels/above/subchannels/stage", {"privacy": "private"}, 200).json()
    assert locked["privacy"] == "private"
    assert bob.xauth("GET", "channels/above/subchannels/stage").status == 403
    ann.xauth("DELETE", "channels/above/subchannels/stage", want=202)
    assert ann.xauth("GET", "channels/above/subchannels/stage").status == 403
    assert [one["name"] for one in ann.items("channels/above/subchannels")[0]] == ["hidden"]


def test_lists_hold_what_the_caller_may_see_and_come_in_windows(ann, bob):
    for name, privacy in (("list-a", "private"), ("list-b", "public"), ("list-c", "authenticated")):
        ann.xauth("POST", "channels", {"name": name, "privacy": privacy}, 201)
    ann.xauth("POST", "channels/list-a/subchannels", {"name": "open", "privacy": "public"}, 201)

    def names(repo, path):
        listed, total = repo.items(path)
        return [f"{one['parent']}/{one['name']}" if one["parent"] else one["name"] for one in listed], total

    assert names(ann, "channels?q=list-") == (["list-a", "list-b", "list-c"], 3)
    # What stands below a channel that is closed to the caller is not lost to them.
    assert names(bob, "channels?q=list-") == (["list-a/open", "list-b", "list-c"], 3)
    assert names(ann, "account/channels?q=list-") == (["list-a", "list-b", "list-c"], 3)
    assert names(bob, "account/channels?q=list-") == ([], 0)
    assert names(bob, "account/channels") == ([bob.login], 1)
    assert names(ann, "channels?q=list-&privacy=public") == (["list-b"], 1)
    assert names(ann, "channels?q=list-&offset=1&limit=1") == (["list-b"], 3)
    assert names(ann, "channels?q=list-&offset=3") == ([], 3)
    assert names(ann, f"channels?q=list-&offset={2**64 - 1}&limit={2**64 - 1}") == ([], 3)
    everybody = ann.ask("GET", "channels?q=list-").json()
    assert [one["name"] for one in everybody["items"]] == ["open", "list-b"]
    # A dead token sees what is public where it names it, and is told that it is dead where it asks for a list.
    dead = ann.create("soon-dead", scopes=["channel:view"])
    assert ann.bearer("DELETE", f"account/tokens/{dead['id']}").status == 204
    shown = ann.ask("GET", "channels/list-b", X_Auth=dead["token"])
    assert shown.status == 200 and "revoked" in shown.headers["Conda-Token-Warning"]
    assert ann.ask("GET", "channels", X_Auth=dead["token"]).status == 401
    for wrong in ("limit=-1", "offset=x", f"limit={2**64}"):
        assert ann.xauth("GET", f"channels?{wrong}").status == 400, wrong
    assert ann.xauth("GET", "channels?q=%00", want=200).json()["total_count"] == 0
    given = {"level": "read"}
    assert ann.bearer("PUT", f"v1/channels/list-a/grants/{bob.login}", given).status == 200
    assert names(bob, "account/channels?q=list-") == (["list-a"], 1)


def test_a_closed_channel_answers_as_one_that_never_was(ann, bob):
    ann.xauth("POST", "channels", {"name": "closed", "privacy": "private"}, 201)
    calls = [
        ("GET", "channels/{}", None),
        ("PUT", "channels/{}", {"privacy": "public"}),
        ("DELETE", "channels/{}", None),
        ("GET", "channels/{}/subchannels", None),
        ("POST", "channels/{}/subchannels", {"name": "x"}),
        ("GET", "channels/{}/subchannels/x", None),
        ("GET", "channels/{}/artifacts", None),
        ("GET", "channels/{}/artifacts/conda/x", None),
        ("GET", "channels/{}/artifacts/conda/x/files", None),
        ("DELETE", "channels/{}/artifacts/conda/x", None),
        ("PUT", "channels/{}/artifacts/bulk", {"action": "delete", "items": [{"name": "x", "family": "conda"}]}),
    ]
    for method, path, body in calls:
        closed, never = (told(bob.xauth(method, path.format(name), body), name) for name in ("closed", "neveri"))
        assert closed == never and closed[0] == 403, (method, path)
        closed, never = (told(bob.ask(method, path.format(name), body), name) for name in ("closed", "neveri"))
        assert closed == never and closed[0] == 401, (method, path)


def test_the_older_interface_reads_labels_at_the_same_address(ann):
    ann.xauth("POST", "channels", {"name": "both"}, 201)
    as_repository = ann.ask("GET", "channels/both", X_Auth=ann.token, x_binstar_api_version="1.12.2")
    assert as_repository.json() == {"main": {"is_locked": False}}
    by_scheme = ann.ask("GET", "channels/both", Authorization=f"token {ann.token}")
    assert by_scheme.json() == as_repository.json()
    assert ann.ask("GET", "channels/both", Authorization=f"Bearer {ann.token}").json()["name"] == "both"
    reader = ann.create("lists-files", scopes=["artifact:view"])["token"]
    assert ann.ask("GET", "channels/both", Authorization=f"token {reader}").status == 200
    ann.xauth("PUT", "channels/both", {"privacy": "private"}, 200)
    refused = ann.ask("GET", "channels/both", X_Auth=reader)
    assert refused.status == 403 and "channel:view" in refused.json()["detail"], refused.body


def test_the_default_channel_is_read_from_the_account(ann):
    account = ann.xauth("GET", "account", want=200).json()
    assert account["default_channel_name"] == ann.login
    assert ann.xauth("GET", f"channels/{ann.login}", want=200).json()["owners"] == [ann.login]


def test_a_default_channel_is_chosen_and_uploads_go_there(ann, bob, server, tmp_path):
    ann.xauth("POST", "channels", {"name": "anns-desk"}, 201)
    chosen = ann.xauth("PUT", "account", {"default_channel_name": "anns-desk"}, 200).json()
    assert chosen["default_channel_name"] == "anns-desk"
    for path in ("account", "account/me"):
        assert ann.xauth("GET", path, want=200).json()["default_channel_name"] == "anns-desk"
    session = ann.ask("POST", "v1/session", {"login": ann.login, "password": ann.password}).json()["token"]
    wheel = packages.wheel(tmp_path / "w", tmp_path / "s", "desk_wheel", "1.0")
    assert server.latchkey("channel", "default", token=session)["channel"] == "anns-desk"
    server.latchkey("upload", str(wheel), token=session)
    assert ann.items("channels/anns-desk/artifacts")[1] == 1
    # What one may not upload to is refused like what is not there.
    there, absent = (bob.xauth("PUT", "account", {"default_channel_name": name}) for name in ("anns-desk", "never-was"))
    assert there.status == absent.status == 404 and there.json()["detail"] == absent.json()["detail"]
    assert ann.xauth("PUT", "account", {"default_channel_name": ""}).status == 400
    server.latchkey("channel", "default", "--own", token=session)
    assert ann.xauth("GET", "account", want=200).json()["default_channel_name"] == ann.login


def test_a_frozen_channel_keeps_its_index_until_it_is_unfrozen(ann, bob, server, tmp_path):
    ann.xauth("POST", "channels", {"name": "kept-cold"}, 201)
    ann.xauth("POST", "channels", {"name": "kept-warm"}, 201)
    one, two = (packages.conda(tmp_path / "c", tmp_path / "s", name, "1.0", {"lib/a": name}) for name in ("icy", "hot"))
    assert ann.upload("kept-cold", one, "conda1").status in (200, 201)
    assert ann.upload("kept-warm", two, "conda1").status in (200, 201)
    index = server.get("/kept-cold/linux-64/repodata.json")
    frozen = ann.xauth("PUT", "channels/kept-cold", {"indexing_behavior": "frozen"}, 200).json()
    assert frozen["indexing_behavior"] == "frozen"
    assert bob.xauth("PUT", "channels/kept-cold", {"indexing_behavior": "default"}).status == 403

    refused = ann.upload("kept-cold", two, "conda1")
    assert refused.status == 403 and "channel kept-cold is frozen" in refused.json()["detail"], refused.body
    assert "unfreeze" in refused.json()["detail"]
    icy = [{"name": "icy", "family": "conda"}]
    hot = [{"name": "hot", "family": "conda"}]
    for where, action, items, target in (
        ("kept-cold", "delete", icy, None),
        ("kept-cold", "move", icy, "kept-warm"),
        ("kept-warm", "copy", hot, "kept-cold"),
    ):
        refused = ann.bulk(where, action, items, target, want=400).json()
        assert "channel kept-cold is frozen" in refused["detail"], refused
    ann.bulk("kept-cold", "copy", icy, "kept-warm")
    twine = [sys.executable, "-m", "twine", "upload", "--repository-url", f"{server.url}/pypi/kept-cold/legacy/"]
    wheel = packages.wheel(tmp_path / "w", tmp_path / "s", "cold_wheel", "1.0")
    ran = run(*twine, "-u", "__token__", "-p", ann.token, "--non-interactive", str(wheel))
    assert ran.returncode != 0 and "frozen" in ran.stdout + ran.stderr, ran.stdout + ran.stderr
    again = server.get("/kept-cold/linux-64/repodata.json")
    assert (again.body, again.headers["etag"]) == (index.body, index.headers["etag"])

    events, _ = ann.items("channels/kept-cold/history?limit=10")
    assert any("index" in one["event_type"] for one in events), events
    ann.xauth("PUT", "channels/kept-cold", {"indexing_behavior": "default"}, 200)
    assert ann.upload("kept-cold", two, "conda1").status in (200, 201)
    session = ann.ask("POST", "v1/session", {"login": ann.login, "password": ann.password}).json()["token"]
    assert server.latchkey("channel", "freeze", "kept-cold", token=session)["indexing_behavior"] == "frozen"
    ran = server.latchkey("upload", "kept-cold", wheel, token=session, ok=False)
    assert ran.returncode == 4 and "frozen" in ran.stderr, ran
    assert server.latchkey("channel", "unfreeze", "kept-cold", token=session)["indexing_behavior"] == "default"
    server.latchkey("upload", "kept-cold", wheel, token=session)

"""Anaconda Server's API, as `conda repo` calls it: sign-in, the account, tokens, scopes."""

import base64
import json

import pytest
from server_api import CLI_TOKEN, Repo, day


@pytest.fixture
def repo(server, request):
    """A person with a password and a private channel named after them."""
    login = request.node.name.removeprefix("test_").replace("_", "-")[:40].rstrip("-")
    repo = Repo(server, login).account()
    # The first sign-in has made a channel of that name, open as the product makes them.
    made = repo.bearer("PATCH", f"v1/channels/{login}", {"privacy": "private"})
    assert made.status == 200, made.body
    return repo


def test_the_sign_in_is_a_jwt_that_the_client_can_read(repo):
    claims = repo.claims()
    assert claims["preferred_username"] == repo.login and claims["realm_access"] == {"roles": ["author"]}
    assert claims["exp"] > claims["iat"]
    head = repo.jwt.split(".")[0]
    assert json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["alg"] == "HS256"
    for path in ("account", "account/me"):
        account = repo.good("GET", path)
        assert account["default_channel_name"] == repo.login and account["roles"] == ["author"]
    changed = repo.jwt[:-4] + "AAAA"
    assert repo.ask("GET", "account", Authorization=f"Bearer {changed}").status == 401


def test_a_wrong_password_is_no_sign_in(repo):
    for body in ({"username": repo.login, "password": "not this one"}, {"username": "nobody-here", "password": "x"}):
        assert repo.ask("POST", "auth/login", body).status == 401
    assert repo.ask("POST", "auth/login", {"username": repo.login}).status == 400


def test_a_second_login_leaves_the_first_ones_token_alive(repo):
    first = repo.cli_token()
    # `auth --list` signs in anew, refreshes, and throws the new string away.
    others = [repo.cli_token() for _ in range(3)]
    assert len({first, *others}) == 4
    for token in (first, *others):
        assert repo.works(token) and repo.index(token, repo.login) == 200
    [item] = repo.good("GET", "account/tokens")["items"]
    assert item["name"] == CLI_TOKEN and item["overlap_ends_at"] == item["expires_at"]
    info = repo.ask("GET", "account/token-info", X_Auth=first)
    assert info.status == 200 and info.json()["expires_at"][:10] == day(365)
    # `login --force-scopes` deletes it first; all of its strings end.
    assert repo.bearer("DELETE", f"account/tokens/{item['id']}").status == 204
    assert not any(repo.works(token) for token in (first, *others))
    assert repo.names() == set()
    assert repo.works(repo.cli_token())


def test_tokens_of_scopes_open_what_their_scopes_say(repo):
    made = repo.create("reader", scopes=["artifact:download"])
    assert made["id"] and made["type"] == "scopes" and made["scopes"] == ["artifact:download"]
    assert repo.index(made["token"], repo.login) == 200
    refused = repo.ask("GET", "account/tokens", X_Auth=made["token"])
    assert refused.status == 403 and "user.token:view" in refused.json()["detail"], refused.body
    older = repo.create("older-words", scopes=["channel:manage-groups"])
    assert older["scopes"] == ["channel.group:edit"]


def test_tokens_of_resources_open_their_channels(repo):
    resource = {"resource_type": "channel", "resource_id": repo.login, "permission": "read"}
    made = repo.create("ci", resources=[resource])
    assert made["type"] == "resources" and made["resources"] == [resource]
    assert repo.index(made["token"], repo.login) == 200
    assert repo.ask("GET", "account", X_Auth=made["token"]).status == 200
    assert repo.ask("GET", "account/tokens", X_Auth=made["token"]).status == 403
    twice = repo.bearer("POST", "account/tokens", {"name": "ci", "expires_at": day(3), "resources": [resource]})
    assert twice.status == 409, twice.body


def test_a_token_has_scopes_or_resources(repo):
    scopes, resources = ["artifact:view"], [{"resource_type": "channel", "resource_id": repo.login, "permission": "read"}]
    for body in ({}, {"scopes": [], "resources": []}, {"scopes": scopes, "resources": resources}):
        refused = repo.bearer("POST", "account/tokens", {"name": "odd", "expires_at": day(3), **body})
        assert refused.status == 422 and "scopes or resources" in refused.json()["detail"], refused.body
    unknown = repo.bearer("POST", "account/tokens", {"name": "odd", "scopes": ["channel:fly"]})
    assert unknown.status == 422 and "channel:fly" in unknown.json()["detail"]
    level = [{"resource_type": "channel", "resource_id": repo.login, "permission": "own"}]
    assert repo.bearer("POST", "account/tokens", {"name": "odd", "resources": level}).status == 422
    foreign = [{"resource_type": "channel", "resource_id": "somebody-elses", "permission": "read"}]
    assert repo.bearer("POST", "account/tokens", {"name": "odd", "resources": foreign}).status == 403
    assert repo.bearer("POST", "account/tokens", {"name": "odd", "scopes": scopes, "expires_at": "soon"}).status == 422
    assert repo.names() == set()


def test_an_edit_keeps_the_string_and_a_new_one_ends_it(repo):
    made = repo.create("edited", scopes=["artifact:download"])
    path = f"account/tokens/{made['id']}"
    edited = repo.good("PUT", path, {"name": "renamed", "expires_at": day(60)})
    assert edited["name"] == "renamed" and edited["expires_at"][:10] == day(60) and "token" not in edited
    assert repo.works(made["token"]) and repo.names() == {"renamed"}
    anew = repo.good("PUT", path, {"name": "anew", "issue_new_token": True})
    assert anew["name"] == "anew" and repo.works(anew["token"]) and not repo.works(made["token"])
    assert repo.bearer("PUT", path, {"scopes": ["role:edit"]}).status == 400
    assert repo.bearer("PUT", "account/tokens/none-of-this-name", {}).status == 404


def test_every_spelling_of_the_documents_is_served(repo):
    scopes = repo.good("GET", "account/scopes")["scopes"]
    assert len(scopes) == 37
    for path in ("system/scopes", "system/tokens"):
        assert repo.good("GET", path) == scopes
    for path in ("account/tokens", "account/token"):
        made = repo.good("POST", path, {"name": path, "scopes": ["artifact:view"]})
        listed = repo.good("GET", path)
        assert listed["total_count"] == len(listed["items"]) == 1
        item = {key: listed["items"][0][key] for key in ("id", "name", "created_at", "expires_at", "type")}
        assert item == {key: made[key] for key in item}
        assert repo.good("GET", f"{path}/{made['id']}")["name"] == path
        assert repo.bearer("DELETE", f"{path}/{made['id']}").status == 204
    assert repo.bearer("DELETE", "account/tokens/00000000-0000-7000-8000-000000000000").status == 404
    window = [repo.create(f"t{n}", scopes=["artifact:view"])["name"] for n in range(3)][1:2]
    page = repo.good("GET", "account/tokens?offset=1&limit=1")
    assert [item["name"] for item in page["items"]] == window and page["total_count"] == 3

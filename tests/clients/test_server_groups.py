"""Groups, history and the other repositories of Anaconda Server's API."""

import base64
import hashlib
import json
import urllib.request

import packages
import pytest
from server_api import Repo, address, day, fetched, told
from test_server_artifacts import NOTEBOOK, filled


@pytest.fixture(scope="module")
def eve(server):
    """The owner of an organisation and of its channel."""
    eve = Repo(server, "eve-groups").account().cli()
    admin = {"Authorization": f"Bearer {server.admin}"}
    body = {"login": "eve-org", "kind": "organisation", "owners": [eve.login]}
    made = eve.ask("POST", "v1/accounts", body, **admin)
    assert made.status == 201, made.body
    return eve


@pytest.fixture(scope="module")
def fay(server):
    return Repo(server, "fay-groups").account().cli()


def test_groups_hold_levels_on_channels_and_their_members_read(eve, fay):
    organisations = eve.bearer("GET", "organizations/my").json()
    assert [one["name"] for one in organisations] == ["eve-org"]
    assert fay.bearer("GET", "organizations/my").json() == []
    made = eve.bearer("POST", "organizations/eve-org/groups", {"name": "Readers", "description": "who reads"})
    assert made.status == 201, made.body
    assert eve.bearer("POST", "organizations/eve-org/groups", {"name": "readers"}).status == 409
    assert eve.bearer("PUT", f"organizations/eve-org/groups/Readers/members/{fay.login}").status == 200
    listed = eve.bearer("GET", "organizations/eve-org/groups").json()
    assert [one["name"] for one in listed["items"]] == ["Owners", "Readers"] and listed["total_count"] == 2
    assert [one["name"] for one in fay.bearer("GET", "organizations/eve-org/groups").json()["items"]] == ["Readers"]
    shown = eve.bearer("GET", "organizations/eve-org/groups/Readers").json()
    assert [one["login"] for one in shown["members"]] == [fay.login]

    eve.xauth("POST", "channels", {"name": "grouped", "privacy": "private"}, 201)
    eve.xauth("POST", "channels/grouped/subchannels", {"name": "below", "privacy": "private"}, 201)
    for channel in ("grouped", "grouped/below"):
        path = address(channel)
        assert fay.xauth("GET", path).status == 403
        assert eve.items(f"{path}/groups") == ([], 0)
        eve.xauth("PUT", f"{path}/groups/eve-org/Readers", {"permission": "read"}, 200)
        fay.xauth("GET", path, want=200)
        assert fay.xauth("PUT", path, {"privacy": "public"}).status == 403
        [group], total = eve.items(f"{path}/groups")
        assert (group["name"], group["permission"], total) == ("Readers", "read", 1)
        assert fay.items(f"{path}/groups")[1] == 1
        eve.xauth("DELETE", f"{path}/groups/eve-org/Readers", want=204)
        assert fay.xauth("GET", path).status == 403
    assert eve.xauth("PUT", "channels/grouped/groups/eve-org/Readers", {"permission": "own"}).status == 422
    assert eve.xauth("PUT", "channels/grouped/groups/eve-org/Nobody", {"permission": "read"}).status == 404
    eve.xauth("PUT", "channels/grouped/groups/eve-org/Readers", {"permission": "manage"}, 200)
    assert fay.xauth("PUT", "channels/grouped", {"description": "fay was here"}, 200)
    assert eve.bearer("DELETE", "organizations/eve-org/groups/Readers").status == 200
    assert fay.xauth("GET", "channels/grouped").status == 403
    # Whose groups they are not, they do not know of.
    there, never = (told(fay.bearer("GET", f"organizations/{name}/groups"), name) for name in ("eve-org", "neverxx"))
    assert there[0] in (403, 404) and never[0] in (403, 404)


def test_a_history_tells_who_did_what_in_windows(eve, fay, tmp_path):
    eve.xauth("POST", "channels", {"name": "told"}, 201)
    package = packages.conda(tmp_path / "o", tmp_path / "s", "one", "1.0", {"lib/one": "1"})
    assert eve.upload("told", package, "conda1").status == 201
    eve.xauth("PUT", "channels/told", {"privacy": "private"}, 200)
    eve.bulk("told", "delete", [{"name": "one", "family": "conda"}])
    items, total = eve.items("channels/told/history?offset=0&limit=50")
    kinds = [item["event_type"] for item in items]
    assert total == len(items) and {"channel_created", "access_changed", "artifact_published", "artifact_removed"} <= {*kinds}
    assert all(item["event_id"] and item["created"][:10] == day(0) and item["token_id"] for item in items)
    published = items[kinds.index("artifact_published")]["data"]
    assert (published["ckey"], published["artifact_family"]) == (f"linux-64/{package.name}", "conda")
    assert kinds.index("artifact_removed") < kinds.index("artifact_published"), "the newest first"
    windows = [eve.items(f"channels/told/history?offset={n}&limit=1") for n in range(total + 1)]
    assert [item["event_id"] for window, _ in windows for item in window] == [item["event_id"] for item in items]
    assert {counted for _, counted in windows} == {total}
    only, counted = eve.items("channels/told/history?event_type=artifact_removed")
    assert counted == len(only) == 1
    assert eve.items(f"channels/told/history?offset={2**64 - 1}") == ([], total)
    for wrong in ("offset=-1", "event_type=%00"):
        assert eve.xauth("GET", f"channels/told/history?{wrong}").status == 400, wrong
    there, never = (told(fay.xauth("GET", f"channels/{name}/history"), name) for name in ("told", "nope"))
    assert there == never and there[0] == 403
    eve.xauth("POST", "channels/told/subchannels", {"name": "below"}, 201)
    below, _ = eve.items("channels/told/subchannels/below/history")
    assert [item["event_type"] for item in below] == ["channel_created"]


def test_pip_twine_and_notebooks_have_their_addresses_beside_condas(eve, fay, tmp_path):
    eve.xauth("POST", "channels", {"name": "mixed", "privacy": "private"}, 201)
    eve.xauth("POST", "channels/mixed/subchannels", {"name": "stage", "privacy": "private"}, 201)
    basic = base64.b64encode(f"{eve.token}:x-auth-token".encode()).decode()

    def get(path, **headers):
        headers = {"Authorization": f"Basic {basic}", **headers}
        return fetched(urllib.request.Request(eve.server.url + path, headers=headers))

    wheel = packages.wheel(tmp_path / "w", tmp_path / "s", "a_wheel", "1.0")
    for channel in ("mixed", "mixed/stage"):
        # As twine sends it.
        content = wheel.read_bytes()
        fields = {":action": "file_upload", "name": "a-wheel", "version": "1.0", "sha256_digest": hashlib.sha256(content).hexdigest()}
        assert eve.form(f"/api/repo/{channel}", wheel, {"Authorization": f"Basic {basic}"}, **fields).status == 200
        listed = get(f"/api/repo/{channel}/simple/")
        assert listed.status == 200 and b"a-wheel" in listed.body
        assert get(f"/api/repo/{channel}/simple").status == 200
        page = get(f"/api/repo/{channel}/simple/a-wheel/")
        assert page.status == 200 and wheel.name.encode() in page.body
        [file], _ = eve.items(f"{address(channel)}/artifacts/python/a-wheel/files")
        got = get(f"/api/repo/{channel}/{file['ckey']}")
        assert got.status == 200 and got.body == content
        assert fay.ask("GET", f"repo/{channel}/simple/", X_Auth=fay.token).status == 403
        assert fay.ask("GET", f"repo/{channel}/simple/", X_Auth="wrong").status == 401
        # As the R tools send it.
        source = tmp_path / "jsonlite_1.8.8.tar.gz"
        source.write_bytes(b"R " + channel.encode())
        fields = {"filetype": "cran_source_package", "size": source.stat().st_size}
        assert eve.form(f"/api/repo/{channel}", source, {"X-Auth": eve.token}, **fields).status == 201
        assert eve.ckeys(channel, "cran", "jsonlite") == ["jsonlite/1.8.8/jsonlite_1.8.8.tar.gz"]
        notebook = tmp_path / "plot.ipynb"
        notebook.write_text(json.dumps({**NOTEBOOK, "metadata": {"from": channel}}))
        assert eve.upload(channel, notebook, "jupyter_notebook").status == 201
        got = eve.ask("GET", f"repo/{channel}/jupyter/plot.ipynb", X_Auth=eve.token)
        assert got.status == 200 and json.loads(got.body)["metadata"] == {"from": channel}
        assert eve.ask("GET", f"repo/{channel}/jupyter/never.ipynb", X_Auth=eve.token).status == 404
    assert eve.form("/api/repo/mixed", wheel, {"X-Auth": eve.token}, filetype="rpm").status == 422
    hidden = eve.bearer("PATCH", "v1/channels/mixed/packages/notebook/plot", {"private": True})
    assert hidden.status == 200, hidden.body
    eve.xauth("PUT", "channels/mixed", {"privacy": "public"}, 200)
    there, never = (told(fay.ask("GET", f"repo/mixed/jupyter/{name}.ipynb"), name) for name in ("plot", "nope"))
    assert there == never and there[0] == 404


def test_all_of_it_is_also_seen_by_the_one_who_fills_a_channel_anew(eve, fay, tmp_path):
    stock = {"one": packages.conda(tmp_path / "o", tmp_path / "s", "one", "1.0", {"lib/one": "1"})}
    filled(eve, "anew", stock, "one")
    eve.xauth("DELETE", "channels/anew", want=202)
    eve.xauth("POST", "channels", {"name": "anew"}, 201)
    assert eve.items("channels/anew/artifacts") == ([], 0)
    assert [item["event_type"] for item in eve.items("channels/anew/history")[0]] == ["channel_created"]

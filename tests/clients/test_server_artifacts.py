"""Artifacts of Anaconda Server's API: upload, lists, search, copy, move and remove, as `conda repo` calls them."""

import hashlib
import json

import packages
import pytest
from server_api import Repo, told

NOTEBOOK = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}
ITEM = {"name", "family", "channel", "subchannel", "file_count", "download_count", "metadata"}


@pytest.fixture(scope="module")
def cat(server):
    return Repo(server, "cat-artifacts").account().cli()


@pytest.fixture(scope="module")
def dan(server):
    return Repo(server, "dan-artifacts").account().cli()


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    """Packages to fill channels with."""
    out, work = (tmp_path_factory.mktemp(name) for name in ("stock", "stock-src"))
    notebook, environment, project = out / "Nice Plot.ipynb", out / "env.yml", out / "app-2.0.zip"
    notebook.write_text(json.dumps(NOTEBOOK))
    environment.write_text("name: lab\ndependencies: [python]\n")
    project.write_bytes(b"PK a project")
    return {
        "one": packages.conda(out, work, "one", "1.0", {"lib/one": "1"}),
        "one-2": packages.conda(out, work, "one", "2.0", {"lib/one": "2"}, legacy=True),
        "two": packages.conda(out, work, "two", "1.0", {"lib/two": "1"}, noarch="generic"),
        "wheel": packages.wheel(out, work, "a_wheel", "1.0"),
        "sdist": packages.sdist(out, work, "an-sdist", "0.3"),
        "notebook": notebook,
        "environment": environment,
        "project": project,
    }


TYPES = {
    "one": "conda1", "one-2": "conda1", "two": "conda1", "wheel": "bdist_wheel", "sdist": "bdist_wheel",
    "notebook": "jupyter_notebook", "environment": "anaconda_env", "project": "anaconda_project",
}  # fmt: skip


def filled(repo, channel, stock, *names, privacy="public"):
    """A new channel with these files."""
    repo.xauth("POST", "channels", {"name": channel, "privacy": privacy}, 201)
    for name in names:
        answer = repo.upload(channel, stock[name], TYPES[name])
        assert answer.status in (200, 201), answer.body
    return channel


def all_ckeys(repo, channel):
    packages = repo.items(f"channels/{channel}/artifacts")[0] if "/" not in channel else []
    return {(one["family"], one["name"]): repo.ckeys(channel, one["family"], one["name"]) for one in packages}


def test_every_kind_goes_up_and_is_listed(cat, dan, stock):
    filled(cat, "every-kind", stock, *TYPES)
    listed, total = cat.items("channels/every-kind/artifacts")
    assert total == 7 and all(ITEM <= one.keys() for one in listed)
    assert {(one["family"], one["name"], one["file_count"]) for one in listed} == {
        ("conda", "one", 2), ("conda", "two", 1), ("python", "a-wheel", 1), ("python", "an-sdist", 1),
        ("notebook", "nice-plot", 1), ("anaconda_env", "lab", 1), ("anaconda_project", "app", 1),
    }  # fmt: skip
    one = next(item for item in listed if item["name"] == "one")
    assert (one["channel"], one["subchannel"]) == ("every-kind", None)
    assert one["metadata"]["version"] == "2.0" and one["metadata"]["license"] == "MIT"
    assert one["metadata"]["subdirs"] == ["linux-64"] and one["metadata"]["description"] == "one of the tour"
    assert cat.xauth("GET", "channels/every-kind", want=200).json()["artifact_count"] == 7

    shown = cat.xauth("GET", "channels/every-kind/artifacts/conda/one", want=200).json()
    assert shown == one
    files, total = cat.items("channels/every-kind/artifacts/conda/one/files")
    assert total == 2
    for file, path in zip(files, (stock["one"], stock["one-2"])):
        record = file["metadata"]["repodata_record.json"]
        assert file["ckey"] == f"linux-64/{path.name}" == f"{record['subdir']}/{record['fn']}"
        assert (file["name"], file["family"], record["name"]) == ("one", "conda", "one")
        assert file["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        got = cat.ask("GET", f"repo/every-kind/{file['ckey']}", X_Auth=cat.token)
        assert got.status == 200 and got.body == path.read_bytes()
    assert [file["metadata"]["repodata_record.json"]["version"] for file in files] == ["1.0", "2.0"]
    [wheel], _ = cat.items("channels/every-kind/artifacts/python/A.Wheel/files")
    assert wheel["metadata"]["version"] == "1.0" and wheel["ckey"].split("/")[-1] == stock["wheel"].name
    [project], _ = cat.items("channels/every-kind/artifacts/anaconda_project/app/files")
    assert project["metadata"]["version"] == "2.0" and project["ckey"] == "app/2.0/app-2.0.zip"
    # Anybody may look, it is public.
    assert dan.items("channels/every-kind/artifacts")[0] == listed
    assert dan.upload("every-kind", stock["one"], "conda1").status == 403


def test_an_upload_that_is_wrong_is_refused(cat, stock, tmp_path):
    filled(cat, "wrong-uploads", stock, "one")
    assert cat.upload("wrong-uploads", stock["one"], "conda1").status == 200
    other = packages.conda(tmp_path / "o", tmp_path / "s", "one", "1.0", {"lib/one": "other"})
    assert other.name == stock["one"].name
    taken = cat.upload("wrong-uploads", other, "conda1")
    assert taken.status == 409 and taken.json()["message"].startswith("File already exists"), taken.body
    assert cat.upload("wrong-uploads", stock["two"], "rpm").status == 422
    assert cat.upload("wrong-uploads", stock["two"], "bdist_wheel").status == 400
    assert cat.upload("wrong-uploads", stock["two"], "conda1", size=3).status == 400
    empty = tmp_path / "empty-1.0-0.conda"
    empty.write_bytes(b"")
    assert cat.upload("wrong-uploads", empty, "conda1").status == 400
    broken = cat.ask("POST", "channels/wrong-uploads/artifacts", {"not": "a form"}, X_Auth=cat.token)
    assert broken.status == 415
    assert cat.ask("POST", "channels/wrong-uploads/artifacts", X_Auth="nothing").status == 401
    assert cat.ckeys("wrong-uploads", "conda", "one") == [f"linux-64/{stock['one'].name}"]
    assert cat.items("channels/wrong-uploads/artifacts")[1] == 1


def test_lists_are_cut_filtered_and_sorted(cat, stock):
    filled(cat, "sorted", stock, "two", "wheel", "one")

    def names(query):
        listed, total = cat.items(f"channels/sorted/artifacts?{query}")
        return [one["name"] for one in listed], total

    assert names("") == (["a-wheel", "one", "two"], 3)
    assert names("offset=1&limit=1") == (["one"], 3)
    assert names("offset=3&limit=1") == ([], 3)
    assert names(f"offset={2**64 - 1}") == ([], 3)
    assert names("limit=0") == ([], 3)
    assert names("sort=-name") == (["two", "one", "a-wheel"], 3)
    assert names("sort=updated") == (["two", "a-wheel", "one"], 3)
    assert names("sort=-updated") == (["one", "a-wheel", "two"], 3)
    assert names("sort=-download_count") == (["a-wheel", "one", "two"], 3)
    assert names("family=conda") == (["one", "two"], 2)
    assert names("family=conda&subdir=noarch") == (["two"], 1)
    assert names("q=O") == (["one", "two"], 2)
    for wrong in ("sort=colour", "family=rpm"):
        assert cat.xauth("GET", f"channels/sorted/artifacts?{wrong}").status == 422, wrong
    for wrong in ("q=%00", "subdir=%00", "offset=-1"):
        assert cat.xauth("GET", f"channels/sorted/artifacts?{wrong}").status == 400, wrong
    files, total = cat.items("channels/sorted/artifacts/conda/one/files?limit=100")
    assert len(files) == total == 1


def test_search_finds_in_every_channel_what_the_caller_may_see(cat, dan, stock, tmp_path):
    sought = packages.conda(tmp_path / "o", tmp_path / "s", "soughtfor", "1.0", {"lib/x": "x"})
    for channel, privacy in (("search-open", "public"), ("search-closed", "private")):
        filled(cat, channel, stock, privacy=privacy)
        assert cat.upload(channel, sought, "conda1").status == 201
    cat.xauth("POST", "channels/search-closed/subchannels", {"name": "below", "privacy": "public"}, 201)
    assert cat.upload("search-closed/below", sought, "conda1").status == 201

    def found(repo):
        listed, total = repo.items("artifacts?q=soughtfor&limit=50&offset=0&sort=-download_count")
        assert total == len(listed)
        return {f"{one['channel']}/{one['subchannel']}" for one in listed}

    assert found(cat) == {"search-open/None", "search-closed/None", "search-closed/below"}
    assert found(dan) == {"search-open/None", "search-closed/below"}
    everybody = cat.ask("GET", "artifacts?q=soughtfor").json()
    assert everybody["total_count"] == 2
    assert cat.items("artifacts?q=soughtfor&offset=1&limit=1")[1] == 3


def test_copies_and_moves_go_whole_or_not_at_all_and_can_be_repeated(cat, stock):
    source = filled(cat, "bulk-from", stock, "one", "one-2", "two", "wheel", "notebook")
    target = filled(cat, "bulk-to", stock)
    cat.xauth("POST", f"channels/{target}/subchannels", {"name": "stage"}, 201)
    old, new = (f"linux-64/{stock[name].name}" for name in ("one", "one-2"))
    before = all_ckeys(cat, source)
    # A version, as the client spells it: by the ckeys of its files.
    copied = cat.bulk(source, "copy", [{"name": "one", "family": "conda", "ckey": old}], target)
    assert copied.json()["files"] == 1
    assert cat.ckeys(target, "conda", "one") == [old] and all_ckeys(cat, source) == before
    # Whole packages of several kinds, into a subchannel; then once more.
    items = [{"name": "one", "family": "conda"}, {"name": "a_wheel", "family": "python"}]
    items += [{"name": "nice-plot", "family": "notebook"}]
    for _ in range(2):
        cat.bulk(source, "move", items, f"{target}/stage")
        assert cat.ckeys(source, "conda", "one") == cat.ckeys(source, "python", "a-wheel") == []
        assert cat.ckeys(f"{target}/stage", "conda", "one") == [old, new]
        assert len(cat.ckeys(f"{target}/stage", "python", "a-wheel")) == 1
        assert len(cat.ckeys(f"{target}/stage", "notebook", "nice-plot")) == 1
    index = cat.server.get(f"/t/{cat.token}/{target}/stage/linux-64/repodata.json").json()
    assert {*index["packages"], *index["packages.conda"]} == {stock["one"].name, stock["one-2"].name}
    assert not cat.server.get(f"/t/{cat.token}/{source}/linux-64/repodata.json").json()["packages.conda"]
    # By the ckey it had: a repeat too.
    cat.bulk(source, "move", [{"name": "one", "family": "conda", "ckey": old}], f"{target}/stage")
    # Back again, from the subchannel's own address.
    cat.bulk(f"{target}/stage", "move", [{"name": "one", "family": "conda"}], source)
    assert cat.ckeys(source, "conda", "one") == [old, new] and not cat.ckeys(f"{target}/stage", "conda", "one")


def test_one_item_that_is_refused_refuses_them_all(cat, dan, stock, tmp_path):
    source = filled(cat, "whole-from", stock, "one", "two", "wheel")
    target = filled(cat, "whole-to", stock)
    other = packages.conda(tmp_path / "o", tmp_path / "s", "two", "1.0", {"lib/two": "other"}, noarch="generic")
    assert cat.upload(target, other, "conda1").status == 201
    before = all_ckeys(cat, source), all_ckeys(cat, target)
    one, two = {"name": "one", "family": "conda"}, {"name": "two", "family": "conda"}
    wheel = {"name": "a-wheel", "family": "python"}
    for action in ("copy", "move"):
        refused = cat.bulk(source, action, [one, wheel, two], target, want=409).json()
        assert refused["code"] == "conflict" and "two-1.0" in refused["message"], refused
        assert (all_ckeys(cat, source), all_ckeys(cat, target)) == before
    absent = {"name": "one", "family": "conda", "ckey": "linux-64/one-9.9-0.conda"}
    for items in ([one, absent], [absent, one], [wheel, {"name": "never", "family": "conda"}]):
        for action, to in (("copy", target), ("move", target), ("delete", None)):
            assert cat.bulk(source, action, items, to, want=404).json()["code"] == "not_found"
            assert (all_ckeys(cat, source), all_ckeys(cat, target)) == before, (action, items)
    # A locked label keeps every file that bears it, and with it the others.
    assert cat.bearer("PUT", f"v1/channels/{source}/labels/main/lock").status == 200
    cat.bulk(source, "delete", [one, wheel], want=409)
    cat.bulk(source, "move", [one], target, want=409)
    assert cat.bearer("DELETE", f"v1/channels/{source}/labels/main/lock").status == 200
    assert (all_ckeys(cat, source), all_ckeys(cat, target)) == before
    # Whoever may only look may copy to a place of their own, and neither move nor remove.
    own = filled(dan, "dans-own", stock)
    dan.bulk(source, "copy", [one], own)
    dan.bulk(source, "move", [two], own, want=403)
    dan.bulk(source, "delete", [two], want=403)
    dan.bulk(source, "copy", [two], target, want=403)
    assert (all_ckeys(cat, source), all_ckeys(cat, target)) == before and not dan.ckeys(own, "conda", "two")


def test_removed_is_removed_and_can_be_removed_again(cat, stock):
    channel = filled(cat, "bulk-gone", stock, "one", "one-2", "two", "wheel")
    old, new = (f"linux-64/{stock[name].name}" for name in ("one", "one-2"))
    for _ in range(2):
        cat.bulk(channel, "delete", [{"name": "one", "family": "conda", "ckey": old}, {"name": "two", "family": "conda"}])
        assert cat.ckeys(channel, "conda", "one") == [new] and cat.ckeys(channel, "conda", "two") == []
    assert cat.server.get(f"/t/{cat.token}/{channel}/{old}").status == 404
    assert cat.xauth("DELETE", f"channels/{channel}/artifacts/python/a-wheel").status == 202
    assert cat.xauth("DELETE", f"channels/{channel}/artifacts/python/a-wheel").status == 404
    assert cat.items(f"channels/{channel}/artifacts")[1] == 1


def test_a_bulk_request_that_makes_no_sense_is_a_422(cat, stock):
    channel = filled(cat, "senseless", stock, "one")
    one = {"name": "one", "family": "conda"}
    for body in (
        {},
        {"action": "delete"},
        {"action": "delete", "items": []},
        {"action": "burn", "items": [one]},
        {"action": "delete", "items": [{"name": "one"}]},
        {"action": "delete", "items": [one] * 1001},
        {"action": "copy", "items": [one]},
        {"action": "move", "items": [one], "target_channel": channel},
        {"action": "delete", "items": [{**one, "ckey": "linux-64/other-1.0-0.conda"}]},
        {"action": "delete", "items": [{**one, "ckey": "\0"}]},
        [],
    ):
        refused = cat.xauth("PUT", f"channels/{channel}/artifacts/bulk", body)
        assert refused.status == 422, (body, refused.body)
    over = {"action": "delete", "items": [{**one, "ckey": "x" * 2**20}]}
    assert cat.xauth("PUT", f"channels/{channel}/artifacts/bulk", over).status == 413
    nowhere = cat.bulk(channel, "copy", [one], "no-such-channel", want=403).json()
    assert "no-such-channel" in nowhere["detail"]
    cat.bulk(channel, "delete", [one] * 1000)
    assert cat.items(f"channels/{channel}/artifacts") == ([], 0)


def test_a_hidden_package_answers_as_one_that_never_was(cat, dan, stock, tmp_path):
    channel = filled(cat, "hiding", stock, "one")
    made = cat.bearer("POST", f"v1/channels/{channel}/packages", {"kind": "conda", "name": "hidden", "private": True})
    assert made.status == 201, made.body
    hidden = packages.conda(tmp_path / "o", tmp_path / "s", "hidden", "1.0", {"lib/x": "x"})
    assert cat.upload(channel, hidden, "conda1").status == 201
    assert cat.items(f"channels/{channel}/artifacts")[1] == 2
    listed, total = dan.items(f"channels/{channel}/artifacts")
    assert [one["name"] for one in listed] == ["one"] and total == 1
    assert dan.items("artifacts?q=hidden") == ([], 0)
    assert dan.xauth("GET", f"channels/{channel}", want=200).json()["artifact_count"] == 1
    ckey = f"linux-64/{hidden.name}"
    own = filled(dan, "dans-hiding-place", stock)

    def bulk(action, name, key=None):
        item = {"name": name, "family": "conda"}
        if key:
            item["ckey"] = key.replace("hidden", name)
        target = {"target_channel": own} if action != "delete" else {}
        return dan.xauth("PUT", f"channels/{channel}/artifacts/bulk", {"action": action, "items": [item], **target})

    asks = [lambda name: dan.xauth("GET", f"channels/{channel}/artifacts/conda/{name}")]
    asks += [lambda name: dan.xauth("GET", f"channels/{channel}/artifacts/conda/{name}/files")]
    asks += [lambda name: dan.xauth("DELETE", f"channels/{channel}/artifacts/conda/{name}")]
    for action in ("copy", "move", "delete"):
        asks += [lambda name, action=action: bulk(action, name), lambda name, action=action: bulk(action, name, ckey)]
    for ask in asks:
        there, never = (told(ask(name), name) for name in ("hidden", "neveri"))
        assert there == never and there[0] in (403, 404), there
    # Given to them alone, it is there for them.
    given = cat.bearer("PUT", f"v1/channels/{channel}/packages/conda/hidden/grants/{dan.login}", {"level": "manage"})
    assert given.status == 200, given.body
    assert dan.ckeys(channel, "conda", "hidden") == [ckey] and dan.items("artifacts?q=hidden")[1] == 1
    assert bulk("copy", "hidden").status == 202
    # The copy is as private as what was copied.
    assert cat.ask("GET", f"channels/{own}/artifacts/conda/hidden").status == 404
    assert dan.ckeys(own, "conda", "hidden") == [ckey]
    assert bulk("move", "hidden").status == 202 and not dan.ckeys(channel, "conda", "hidden")

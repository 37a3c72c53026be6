"""conda's side with rattler, the engine of pixi: install, caches, upload forms, and the end of a token."""

import asyncio
import hashlib
import json
import re
import subprocess
import sys

import pytest
import rattler_build
import zstandard
from conftest import HERE, run

import conda_install
import packages

INSTALL = HERE / "conda_install.py"


@pytest.fixture(scope="module")
def team(server, made):
    """A private channel with the tour's conda packages, and a token that reads it."""
    server.channel("team")
    server.latchkey("upload", "team", *made["conda"])
    return server.token("team-read", "team:read")


def install(url, prefix, home, hosts=False):
    return run(sys.executable, INSTALL, url, prefix, "hellopy", env=home, hosts=hosts)


def says_hello(prefix):
    ran = subprocess.run(
        [prefix / "bin/python", "-c", "import hellopy; hellopy.main()"], capture_output=True, text=True
    )
    return ran.stdout == "hello from a private channel\n"


def test_a_package_with_dependencies_installs_through_the_token(server, team, home, tmp_path):
    ran = install(f"{server.url}/t/{team['token']}/team", tmp_path / "env", home)
    assert ran.returncode == 0, ran.stderr
    assert says_hello(tmp_path / "env")


@pytest.mark.parametrize(
    "form", ["http://conda.latchkey.test:{port}/t/{token}/team", "http://conda.latchkey.test:{port}/conda/t/{token}/team"]
)
def test_the_same_under_the_conda_host(server, team, home, tmp_path, form):
    url = form.format(port=server.address.split(":")[1], token=team["token"])
    ran = install(url, tmp_path / "env", home, hosts=True)
    assert ran.returncode == 0, ran.stderr
    assert says_hello(tmp_path / "env")


def test_a_revoked_token_is_refused_in_the_clients_words(server, home, tmp_path, team):
    token = server.token("team-short", "team:read")
    url = f"{server.url}/t/{token['token']}/team"
    assert install(url, tmp_path / "before", home).returncode == 0
    revoked = server.latchkey("token", "revoke", token["id"])
    assert revoked["token"]["state"] == "revoked"
    assert revoked["receipt"]["confirmed"] and not revoked["receipt"]["silent"]
    ran = install(url, tmp_path / "after", home)
    assert ran.returncode == 1
    assert "401" in ran.stderr and token["token"] not in ran.stderr, ran.stderr


def test_without_a_token_nothing_is_told(server, team, home, tmp_path):
    there, not_there = (
        install(f"{server.url}/{name}", tmp_path / name, home) for name in ("team", "nosuch")
    )
    assert "401" in there.stderr
    # Both subdirs are asked at once; whichever answers first is named.
    told, told_not = (re.sub("/(noarch|linux-64)/", "/subdir/", ran.stderr) for ran in (there, not_there))
    assert told.replace("team", "nosuch") == told_not


def test_shards_are_read_with_a_cold_and_a_warm_cache(server, team, tmp_path, monkeypatch, home):
    monkeypatch.setenv("RATTLER_AUTH_FILE", home["RATTLER_AUTH_FILE"])
    url = f"{server.url}/t/{team['token']}/team"
    for _ in range(2):
        records = asyncio.run(conda_install.solved(url, ["hellopy"], tmp_path / "cache"))
        names = {record.name.normalized for record in records}
        assert names == {"hellopy", "python", "libtiny", "tinydata"}
    cached = list((tmp_path / "cache").rglob("*shard*"))
    assert cached, "rattler did not use the sharded index"


def test_an_upload_is_seen_by_a_warm_cache_at_once(server, tmp_path, monkeypatch, home):
    monkeypatch.setenv("RATTLER_AUTH_FILE", home["RATTLER_AUTH_FILE"])
    server.channel("fresh")
    token = server.token("fresh-read", "fresh:read")["token"]
    url = f"{server.url}/t/{token}/fresh"
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        made = packages.conda(tmp_path / version, tmp_path / "src", "libfresh", version, {"lib/f": version})
        server.latchkey("upload", "fresh", made)
        records = asyncio.run(conda_install.solved(url, ["libfresh"], tmp_path / "cache"))
        assert [str(record.version) for record in records] == [version]


INDEXES = [
    "repodata.json",
    "repodata.json.zst",
    "repodata_shards.msgpack.zst",
    "run_exports.json",
    "run_exports.json.zst",
]


@pytest.mark.parametrize("subdir", ["noarch", "linux-64", "osx-arm64"])
@pytest.mark.parametrize("index", INDEXES)
def test_every_304_repeats_its_etag_and_head_is_answered(server, team, subdir, index):
    path = f"/t/{team['token']}/team/{subdir}/{index}"
    first = server.get(path)
    assert first.status == 200 and not first.headers["ETag"].startswith("W/")
    again = server.get(path, {"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.headers["ETag"], again.body) == (304, first.headers["ETag"], b"")
    head = server.get(path, method="HEAD")
    assert (head.status, head.headers["Content-Length"], head.body) == (200, str(len(first.body)), b"")
    assert "max-age=0" in first.headers["Cache-Control"] and "private" in first.headers["Cache-Control"]


def test_zst_is_one_frame_with_the_same_content(server, team):
    base = f"/t/{team['token']}/team/linux-64/"
    for name in ("repodata.json", "run_exports.json"):
        plain, packed = server.get(base + name).body, server.get(base + name + ".zst").body
        inflater = zstandard.ZstdDecompressor().decompressobj()
        assert inflater.decompress(packed) == plain
        assert inflater.eof and inflater.unused_data == b"", "one frame, nothing after it"
        assert zstandard.get_frame_parameters(packed).content_size == len(plain)


def test_current_repodata_is_not_there_and_notices_are(server, team):
    base = f"/t/{team['token']}/team"
    assert server.get(f"{base}/linux-64/current_repodata.json").status == 404
    assert server.get(f"{base}/notices.json").json() == {"notices": []}


def test_ranges_of_a_package(server, team, made):
    file = next(path for path in made["conda"] if path.name.startswith("hellopy"))
    path, whole = f"/t/{team['token']}/team/noarch/{file.name}", file.read_bytes()
    full = server.get(path)
    assert full.body == whole and full.headers["Accept-Ranges"] == "bytes"
    tail = server.get(path, {"Range": "bytes=-65536"})
    assert (tail.status, tail.body) == (206, whole[-65536:])
    part = server.get(path, {"Range": "bytes=5-9", "If-Range": full.headers["ETag"]})
    assert (part.status, part.body) == (206, whole[5:10])
    assert part.headers["Content-Range"] == f"bytes 5-9/{len(whole)}"
    other = server.get(path, {"Range": "bytes=5-9", "If-Range": '"other"'})
    assert (other.status, other.body) == (200, whole)
    assert server.get(path, {"Range": f"bytes={len(whole)}-"}).status == 416


def names(server, channel):
    found = {}
    for subdir in ("noarch", "linux-64"):
        index = json.loads(server.get(f"/{channel}/{subdir}/repodata.json", {"X-Auth": server.admin}).body)
        found |= index["packages"] | index["packages.conda"]
    return found


@pytest.mark.parametrize("form", ["quetz", "prefix", "artifactory"])
def test_the_upload_forms_of_rattler_build(server, made, form):
    channel = server.channel(f"forms-{form}")
    write = server.token(f"{form}-write", f"{channel}:write")["token"]
    files = [str(path) for path in made["conda"]]
    if form == "quetz":
        rattler_build.upload_package_to_quetz(files, server.url, channel, api_key=write)
    elif form == "prefix":
        rattler_build.upload_package_to_prefix(files, server.url, channel, api_key=write)
    else:
        rattler_build.upload_package_to_artifactory(files, server.url, channel, token=write)
    found = names(server, channel)
    assert sorted(found) == sorted(path.name for path in made["conda"])
    for path in made["conda"]:
        assert found[path.name]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_read_token_cannot_upload_by_any_form(server, team, made):
    files = [str(made["conda"][0])]
    for upload, secret in (
        (rattler_build.upload_package_to_quetz, "api_key"),
        (rattler_build.upload_package_to_prefix, "api_key"),
        (rattler_build.upload_package_to_artifactory, "token"),
    ):
        with pytest.raises(Exception):
            upload(files, server.url, "team", **{secret: team["token"]})


def test_skip_existing_and_force_of_the_prefix_form(server, tmp_path):
    channel = server.channel("again")
    one = packages.conda(tmp_path / "1", tmp_path / "src1", "libagain", "1.0", {"lib/a": "one"})
    two = packages.conda(tmp_path / "2", tmp_path / "src2", "libagain", "1.0", {"lib/a": "two"})
    upload = rattler_build.upload_package_to_prefix
    upload([str(one)], server.url, channel, api_key=server.admin)
    with pytest.raises(Exception):
        upload([str(two)], server.url, channel, api_key=server.admin)
    upload([str(two)], server.url, channel, api_key=server.admin, skip_existing=True)
    assert names(server, channel)[one.name]["sha256"] == hashlib.sha256(one.read_bytes()).hexdigest()
    upload([str(two)], server.url, channel, api_key=server.admin, force=True)
    assert names(server, channel)[one.name]["sha256"] == hashlib.sha256(two.read_bytes()).hexdigest()

"""Python's side with pip, uv and twine: three URL shapes, metadata, uploads, and the end of a token."""

import hashlib
import re
import subprocess
import sys
import zipfile

import pytest
from conftest import run

import packages

# pip and uv are run as stock programs of the pinned environment.
PIP = [sys.executable, "-m", "pip"]
UV = [sys.executable, "-m", "uv"]
TWINE = [sys.executable, "-m", "twine"]
JSON = "application/vnd.pypi.simple.v1+json"


@pytest.fixture(scope="module")
def wheels(server, made):
    """A private channel with the tour's Python files, and a token that reads it."""
    server.channel("wheels")
    server.latchkey("upload", "wheels", made["tiny-lib"], made["tiny-app"], made["tiny-sdist"])
    return server.token("wheels-read", "wheels:read")


def pip_install(index, target, home, *words, hosts=False):
    host = index.split("@")[-1].split("//")[-1].split("/")[0].split(":")[0]
    command = [*PIP, "install", "--index-url", index, "--trusted-host", host, "--target", target, "--no-build-isolation"]
    return run(*command, *words, env=home, hosts=hosts)


def installed(target):
    return {path.name.split("-")[0] for path in target.glob("*.dist-info")}


@pytest.mark.parametrize("shape", ["{base}", "{base}/simple", "{base}/tiny-lib"])
def test_pip_installs_in_the_three_shapes(server, wheels, home, tmp_path, shape):
    index = shape.format(base=f"{server.url}/t/{wheels['token']}/pypi/wheels")
    ran = pip_install(index, tmp_path / "to", home, "tiny-lib")
    assert ran.returncode == 0, ran.stderr
    assert installed(tmp_path / "to") == {"tiny_lib"}


def test_pip_resolves_a_dependency_from_the_same_index(server, wheels, home, tmp_path):
    ran = pip_install(f"{server.url}/pypi/t/{wheels['token']}/wheels", tmp_path / "to", home, "tiny-app")
    assert ran.returncode == 0, ran.stderr
    assert installed(tmp_path / "to") == {"tiny_lib", "tiny_app"}


def test_pip_builds_the_sdist(server, wheels, home, tmp_path):
    ran = pip_install(f"{server.url}/t/{wheels['token']}/pypi/wheels", tmp_path / "to", home, "tiny-sdist")
    assert ran.returncode == 0, ran.stderr
    assert installed(tmp_path / "to") == {"tiny_sdist"}


@pytest.mark.parametrize("shape", ["", "/simple", "/tiny-lib"])
def test_the_same_under_the_pypi_host(server, wheels, home, tmp_path, shape):
    port = server.address.split(":")[1]
    index = f"http://pypi.latchkey.test:{port}/t/{wheels['token']}/wheels{shape}"
    ran = pip_install(index, tmp_path / "to", home, "tiny-lib", hosts=True)
    assert ran.returncode == 0, ran.stderr
    assert installed(tmp_path / "to") == {"tiny_lib"}


def test_pip_find_links(server, wheels, home, tmp_path):
    links = f"{server.url}/t/{wheels['token']}/pypi/wheels/tiny-lib"
    command = [*PIP, "install", "--no-index", "--find-links", links, "--trusted-host", "127.0.0.1"]
    ran = run(*command, "--target", tmp_path / "to", "tiny-lib", env=home)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("user", ["__token__:{token}", "{token}:x-auth-token", "{token}:"])
def test_uv_installs_with_the_token_as_basic_credentials(server, wheels, home, tmp_path, user):
    index = f"http://{user.format(token=wheels['token'])}@{server.address}/pypi/wheels/simple"
    command = [*UV, "pip", "install", "--index-url", index, "--target", tmp_path / "to", "tiny-app"]
    ran = run(*command, env=home)
    assert ran.returncode == 0, ran.stderr
    assert installed(tmp_path / "to") == {"tiny_lib", "tiny_app"}


def test_a_revoked_token_is_refused_in_each_clients_words(server, wheels, home, tmp_path):
    token = server.token("wheels-short", "wheels:read")
    path = f"{server.url}/t/{token['token']}/pypi/wheels"
    basic = f"http://__token__:{token['token']}@{server.address}/pypi/wheels/simple"
    assert pip_install(path, tmp_path / "a", home, "tiny-lib").returncode == 0
    server.latchkey("token", "revoke", "wheels-short")
    pip = pip_install(path, tmp_path / "b", home, "tiny-lib", "-vv")
    assert pip.returncode != 0 and "403" in pip.stdout + pip.stderr, pip.stdout + pip.stderr
    assert "No matching distribution found for tiny-lib" in pip.stderr
    uv = run(*UV, "pip", "install", "--index-url", basic, "--target", tmp_path / "c", "tiny-lib", env=home)
    assert uv.returncode != 0 and "401" in uv.stderr, uv.stderr
    assert token["token"] not in uv.stderr


def test_twine_uploads_and_says_why_not(server, home, tmp_path, made):
    channel = server.channel("twine")
    write = server.token("twine-write", "twine:write")["token"]
    read = server.token("twine-read", "twine:read")["token"]

    def upload(token, *files):
        url = f"{server.url}/pypi/{channel}"
        return run(*TWINE, "upload", "--repository-url", url, "-u", "__token__", "-p", token, *files, env=home)

    refused = upload(read, made["tiny-lib"])
    assert refused.returncode != 0 and "403" in refused.stdout + refused.stderr
    assert "write" in refused.stdout + refused.stderr, "the reason phrase names the missing level"
    ran = upload(write, made["tiny-lib"], made["tiny-sdist"])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert upload(write, made["tiny-lib"]).returncode == 0, "the same bytes again are no error"
    other = packages.wheel(tmp_path / "out", tmp_path / "src", "tiny-lib", "1.0", dependencies=["six"])
    again = upload(write, other)
    assert again.returncode != 0 and "File already exists" in again.stdout + again.stderr


def test_uv_publishes_and_finds_what_is_there_already(server, home, made):
    channel = server.channel("uvpub")
    write = server.token("uvpub-write", "uvpub:write")["token"]
    url = f"{server.url}/pypi/{channel}"
    command = [*UV, "publish", "--publish-url", url, "--check-url", f"{url}/simple/"]
    for _ in range(2):
        ran = run(*command, "-u", "__token__", "-p", write, made["tiny-lib"], made["tiny-sdist"], env=home)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    index = f"http://__token__:{write}@{server.address}/pypi/{channel}/simple"
    ran = run(*UV, "pip", "install", "--index-url", index, "--target", home["HOME"] + "/to", "tiny-lib", env=home)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("backend", ["setuptools", "hatchling", "flit-core", "maturin"])
def test_metadata_bytes_equal_the_wheels_own(server, tmp_path, backend):
    channel = f"meta-{backend}"
    server.channel(channel)
    wheel = packages.wheel(tmp_path / "out", tmp_path / "src", "Meta.Pkg", "1.0", backend)
    server.latchkey("upload", channel, wheel)
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(name)
    base = f"/t/{server.admin}/pypi/{channel}/meta-pkg/"
    page = server.get(base, {"Accept": JSON}).json()
    file = page["files"][0]
    assert server.get(base + file["url"] + ".metadata").body == metadata
    assert file["core-metadata"] == {"sha256": hashlib.sha256(metadata).hexdigest()}
    assert file["hashes"] == {"sha256": hashlib.sha256(wheel.read_bytes()).hexdigest()}
    assert file["size"] == wheel.stat().st_size and file["filename"] == wheel.name


def test_the_json_page_has_what_the_specs_ask(server, wheels, made):
    page = server.get(f"/t/{wheels['token']}/pypi/wheels/simple/tiny-lib/", {"Accept": JSON})
    assert page.headers["Content-Type"] == JSON and "Accept" in page.headers["Vary"]
    body = page.json()
    assert body["meta"]["api-version"] == "1.4" and body["name"] == "tiny-lib" and body["versions"] == ["1.0"]
    file = body["files"][0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", file["upload-time"])
    assert file["requires-python"] == ">=3.8" and "?" not in file["url"] and "dist-info-metadata" not in file


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "text/html"),
        ("*/*", "text/html"),
        (f"{JSON}, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01", JSON),
        (f"{JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01", JSON),
        (f"{JSON}, */*;q=0.1", JSON),
        ("application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.v1+html"),
        ("application/vnd.pypi.simple.latest+json", JSON),
        ("image/png", None),
    ],
)
def test_content_negotiation_as_each_client_asks(server, wheels, accept, kind):
    answer = server.get(
        f"/t/{wheels['token']}/pypi/wheels/simple/tiny-lib/", {"Accept": accept} if accept else None
    )
    if kind is None:
        assert answer.status == 406
    else:
        assert answer.headers["Content-Type"].split(";")[0] == kind


def test_the_html_page_links_with_both_metadata_attributes(server, wheels):
    html = server.get(f"/t/{wheels['token']}/pypi/wheels/simple/tiny-lib/").body.decode()
    assert 'name="pypi:repository-version" content="1.4"' in html
    assert "data-core-metadata=" in html and "data-dist-info-metadata=" in html
    assert 'data-requires-python="&gt;=3.8"' in html and wheels["token"] not in html


def test_the_project_list_holds_every_project_once(server, wheels):
    listed = server.get(f"/t/{wheels['token']}/pypi/wheels/simple/", {"Accept": JSON}).json()
    assert [project["name"] for project in listed["projects"]] == ["tiny-app", "tiny-lib", "tiny-sdist"]


def test_a_package_scoped_index_knows_only_its_package(server, wheels):
    base = f"/t/{wheels['token']}/pypi/wheels"
    assert server.get(f"{base}/tiny-lib/tiny-lib/").status == 200
    assert server.get(f"{base}/tiny-lib/tiny-app/").status == 404
    assert server.get(f"{base}/TINY_Lib").status in (200, 301)


def test_head_and_ranges_of_a_wheel_as_uv_asks(server, wheels, made):
    path = f"/t/{wheels['token']}/pypi/wheels/tiny-lib/"
    file = path + server.get(path, {"Accept": JSON}).json()["files"][0]["url"]
    whole = made["tiny-lib"].read_bytes()
    head = server.get(file, method="HEAD")
    assert (head.status, head.headers["Accept-Ranges"], head.headers["Content-Length"]) == (200, "bytes", str(len(whole)))
    part = server.get(file, {"Range": f"bytes={len(whole) - 100}-{len(whole) - 1}", "Accept-Encoding": "identity"})
    assert (part.status, part.body) == (206, whole[-100:])
    cache = server.get(file).headers["Cache-Control"]
    assert "immutable" in cache and "private" in cache


def test_the_documents_command_makes_no_request_and_says_so(server, wheels, home):
    """P18 taken literally names no package: pip itself asks for one."""
    ran = subprocess.run(
        [*PIP, "install", "--index-url", f"{server.url}/t/{wheels['token']}/pypi/wheels/tiny-lib"],
        env=home,
        capture_output=True,
        text=True,
    )
    assert ran.returncode != 0 and "must give at least one requirement" in ran.stderr

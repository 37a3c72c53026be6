"""Every kind of file by every word of Anaconda Repository's clients, unmodified: up with and without labels and --private,
again, by force, shown, found, moved, copied, down, removed. And the same of rattler-build's four forms of upload."""

import functools
import hashlib
import io
import json
import pathlib
import subprocess
import tarfile

import packages
import pytest
import rattler_build
from conftest import HERE
from test_anaconda import VERSIONS, Client, Person
from test_repository import files, says

# anaconda-client 1.14 and later refuse environments by themselves, 1.13 and later notebooks.
KINDS = ["conda", "tar.bz2", "wheel", "sdist", "file", "r", "env"]
REPLACED = {"conda", "tar.bz2", "file", "r", "env"}


@pytest.fixture(scope="module")
def people(server, made):
    return functools.cache(lambda login: Person(server, login, made))


@pytest.fixture(params=VERSIONS)
def client(request, server, people, home):
    """Signed in, which makes the public channel of the same name."""
    client = Client(request.param, server, people(f"kinds{request.param[-2:]}"), home)
    client.version = request.param
    client.log_in(typed="y\n")
    yield client
    client.ok(*client.org, "logout")


def r_package(out, name, version, tag):
    """An R package as sources, of which these clients read DESCRIPTION and NAMESPACE."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}_{version}.tar.gz"
    texts = {"DESCRIPTION": f"Package: {name}\nVersion: {version}\nTitle: {tag}\nLicense: MIT\n", "NAMESPACE": ""}
    with tarfile.open(path, "w:gz") as archive:
        for file, text in texts.items():
            member = tarfile.TarInfo(f"{name}/{file}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def build(kind, out, name, version, tag="one"):
    """A file of the kind, whose bytes depend on the tag; and what the client must be told of it."""
    folder, work = out / version / tag, out / version / f"{tag}-src"
    told = ["-t", "file", "-p", name, "-v", version, "-s", "some numbers"]
    match kind:
        case "conda" | "tar.bz2":
            return packages.conda(folder, work, name, version, {"lib/a": tag}, legacy=kind == "tar.bz2"), []
        case "wheel":
            return packages.wheel(folder, work, name, version, dependencies=[f"tag-{tag}"]), []
        case "sdist":
            return packages.sdist(folder, work, name, version, dependencies=[f"tag-{tag}"]), []
        case "r":
            return r_package(folder, name, version, tag), ["-s", "an R package"]
        case "file":
            packages.write(folder / f"{name}.csv", f"a,b\n1,{tag}\n")
            return folder / f"{name}.csv", told
        case "env":
            packages.write(folder / "environment.yml", f"name: {name}\ndependencies:\n  - {tag}\n")
            return folder / "environment.yml", ["-v", version]


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def basename(kind, path):
    return f"linux-64/{path.name}" if kind in ("conda", "tar.bz2") else path.name


def is_known(server, owner, name):
    """Whether anybody at all sees the package."""
    found = server.get(f"/api/search?name={name}").json()
    assert (server.get(f"/api/package/{owner}/{name}").status == 200) == bool(found)
    return bool(found)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_by_every_word(server, client, tmp_path, kind):
    if kind == "env" and client.version != "anaconda_1_13":
        path, told = build(kind, tmp_path, "kindenv", "1.0")
        refused = client.run("upload", *told, str(path))
        assert refused.returncode != 0 and not is_known(server, client.person.login, "kindenv")
        return
    owner, name = client.person.login, f"kind{kind.replace('.', '')}"
    package = f"{owner}/{name}"
    one, told = build(kind, tmp_path, name, "1.0")
    two, _ = build(kind, tmp_path, name, "1.0", "two")
    file = f"{package}/1.0/{basename(kind, one)}"

    def stored():
        return next(it for it in files(server, owner).values() if it["name"] == name and it["version"] == "1.0")

    client.ok("upload", "--private", "-l", "dev", "-l", "rc1", *told, str(one))
    assert stored()["labels"] == ["dev", "rc1"] and stored()["sha256"] == digest(one)
    assert not is_known(server, owner, name)

    again = says(client, "upload", "-l", "dev", *told, str(two), ok=False)
    assert "already exists" in again, again
    client.ok("upload", "--skip-existing", "-l", "dev", *told, str(two))
    assert stored()["sha256"] == digest(one)
    forced = client.run("upload", "--force", "-l", "dev", "-l", "rc1", *told, str(two))
    if kind in REPLACED:
        assert forced.returncode == 0 and stored()["sha256"] == digest(two), forced.stdout + forced.stderr
    else:
        # These clients remove a file before they replace it; a Python file's name stands for its bytes for ever.
        said = forced.stdout + forced.stderr
        assert forced.returncode != 0 and "already exists" in said, said
        client.ok("upload", "--private", "-l", "dev", "-l", "rc1", *told, str(one))
    assert stored()["labels"] == ["dev", "rc1"]
    assert not is_known(server, owner, name)

    assert "private" in says(client, "show", package)
    assert basename(kind, one) in says(client, "show", f"{package}/1.0")
    assert basename(kind, one) in says(client, "show", file)
    assert package in says(client, "search", name)
    down = tmp_path / "down"
    down.mkdir()
    for more in ([], ["-f"]):
        ran = subprocess.run([client.program, "download", *more, package], env=client.env, cwd=down)
        assert ran.returncode == 0
    assert digest(down / basename(kind, one)) == stored()["sha256"]

    client.ok("move", "--from-label", "dev", "--to-label", "staging", file)
    assert stored()["labels"] == ["rc1", "staging"]
    client.ok("move", "--from-label", "rc1", "--to-label", "main", f"{package}/1.0")
    assert stored()["labels"] == ["main", "staging"]
    assert package in says(client, "label", "-o", owner, "--show", "staging")

    target = f"{owner}-{name}"
    server.latchkey("channel", "create", target, "--public", token=client.person.session)
    said = says(client, "copy", "--to-owner", target, "--from-label", "staging", "--to-label", "rc", file)
    assert basename(kind, one) in said, said
    [copied] = files(server, target).values()
    assert (copied["labels"], copied["sha256"]) == (["rc"], stored()["sha256"])
    assert not is_known(server, target, name), "what was private is private where it is copied to"
    says(client, "copy", "--to-owner", target, f"{package}/1.0")
    assert files(server, target)[one.name]["labels"] == ["main", "rc"]

    newer, told = build(kind, tmp_path, name, "1.1")
    client.ok("upload", *told, str(newer))
    [latest] = [it for it in files(server, owner).values() if (it["name"], it["version"]) == (name, "1.1")]
    assert latest["labels"] == ["main"] and not is_known(server, owner, name)
    client.ok("remove", "-f", file)
    listed = says(client, "show", package)
    assert "1.1" in listed
    client.ok("remove", "-f", f"{package}/1.1")
    client.ok("remove", "-f", package)
    assert client.run("show", package).returncode != 0
    assert name not in {it["name"] for it in files(server, owner).values()}


def test_a_notebook_is_private_from_its_first_moment(server, client, tmp_path):
    owner, path = client.person.login, tmp_path / "closed.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}))
    python = pathlib.Path(client.program).with_name("python")
    words = [f"{server.url}/api", client.saved(), owner, "ipynb", "closednotes", "1.0", path, "--private", "dev"]
    ran = subprocess.run([*map(str, [python, HERE / "repository.py", *words])], env=client.env, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert files(server, owner)["closed.ipynb"]["labels"] == ["dev"]
    assert not is_known(server, owner, "closednotes")
    package = f"{owner}/closednotes"
    assert "private" in says(client, "show", package) and package in says(client, "search", "closednotes")
    client.ok("move", "--from-label", "dev", "--to-label", "main", f"{package}/1.0/closed.ipynb")
    client.ok("download", "-o", str(tmp_path / "down"), package)
    assert digest(tmp_path / "down/closed.ipynb") == digest(path)
    client.ok("remove", "-f", package)
    assert client.run("show", package).returncode != 0


def test_an_update_is_taken_and_changes_nothing_of_who_sees_a_package(server, client, tmp_path):
    owner = client.person.login
    path, _ = build("conda", tmp_path, "updated", "1.0")
    client.ok("upload", "--private", str(path))
    told = tmp_path / "told.json"
    told.write_text(json.dumps({"public": True, "summary": "what it is for", "public_attrs": {"public": True}}))
    client.ok("update", f"{owner}/updated", str(told))
    client.ok("update", "--release", f"{owner}/updated/1.0", str(told))
    other, _ = build("tar.bz2", tmp_path, "updated", "1.0")
    client.ok("upload", "--force-metadata-update", str(other))
    assert not is_known(server, owner, "updated")


FORMS = ["quetz", "prefix", "artifactory", "anaconda"]


def uploader(server, form, channel, secret):
    """Uploads one file by the form; raises where it is refused."""
    match form:
        case "quetz":
            return lambda path: rattler_build.upload_package_to_quetz([str(path)], server.url, channel, api_key=secret)
        case "prefix":
            return lambda path: rattler_build.upload_package_to_prefix([str(path)], server.url, channel, api_key=secret)
        case "artifactory":
            return lambda path: rattler_build.upload_package_to_artifactory([str(path)], server.url, channel, token=secret)
        case "anaconda":
            to = {"channel": ["main"], "api_key": secret, "url": f"{server.url}/api"}
            return lambda path: rattler_build.upload_package_to_anaconda([str(path)], channel, **to)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("legacy", [False, True])
def test_rattler_builds_forms_refuse_other_bytes_and_leave_what_is_private(server, tmp_path, form, legacy):
    channel = server.channel(f"kinds-{form}-{'old' if legacy else 'new'}", "public")
    write = server.token(f"{channel}-write", f"{channel}:write")["token"]
    upload, name = uploader(server, form, channel, write), f"libform{form}{legacy}".lower()
    server.latchkey("package", "create", channel, name, "--kind", "conda", "--private")

    def build(version, tag):
        return packages.conda(tmp_path / tag, tmp_path / f"{tag}-src", name, version, {"lib/a": tag}, legacy=legacy)

    one, two, newer = build("1.0", "one"), build("1.0", "two"), build("1.1", "newer")
    upload(one)
    with pytest.raises(Exception):
        upload(two)
    upload(newer)
    found = files(server, channel)
    assert {it: found[it]["sha256"] for it in found} == {one.name: digest(one), newer.name: digest(newer)}
    assert not is_known(server, channel, name)
    assert name not in server.get(f"/{channel}/linux-64/repodata.json").body.decode()


@pytest.mark.parametrize("form", FORMS)
def test_the_same_bytes_again_are_no_fault_by_the_forms_that_send_them(server, tmp_path, form):
    channel = server.channel(f"kinds-{form}-same")
    upload = uploader(server, form, channel, server.token(f"{channel}-write", f"{channel}:write")["token"])
    one = packages.conda(tmp_path / "1", tmp_path / "s", "libsame", "1.0", {"lib/a": "one"})
    upload(one)
    if form == "anaconda":
        # It asks whether a file of that name is there, and is told.
        with pytest.raises(Exception):
            upload(one)
    else:
        upload(one)
    [only] = files(server, channel).values()
    assert only["sha256"] == digest(one)

"""Anaconda Repository's clients, unmodified: packages of every kind up, shown, found, down, labelled, copied, removed."""

import functools
import hashlib
import json
import pathlib
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import packages
import pytest
import rattler_build
from conftest import HERE
from test_anaconda import VERSIONS, Client, Person, ask

NOTEBOOK = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}


@pytest.fixture(scope="module")
def people(server, made):
    return functools.cache(lambda login: Person(server, login, made))


@pytest.fixture(params=VERSIONS)
def client(request, server, people, home):
    """Signed in, which makes the channel of the same name."""
    person = people(f"maker{request.param[-2:]}")
    client = Client(request.param, server, person, home)
    client.log_in(typed="y\n")
    yield client
    client.ok(*client.org, "logout")


def files(server, owner, token=None):
    listed = ask(server, "GET", f"/api/v1/channels/{owner}/artifacts?page_size=1000", token=token or server.admin)
    return {one["filename"]: one for one in listed["artifacts"]}


def says(client, *words, ok=True):
    ran = client.run(*words)
    said = ran.stdout + ran.stderr
    assert not ok or ran.returncode == 0, said
    return said


def test_conda_and_python_packages_go_up_and_come_down_the_same(server, client, tmp_path, monkeypatch):
    owner = client.person.login
    conda = packages.conda(tmp_path / "c", tmp_path / "s", "libfirst", "1.0", {"lib/a": "one"})
    wheel = packages.wheel(tmp_path / "w", tmp_path / "s", "first_wheel", "1.0")
    client.ok("upload", str(conda))
    client.ok("upload", "-l", "Dev", "-l", "rc1", str(wheel))
    found = files(server, owner)
    assert found[conda.name]["labels"] == ["main"]
    assert found[wheel.name]["labels"] == ["dev", "rc1"]
    assert found[conda.name]["sha256"] == hashlib.sha256(conda.read_bytes()).hexdigest()

    shown = says(client, "show", f"{owner}/libfirst")
    assert "libfirst" in shown and "1.0" in shown and "public" in shown, shown
    assert conda.name in says(client, "show", f"{owner}/libfirst/1.0")
    assert "linux-64" in says(client, "show", f"{owner}/libfirst/1.0/linux-64/{conda.name}")
    listed = says(client, "show", owner)
    assert f"{owner}/libfirst" in listed and f"{owner}/first-wheel" in listed, listed
    assert f"{owner}/libfirst" in says(client, "search", "libfirs")
    assert f"{owner}/libfirst" not in says(client, "search", "libfirs", "-t", "pypi")

    down = tmp_path / "down"
    down.mkdir()
    for name, path in (("libfirst", pathlib.Path("linux-64") / conda.name), ("first-wheel", wheel.name)):
        ran = subprocess.run([client.program, "download", f"{owner}/{name}"], env=client.env, cwd=down, text=True)
        assert ran.returncode == 0
        original = conda if name == "libfirst" else wheel
        assert (down / path).read_bytes() == original.read_bytes()


def test_duplicates_are_refused_skipped_and_forced(server, client, tmp_path):
    owner = client.person.login
    one = packages.conda(tmp_path / "1", tmp_path / "s1", "libdouble", "1.0", {"lib/a": "one"})
    two = packages.conda(tmp_path / "2", tmp_path / "s2", "libdouble", "1.0", {"lib/a": "two"})
    client.ok("upload", str(one))
    again = client.run("upload", str(two))
    assert again.returncode != 0 and "already exists" in again.stdout + again.stderr, again
    client.ok("upload", "--skip-existing", str(two))
    assert files(server, owner)[one.name]["sha256"] == hashlib.sha256(one.read_bytes()).hexdigest()
    client.ok("upload", "--force", str(two))
    assert files(server, owner)[one.name]["sha256"] == hashlib.sha256(two.read_bytes()).hexdigest()

    wheel = packages.wheel(tmp_path / "w1", tmp_path / "s1", "double_wheel", "1.0")
    client.ok("upload", str(wheel))
    assert client.run("upload", str(wheel)).returncode != 0
    client.ok("upload", "--force", str(wheel))
    assert files(server, owner)[wheel.name]["sha256"] == hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_any_file_goes_up_under_the_name_and_version_it_is_given(server, client, tmp_path):
    owner = client.person.login
    data = tmp_path / "data.csv"
    data.write_text("a,b\n1,2\n")
    client.ok("upload", "-t", "file", "-p", "numbers", "-v", "2.0", "-s", "some numbers", str(data))
    found = files(server, owner)["data.csv"]
    assert (found["kind"], found["name"], found["version"]) == ("file", "numbers", "2.0")
    assert "data.csv" in says(client, "show", f"{owner}/numbers/2.0")
    client.ok("remove", "-f", f"{owner}/numbers/2.0/data.csv")
    assert "data.csv" not in files(server, owner)


def test_notebooks_and_environments_by_the_clients_own_library(server, client, tmp_path):
    owner = client.person.login
    notebook, environment = tmp_path / "notes.ipynb", tmp_path / "environment.yml"
    notebook.write_text(json.dumps(NOTEBOOK))
    environment.write_text("name: stats\ndependencies:\n  - python\n")
    python = pathlib.Path(client.program).with_name("python")
    for kind, name, path, labels in (("ipynb", "notes", notebook, ["dev"]), ("env", "stats", environment, [])):
        command = [python, HERE / "repository.py", f"{server.url}/api", client.saved(), owner, kind, name, "1.0", path]
        ran = subprocess.run([*map(str, command), *labels], env=client.env, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        again = subprocess.run([*map(str, command), *labels], env=client.env, capture_output=True, text=True)
        assert again.returncode != 0 and "already exists" in again.stderr, again.stderr
    found = files(server, owner)
    assert (found["notes.ipynb"]["kind"], found["notes.ipynb"]["labels"]) == ("notebook", ["dev"])
    assert (found["environment.yml"]["kind"], found["environment.yml"]["labels"]) == ("environment", ["main"])
    for kind, name in (("ipynb", "notes"), ("env", "stats")):
        assert f"{owner}/{name}" in says(client, "search", name, "-t", kind)
    client.ok("download", "-t", "env", "-o", str(tmp_path / "down"), f"{owner}/stats")
    assert (tmp_path / "down/environment.yml").read_bytes() == environment.read_bytes()


def test_labels_are_moved_copied_locked_and_removed(server, client, tmp_path):
    owner = client.person.login
    made = packages.conda(tmp_path / "c", tmp_path / "s", "liblabel", "1.0", {"lib/a": "one"})
    client.ok("upload", "-l", "dev", str(made))

    def borne():
        return files(server, owner)[made.name]["labels"]

    assert borne() == ["dev"]
    client.ok("move", "--from-label", "dev", "--to-label", "staging", f"{owner}/liblabel/1.0")
    assert borne() == ["staging"]
    verb = ["label", "-o", owner]
    listed = says(client, *verb, "--list")
    assert "staging" in listed and "main" in listed, listed
    assert f"{owner}/liblabel/1.0" in says(client, *verb, "--show", "staging")
    client.ok(*verb, "--copy", "staging", "stable")
    assert borne() == ["stable", "staging"]
    client.ok(*verb, "--lock", "stable")
    assert "locked" in says(client, *verb, "--list") or "[locked]" in says(client, *verb, "--show", "stable")
    refused = client.run(*verb, "--remove", "stable")
    assert "is locked" in refused.stdout + refused.stderr, refused
    client.ok(*verb, "--unlock", "stable")
    client.ok(*verb, "--remove", "stable")
    assert borne() == ["staging"]


def test_a_version_is_copied_to_another_owner(server, client, tmp_path):
    owner = client.person.login
    target = f"{owner}-copies"
    server.latchkey("channel", "create", target, "--private", token=client.person.session)
    made = packages.conda(tmp_path / "c", tmp_path / "s", "libcopy", "1.0", {"lib/a": "one"})
    client.ok("upload", "-l", "dev", str(made))
    copy = ["copy", "--to-owner", target, "--from-label", "dev", "--to-label", "main", f"{owner}/libcopy/1.0"]
    assert "libcopy" in says(client, *copy)
    found = files(server, target)[made.name]
    assert (found["labels"], found["sha256"]) == (["main"], hashlib.sha256(made.read_bytes()).hexdigest())
    says(client, *copy)
    other = packages.conda(tmp_path / "o", tmp_path / "t", "libcopy", "1.0", {"lib/a": "two"})
    client.ok("upload", "--force", "-l", "dev", str(other))
    refused = client.run(*copy)
    assert refused.returncode != 0 and "conflict" in (refused.stdout + refused.stderr).lower(), refused
    says(client, *copy, "--update")
    assert files(server, target)[made.name]["sha256"] == hashlib.sha256(made.read_bytes()).hexdigest()
    says(client, *copy, "--replace")
    assert files(server, target)[made.name]["sha256"] == hashlib.sha256(other.read_bytes()).hexdigest()


def test_packages_versions_and_files_are_removed(server, client, tmp_path):
    owner = client.person.login
    made = [
        packages.conda(tmp_path / v, tmp_path / f"s{v}", "libgone", v, {"lib/a": v}) for v in ("1.0", "2.0", "3.0")
    ]
    client.ok("upload", *map(str, made))
    client.ok("remove", "-f", f"{owner}/libgone/1.0/linux-64/{made[0].name}")
    client.ok("remove", "-f", f"{owner}/libgone/2.0")
    assert {made[0].name, made[1].name, made[2].name} & set(files(server, owner)) == {made[2].name}
    client.ok("remove", "-f", f"{owner}/libgone")
    assert made[2].name not in files(server, owner)
    absent = client.run("show", f"{owner}/libgone")
    assert absent.returncode != 0, absent


def test_a_private_package_is_private_from_its_first_moment_and_stays_so(server, client, tmp_path):
    owner, session = client.person.login, client.person.session
    made = packages.conda(tmp_path / "c", tmp_path / "s", "libsecret", "1.0", {"lib/a": "one"})
    client.ok("upload", "--private", str(made))
    index = f"/{owner}/linux-64/repodata.json"
    assert made.name in server.get(index, {"X-Auth": session}).body.decode()
    assert made.name not in server.get(index).body.decode()
    assert server.get(f"/api/package/{owner}/libsecret").status == 404
    assert "private" in says(client, "show", f"{owner}/libsecret")
    # rattler-build's PATCH says `public: true` with every upload.
    again = packages.conda(tmp_path / "d", tmp_path / "t", "libsecret", "1.1", {"lib/a": "two"})
    rattler_build.upload_package_to_anaconda([str(again)], owner, channel=["main"], api_key=client.saved(), url=f"{server.url}/api")
    assert again.name in server.get(index, {"X-Auth": session}).body.decode()
    assert "libsecret" not in server.get(index).body.decode()
    assert server.get(f"/api/package/{owner}/libsecret").status == 404
    assert "libsecret" not in server.get("/api/search?name=libsecret").body.decode()


def test_a_private_channel_stays_private_whatever_an_uploader_says(server, client, tmp_path):
    """rattler-build says `public: true` of every package it uploads again."""
    channel = client.person.channel
    for version in ("1.0", "1.1"):
        made = packages.conda(tmp_path / version, tmp_path / f"s{version}", "libhidden", version, {"lib/a": version})
        rattler_build.upload_package_to_anaconda(
            [str(made)], channel, channel=["main"], api_key=client.saved(), url=f"{server.url}/api"
        )
        assert made.name in files(server, channel, client.person.session)
    assert server.get(f"/{channel}/linux-64/repodata.json").status == 401
    assert server.get(f"/api/package/{channel}/libhidden").status == 401
    assert "libhidden" not in server.get("/api/search?name=libhidden").body.decode()


def test_rattler_builds_anaconda_form_with_duplicates_and_force(server, client, tmp_path):
    owner = client.person.login
    one = packages.conda(tmp_path / "1", tmp_path / "s1", "librattler", "1.0", {"lib/a": "one"})
    two = packages.conda(tmp_path / "2", tmp_path / "s2", "librattler", "1.0", {"lib/a": "two"})
    upload = functools.partial(
        rattler_build.upload_package_to_anaconda, owner=owner, channel=["dev"], api_key=client.saved(), url=f"{server.url}/api"
    )
    upload([str(one)])
    assert files(server, owner)[one.name]["labels"] == ["dev"]
    with pytest.raises(Exception):
        upload([str(two)])
    assert files(server, owner)[one.name]["sha256"] == hashlib.sha256(one.read_bytes()).hexdigest()
    upload([str(two)], force=True)
    assert files(server, owner)[one.name]["sha256"] == hashlib.sha256(two.read_bytes()).hexdigest()


def form(server, url, fields, content):
    """The second step as the clients send it: fields, then the file, and no credentials."""
    boundary = "xxBOUNDARYxx"
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
    body = "".join([*parts, head]).encode() + content + f"\r\n--{boundary}--\r\n".encode()
    path = urllib.parse.urlsplit(url).path
    request = urllib.request.Request(server.url + path, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        assert b"<Code>" in refused.read()
        return refused.code


def test_a_ticket_is_good_once_and_only_while_its_token_lives(server, client, tmp_path):
    owner = client.person.login
    path = f"/{owner}/ticket/1.0/ticket.bin"
    token = client.make("uploader", "api:write api:read")
    stage = {"distribution_type": "file", "channels": []}
    once = ask(server, "POST", f"/api/stage{path}", stage, token)
    assert form(server, once["post_url"], {}, b"bytes") == 403
    assert form(server, once["post_url"], {"ticket": once["form_data"]["ticket"][:-2]}, b"bytes") == 403
    assert form(server, once["post_url"], once["form_data"], b"bytes") == 201
    assert form(server, once["post_url"], once["form_data"], b"other") == 409
    digest = hashlib.sha256(b"expected").hexdigest()
    wrong = ask(server, "POST", f"/api/stage{path}", stage | {"sha256": digest}, token)
    assert form(server, wrong["post_url"], wrong["form_data"], b"bytes") == 400

    def commit(dist_id, token):
        data = json.dumps({"dist_id": dist_id}).encode()
        headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{server.url}/api/commit{path}", data, headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status
        except urllib.error.HTTPError as refused:
            return refused.code

    assert commit(once["dist_id"], client.person.session) == 400, "another token's announcement"
    assert commit(once["dist_id"], token) == 200
    assert commit(once["dist_id"], token) == 400, "the upload is gone"
    late = ask(server, "POST", "/api/stage" + path.replace("1.0", "2.0"), stage, token)
    client.ok("auth", "--remove", "uploader")
    assert form(server, late["post_url"], late["form_data"], b"bytes") == 403
    assert commit(late["dist_id"], token) == 401


@pytest.fixture(scope="module")
def organisations(server):
    """Each with a person as its owner, a channel of its name, and the session of somebody who is in no group."""

    @functools.cache
    def make(person):
        login, other = f"lab{person.login[-2:]}", f"peer{person.login[-2:]}"
        password = f"{other} has a long password"
        account = {"login": login, "kind": "organisation", "owners": [person.login]}
        made = ask(server, "POST", "/api/v1/accounts", account, server.admin)
        ask(server, "POST", "/api/v1/accounts", {"login": other, "kind": "person", "password": password}, server.admin)
        channel = {"name": login, "privacy": "public", "owner_id": made["id"]}
        ask(server, "POST", "/api/v1/channels", channel, person.session)
        session = ask(server, "POST", "/api/v1/session", {"login": other, "password": password})
        return login, other, session["token"]

    return make


@pytest.fixture
def organisation(client, organisations):
    return organisations(client.person)


def sees(server, token, owner, name):
    return server.get(f"/api/package/{owner}/{name}", {"Authorization": f"token {token}"}).status == 200


def test_groups_hold_people_and_packages(server, client, organisation, tmp_path):
    login, other, session = organisation
    data = tmp_path / "data.csv"
    data.write_text("a,b\n")
    words = ("-t", "file", "-p", "closed", "-v", "1.0", "-s", "closed numbers", "--private", str(data))
    client.ok("upload", "-u", login, *words)
    client.ok("groups", "add", f"{login}/readers")
    client.ok("groups", "add", f"{login}/bosses", "--perms", "admin")
    again = client.run("groups", "add", f"{login}/readers")
    assert again.returncode != 0 and "of this name already" in again.stdout + again.stderr, again

    shown = says(client, "groups", "show", login)
    for words in ("'Owners'", "'readers'", "'read'", "'bosses'", "'admin'"):
        assert words in shown, shown
    assert "'permission': 'read'" in says(client, "groups", "show", f"{login}/readers")
    assert client.person.login in says(client, "groups", "members", f"{login}/Owners")

    client.ok("groups", "add_package", f"{login}/readers/closed")
    listed = says(client, "groups", "packages", f"{login}/readers")
    assert f"{login}/closed" in listed, listed
    assert not sees(server, session, login, "closed")
    client.ok("groups", "add_member", f"{login}/readers/{other}")
    assert other in says(client, "groups", "members", f"{login}/readers")
    assert sees(server, session, login, "closed")
    known = ask(server, "GET", "/api/groups", token=session)["groups"]
    assert [(one["organization"], one["name"], one["permission"]) for one in known] == [(login, "readers", "read")]

    client.ok("groups", "remove_package", f"{login}/readers/closed")
    assert not sees(server, session, login, "closed")
    client.ok("groups", "add_package", f"{login}/bosses/closed")
    assert not sees(server, session, login, "closed")
    client.ok("groups", "add_member", f"{login}/bosses/{other}")
    assert sees(server, session, login, "closed")
    client.ok("groups", "remove_member", f"{login}/bosses/{other}")
    assert not sees(server, session, login, "closed")

    for wrong in (f"{login}/nobodys", f"{login}/readers/nobody-of-this-name"):
        verb = "add_member" if wrong.count("/") == 2 else "show"
        refused = client.run("groups", verb, wrong)
        assert refused.returncode != 0 and "no " in refused.stdout + refused.stderr, refused
    refused = client.run("groups", "add_package", f"{login}/readers/absent")
    assert refused.returncode != 0 and "no such package" in refused.stdout + refused.stderr, refused


def test_only_owners_change_groups(server, client, organisation):
    login, _, session = organisation
    for method, path in (
        ("POST", f"/api/group/{login}/mine"),
        ("PUT", f"/api/group/{login}/readers/members/x"),
        ("DELETE", f"/api/group/{login}/readers/members/{client.person.login}"),
    ):
        request = urllib.request.Request(server.url + path, method=method)
        request.add_header("Authorization", f"Bearer {session}")
        with pytest.raises(urllib.error.HTTPError) as refused:
            server.open(request)
        assert refused.value.code == 403, (method, path)


def test_collaborators_read_and_write_one_package(server, client, organisation, tmp_path):
    owner, (_, other, session) = client.person.login, organisation
    data = tmp_path / "data.csv"
    data.write_text("a,b\n")
    client.ok("upload", "-t", "file", "-p", "shared", "-v", "1.0", "-s", "s", "--private", str(data))
    package = f"{owner}/shared"
    assert not sees(server, session, owner, "shared")
    client.ok("package", "--add-collaborator", other, package)
    assert other in says(client, "package", "--list-collaborators", package)
    assert sees(server, session, owner, "shared")
    grants = ask(server, "GET", f"/api/v1/channels/{owner}/packages/file/shared/grants", token=client.person.session)
    assert [(one["login"], one["level"]) for one in grants["grants"]] == [(other, "write")]
    refused = client.run("package", "--add-collaborator", "nobody-of-this-name", package)
    assert refused.returncode != 0, refused
    # The command has no word for it; its library has.
    python = pathlib.Path(client.program).with_name("python")
    code = "import sys, binstar_client as b; b.Binstar(*sys.argv[1:3]).package_remove_collaborator(*sys.argv[3:])"
    words = [python, "-c", code, client.saved(), f"{server.url}/api", owner, "shared", other]
    ran = subprocess.run([*map(str, words)], env=client.env, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert not sees(server, session, owner, "shared")
    assert other not in says(client, "package", "--list-collaborators", package)


def test_a_package_is_made_before_its_first_file_and_stays_private(server, client, organisation, tmp_path):
    owner, (_, _, session) = client.person.login, organisation
    client.ok("package", "--create", "--private", "--summary", "soon", f"{owner}/coming")
    conda = packages.conda(tmp_path / "c", tmp_path / "s", "coming", "1.0", {"lib/a": "one"})
    client.ok("upload", str(conda))
    assert sees(server, client.saved(), owner, "coming") and not sees(server, session, owner, "coming")

"""anaconda-client as it was ten years ago and as it is now: sign in, make a token, install with it, take it away."""

import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.request

import pytest
from conftest import HERE, ROOT, run

INSTALL = HERE / "conda_install.py"
# `./check` makes these environments; LATCHKEY_CLIENTS names another folder of them.
CLIENTS = os.environ.get("LATCHKEY_CLIENTS", str(ROOT / "tools"))
TOKEN = re.compile(r"\blk[a-z]-[0-9A-Za-z]{36}\b")
# The newer client opens a menu for the bare verbs, which both spell.
VERSIONS = {"anaconda_1_13": [], "anaconda_1_16": ["org"]}
SCOPES = "all api api:modify-group api:read api:write conda conda:download pypi pypi:download pypi:upload repos".split()


def ask(server, method, path, body=None, token=None):
    """One request in JSON; what is refused is an error of the test."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data, headers, method=method)
    with server.open(request) as answer:
        return json.loads(answer.read())


class Person:
    """Somebody with a password, a private channel and nothing else."""

    def __init__(self, server, login, made):
        self.login, self.password = login, f"{login} has a long password"
        account = {"login": login, "kind": "person", "password": self.password}
        ask(server, "POST", "/api/v1/accounts", account, server.admin)
        self.session = ask(server, "POST", "/api/v1/session", {"login": login, "password": self.password})["token"]
        self.channel = f"{login}-shelf"
        server.latchkey("channel", "create", self.channel, "--private", token=self.session)
        server.latchkey("upload", self.channel, *made["conda"], made["tiny-lib"], token=self.session)


class Client:
    """anaconda-client of one version with a home of its own."""

    def __init__(self, version, server, person, home):
        self.program = os.path.join(CLIENTS, version, "bin/anaconda")
        assert os.path.exists(self.program), f"{self.program} is missing: ./check makes it"
        self.org, self.person, self.home = VERSIONS[version], person, pathlib.Path(home["HOME"])
        self.env = {key: home[key] for key in ("PATH", "HOME", "ANACONDA_TELEMETRY_ENABLED")}
        self.env.update(ANACONDA_CLIENT_LEGACY_INTERACTIVE_LOGIN="1", PYTHONWARNINGS="ignore")
        if server.ca:
            self.env["REQUESTS_CA_BUNDLE"] = server.ca
        self.ok("config", "--set", "url", f"{server.url}/api")

    def run(self, *words, typed=""):
        # Away from the terminal, so that a password is read from what is typed here.
        return subprocess.run(
            [self.program, *words], env=self.env, input=typed, capture_output=True, text=True, start_new_session=True
        )

    def ok(self, *words, typed=""):
        ran = self.run(*words, typed=typed)
        assert ran.returncode == 0, f"{words}: {ran.stdout}\n{ran.stderr}"
        return f"{ran.stdout}\n{ran.stderr}"

    def log_in(self, typed=""):
        said = self.ok("login", "--username", self.person.login, "--password", self.person.password, typed=typed)
        assert "login successful" in said, said
        return self.saved()

    def saved(self):
        """The token of the last sign-in, from the client's files."""
        found = {path.read_text() for path in self.home.rglob("*.token")}
        return found.pop() if found else None

    def make(self, name, scopes, *words):
        words = [*words, "--scopes", scopes] if scopes else words
        said = self.ok("auth", "--create", "--name", name, *words, typed=self.person.password + "\n")
        return TOKEN.search(said)[0]


@pytest.fixture(scope="module")
def people(server, made):
    return functools.cache(lambda login: Person(server, login, made))


@pytest.fixture(params=VERSIONS)
def client(request, server, people, home):
    person = people(f"user{request.param[-2:]}")
    return Client(request.param, server, person, home)


def installs(server, channel, token, home, to):
    """Whether py-rattler and pip install from the private channel with this token; both must say the same."""
    trust = {"SSL_CERT_FILE": server.ca, "PIP_CERT": server.ca} if server.ca else {"PIP_TRUSTED_HOST": "127.0.0.1"}
    home = dict(home, **trust)
    conda = run(sys.executable, INSTALL, f"{server.url}/t/{token}/{channel}", to / "conda", "hellopy", env=home)
    index = f"{server.url}/t/{token}/pypi/{channel}/simple"
    words = ["--no-cache-dir", "--index-url", index, "--target", to / "pip", "tiny-lib"]
    pip = run(sys.executable, "-m", "pip", "install", *words, env=home)
    said = conda.stdout + conda.stderr + pip.stdout + pip.stderr
    assert conda.returncode == 0 or token not in conda.stderr, said
    assert (conda.returncode == 0) == (pip.returncode == 0), said
    return conda.returncode == 0


def test_login_whoami_and_logout(server, client):
    token = client.log_in()
    said = client.ok(*client.org, "whoami")
    assert f"Username: {client.person.login}" in said, said
    assert "logout successful" in client.ok(*client.org, "logout")
    assert client.saved() is None
    assert server.get("/api/user", {"Authorization": f"token {token}"}).status == 401
    assert "Anonymous User" in client.run(*client.org, "whoami").stderr + client.run(*client.org, "whoami").stdout


def test_the_session_of_a_sign_in_does_not_stay(server, client):
    def live():
        listed = ask(server, "GET", "/api/v1/tokens?sessions=true&page_size=200", token=client.person.session)
        return {one["id"]: one["kind"] for one in listed["tokens"] if one["state"] == "live"}

    before = live()
    client.log_in()
    after = live()
    assert [kind for id, kind in after.items() if id not in before] == ["scoped"]
    client.ok(*client.org, "logout")
    assert live() == before


@pytest.mark.parametrize("flag", ["--remove", "-r"])
def test_a_made_token_installs_until_it_is_removed(server, client, home, tmp_path, flag):
    client.log_in()
    name = f"ci{flag}"
    token = client.make(name, "repos conda:download")
    assert installs(server, client.person.channel, token, home, tmp_path / "before")
    assert f"Removed token {name}" in client.ok("auth", flag, name)
    assert not installs(server, client.person.channel, token, home, tmp_path / "after")
    client.ok(*client.org, "logout")


def test_list_info_and_scopes(client):
    client.log_in()
    client.make("listed", "repos conda:download")
    listed = client.ok("auth", "--list")
    assert "listed" in listed and "conda:download" in listed and "repos" in listed, listed
    info = client.ok("auth", "--info")
    assert re.search(r"Name: binstar_client:.+@", info) and re.search(r"Id: [0-9a-f-]{36}", info), info
    scopes = client.ok("auth", "--list-scopes").splitlines()
    assert [line for line in scopes if line in SCOPES] == SCOPES
    refused = client.run("auth", "--create", "--name", "odd", "--scopes", "fly", typed=client.person.password + "\n")
    assert refused.returncode != 0 and "fly" in refused.stdout + refused.stderr, refused
    client.ok("auth", "--remove", "listed")
    client.ok(*client.org, "logout")


def test_a_second_login_from_the_same_host_replaces_the_first(server, client):
    first = client.log_in()
    second = client.log_in(typed="y\n")
    status = [server.get("/api/authentication", {"Authorization": f"token {one}"}).status for one in (first, second)]
    assert first != second and status == [401, 200]
    client.ok(*client.org, "logout")


def test_names_hold_what_clients_put_into_them(client):
    client.log_in()
    name = "binstar_client:somebody@build-7.example"
    client.make(name, "conda")
    assert name in client.ok("auth", "--list")
    client.ok("auth", "--remove", name)
    assert name not in client.ok("auth", "--list")
    refused = client.run("auth", "--remove", "never-made")
    assert refused.returncode != 0 and "there is no such token" in refused.stdout + refused.stderr, refused
    client.ok(*client.org, "logout")


def test_a_wrong_password_is_said_and_not_repeated(server, client):
    wrong = "not the password at all"
    ran = client.run("login", "--username", client.person.login, "--password", wrong, typed="also wrong\nand again\n")
    said = ran.stdout + ran.stderr
    assert ran.returncode != 0 and "Invalid Username password combination" in said, said
    assert client.saved() is None
    logged = (server.work / "up.log").read_text()
    assert wrong not in logged and client.person.password not in logged


def test_no_scopes_are_full_access_and_a_host_is_shown(client):
    client.log_in()
    client.make("everything", None)
    row = next(line for line in client.ok("auth", "--list").splitlines() if "everything" in line)
    assert row.split()[-1] == "all" and os.uname().nodename in row, row
    client.ok("auth", "--remove", "everything")
    client.ok(*client.org, "logout")


def test_a_token_of_an_organisation_is_made_and_removed_by_its_owner(server, client):
    org = f"{client.person.login}-org"
    body = {"login": org, "kind": "organisation", "owners": [client.person.login]}
    ask(server, "POST", "/api/v1/accounts", body, server.admin)
    client.log_in()
    token = client.make("theirs", "conda:download", "-o", org)
    owner = json.loads(server.get("/api/user", {"Authorization": f"token {token}"}).body)
    assert (owner["login"], owner["user_type"]) == (org, "org")
    assert "theirs" not in client.ok("auth", "--list")
    mine = server.get("/api/user/orgs", {"Authorization": f"token {client.saved()}"}).json()
    assert [one["login"] for one in mine] == [org]
    client.ok("auth", "--remove", "theirs", "-o", org)
    assert server.get("/api/user", {"Authorization": f"token {token}"}).status == 401
    refused = client.run("auth", "--remove", "theirs", "-o", "somebody-elses")
    assert refused.returncode != 0 and "you own no organisation" in refused.stdout + refused.stderr, refused
    client.ok(*client.org, "logout")


def test_what_conda_token_set_asks(server, people):
    """The one HEAD of `conda token set`, as it is sent, with the token where conda and rattler put it."""
    person = people("vendor")
    token = server.token("vendor-read", "vendor-shelf:read")["token"]
    forms = ["/t/{}/repo/{}/noarch/repodata.json", "/repo/t/{}/{}/noarch/repodata.json"]

    def status(token, channel):
        found = {server.get(form.format(token, channel), method="HEAD").status for form in forms}
        assert len(found) == 1, found
        return found.pop()

    assert status(token, "main") == 401
    for name, privacy in (("main", "public"), ("r", "authenticated"), ("msys2", "private")):
        server.latchkey("channel", "create", name, f"--{privacy}", token=person.session)
    good = ask(
        server,
        "POST",
        "/api/authentications",
        {"note": "shared", "scopes": ["conda:download"], "max-age": 3600},
        person.session,
    )["token"]
    for name in ("main", "r", "msys2"):
        assert status(good, name) == 200
        assert status(good[:-1] + ("0" if good[-1] != "0" else "1"), name) == 401
        assert server.get(f"/repo/{name}/noarch/repodata.json", method="HEAD").status == 401
    removed = server.get("/api/authentications/name/shared", {"Authorization": f"Bearer {person.session}"}, "DELETE")
    assert removed.status == 201
    assert [status(good, name) for name in ("main", "r", "msys2")] == [401, 401, 401]

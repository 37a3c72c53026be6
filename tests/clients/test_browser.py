"""Signing in by browser over HTTPS: anaconda-client as it is now, and a real browser that it opens."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from conftest import HERE, ROOT, run
from test_anaconda import TOKEN, Client, Person, ask, installs

SIGN_IN = HERE / "browser/sign_in.cjs"
NODE_MODULES = ROOT / "tools/browser/node_modules"


@pytest.fixture(scope="module")
def person(tls_server, made):
    return Person(tls_server, "browsing", made)


class Browsing(Client):
    """It signs in with the browser that BROWSER names, as Python's `webbrowser` reads it."""

    def __init__(self, server, person, home, tmp_path):
        super().__init__("anaconda_1_16", server, person, home)
        del self.env["ANACONDA_CLIENT_LEGACY_INTERACTIVE_LOGIN"]
        node = shutil.which("node")
        assert node and NODE_MODULES.exists(), "node or playwright-core is missing: ./check gets both"
        self.report = tmp_path / "browser.json"
        self.env.update(
            # It goes on beside the client, which waits for the browser to come back.
            BROWSER=f"{node} {SIGN_IN} %s &",
            NODE_PATH=str(NODE_MODULES),
            SIGN_IN_TLS=str(server.data / "tls"),
            SIGN_IN_REPORT=str(self.report),
            SIGN_IN_LOGIN=person.login,
        )

    def as_person(self, *passwords):
        self.env["SIGN_IN_PASSWORDS"] = json.dumps(passwords or (self.person.password,))
        self.report.unlink(missing_ok=True)
        return self

    def seen(self):
        """What the browser wrote down before it closed; the client may have been quicker."""
        wait = f"until [ -s '{self.report}' ]; do sleep 0.1; done"
        subprocess.run(["timeout", "60", "sh", "-c", wait], check=True)
        seen = json.loads(self.report.read_text())
        assert "error" not in seen, seen
        return seen


@pytest.fixture
def client(tls_server, person, home, tmp_path):
    return Browsing(tls_server, person, home, tmp_path)


def sessions(server, person):
    listed = ask(server, "GET", "/api/v1/tokens?sessions=true&page_size=200", token=person.session)["tokens"]
    return [one for one in listed if one["name"] == "browser sign-in" and one["state"] == "live"]


def test_login_whoami_list_and_logout(tls_server, client, person):
    before = len(sessions(tls_server, person))
    said = client.as_person().ok("org", "login")
    assert "login successful" in said, said
    seen = client.seen()
    assert seen["title"] == "You are signed in", seen
    assert [form["title"] for form in seen["forms"]] == ["Sign in to Latchkey"], seen
    assert f"Username: {person.login}" in client.ok("org", "whoami")
    assert "binstar_client:" in client.ok("auth", "--list")
    token = client.saved()
    opened = sessions(tls_server, person)
    assert len(opened) == before + 1 and opened[0]["kind"] == "session", opened
    assert "logout successful" in client.ok("org", "logout")
    assert tls_server.get("/api/user", {"Authorization": f"token {token}"}).status == 401


def test_a_token_made_with_the_browser_installs_until_it_is_removed(tls_server, client, person, home, tmp_path):
    said = client.as_person().ok("auth", "--create", "--name", "N", "--scopes", "repos conda:download")
    token = TOKEN.search(said)[0]
    client.seen()
    assert installs(tls_server, person.channel, token, home, tmp_path / "before")
    client.as_person().ok("org", "login")
    client.seen()
    listed = client.ok("auth", "--list")
    assert any("conda:download" in line or "repos" in line for line in listed.splitlines()), listed
    assert "Removed token N" in client.ok("auth", "--remove", "N")
    assert not installs(tls_server, person.channel, token, home, tmp_path / "after")
    client.ok("org", "logout")


def test_a_wrong_password_is_said_on_the_page_and_a_right_one_goes_on(client, person):
    said = client.as_person("not the password at all", person.password).ok("org", "login")
    assert "login successful" in said, said
    second = client.seen()["forms"][1]
    assert "Login or password is wrong." in second["text"], second
    client.ok("org", "logout")


def test_cancel_ends_the_sign_in(client):
    ran = client.as_person(None).run("org", "login")
    assert ran.returncode != 0, ran
    assert client.seen()["title"] == "You are not signed in"
    assert client.saved() is None


def test_the_browser_tells_nobody_and_runs_nothing(tls_server, client):
    client.as_person().ok("org", "login")
    seen = client.seen()
    program = "http://127.0.0.1:8000/auth/oidc"
    expected = [
        ("GET", f"{tls_server.url}/-/oauth/authorize"),
        ("POST", f"{tls_server.url}/-/oauth/authorize"),
        ("GET", program),
        ("GET", f"{tls_server.url}/app/local-login-success"),
    ]
    asked = [(one["method"], one["at"]) for one in seen["addresses"] if not one["at"].endswith("/favicon.ico")]
    assert asked == expected, seen
    assert all(one["referer"] is None for one in seen["addresses"]), seen
    assert [one["at"] for one in seen["addresses"] if "code" in one["names"]] == [program], seen
    assert not [words for words in seen["said"] if "Content Security Policy" in words], seen
    log = (tls_server.work / "up.log").read_text()
    assert client.person.password not in log and client.saved() not in log
    client.ok("org", "logout")


def test_the_password_flow_over_tls(tls_server, person, home, tmp_path):
    client = Client("anaconda_1_16", tls_server, person, home)
    client.log_in()
    assert f"Username: {person.login}" in client.ok("org", "whoami")
    token = client.make("by-password", "repos conda:download")
    assert installs(tls_server, person.channel, token, home, tmp_path / "before")
    client.ok("auth", "--remove", "by-password")
    assert not installs(tls_server, person.channel, token, home, tmp_path / "after")
    client.ok("org", "logout")


def test_uv_and_the_command_trust_the_authority(tls_server, person, home, tmp_path):
    token = ask(
        tls_server,
        "POST",
        "/api/v1/tokens",
        {"name": "uv", "grants": [{"channel": person.channel, "level": "read"}]},
        person.session,
    )["token"]
    index = f"https://__token__:{token}@{tls_server.address}/pypi/{person.channel}/simple"
    words = ["pip", "install", "--no-cache", "--index-url", index, "--target", tmp_path / "uv", "tiny-lib"]
    uv = os.path.join(os.path.dirname(sys.executable), "uv")
    refused = run(uv, *words, env=home)
    assert refused.returncode != 0 and "certificate" in refused.stderr, refused
    installed = run(uv, *words, env=dict(home, SSL_CERT_FILE=tls_server.ca))
    assert installed.returncode == 0, installed.stderr
    assert tls_server.latchkey("whoami", token=person.session)["account"]["login"] == person.login
    untrusted = dict(home, LATCHKEY_URL=tls_server.url, LATCHKEY_TOKEN=person.session)
    ran = run(tls_server.facts["latchkey"], "whoami", env=untrusted)
    assert ran.returncode == 7 and "LATCHKEY_CA" in ran.stderr, ran

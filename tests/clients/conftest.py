"""One server for all tests here, started as a stranger would: `latchkey up`. Clients are stock and unmodified."""

import json
import os
import pathlib
import ssl
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

import packages  # noqa: E402

# Real host names of the promises, seen by one client run only: its own mount namespace has another /etc/hosts.
HOSTS = "127.0.0.1 conda.latchkey.test pypi.latchkey.test api.latchkey.test\n"


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Server:
    """A running `latchkey up`, and what is said to it."""

    def __init__(self, data, *options):
        self.data, self.options = data, options
        self.process = None
        self.facts = {}
        self.work = data.parent

    def start(self):
        command = os.environ.get("LATCHKEY_BIN", str(ROOT / "target/debug/latchkey"))
        self.process = subprocess.Popen(
            [command, "up", "--data", self.data, "--listen", "127.0.0.1:0", *self.options],
            stdout=subprocess.PIPE,
            stderr=(self.work / "up.log").open("a"),
            text=True,
            cwd=ROOT,
        )
        facts = self.data / "up.json"
        for _ in self.process.stdout:
            if facts.exists():
                break
        else:
            raise RuntimeError((self.work / "up.log").read_text()[-4000:])
        self.facts = json.loads(facts.read_text())
        return self

    def stop(self):
        self.process.terminate()
        self.process.communicate(timeout=60)

    @property
    def url(self):
        return self.facts["http"].rstrip("/")

    @property
    def address(self):
        return self.url.split("://")[1]

    @property
    def ca(self):
        """The certificate authority to trust, if it has one of its own."""
        return self.facts["tls_ca"]

    @property
    def admin(self):
        return self.facts["admin_token"]

    def latchkey(self, *words, token=None, ok=True):
        """The command with --json: its last line, read."""
        env = dict(os.environ, LATCHKEY_URL=self.url, LATCHKEY_TOKEN=token or self.admin)
        if self.ca:
            env["LATCHKEY_CA"] = self.ca
        command = [self.facts["latchkey"], *map(str, words), "--json"]
        ran = subprocess.run(command, env=env, capture_output=True, text=True)
        if ok and ran.returncode != 0:
            raise AssertionError(f"{words}: {ran.returncode}\n{ran.stdout}\n{ran.stderr}")
        return json.loads(ran.stdout.strip().splitlines()[-1]) if ok else ran

    def channel(self, name, privacy="private"):
        self.latchkey("channel", "create", name, f"--{privacy}")
        return name

    def token(self, name, *resources):
        words = [word for resource in resources for word in ("--resource", resource)]
        return self.latchkey("token", "create", name, *words, "--expires", "30d")

    def open(self, request):
        """The answer to a request; one that is refused is an error."""
        return urllib.request.urlopen(request, context=ssl.create_default_context(cafile=self.ca) if self.ca else None)

    def get(self, path, headers=None, method="GET"):
        request = urllib.request.Request(self.url + path, headers=headers or {}, method=method)
        try:
            with self.open(request) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as refused:
            return Answer(refused.code, refused.headers, refused.read())


def run(*command, cwd=None, env=None, hosts=False):
    """Runs a stock client with a home of its own. Returns what it said and how it ended."""
    command = [str(word) for word in command]
    if hosts:
        table = pathlib.Path(env["HOME"]) / "hosts"
        table.write_text(HOSTS)
        # Root needs no user namespace for it, and in a container has none.
        user = [] if os.geteuid() == 0 else ["-r"]
        mount = f'mount --bind "{table}" /etc/hosts && exec "$@"'
        command = ["unshare", *user, "-m", "sh", "-c", mount, "sh", *command]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("up") / "data").start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def tls_server(tmp_path_factory):
    """The same over HTTPS."""
    server = Server(tmp_path_factory.mktemp("up-tls") / "data", "--tls").start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The packages of the tour."""
    out = tmp_path_factory.mktemp("packages")
    return {
        "conda": packages.hello(out, out / "src"),
        "tiny-lib": packages.wheel(out, out / "src", "tiny-lib", "1.0"),
        "tiny-app": packages.wheel(out, out / "src", "tiny-app", "2.0", "hatchling", ["tiny-lib>=1.0"]),
        "tiny-sdist": packages.sdist(out, out / "src", "tiny-sdist", "0.3"),
    }


@pytest.fixture
def home(tmp_path):
    """The environment of a client that has never run here before."""
    folder = tmp_path / "home"
    folder.mkdir()
    kept = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
    return dict(
        kept,
        HOME=str(folder),
        RATTLER_AUTH_FILE=str(folder / "auth.json"),
        PIP_CONFIG_FILE=os.devnull,
        PIP_DISABLE_PIP_VERSION_CHECK="1",
        PIP_NO_INPUT="1",
        UV_CACHE_DIR=str(folder / "uv"),
        UV_NO_CONFIG="1",
        # It would look for a server outside, and wait for it, at the end of every command.
        ANACONDA_TELEMETRY_ENABLED="false",
        PYTHONPATH=str(HERE),
    )

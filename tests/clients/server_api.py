"""Speaks Anaconda Server's API by the calls that `conda repo` was recorded to make. The client itself is no Python package."""

import base64
import datetime
import json
import pathlib
import urllib.error
import urllib.request

from conftest import Answer

CLI_TOKEN = "repo-cli-token-build-7"
BOUNDARY = "c0ffee0123456789"


class Repo:
    """What `conda repo` does on the wire: Bearer for the account's tokens, X-Auth for everything else."""

    def __init__(self, server, login):
        self.server, self.login, self.password = server, login, f"{login} has a long password"
        self.jwt = self.token = None

    def ask(self, method, path, body=None, **headers):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **{key.replace("_", "-"): value for key, value in headers.items()}}
        request = urllib.request.Request(self.server.url + "/api/" + path, data, headers, method=method)
        return fetched(request)

    def bearer(self, method, path, body=None):
        return self.ask(method, path, body, Authorization=f"Bearer {self.jwt}")

    def good(self, method, path, body=None):
        answer = self.bearer(method, path, body)
        assert answer.status == 200, answer.body
        return answer.json()

    def sign_in(self):
        answer = self.ask("POST", "auth/login", {"username": self.login, "password": self.password})
        assert answer.status == 200, answer.body
        self.jwt = answer.json()["token"]
        return self

    def claims(self):
        """As the client reads them: with the other alphabet of base64, which drops `-` and `_` silently."""
        payload = self.jwt.split(".")[1]
        assert not set(payload) & {"-", "_"}
        return json.loads(base64.b64decode(payload + "=" * (-len(payload) % 4), validate=True))

    def cli_token(self):
        """`conda repo login`: refreshes the token it finds by its name, or makes it of all scopes there are."""
        self.sign_in()
        known = [item for item in self.good("GET", "account/tokens")["items"] if item["name"] == CLI_TOKEN]
        if known:
            return self.good("PUT", f"account/tokens/{known[0]['id']}", {})["token"]
        scopes = self.good("GET", "account/scopes")["scopes"]
        body = {"name": CLI_TOKEN, "expires_at": day(365), "scopes": scopes}
        return self.good("POST", "account/tokens", body)["token"]

    def create(self, name, **body):
        return self.good("POST", "account/tokens", {"name": name, "expires_at": day(30), **body})

    def names(self):
        return {item["name"] for item in self.good("GET", "account/tokens")["items"]}

    def index(self, token, channel):
        return self.server.get(f"/t/{token}/{channel}/noarch/repodata.json").status

    def works(self, token):
        return self.ask("GET", "account", X_Auth=token).status == 200

    def account(self):
        """The account of this login, made by the administrator, and its first sign-in."""
        admin = {"Authorization": f"Bearer {self.server.admin}"}
        body = {"login": self.login, "kind": "person", "password": self.password}
        made = self.ask("POST", "v1/accounts", body, **admin)
        assert made.status == 201, made.body
        return self.sign_in()

    def cli(self):
        """From now on the client has its token."""
        self.token = self.cli_token()
        return self

    def xauth(self, method, path, body=None, want=None):
        answer = self.ask(method, path, body, X_Auth=self.token)
        assert want is None or answer.status == want, (method, path, answer.status, answer.body)
        return answer

    def items(self, path):
        """What a list holds, and how many it says there are."""
        listed = self.xauth("GET", path, want=200).json()
        return listed["items"], listed["total_count"]

    def upload(self, channel, file, filetype, **fields):
        """The form of `conda repo upload`, part by part in its order."""
        size = pathlib.Path(file).stat().st_size
        fields = {"filetype": filetype, "size": size, **fields}
        return self.form(f"/api/channels/{channel}/artifacts", file, {"X-Auth": self.token}, **fields)

    def form(self, path, file, headers, **fields):
        """A form with a file in it, first."""
        file = pathlib.Path(file)
        named = f'Content-Disposition: form-data; name="content"; filename="{file.name}"'
        parts = [named.encode() + b"\r\n\r\n" + file.read_bytes()]
        for name, value in fields.items():
            parts.append(f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode())
        mark = b"--" + BOUNDARY.encode()
        body = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", **headers}
        return fetched(urllib.request.Request(self.server.url + path, body, headers, method="POST"))

    def bulk(self, channel, action, items, target=None, want=202):
        """`conda repo copy|move|remove`: a subchannel has a field of its own, and an address of its own."""
        body = {"action": action, "items": items}
        if target:
            body["target_channel"], *below = target.split("/")
            body.update({"target_subchannel": name for name in below})
        return self.xauth("PUT", f"{address(channel)}/artifacts/bulk", body, want)

    def ckeys(self, channel, family, name):
        """The ckeys of a package's files; none where the package is not there."""
        answer = self.xauth("GET", f"{address(channel)}/artifacts/{family}/{name}/files")
        assert answer.status in (200, 404), answer.body
        return sorted(file["ckey"] for file in answer.json()["items"]) if answer.status == 200 else []


def address(channel):
    return "channels/" + channel.replace("/", "/subchannels/")


def fetched(request):
    try:
        with urllib.request.urlopen(request) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as refused:
        return Answer(refused.code, refused.headers, refused.read())


def told(answer, name, request_id=True):
    """All that an answer tells, with what differs between any two requests and the name asked for blotted out."""
    body = answer.json()
    if request_id:
        assert body.pop("request_id")
    headers = {key.lower(): value for key, value in answer.headers.items()}
    for key in ("date", "x-request-id"):
        headers.pop(key, None)
    return answer.status, headers, json.dumps(body).replace(name, "-" * len(name))


def day(ahead):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=ahead)).strftime("%Y-%m-%d")

"""Fills a server for the load measurements, by its own interfaces: packages, people, groups, tokens."""

import concurrent.futures
import hashlib
import http.client
import io
import json
import random
import tarfile
import threading
import zipfile

import msgpack
import zstandard

UPLOADERS = 16
PASSWORD = "a long enough password"
VERSIONS = 5


class Api:
    """Calls with one credential; a connection for each thread."""

    def __init__(self, port, token):
        self.port, self.token, self.local = port, token, threading.local()

    def as_(self, token):
        return Api(self.port, token)

    def call(self, method, path, body=None, headers=None, ok=(200, 201)):
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = self.local.connection = http.client.HTTPConnection("127.0.0.1", self.port)
        credential = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            connection.request(method, path, body, {**credential, **(headers or {})})
            answer = connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            # The server closes a connection on which nothing was asked for a while.
            connection.close()
            connection.request(method, path, body, {**credential, **(headers or {})})
            answer = connection.getresponse()
        text = answer.read()
        if answer.status not in ok:
            raise SystemExit(f"{method} {path.split('/t/')[0]}: {answer.status} {text[:300]}")
        return text

    def json(self, method, path, body=None, ok=(200, 201)):
        text = json.dumps(body).encode() if body is not None else None
        return json.loads(self.call(method, path, text, {"Content-Type": "application/json"}, ok) or b"null")

    def get(self, path):
        """By the token in the path alone."""
        return Api.call(Api(self.port, None), "GET", path) if path.startswith("/t/") else self.call("GET", path)


def etag(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("HEAD", path)
    answer = connection.getresponse()
    answer.read()
    return answer.headers["ETag"]


def packed(members):
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return zstandard.compress(tar.getvalue(), 1)


def conda(name, version, payload_bytes, subdir="linux-64"):
    """A .conda, made by hand: thousands of them in seconds."""
    stem = f"{name}-{version}-h0000000_0"
    index = {
        "name": name, "version": version, "build": "h0000000_0", "build_number": 0, "subdir": subdir,
        "depends": ["libgcc >=13", "python >=3.12,<3.13.0a0", "python_abi 3.12.* *_cp312"],
        "license": "BSD-3-Clause", "timestamp": 1_700_000_000_000, "arch": "x86_64", "platform": "linux",
    }
    info = {"info/index.json": index, "info/paths.json": {"paths": [], "paths_version": 1}, "info/about.json": {}}
    payload = random.Random(stem).randbytes(payload_bytes)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("metadata.json", '{"conda_pkg_format_version": 2}')
        archive.writestr(f"pkg-{stem}.tar.zst", packed({"share/payload": payload}))
        archive.writestr(f"info-{stem}.tar.zst", packed({key: json.dumps(it).encode() for key, it in info.items()}))
    return f"{stem}.conda", out.getvalue()


def upload(api, channel, name, version, payload_bytes, private=False):
    filename, body = conda(name, version, payload_bytes)
    digest = hashlib.sha256(body).hexdigest()
    query = f"force=false&sha256={digest}" + ("&private=true" if private else "")
    api.call("POST", f"/api/channels/{channel}/upload/{filename}?{query}", body)


class World:
    """A channel, and tokens by what they see of it."""

    def __init__(self, channel, tokens):
        self.channel, self.tokens = channel, tokens

    def tokens_by_view(self):
        return self.tokens


def world(api, work, packages, tokens, views):
    """One public channel; a tenth of its names is private, and each group of people sees some of these."""
    saved = work / "world.json"
    if saved.exists():
        return World(**json.loads(saved.read_text()))
    channel = "bench"
    api.json("POST", "/api/v1/channels", {"name": channel, "privacy": "public"})
    names = [f"package-{number:05}" for number in range(max(1, packages // VERSIONS))]
    files = [(name, f"1.{version}.0") for name in names for version in range(VERSIONS)][:packages]
    with concurrent.futures.ThreadPoolExecutor(UPLOADERS) as pool:
        list(pool.map(lambda file: upload(api, channel, *file, 18_000), files))
    hidden = names[::10] if views > 1 else []
    for name in hidden:
        api.json("PATCH", f"/api/v1/channels/{channel}/packages/conda/{name}", {"private": True})
    by_view = []
    for view in range(views):
        login = f"viewer-{view}"
        api.json("POST", "/api/v1/accounts", {"login": login, "password": PASSWORD})
        for name in hidden[view::views]:
            api.json("PUT", f"/api/v1/channels/{channel}/packages/conda/{name}/grants/{login}", {"level": "read"})
        session = api.as_(None).json("POST", "/api/v1/session", {"login": login, "password": PASSWORD})["token"]
        mine = range(view, tokens, views)
        by_view.append([token(api.as_(session), channel, number) for number in mine])
    saved.write_text(json.dumps({"channel": channel, "tokens": by_view}))
    return World(channel, by_view)


def token(api, channel, number):
    body = {"name": f"token-{number}", "grants": [{"channel": channel, "level": "read"}]}
    return api.json("POST", "/api/v1/tokens", body)["token"]


def files_of(repodata_zst):
    repodata = json.loads(zstandard.ZstdDecompressor().decompress(repodata_zst))
    return sorted([*repodata["packages"], *repodata["packages.conda"]])


def shards_of(index_zst):
    return msgpack.unpackb(zstandard.ZstdDecompressor().decompress(index_zst))["shards"]

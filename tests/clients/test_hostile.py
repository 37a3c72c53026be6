"""Hostile and broken uploads: each is refused with its reason, and leaves no event and no file behind."""

import base64
import gzip
import hashlib
import http.client
import io
import json
import tarfile
import warnings
import zipfile

import pytest
import zstandard

CHANNEL = "hostile"


@pytest.fixture(scope="module")
def channel(server):
    return server.channel(CHANNEL)


def tar(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def zst(content):
    return zstandard.compress(content, 3)


def zipped(members, method=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", method) as archive:
        warnings.simplefilter("ignore")  # A member twice is the point.
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def index(**changed):
    facts = dict(name="bad", version="1.0", build="0", build_number=0, depends=[], subdir="noarch", noarch="generic")
    return json.dumps(facts | changed).encode()


def info(*more, **changed):
    paths = json.dumps({"paths": [], "paths_version": 1}).encode()
    return [("info/index.json", index(**changed)), ("info/paths.json", paths), ("info/about.json", b"{}"), *more]


def conda(stem="bad-1.0-0", members=None, content=(), method=zipfile.ZIP_STORED, more=()):
    return zipped(
        [
            ("metadata.json", b'{"conda_pkg_format_version": 2}'),
            (f"info-{stem}.tar.zst", zst(tar(members if members is not None else info()))),
            (f"pkg-{stem}.tar.zst", zst(tar(list(content)))),
            *more,
        ],
        method,
    )


def lying(content):
    """The first member's size in the central directory is not what its local header says."""
    at = content.index(b"PK\x01\x02")
    return content[: at + 24] + (7).to_bytes(4, "little") + content[at + 28 :]


def bomb():
    return [*info(), ("info/recipe/zeros", b"\0" * (300 << 20))]


CONDA = {
    "a bomb": ("bad-1.0-0.conda", lambda: conda(members=bomb())),
    "traversal": ("bad-1.0-0.conda", lambda: conda(members=info(("../../etc/passwd", b"x")))),
    "an absolute path": ("bad-1.0-0.conda", lambda: conda(members=info(("/etc/passwd", b"x")))),
    "duplicate members": ("bad-1.0-0.conda", lambda: conda(more=[("metadata.json", b"{}")])),
    "two index.json": ("bad-1.0-0.conda", lambda: conda(members=[*info(), ("info/index.json", index(name="good"))])),
    "another name inside": ("bad-1.0-0.conda", lambda: conda(members=info(name="good"))),
    "another version inside": ("bad-1.0-0.conda", lambda: conda(members=info(version="2.0"))),
    "another subdir inside": ("bad-1.0-0.conda", lambda: conda(members=info(subdir="linux-64", noarch=None))),
    "an unknown subdir": ("bad-1.0-0.conda", lambda: conda(members=info(subdir="amiga-68k", noarch=None))),
    "data after the end": ("bad-1.0-0.conda", lambda: conda() + b"more"),
    "data before the start": ("bad-1.0-0.conda", lambda: b"more" + conda()),
    "members that are not stored": ("bad-1.0-0.conda", lambda: conda(method=zipfile.ZIP_DEFLATED)),
    "lying sizes": ("bad-1.0-0.conda", lambda: lying(conda())),
    "half a file": ("bad-1.0-0.conda", lambda: conda()[:-60]),
    "no zip at all": ("bad-1.0-0.conda", lambda: b"#!/bin/sh\n"),
    "a wrong .tar.bz2": ("bad-1.0-0.tar.bz2", lambda: b"BZh91AY&SY" + b"\0" * 100),
    "an over-long name": (f"{'n' * 65}-1.0-0.conda", lambda: conda(f"{'n' * 65}-1.0-0", info(name="n" * 65))),
    "a name with capitals": ("Bad-1.0-0.conda", lambda: conda("Bad-1.0-0", info(name="Bad"))),
}

METADATA = b"Metadata-Version: 2.1\nName: bad\nVersion: 1.0\n\n"
WHEEL = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheel(*more, metadata=METADATA, method=zipfile.ZIP_DEFLATED):
    record = b"bad-1.0.dist-info/RECORD,,\n"
    base = [("bad.py", b""), ("bad-1.0.dist-info/METADATA", metadata), ("bad-1.0.dist-info/WHEEL", WHEEL)]
    return zipped([*base, *more, ("bad-1.0.dist-info/RECORD", record)], method)


def sdist(*members):
    return gzip.compress(tar([("bad-1.0/PKG-INFO", METADATA), *members]), compresslevel=1)


PYTHON = {
    "a wheel of another name": ("bad-1.0-py3-none-any.whl", lambda: wheel(metadata=METADATA.replace(b"bad", b"good"))),
    "a wheel of another version": ("bad-1.0-py3-none-any.whl", lambda: wheel(metadata=METADATA.replace(b"1.0\n\n", b"2.0\n\n"))),
    "a wheel that climbs": ("bad-1.0-py3-none-any.whl", lambda: wheel(("../evil.py", b"x"))),
    "a wheel with a member twice": ("bad-1.0-py3-none-any.whl", lambda: wheel(("bad-1.0.dist-info/METADATA", METADATA))),
    "a wheel with data after its end": ("bad-1.0-py3-none-any.whl", lambda: wheel() + b"more"),
    "a wheel with lying sizes": ("bad-1.0-py3-none-any.whl", lambda: lying(wheel())),
    "a wheel that is a bomb": ("bad-1.0-py3-none-any.whl", lambda: wheel(("zeros", b"\0" * (300 << 20)))),
    "an sdist with two PKG-INFO": ("bad-1.0.tar.gz", lambda: sdist(("bad-1.0/PKG-INFO", METADATA))),
    "an sdist with two folders": ("bad-1.0.tar.gz", lambda: sdist(("other/PKG-INFO", METADATA))),
    "an sdist that climbs": ("bad-1.0.tar.gz", lambda: sdist(("bad-1.0/../../evil", b"x"))),
    "an sdist that is a bomb": ("bad-1.0.tar.gz", lambda: sdist(("bad-1.0/zeros", b"\0" * (1200 << 20)))),
    "a wheel of no version": ("bad-one-py3-none-any.whl", lambda: wheel()),
    "an egg": ("bad-1.0.egg", lambda: wheel()),
}


def events(server):
    said = server.latchkey("events", "tail", "--stream", "catalog", ok=False).stdout
    return [line for line in said.splitlines() if "ArtifactPublished" in line or "artifact_published" in line]


def listed(server):
    answer = server.get(f"/api/v1/channels/{CHANNEL}/artifacts", {"X-Auth": server.admin})
    assert answer.status == 200
    return answer.json()["artifacts"]


def form(filename, content, **fields):
    """twine's form. Returns headers and body."""
    fields = {":action": "file_upload", "protocol_version": "1", "name": "bad", "version": "1.0"} | fields
    mark = "mark"
    body = b"".join(
        f'--{mark}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode() for key, value in fields.items()
    )
    head = f'--{mark}\r\nContent-Disposition: form-data; name="content"; filename="{filename}"\r\n\r\n'
    return {"Content-Type": f"multipart/form-data; boundary={mark}"}, body + head.encode() + content + f"\r\n--{mark}--\r\n".encode()


def send(server, method, path, headers, body, length=None):
    connection = http.client.HTTPConnection(server.address, timeout=60)
    basic = base64.b64encode(f"__token__:{server.admin}".encode()).decode()
    connection.putrequest(method, path)
    for key, value in ({"Authorization": f"Basic {basic}"} | headers).items():
        connection.putheader(key, value)
    connection.putheader("Content-Length", str(len(body) if length is None else length))
    connection.endheaders()
    try:
        connection.send(body)
        if length is not None:
            connection.sock.shutdown(1)
    except BrokenPipeError:
        pass  # Refused before all of it was read.
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read() or b"{}")


def refused(server, status, problem, before):
    assert 400 <= status < 500, (status, problem)
    assert problem["detail"] and problem["title"] and problem["request_id"], problem
    assert events(server) == before, "an event was recorded"
    assert listed(server) == [], "a file is listed"


@pytest.mark.parametrize("what", CONDA)
def test_a_conda_package_is_refused_for(server, channel, what):
    name, make = CONDA[what]
    before = events(server)
    status, problem = send(server, "PUT", f"/{CHANNEL}/noarch/{name}", {}, make())
    refused(server, status, problem, before)


@pytest.mark.parametrize("what", PYTHON)
def test_a_python_file_is_refused_for(server, channel, what):
    name, make = PYTHON[what]
    before = events(server)
    status, problem = send(server, "POST", f"/pypi/{CHANNEL}/", *form(name, make()))
    refused(server, status, problem, before)


def test_digests_that_do_not_hold_are_refused(server, channel):
    before = events(server)
    wrong = hashlib.sha256(b"other").hexdigest()
    path = f"/api/channels/{CHANNEL}/upload/bad-1.0-0.conda?force=false&sha256={wrong}"
    refused(server, *send(server, "POST", path, {}, conda()), before)
    for digest in ({"sha256_digest": wrong}, {"md5_digest": "0" * 32}, {"blake2_256_digest": "0" * 64}):
        headers, body = form("bad-1.0-py3-none-any.whl", wheel(), **digest)
        refused(server, *send(server, "POST", f"/pypi/{CHANNEL}/", headers, body), before)


def test_the_forms_name_and_version_must_be_the_files_own(server, channel):
    before = events(server)
    for field in ({"name": "good"}, {"version": "2.0"}):
        headers, body = form("bad-1.0-py3-none-any.whl", wheel(), **field)
        refused(server, *send(server, "POST", f"/pypi/{CHANNEL}/", headers, body), before)


def test_half_bodies_and_wrong_content_types_are_refused(server, channel):
    before = events(server)
    headers, body = form("bad-1.0-py3-none-any.whl", wheel())
    refused(server, *send(server, "POST", f"/pypi/{CHANNEL}/", headers, body[:-30], len(body)), before)
    refused(server, *send(server, "POST", f"/pypi/{CHANNEL}/", {"Content-Type": "text/plain"}, body), before)
    refused(server, *send(server, "POST", f"/pypi/{CHANNEL}/", {"Content-Type": "multipart/form-data"}, body), before)
    whole = conda()
    refused(server, *send(server, "PUT", f"/{CHANNEL}/noarch/bad-1.0-0.conda", {}, whole[:-10], len(whole)), before)


def test_permission_is_checked_before_the_body_is_read(server, channel):
    """The refusal comes while the client has sent nothing but headers."""
    read = server.token("hostile-read", f"{CHANNEL}:read")["token"]
    for token, status in ((read, 403), (None, 401)):
        connection = http.client.HTTPConnection(server.address, timeout=20)
        connection.putrequest("PUT", f"/{CHANNEL}/noarch/bad-1.0-0.conda")
        if token:
            connection.putheader("X-API-Key", token)
        connection.putheader("Content-Length", str(1 << 30))
        connection.endheaders()
        answer = connection.getresponse()
        assert answer.status == status, answer.read()


def test_the_good_one_among_them_is_taken(server, channel):
    """Last, so that the refusals above are not refusals of everything."""
    assert send(server, "PUT", f"/{CHANNEL}/noarch/bad-1.0-0.conda", {}, conda())[0] in (200, 201)
    assert send(server, "POST", f"/pypi/{CHANNEL}/", *form("bad-1.0-py3-none-any.whl", wheel()))[0] == 200
    assert send(server, "POST", f"/pypi/{CHANNEL}/", *form("bad-1.0.tar.gz", sdist()))[0] == 200
    assert len(listed(server)) == 3

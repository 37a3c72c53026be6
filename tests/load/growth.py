"""What one upload costs as its package grows: N uploads into one package, one after the other, and the medians around
the 100th and the last. Usage: `python growth.py URL TOKEN [N]`; it makes and deletes a channel of its own.
"""

import http.client
import io
import json
import statistics
import sys
import tarfile
import time
import urllib.parse
import zipfile

import zstandard

AROUND = 50


def packed(members):
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return zstandard.compress(tar.getvalue(), 3)


def package(version):
    """A .conda of the version, by hand: thousands of them in seconds."""
    stem = f"grow-{version}-0"
    index = {
        "name": "grow",
        "version": version,
        "build": "0",
        "build_number": 0,
        "depends": [],
        "subdir": "noarch",
        "noarch": "generic",
    }
    paths = {"paths": [], "paths_version": 1}
    info = {"info/index.json": index, "info/paths.json": paths, "info/about.json": {}}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("metadata.json", '{"conda_pkg_format_version": 2}')
        archive.writestr(f"pkg-{stem}.tar.zst", packed({"share/grow": version.encode()}))
        archive.writestr(f"info-{stem}.tar.zst", packed({name: json.dumps(it).encode() for name, it in info.items()}))
    return f"{stem}.conda", out.getvalue()


def main(url, token, count=10_000):
    host = urllib.parse.urlsplit(url).netloc
    connection = http.client.HTTPConnection(host)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(method, path, body=None):
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {text.decode()}")

    ask("POST", "/api/v1/channels", json.dumps({"name": "growth", "privacy": "private"}))
    took_ms = []
    for n in range(count):
        name, content = package(f"1.{n}")
        start = time.perf_counter()
        ask("PUT", f"/growth/noarch/{name}", content)
        took_ms.append((time.perf_counter() - start) * 1000)
    early = statistics.median(took_ms[100 - AROUND : 100 + AROUND])
    late = statistics.median(took_ms[-2 * AROUND :])
    print(f"upload 100: {early:.1f} ms, upload {count}: {late:.1f} ms, ratio {late / early:.2f}")
    ask("DELETE", "/api/v1/channels/growth")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))

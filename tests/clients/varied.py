"""Conda packages that differ in everything an index shows: names that sort badly, versions of every kind, both formats,
texts in other scripts, old and missing metadata. Made by hand, so that what is rare in real builders is here too.

As a program: `python varied.py DIR [SEED]` fills DIR/<subdir>/.
"""

import bz2
import io
import json
import pathlib
import random
import sys
import tarfile
import zipfile

import zstandard

NAMES = ["alpha", "alpha-b", "alpha.c", "beta_x", "gamma", "d", "libz", "_mutex"]
VERSIONS = ["1.0", "1.0.0", "1.10", "1.9", "2.0rc1", "2.0", "1!0.1", "0", "2024.1.post1"]
SUBDIRS = ["noarch", "linux-64", "osx-arm64"]
FORMATS = [["conda"], ["conda"], ["tar.bz2"], ["conda", "tar.bz2"]]
FIRST_BUILD_MS = 1_600_000_000_000
SPREAD_MS = 10**11


def make(folder, count=200, seed=1):
    """Fills `folder` and returns the paths, sorted. The same seed gives the same packages."""
    folder, choose, made = pathlib.Path(folder), random.Random(seed), set()
    while len(made) < count:
        made.update(package(folder, choose)[: count - len(made)])
    for path in folder.glob("*/*"):
        if path not in made:
            path.unlink()
    return sorted(made)


def package(folder, choose):
    """One package, in one format or in both."""
    index = index_json(choose)
    stem = "{name}-{version}-{build}".format(**index)
    paths = paths_json(choose)
    content = {path["_path"]: b"/opt/placeholder\n" for path in paths}
    info = {"info/index.json": dump(index, ascii=choose.random() < 0.5)}
    info["info/paths.json"] = dump({"paths": paths, "paths_version": 1})
    if choose.random() < 0.8:
        info["info/about.json"] = dump(about_json(choose, index["version"]))
    if choose.random() < 0.4:
        exports = [{"weak": ["libz >=1"]}, {"strong": ["a"], "noarch": ["b"]}, {}]
        info["info/run_exports.json"] = dump(choose.choice(exports))
    if choose.random() < 0.3:
        info["info/recipe/meta.yaml"] = recipe(index["version"])
    made = []
    for extension in choose.choice(FORMATS):
        path = folder / index["subdir"] / f"{stem}.{extension}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_bytes(zipped(stem, info, content) if extension == "conda" else tarred(info, content))
            made.append(path)
    return made


def index_json(choose):
    subdir = choose.choice(SUBDIRS)
    number = choose.randrange(5)
    index = {
        "name": choose.choice(NAMES),
        "version": choose.choice(VERSIONS),
        "build": choose.choice(["0", f"py311h1234_{number}", f"h{choose.randrange(65536):04x}_{number}"]),
        "build_number": number,
        "depends": choose.choice([[], ["python >=3.8", "libz"]]),
        "subdir": subdir,
    }
    if subdir == "noarch":
        index["noarch"] = choose.choice(["python", "generic"])
    rare = [
        (0.7, {"license": choose.choice(["MIT", "BSD-3-Clause", ""])}),
        (0.8, {"timestamp": FIRST_BUILD_MS + choose.randrange(SPREAD_MS)}),
        (0.1, {"timestamp": (FIRST_BUILD_MS + choose.randrange(SPREAD_MS)) // 1000}),
        (0.3, {"arch": "x86_64", "platform": "linux"}),
        (0.3, {"constrains": ["numpy >=1"]}),
        (0.3, {"track_features": ""}),
        (0.2, {"python_site_packages_path": "lib/é"}),
        (0.2, {"unknown": {"b": [1, 2.5, None, True], "a": {"z": 1, "y": -5, "x": 2**40}}}),
    ]
    for chance, more in rare:
        if choose.random() < chance:
            index.update(more)
    return index


def about_json(choose, version):
    about = {
        "summary": choose.choice(["  a thing\nof two lines ", "ü-tool", ""]),
        "home": f"https://example.org/{version}",
    }
    rare = [
        (0.5, {"description": choose.choice(["long\ntext", ["a", "list\n"]])}),
        (0.5, {"license": "of the description"}),
        (0.3, {"dev_url": ["https://a.example", "https://b.example"], "doc_url": "https://doc.example"}),
        (0.3, {"keywords": ["a"], "tags": [], "identifiers": ["doi:1"], "extra": {"recipe-maintainers": ["x"]}}),
    ]
    for chance, more in rare:
        if choose.random() < chance:
            about.update(more)
    return about


def paths_json(choose):
    paths = [{"_path": "share/x"}]
    rare = [
        (0.3, {"_path": "bin/x", "prefix_placeholder": "/opt", "file_mode": choose.choice(["text", "binary"])}),
        (0.2, {"_path": "etc/conda/activate.d/x.sh"}),
        (0.2, {"_path": "etc/conda/deactivate.d/x.sh"}),
        (0.2, {"_path": "bin/.x-post-link.sh"}),
    ]
    return paths + [path for chance, path in rare if choose.random() < chance]


def recipe(version):
    source = f"source:\n  url: https://example.org/{version}.tar.gz\n  git_url: https://git.example\n"
    return (source + "about:\n  summary: not this one\nhome: nor this\n").encode()


def dump(document, ascii=True):
    return json.dumps(document, indent=2, ensure_ascii=ascii).encode()


def tar(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def tarred(info, content):
    return bz2.compress(tar({**info, **content}))


def zipped(stem, info, content):
    out, zst = io.BytesIO(), zstandard.ZstdCompressor()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        members = {
            "metadata.json": dump({"conda_pkg_format_version": 2}),
            f"pkg-{stem}.tar.zst": zst.compress(tar(content)),
            f"info-{stem}.tar.zst": zst.compress(tar(info)),
        }
        for name, member in members.items():
            archive.writestr(zipfile.ZipInfo(name), member)
    return out.getvalue()


if __name__ == "__main__":
    print(*make(sys.argv[1], seed=int((sys.argv[2:] or ["1"])[0])), sep="\n")

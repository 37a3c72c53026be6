"""conda-index 0.13 as the oracle for conda's index documents.

`index_with_conda_index` indexes a folder of packages with it, `read_channel` reads the same documents from a server,
and `compare` lists in what they differ. Both sides are dictionaries of the same shape:
{"channeldata": {...}, "subdirs": {subdir: {"repodata", "run_exports", "shard_index", "shards": {name: shard}}}}.

As a program: `python oracle.py FOLDER` indexes FOLDER in place, where FOLDER/<subdir>/ holds the packages.
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import types

import msgpack
import zstandard

# What a server knows and conda-index does not, and when either of them was run.
OF_THE_SERVER = {"indexed_timestamp"}
OF_THE_MOMENT = {"created_at"}
PACKAGES = (".conda", ".tar.bz2")


def index_with_conda_index(folder):
    """What conda-index makes of the packages in `folder`, which is left alone."""
    folder = pathlib.Path(folder)
    with tempfile.TemporaryDirectory() as work:
        for path in folder.glob("*/*"):
            if path.name.endswith(PACKAGES):
                target = pathlib.Path(work, path.parent.name, path.name)
                target.parent.mkdir(exist_ok=True)
                shutil.copyfile(path, target)
        command = [sys.executable, __file__, work]
        ran = subprocess.run(command, capture_output=True, text=True)
        if ran.returncode != 0:
            raise RuntimeError(ran.stdout + ran.stderr)
        root = pathlib.Path(work)
        subdirs = sorted(path.parent.name for path in root.glob("*/repodata.json"))
        return read_channel(lambda path: (root / path).read_bytes(), subdirs)


def read_channel(get, subdirs):
    """Reads a channel's documents; `get` gives the bytes at a path below the channel, such as noarch/repodata.json."""
    read = {"channeldata": json.loads(get("channeldata.json")), "subdirs": {}}
    for subdir in subdirs:
        index = unpack(get(f"{subdir}/repodata_shards.msgpack.zst"))
        shards = {}
        for name, digest in index["shards"].items():
            packed = get(f"{subdir}/{index['info']['shards_base_url']}{digest.hex()}.msgpack.zst")
            if hashlib.sha256(packed).digest() != digest:
                raise AssertionError(f"{subdir}: the shard of {name} is not what its address says")
            shards[name] = unpack(packed)
        documents = {"shard_index": index, "shards": shards}
        for name in ("repodata", "run_exports"):
            plain, packed = get(f"{subdir}/{name}.json"), get(f"{subdir}/{name}.json.zst")
            if one_frame(packed) != plain:
                raise AssertionError(f"{subdir}/{name}.json.zst does not hold {name}.json")
            documents[name] = json.loads(plain)
        read["subdirs"][subdir] = documents
    return read


def one_frame(packed):
    """Decompresses what must be one zstd frame with nothing behind it: rattler stops there."""
    inflater = zstandard.ZstdDecompressor().decompressobj()
    content = inflater.decompress(packed)
    if not inflater.eof or inflater.unused_data:
        raise AssertionError("not one whole zstd frame")
    return content


def unpack(packed):
    return msgpack.unpackb(one_frame(packed))


def compare(ours, theirs):
    """The differences, each as a line of text; none if the two agree record for record."""
    found = []
    for subdir in sorted(ours["subdirs"].keys() | theirs["subdirs"].keys()):
        if subdir not in theirs["subdirs"]:
            if ours["subdirs"][subdir]["shards"]:
                found.append(f"{subdir}: conda-index has no such subdir")
            continue
        if subdir not in ours["subdirs"]:
            found.append(f"{subdir}: missing")
            continue
        mine, other = (stripped(side["subdirs"][subdir]) for side in (ours, theirs))
        found += differences(mine, other, subdir)
    found += differences(ours["channeldata"], theirs["channeldata"], "channeldata")
    return found


def stripped(documents):
    """Without what the two cannot share: hashes of shards, the server's own facts, the moment of the run."""
    index = documents["shard_index"]
    info = {key: value for key, value in index["info"].items() if key not in OF_THE_MOMENT}
    return {
        "repodata": strip_records(documents["repodata"]),
        "run_exports": documents["run_exports"],
        "shard_index": {**index, "info": info, "shards": sorted(index["shards"])},
        "shards": {name: strip_records(shard) for name, shard in documents["shards"].items()},
    }


def strip_records(document):
    document = {"removed": [], **document}
    for section in ("packages", "packages.conda"):
        document[section] = {
            file: {key: value for key, value in record.items() if key not in OF_THE_SERVER}
            for file, record in document[section].items()
        }
    return document


def differences(mine, other, path):
    if isinstance(mine, dict) and isinstance(other, dict):
        found = []
        for key in sorted(mine.keys() | other.keys()):
            if key not in mine or key not in other:
                found.append(f"{path}/{key}: only in {'ours' if key in mine else 'conda-index'}")
            else:
                found += differences(mine[key], other[key], f"{path}/{key}")
        return found
    # 1 and 1.0 and true are equal to Python and not to a client.
    if type(mine) is not type(other) or mine != other:
        return [f"{path}: ours {mine!r}, conda-index {other!r}"]
    return []


def install_shims():
    """The names that conda-index takes from conda, which is not on PyPI: an order of versions and a list."""
    from rattler import Version

    subdirs = "noarch emscripten-wasm32 freebsd-64 linux-32 linux-64 linux-aarch64 linux-armv6l linux-armv7l"
    subdirs += " linux-ppc64 linux-ppc64le linux-riscv32 linux-riscv64 linux-s390x osx-64 osx-arm64 wasi-wasm32"
    subdirs += " win-32 win-64 win-arm64 zos-z"
    modules = {
        "conda": {},
        "conda.models": {},
        "conda.models.version": {"VersionOrder": Version},
        "conda.base": {},
        "conda.base.constants": {"PLATFORM_DIRECTORIES": tuple(subdirs.split())},
    }
    for name, content in modules.items():
        module = types.ModuleType(name)
        module.__path__ = []
        vars(module).update(content)
        sys.modules[name] = module


class Ordered(set):
    """A set whose difference has an order. conda-index visits files in the order of a set of texts, which changes
    from run to run, and what channeldata says of a name depends on it."""

    def __sub__(self, other):
        return sorted(super().__sub__(other))


def index(root):
    install_shims()
    import conda_index.index

    conda_index.index.set = Ordered
    channel = conda_index.index.ChannelIndex(
        root,
        channel_name=os.path.basename(root),
        threads=1,
        write_zst=True,
        write_run_exports=True,
        write_shards=True,
        write_current_repodata=False,
    )
    channel.index(patch_generator=None)
    channel.update_channeldata()


if __name__ == "__main__":
    index(sys.argv[1])

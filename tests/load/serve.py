"""What a viewer is served, side by side with Debian's nginx, which serves the same bytes as static files and asks nobody.

    python tests/load/serve.py [--packages 10000] [--tokens 1000] [--views 64] [--records 100000] [--memory 1000000]

Needs a release build (`cargo build --release --workspace --bin latchkey`) and two cores: both servers share the first,
wrk has the second. Each round measures all of one kind in turn, so that neighbours in time are compared. Printed are
requests per second, microseconds of processor time per request, and the ratios nginx is 1.0 of. The second figure is
the one to compare: one core of wrk asks for less than nginx could answer, and other load on the machine moves it least. It
includes waking wrk, which a slower server does more often. Nothing here fails for being slow.
"""

import argparse
import json
import pathlib
import random
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import bench_tools as tools  # noqa: E402
import fill  # noqa: E402
import growth_of  # noqa: E402

SUBDIR = "linux-64"
WARM_SECONDS = 1


class Work:
    """One kind of request: the same bytes by a path of each server."""

    def __init__(self, name, pairs):
        self.name = name
        self.ours = [ours for ours, _ in pairs]
        self.theirs = [theirs for _, theirs in pairs]


def static(api, world, folder):
    """Fetches what each view is served into files, and pairs the addresses."""
    index, shards, shard, package = [], [], [], []
    for number, tokens in enumerate(world.tokens_by_view()):
        place = folder / f"v{number}" / SUBDIR
        place.mkdir(parents=True)
        # All of a view see the same: one of its tokens fetches for all.
        seen = {name: api.get(f"/t/{tokens[0]}/{world.channel}/{SUBDIR}/{name}") for name in
                ("repodata.json.zst", "repodata_shards.msgpack.zst")}
        for name, body in seen.items():
            (place / name).write_bytes(body)
        names = fill.shards_of(seen["repodata_shards.msgpack.zst"])
        chosen = random.sample(sorted(names.items()), min(8, len(names)))
        files = random.sample(fill.files_of(seen["repodata.json.zst"]), 8)
        for _, digest in chosen:
            name = f"{digest.hex()}.msgpack.zst"
            (place / name).write_bytes(api.get(f"/t/{tokens[0]}/{world.channel}/{SUBDIR}/{name}"))
        for name in files:
            (place / name).write_bytes(api.get(f"/t/{tokens[0]}/{world.channel}/{SUBDIR}/{name}"))
        for token in tokens:
            def pair(name):
                return f"/t/{token}/{world.channel}/{SUBDIR}/{name}", f"/v{number}/{SUBDIR}/{name}"

            index.append(pair("repodata.json.zst"))
            shards.append(pair("repodata_shards.msgpack.zst"))
            shard.extend(pair(f"{digest.hex()}.msgpack.zst") for _, digest in chosen[:2])
            package.extend(pair(name) for name in files[:2])
    for pairs in (index, shards, shard, package):
        random.shuffle(pairs)
    return [
        Work("repodata.json.zst, by viewer", index),
        Work("shard index, by viewer", shards),
        Work("shard", shard),
        Work("20 kB package", package),
    ]


def unchanged(work, name, api, nginx_port):
    """The same requests by a client that has it already."""
    tags = {}

    def with_tag(path, port):
        if path not in tags:
            tags[path] = fill.etag(port, path)
        return f"{path}\tIf-None-Match: {tags[path]}"

    pairs = zip(work.ours, work.theirs, strict=True)
    return Work(name, [(with_tag(ours, api.port), with_tag(theirs, nginx_port)) for ours, theirs in pairs])


def measure(works, servers, root, folder, rounds, seconds, client_core):
    """Requests per second, processor time per request, in the median over the rounds."""
    results = {}
    for work in works:
        seen = {name: [] for name in servers}
        for _ in range(rounds):
            for name, (server, port) in servers.items():
                lines = work.ours if name == "latchkey" else work.theirs
                # What is read from a disk or cut for the first time is not what is measured.
                tools.wrk(root, folder, port, lines, client_core, WARM_SECONDS)
                before = server.cpu_us()
                ran = tools.wrk(root, folder, port, lines, client_core, seconds)
                if ran["errors"] and "304" not in work.name:
                    raise SystemExit(f"{work.name}: {name} answered {ran['errors']} requests with an error")
                cpu_us = (server.cpu_us() - before) / ran["requests"]
                seen[name].append((ran["requests"] * 1e6 / ran["us"], cpu_us, ran["p99"]))
        results[work.name] = {
            name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in seen.items()
        }
        show(work.name, results[work.name])
    return results


def show(name, row):
    (ours, our_us, our_p99), (theirs, their_us, their_p99) = row["latchkey"], row["nginx"]
    print(f"| {name} | {ours:,.0f} | {theirs:,.0f} | {ours / theirs:.2f} | {our_us:.1f} | {their_us:.1f} "
          f"| {their_us / our_us:.2f} | {our_p99:.1f} | {their_p99:.1f} |", flush=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--binary", default=tools.ROOT / "target/release/latchkey")
    options.add_argument("--work", type=pathlib.Path)
    options.add_argument("--tools", type=pathlib.Path, default=tools.ROOT / "tools/load")
    options.add_argument("--packages", type=int, default=10_000)
    options.add_argument("--tokens", type=int, default=1_000)
    options.add_argument("--views", type=int, default=64)
    options.add_argument("--records", type=int, default=100_000)
    options.add_argument("--memory", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=int, default=4)
    options.add_argument("--cores", default="0,1", help="the servers' core, wrk's core")
    options.add_argument("--port", type=int, default=18700)
    options = options.parse_args()
    random.seed(1)
    server_core, client_core = options.cores.split(",")
    work = options.work or pathlib.Path(tempfile.mkdtemp(prefix="latchkey-load-"))
    work.mkdir(parents=True, exist_ok=True)
    root = tools.tools(options.tools)
    latchkey, facts = tools.latchkey(options.binary, work, options.port, server_core)
    nginx = None
    try:
        api = fill.Api(options.port, facts["admin_token"])
        world = fill.world(api, work, options.packages, options.tokens, options.views)
        files = work / "static"
        works = static(api, world, files) if not files.exists() else json_works(work)
        save_works(work, works)
        nginx = tools.nginx(root, work, files, options.port + 1, server_core)
        works += [unchanged(works[0], "304 of repodata.json.zst", api, options.port + 1),
                  unchanged(works[3], "304 of a package", api, options.port + 1)]
        print(f"{options.packages} packages, {options.tokens} tokens, {options.views} views\n")
        print("| | req/s | nginx | ratio | CPU us/req | nginx | ratio | p99 ms | nginx |")
        print("|---|---|---|---|---|---|---|---|---|")
        servers = {"latchkey": (latchkey, options.port), "nginx": (nginx, options.port + 1)}
        measure(works, servers, root, work, options.rounds, options.seconds, client_core)
        if options.records:
            growth_of.upload(api, facts["postgres"], options.records)
        if options.memory:
            growth_of.memory(api, facts["postgres"], latchkey, options.memory)
    finally:
        latchkey.stop()
        if nginx:
            nginx.stop()


def save_works(work, works):
    """So that a second run with the same --work need not fill again."""
    saved = {it.name: list(zip(it.ours, it.theirs, strict=True)) for it in works}
    (work / "works.json").write_text(json.dumps(saved))


def json_works(work):
    return [Work(name, pairs) for name, pairs in json.loads((work / "works.json").read_text()).items()]


if __name__ == "__main__":
    main()

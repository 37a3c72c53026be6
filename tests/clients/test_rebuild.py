"""A rebuild beside the live read model changes no byte of any index and refuses no request; then `verify` agrees."""

import subprocess
import threading

from conftest import ROOT

PATHS = [
    "/rebuilt/noarch/repodata.json",
    "/rebuilt/linux-64/repodata.json.zst",
    "/rebuilt/linux-64/repodata_shards.msgpack.zst",
    "/rebuilt/noarch/run_exports.json",
    "/rebuilt/channeldata.json",
    "/pypi/rebuilt/simple/",
    "/pypi/rebuilt/simple/tiny-lib/",
]


def seen(server):
    answers = {path: server.get(path, {"X-Auth": server.admin}) for path in PATHS}
    assert {answer.status for answer in answers.values()} == {200}, answers
    return {path: (answer.body, answer.headers["ETag"]) for path, answer in answers.items()}


def command(server, verb):
    words = [server.facts["latchkey"], verb, "--data", server.data]
    return subprocess.run(words, capture_output=True, text=True, cwd=ROOT)


def test_a_rebuild_while_serving_is_not_noticed(server, made):
    server.channel("rebuilt")
    server.latchkey("upload", "rebuilt", *made["conda"], made["tiny-lib"], made["tiny-sdist"])
    before, rounds, faults, over = seen(server), [], [], threading.Event()

    def watch():
        while not over.is_set():
            try:
                rounds.append(seen(server) == before)
            except AssertionError as fault:
                faults.append(fault)

    watcher = threading.Thread(target=watch)
    watcher.start()
    rebuilt = [command(server, "rebuild") for _ in range(3)]
    # A file published right after the swap is shown: the projector goes on with the new version.
    server.channel("after")
    server.latchkey("upload", "after", made["tiny-lib"])
    assert server.get("/pypi/after/simple/tiny-lib/", {"X-Auth": server.admin}).status == 200
    over.set()
    watcher.join()
    assert [ran.returncode for ran in rebuilt] == [0, 0, 0], rebuilt
    assert not faults and rounds and all(rounds), faults
    verified = command(server, "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr

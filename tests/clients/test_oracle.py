"""What a channel's documents say of 200 packages is what conda-index says of the same files."""

import copy

import pytest

import oracle
import varied

# Every subdir that has files, and one that has none.
READ = ["linux-64", "noarch", "osx-arm64", "win-64"]


@pytest.fixture(scope="module")
def indexed(server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("varied")
    files = varied.make(folder)
    server.channel("varied")
    server.latchkey("upload", "varied", *files)
    return oracle.index_with_conda_index(folder)


def read(server, path):
    answer = server.get(f"/varied/{path}", {"X-Auth": server.admin})
    assert answer.status == 200, (path, answer.body)
    return answer.body


def test_200_packages_agree_record_for_record_with_conda_index(server, indexed):
    ours = oracle.read_channel(lambda path: read(server, path), READ)
    sections = [side["repodata"] for side in ours["subdirs"].values()]
    assert sum(len(side["packages"]) + len(side["packages.conda"]) for side in sections) == 200
    assert oracle.compare(ours, indexed) == []


def test_the_comparison_notices_what_differs(indexed):
    for change in (
        lambda side: side["subdirs"]["noarch"]["repodata"]["packages.conda"].popitem(),
        lambda side: next(iter(side["subdirs"]["noarch"]["repodata"]["packages"].values())).update(size=0),
        lambda side: side["subdirs"]["linux-64"]["shards"].popitem(),
        lambda side: side["subdirs"]["linux-64"]["run_exports"]["packages"].update(x={}),
        lambda side: side["channeldata"]["packages"]["alpha"].update(timestamp=True),
    ):
        other = copy.deepcopy(indexed)
        change(other)
        assert len(oracle.compare(other, indexed)) == 1

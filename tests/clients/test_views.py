"""One address, several contents: what rattler solves and installs by label."""

import asyncio
import json

import pytest

import conda_install
import packages


@pytest.fixture(scope="module")
def labelled(server, tmp_path_factory):
    """A private channel with one version released and one under a label."""
    out = tmp_path_factory.mktemp("labelled")
    server.channel("labelled")
    for version, label in (("1.0.0", "main"), ("2.0.0", "dev")):
        made = packages.conda(out / version, out / "src", "libstaged", version, {"lib/staged": version})
        server.latchkey("upload", "labelled", made, "--label", label)
    return f"{server.url}/t/{server.token('labelled-read', 'labelled:read')['token']}/labelled"


@pytest.mark.parametrize("below,version", [("", "1.0.0"), ("/label/main", "1.0.0"), ("/label/dev", "2.0.0")])
def test_a_label_in_the_address_installs_what_bears_it(labelled, home, tmp_path, monkeypatch, below, version):
    monkeypatch.setenv("RATTLER_AUTH_FILE", home["RATTLER_AUTH_FILE"])
    prefix = tmp_path / "env"
    records = asyncio.run(conda_install.installed(labelled + below, prefix, ["libstaged"], tmp_path / "cache"))
    assert [str(record.version) for record in records] == [version]
    assert (prefix / "lib/staged").read_text() == version


def test_a_label_that_is_not_there_is_404_and_a_file_is_opened_under_any(server, labelled):
    path = labelled.removeprefix(server.url)
    assert server.get(f"{path}/label/nowhere/noarch/repodata.json").status == 404
    listed = json.loads(server.get(f"{path}/label/dev/linux-64/repodata.json").body)
    [file] = listed["packages.conda"]
    assert server.get(f"{path}/linux-64/{file}").status == 200
    empty = json.loads(server.get(f"{path}/label/dev/noarch/repodata.json").body)
    assert empty["packages.conda"] == {}, "noarch is there as long as the label is"

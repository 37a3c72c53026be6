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


@pytest.fixture(scope="module")
def layered(server, tmp_path_factory):
    """A public channel whose newer app needs an engine that is private, and a subchannel with a nightly of its own."""
    out = tmp_path_factory.mktemp("layered")
    server.channel("layered", "public")
    server.channel("layered/nightly")
    made = [
        packages.conda(out / "1", out / "src", "viewapp", "1.0.0", {"lib/viewapp": "1.0.0"}),
        packages.conda(out / "2", out / "src", "viewapp", "2.0.0", {"lib/viewapp": "2.0.0"}, depends=["viewengine >=1"]),
    ]
    engine = packages.conda(out, out / "src", "viewengine", "1.5.0", {"lib/viewengine": "1.5.0"})
    nightly = packages.conda(out / "3", out / "src", "viewapp", "3.0.0", {"lib/viewapp": "3.0.0"})
    server.latchkey("package", "create", "layered", "viewengine", "--kind", "conda", "--private")
    server.latchkey("upload", "layered", *made, engine)
    server.latchkey("upload", "layered/nightly", nightly)
    return {
        name: server.token(f"layered-{name}", resource)["token"]
        for name, resource in (("all", "layered:read"), ("nightly", "layered/nightly:read"), ("over", "layered:manage"))
    }


def installed(server, home, monkeypatch, path, prefix, spec="viewapp"):
    monkeypatch.setenv("RATTLER_AUTH_FILE", home["RATTLER_AUTH_FILE"])
    cache = prefix.parent / f"{prefix.name}-cache"
    records = asyncio.run(conda_install.installed(server.url + path, prefix, [spec], cache))
    return {record.name.normalized: str(record.version) for record in records}


def test_two_viewers_of_one_channel_solve_to_different_versions(server, layered, home, tmp_path, monkeypatch):
    insider = installed(server, home, monkeypatch, f"/t/{layered['all']}/layered", tmp_path / "insider")
    assert insider == {"viewapp": "2.0.0", "viewengine": "1.5.0"}
    stranger = installed(server, home, monkeypatch, "/layered", tmp_path / "stranger")
    assert stranger == {"viewapp": "1.0.0"}, "who may not see the engine gets the newest app that works without it"
    assert (tmp_path / "insider/lib/viewapp").read_text() == "2.0.0"
    assert (tmp_path / "stranger/lib/viewapp").read_text() == "1.0.0"


@pytest.mark.parametrize("who", ["nightly", "over"])
def test_a_subchannel_installs_by_its_own_token_and_by_one_that_manages_its_channel(
    server, layered, home, tmp_path, monkeypatch, who
):
    path = f"/t/{layered[who]}/layered/nightly"
    assert installed(server, home, monkeypatch, path, tmp_path / "env") == {"viewapp": "3.0.0"}
    assert (tmp_path / "env/lib/viewapp").read_text() == "3.0.0"
    assert installed(server, home, monkeypatch, f"{path}/label/main", tmp_path / "main") == {"viewapp": "3.0.0"}


def test_a_token_that_reads_a_channel_does_not_install_from_its_subchannel(
    server, layered, home, tmp_path, monkeypatch
):
    with pytest.raises(Exception, match="403"):
        installed(server, home, monkeypatch, f"/t/{layered['all']}/layered/nightly", tmp_path / "env")
    assert installed(server, home, monkeypatch, f"/t/{layered['all']}/layered", tmp_path / "up")["viewapp"] == "2.0.0"

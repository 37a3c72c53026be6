"""The README's tour, typed as written, against a server of its own. A change of the README is a change of this test."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest
from conftest import ROOT, Server

README = (ROOT / "README.md").read_text()


def blocks(kind):
    found = re.findall(rf"^```sh {kind}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert found, f"the README has no block marked {kind}"
    return found


@pytest.fixture
def folder(tmp_path):
    """A copy of what the tour uses of this folder, with a server's data folder where `./up` puts it."""
    for name in ("tests/clients", "tools/clients", "target/debug/latchkey"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(ROOT / "tests/clients", tmp_path / "tests/clients", ignore=shutil.ignore_patterns("__pycache__"))
    clients = pathlib.Path(os.sys.executable).parents[1]
    (tmp_path / "tools/clients").symlink_to(clients)
    command = pathlib.Path(os.environ.get("LATCHKEY_BIN", ROOT / "target/debug/latchkey"))
    (tmp_path / "target/debug/latchkey").symlink_to(command)
    server = Server(tmp_path / ".latchkey").start()
    yield tmp_path
    server.stop()


def test_every_command_of_the_tour_works_and_then_is_refused(folder, home):
    # Basic credentials over plain HTTP to loopback need no further word from pip.
    env = dict(home, PIP_NO_BUILD_ISOLATION="1", PIP_NO_CACHE_DIR="1")
    env.pop("PYTHONPATH")
    commands = "\n".join(blocks("tour"))
    refused = "".join(
        f"if {line}; then echo NOT REFUSED: {line}; exit 9; fi\n" for line in "\n".join(blocks("refused")).splitlines() if line
    )
    script = f"set -eux\n{commands}\n{refused}\necho the tour is over\n"
    ran = subprocess.run(["bash", "-c", script], cwd=folder, env=env, capture_output=True, text=True)
    assert ran.returncode == 0 and "the tour is over" in ran.stdout, ran.stdout[-3000:] + ran.stderr[-3000:]
    assert "hello from a private channel" in ran.stdout

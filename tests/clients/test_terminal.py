"""The command at a terminal, where it asks before it removes something."""

import os
import pty
import subprocess

import pytest


def at_a_terminal(server, answer, *words):
    """What a person sees and how it ends, when they type this answer."""
    master, terminal = pty.openpty()
    env = dict(os.environ, LATCHKEY_URL=server.url, LATCHKEY_TOKEN=server.admin)
    command = [server.facts["latchkey"], *map(str, words)]
    with subprocess.Popen(command, env=env, stdin=terminal, stdout=terminal, stderr=terminal) as running:
        os.close(terminal)
        os.write(master, answer.encode())
        seen = b""
        try:
            while block := os.read(master, 4096):
                seen += block
        except OSError:  # the other end is closed
            pass
        os.close(master)
        return running.wait(), seen.decode()


@pytest.mark.parametrize(("answer", "code", "left"), [("n\n", 1, 1), ("\n", 1, 1), ("\x04", 1, 1), ("y\n", 0, 0)])
def test_nothing_is_removed_before_somebody_says_yes(server, made, answer, code, left):
    channel = server.channel(f"asked-{len(answer)}{ord(answer[0])}")
    server.latchkey("upload", channel, made["tiny-lib"])
    ended, seen = at_a_terminal(server, answer, "remove", f"{channel}/tiny-lib")
    assert "would remove " in seen and f"remove 1 file from {channel}, for ever? [y/N]" in seen
    assert ended == code, seen
    assert ("nothing was removed" in seen) == (left == 1)
    assert len(server.latchkey("artifact", "list", channel)["artifacts"]) == left

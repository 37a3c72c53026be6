"""The example subscriber of docs/examples: killed at random points, it has each event once, in order."""

import json
import os
import random
import subprocess
import sys
import threading

from conftest import ROOT

SEED = 20261125
LIVES = 12
# Two minutes of looking.
LOOKS = 2400
PAUSE = threading.Event()
EXAMPLE = ROOT / "docs/examples/audit.py"


class Subscriber:
    def __init__(self, server, token, out, *filters):
        env = dict(os.environ, LATCHKEY_URL=server.url, LATCHKEY_TOKEN=token)
        command = [sys.executable, EXAMPLE, out, *filters]
        self.out = out
        self.process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)

    def wait_for(self, holds):
        """Looks until the file is as wanted; the kernel gives no notice of that without a library."""
        for _ in range(LOOKS):
            if holds(self.out.read_bytes() if self.out.exists() else b""):
                return
            assert self.process.poll() is None, self.process.stderr.read()
            PAUSE.wait(0.05)
        raise AssertionError(self.out.read_bytes()[-500:])

    def kill(self):
        self.process.kill()
        self.process.communicate()


def lines(out):
    return [json.loads(line) for line in out.read_text().splitlines()]


def audit_token(server, name):
    return server.latchkey("token", "create", name, "--scope", "events:subscribe", "--expires", "30d")["token"]


def test_killed_at_random_points_it_has_each_event_once(server, tmp_path):
    chance = random.Random(SEED)
    token, out = audit_token(server, "audit-killed"), tmp_path / "events.jsonl"
    channel = server.channel("audited")
    for life in range(LIVES):
        # One event is longer than that, so it is reached, and somewhere in the middle.
        size = (out.stat().st_size if out.exists() else 0) + chance.randrange(1, 300)
        subscriber = Subscriber(server, token, out)
        for number in range(chance.randrange(1, 4)):
            server.token(f"audited-{life}-{number}", f"{channel}:read")
        subscriber.wait_for(lambda text: len(text) > size)
        subscriber.kill()
        if chance.random() < 0.3:
            # As a machine that lost its power leaves it.
            out.write_bytes(out.read_bytes()[: -chance.randrange(1, 50)])
    server.channel("audited-last")
    subscriber = Subscriber(server, token, out)
    subscriber.wait_for(lambda text: b"audited-last" in text and text.endswith(b"\n"))
    subscriber.kill()
    heard = lines(out)
    seqs = [line["seq"] for line in heard]
    assert seqs == sorted(set(seqs))
    assert len({line["envelope"]["event_id"] for line in heard}) == len(heard)
    whole = server.latchkey("events", "tail", ok=False).stdout
    expected = [json.loads(line) for line in whole.splitlines()]
    assert heard == [line for line in expected if line["seq"] <= seqs[-1]]


def test_it_hears_what_it_asks_for_and_says_why_not(server, tmp_path):
    token, out = audit_token(server, "audit-filtered"), tmp_path / "events.jsonl"
    subscriber = Subscriber(server, token, out, "kind=ChannelCreated", "object=audited-one")
    # The name means nothing yet: to look for an account of that name takes a scope of its own, and it says so.
    said = subscriber.process.communicate()[1]
    assert subscriber.process.returncode == 1 and "account:view" in said, said
    server.channel("audited-one")
    server.channel("audited-two")
    token_all = server.admin
    subscriber = Subscriber(server, token_all, out, "kind=ChannelCreated", "object=audited-one")
    subscriber.wait_for(lambda text: text.endswith(b"\n"))
    subscriber.kill()
    assert [event["name"] for line in lines(out) for event in line["envelope"]["events"]] == ["audited-one"]
    nobody = Subscriber(server, server.token("audit-not", "audited-one:read")["token"], out)
    assert nobody.process.communicate() and nobody.process.returncode == 1

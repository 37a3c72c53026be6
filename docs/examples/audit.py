#!/usr/bin/env python3
"""Copies Latchkey's log of who may do what into a file, one JSON document per line, and goes on for ever.

    export LATCHKEY_URL=https://latchkey.example LATCHKEY_TOKEN=…
    python3 audit.py events.jsonl [kind=TokenRevoked,TokenIssued] [actor=ada] [object=acme]

The token is an administrator's, and needs no more than the scope events:subscribe:

    latchkey token create audit --scope events:subscribe --expires 1y

The file is its own position. A kill at any moment, of this program, of the machine or of the server, loses nothing
and repeats nothing: a line that was cut off is taken back, and the subscription goes on behind the last whole one.
Only Python's standard library is used.
"""

import json
import os
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 30
# The server says nothing where nothing happens, so silence is no fault: only a dead connection is, and TCP tells that.
CONNECT_LIMIT_S = 3600
# Never set here; a program around this one ends a pause with it.
STOPPING = threading.Event()


class Journal:
    """The file. What stands in it has been dealt with."""

    def __init__(self, path):
        self.seq, self.epoch, self.ids = 0, "", set()
        self.file = open(path, "a+b")
        self.file.seek(0)
        whole = 0
        for line in self.file:
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            self.note(json.loads(line))
        self.file.truncate(whole)

    def note(self, line):
        self.seq, self.epoch = line["seq"], line["epoch"]
        self.ids.add(line["envelope"]["event_id"])

    def take(self, line):
        if "bookmark" in line:
            # Nothing that is wanted stands before it. It is not written down: to look again costs little.
            self.seq, self.epoch = line["bookmark"], line["epoch"]
            return
        # An event that an operator has put back into the log comes again, with the id that it always had.
        if line["envelope"]["event_id"] not in self.ids:
            self.file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
            self.file.flush()
            os.fsync(self.file.fileno())
        self.note(line)


def listen(journal, filters):
    query = {**filters, "follow": "true", "from": journal.seq + 1, "epoch": journal.epoch}
    url = f"{os.environ['LATCHKEY_URL'].rstrip('/')}/api/v1/events/authz?{urllib.parse.urlencode(query)}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {os.environ['LATCHKEY_TOKEN']}"})
    with urllib.request.urlopen(request, timeout=CONNECT_LIMIT_S) as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                return
            told = json.loads(line)
            if "error" in told:
                print(told["error"], file=sys.stderr)
                return
            journal.take(told)
            yield


def main(path, *filters):
    journal = Journal(path)
    pause = FIRST_PAUSE_S
    while True:
        try:
            for _ in listen(journal, dict(one.split("=", 1) for one in filters)):
                pause = FIRST_PAUSE_S
        except urllib.error.HTTPError as refused:
            print(refused.code, refused.read().decode(errors="replace"), file=sys.stderr)
            if refused.code < 500 and refused.code != 429:
                return 1  # A wrong token, a wrong filter, another log: somebody has to look.
        except OSError as away:
            print(away, file=sys.stderr)
        STOPPING.wait(pause)
        pause = min(pause * 2, LONGEST_PAUSE_S)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) > 1 else __doc__)

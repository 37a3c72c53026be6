"""What nats-server makes of the log's configuration, and whom it lets write what."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile

from kustomize import ROOT

USERS = ("operator", "setup", "auth", "catalog", "projector", "gateway")
PROGRAMS = USERS[1:]
PASSWORDS = "".join(f'{user.upper()}_PASSWORD: "{user}-password"\n' for user in USERS)

# Who may publish where. A fact belongs to its writer; nobody takes one back. The whole matrix is tried on the same file
# by crates/eventlog/tests/rights.rs.
RIGHTS = [
    ("auth", "evt.auth.owner.x", True),
    ("auth", "evt.access.name.x", True),
    ("auth", "evt.access.channel.x", False),
    ("auth", "evt.catalog.x.conda.y", False),
    ("catalog", "evt.catalog.x.conda.y", True),
    ("catalog", "evt.access.channel.x", True),
    ("catalog", "evt.auth.owner.x", False),
    ("gateway", "use.gateway", True),
    ("gateway", "evt.lease", False),
    ("gateway", "$JS.API.STREAM.INFO.AUTHZ", False),
    ("catalog", "use.gateway", False),
    ("projector", "evt.lease", True),
    ("projector", "evt.catalog.barrier", True),
    ("projector", "evt.catalog.x.conda.y", False),
    ("projector", "evt.auth.owner.x", False),
    ("projector", "log.$KV.ACCOUNT_KEYS.x", False),
    ("gateway", "use.x", True),
    ("gateway", "log.STREAM.INFO.AUTHZ", False),
    ("setup", "log.STREAM.CREATE.AUTHZ", True),
    ("setup", "evt.auth.owner.x", False),
    *[(user, f"log.STREAM.{call}.AUTHZ", False) for user in PROGRAMS for call in ("DELETE", "PURGE", "MSG.DELETE")],
    *[(user, "$JS.API.STREAM.DELETE.AUTHZ", False) for user in PROGRAMS],
]


def server():
    tools = pathlib.Path(os.environ.get("LATCHKEY_TOOLS", ROOT / "tools"))
    return shutil.which("nats-server", path=f"{tools / 'nats-server/bin'}:{os.environ['PATH']}") or "nats-server"


def faults(documents):
    (files,) = [one["data"] for one in documents if "nats.conf" in one.get("data", {})]
    config = files["nats.conf"]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "secret").mkdir()
        (folder / "secret/passwords.conf").write_text(PASSWORDS)
        (folder / "rights.conf").write_text(files["rights.conf"])
        (folder / "nats.conf").write_text(config)
        command = [server(), "-t", "-c", folder / "nats.conf"]
        ran = subprocess.run(command, env={"POD_NAME": "nats-0"}, capture_output=True, text=True)
        if ran.returncode != 0:
            yield ran.stderr.strip()
            return
        (folder / "nats.conf").write_text(alone(config, folder))
        with running(folder) as port:
            for user, subject, allowed in RIGHTS:
                if may_publish(port, user, f"{user}-password", subject) != allowed:
                    yield f"{user} {'may not' if allowed else 'may'} publish to {subject}"
            if may_publish(port, "auth", "wrong", "evt.auth.owner.x"):
                yield "a wrong password was taken"


def alone(config, folder):
    """One server on free ports of this machine; users and rights as they are."""
    config = re.sub(r"^cluster \{.*?^\}", "", config, flags=re.M | re.S)
    config = re.sub(r'"0\.0\.0\.0:\d+"', '"127.0.0.1:-1"', config)
    return config.replace('"/data"', f'"{folder}/data"').replace("/var/run/nats/", f"{folder}/")


@contextlib.contextmanager
def running(folder):
    command = [server(), "-c", folder / "nats.conf"]
    process = subprocess.Popen(command, env={"POD_NAME": "nats-0"}, stderr=subprocess.PIPE, text=True)
    port = None
    try:
        for line in process.stderr:
            listening = re.search(r"client connections on 127\.0\.0\.1:(\d+)", line)
            port = int(listening[1]) if listening else port
            if "Server is ready" in line:
                break
        yield port
    finally:
        process.kill()
        process.communicate()


def may_publish(port, user, password, subject):
    """Speaks the protocol by hand: what is refused is said before the answer to the ping."""
    hello = json.dumps({"user": user, "pass": password, "verbose": False, "pedantic": False})
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        wire.sendall(f"CONNECT {hello}\r\nPUB {subject} 0\r\n\r\nPING\r\n".encode())
        said = b""
        while b"PONG\r\n" not in said:
            more = wire.recv(4096)
            if not more:
                return False
            said += more
    return b"-ERR" not in said

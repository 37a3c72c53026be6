"""The served OpenAPI document against the server: schemathesis makes up requests, and every answer must be one that is
written down there, in its form, and no fault of ours. A minute; ten with LATCHKEY_LONG."""

import json
import os
import pathlib
import subprocess
import sys
import urllib.request

import pytest
from conftest import Server

MINUTES = 10 if os.environ.get("LATCHKEY_LONG") else 1
LOGIN, PASSWORD = "schemathesis", "schemathesis has a long password"
# The same requests each time: what a chance run finds becomes a test of its own.
SEED = "20261122"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# It would shut itself out for good; and a followed log does not end.
LEFT_OUT = ["/api/v1/accounts/{login}/disable", "/api/v1/events/{log}"]
# The other mounts and labels of conda's addresses lead to the same handlers; a minute is too short for all of them.
ALIKE = [] if MINUTES > 1 else ["^/(conda|repo|api/repo)/|/label/"]

# It signs in anew whenever it has revoked its own session.
CONFIG = f"""
[auth.dynamic.openapi.bearer]
path = "/api/v1/session"
method = "post"
payload = {{ login = "{LOGIN}", password = "{PASSWORD}" }}
extract_from = "body"
extract_selector = "/token"
"""
# What is there, so that it finds its way past "no such channel" most of the time.
THERE = {
    "channel": ["fuzzed", "fuzzed-too"],
    "label": ["main"],
    "subdir": ["noarch", "linux-64"],
    "rest": ["simple/", "simple/tiny-lib/", "tiny-lib", "simple/tiny-lib/tiny_lib-1.0-py3-none-any.whl"],
}


def config(files):
    known = {**THERE, "file": files}
    lists = "".join(f"[dictionaries.{name}]\nvalues = {json.dumps(values)}\n" for name, values in known.items())
    bound = "".join(f'"path.{name}" = {{ dictionary = "{name}", probability = 0.7 }}\n' for name in known)
    return f"{lists}[parameters]\n{bound}{CONFIG}"


@pytest.fixture
def own(tmp_path_factory):
    """A server of its own: an administrator who tries everything may end the sessions of others."""
    server = Server(tmp_path_factory.mktemp("fuzzed") / "data").start()
    yield server
    server.stop()


def post(server, path, body):
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {server.admin}"}
    request = urllib.request.Request(server.url + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return answer.status


def statuses(report):
    """How often the server answered with each status."""
    counted = {}
    for line in report.open():
        finished = json.loads(line).get("ScenarioFinished")
        for interaction in (finished or {}).get("recorder", {}).get("interactions", {}).values():
            status = (interaction.get("response") or {}).get("status_code")
            counted[status] = counted.get(status, 0) + 1
    return counted


def test_every_answer_is_one_that_is_written_down(own, made, tmp_path):
    server = own
    account = {"login": LOGIN, "kind": "person", "password": PASSWORD, "admin": True}
    assert post(server, "/api/v1/accounts", account) == 201
    for channel in THERE["channel"]:
        server.channel(channel, "public")
        server.latchkey("upload", channel, *made["conda"], made["tiny-lib"])
    settings, report = tmp_path / "schemathesis.toml", tmp_path / "report.ndjson"
    settings.write_text(config([pathlib.Path(file).name for file in made["conda"]]))
    command = [pathlib.Path(sys.executable).parent / "schemathesis", "--config-file", settings, "run"]
    command += [server.url + "/api/v1/openapi.json", "--checks", CHECKS, "--phases", "coverage,fuzzing,stateful"]
    command += ["--max-time", str(60 * MINUTES), "--continue-on-failure", "--no-color", "--warnings", "off"]
    command += ["--request-timeout", "30", "--report-ndjson-path", report, "--seed", SEED]
    command += [word for path in LEFT_OUT for word in ("--exclude-path", path)]
    command += [word for pattern in ALIKE for word in ("--exclude-path-regex", pattern)]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    counted = statuses(report)
    assert ran.returncode == 0, f"{counted}\n{ran.stdout[-8000:]}\n{ran.stderr[-2000:]}"
    # It came past the gates: neither was its session dead all the time, nor its address put off.
    good = sum(count for status, count in counted.items() if status and status < 300)
    assert good > 100 and good > counted.get(429, 0), counted

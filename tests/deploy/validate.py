"""What kustomize makes of deploy/k8s is valid for Kubernetes 1.30 and the newest, and keeps this project's own rules.

Also: each service takes the configuration that its manifest gives it, nats-server lets each write what it owns and
nothing else, and each check is shown a document it must refuse. Ends with the number of checks and an exit code.
"""

import copy
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import kubernetes_validate
import yaml

import log
import rules
from kustomize import ROOT, render

VERSIONS = ("1.30", kubernetes_validate.latest_version())
SERVICES = ("auth", "catalog", "gateway", "projector")

passed, failed = 0, []


def check(what, faults):
    global passed
    faults = list(faults)
    if faults:
        failed.append(what)
        print(f"FAILED {what}", *faults, sep="\n  ")
    else:
        passed += 1


def invalid(documents):
    for document in documents:
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                yield f"{rules.name(document)} ({version}): {error.message}"
            except (kubernetes_validate.SchemaNotFoundError, kubernetes_validate.InvalidSchemaError) as error:
                yield f"{document['kind']} ({version}): {error.message}"


def variables():
    """The variables that each service's configuration reads."""
    def read(paths):
        return {name for path in paths for name in re.findall(r'env = "([A-Z0-9_]+)"', path.read_text())}

    shared = read((ROOT / "crates/runtime/src").rglob("*.rs"))
    own = {name: read((ROOT / "services" / name / "src").rglob("*.rs")) for name in SERVICES}
    return {f"latchkey-{name}": shared | found for name, found in own.items()}


def untaken(documents):
    """Runs each service with its manifest's variables; --print-config ends it once they were read."""
    binaries = pathlib.Path(os.environ.get("LATCHKEY_BIN", ROOT / "target/debug/latchkey")).parent
    for document in documents:
        if document["kind"] not in rules.WORKLOADS:
            continue
        command = rules.pod(document)["containers"][0].get("command", [""])
        program = command[0].rsplit("/", 1)[-1]
        if program.removeprefix("latchkey-") not in SERVICES:
            continue
        if not (binaries / program).exists():
            yield f"{binaries / program} is missing: cargo build --workspace --bins"
            continue
        with tempfile.TemporaryDirectory() as folder:
            given = mounted(rules.environment(document, documents), pathlib.Path(folder))
            ran = subprocess.run(
                [binaries / program, *command[1:], "--print-config"], env=given, capture_output=True, text=True
            )
        if ran.returncode != 0:
            yield f"{rules.name(document)}: {' '.join(command)} ended with {ran.returncode}: {ran.stderr.strip()}"


def mounted(environment, folder):
    """The same variables with every mounted secret in a folder that exists here."""
    given = {}
    for name, value in environment.items():
        for path in re.findall(r"/run/secrets/[\w./-]+", value):
            here = folder / path.removeprefix("/run/secrets/")
            here.parent.mkdir(parents=True, exist_ok=True)
            here.write_text("postgres://x:y@z/w\n" if path.endswith("database-url") else "nats://x:y@z:4222\n")
        given[name] = value.replace("/run/secrets", str(folder))
    return given


def wrong_documents(documents, known, described):
    """Each wrong document must be refused; yields those that were taken."""
    def changed(kind, name, path, value):
        copied = copy.deepcopy(documents)
        (found,) = [one for one in copied if one["kind"] == kind and one["metadata"]["name"].startswith(name)]
        for step in path[:-1]:
            found = found[step]
        if value is None:
            del found[path[-1]]
        else:
            found[path[-1]] = value
        return copied

    container = ("spec", "template", "spec", "containers", 0)
    wrong = {
        "a number that is a word": changed("Deployment", "auth", ("spec", "replicas"), "three"),
        "a field that does not exist": changed("Deployment", "auth", (*container, "imagePullPolicies"), "Always"),
        "no selector": changed("StatefulSet", "nats", ("spec", "selector"), None),
        "a port without a number": changed("Service", "gateway", ("spec", "ports"), [{"name": "http"}]),
        "a kind that does not exist": changed("Job", "setup", ("kind",), "Task"),
        "root": changed("Deployment", "gateway", ("spec", "template", "spec", "securityContext"), {}),
        "a writable root": changed("Deployment", "gateway", (*container, "securityContext"), {}),
        "no limit": changed("Deployment", "projector", (*container, "resources"), {}),
        "no probe": changed("Deployment", "catalog", (*container, "livenessProbe"), None),
        "an unknown variable": changed("Deployment", "auth", (*container, "env"), [{"name": "NATS", "value": "x"}]),
        "a secret nobody describes": changed(
            "Deployment", "auth", ("spec", "template", "spec", "volumes", 0, "secret", "secretName"), "other"
        ),
        "an old log": changed("StatefulSet", "nats", (*container, "image"), "nats:2.14.9"),
        "a log of one": changed("StatefulSet", "nats", ("spec", "replicas"), 1),
        "a log that forgets": changed("ConfigMap", "nats", ("data", "nats.conf"), "jetstream { store_dir: /data }"),
    }
    for what, tree in wrong.items():
        if not list(invalid(tree)) and not list(rules.faults(tree, known, described)):
            yield f"{what} was taken"


def main():
    described = (ROOT / "deploy/k8s/README.md").read_text()
    known = variables()
    for folder in ("base", "postgres", "example"):
        documents = list(yaml.safe_load_all(render(ROOT / "deploy/k8s" / folder)))
        check(f"{folder}: valid for {' and '.join(VERSIONS)}", invalid(documents))
        check(f"{folder}: the rules", rules.faults(documents, known, described))
        if folder != "postgres":
            check(f"{folder}: the services take their configuration", untaken(documents))
            check(f"{folder}: nats-server keeps facts and rights", log.faults(documents))
            check(f"{folder}: wrong documents are refused", wrong_documents(documents, known, described))
    print(f"validate: {passed} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


main()

"""What this project asks of its manifests beyond what Kubernetes asks. Each rule yields sentences."""

import re

NATS_MINIMUM = (2, 15, 1)

WORKLOADS = ("Deployment", "StatefulSet", "Job")


def faults(documents, known_variables, described):
    """All faults of a rendered set of documents.

    known_variables: service name to the variables its configuration reads. described: text that names every secret.
    """
    for document in documents:
        if document["kind"] in WORKLOADS:
            yield from pod_faults(document)
            yield from variable_faults(document, documents, known_variables)
            for secret in secrets(document):
                if f"`{secret}`" not in described:
                    yield f"{name(document)}: nobody is told how to make the secret {secret}"
    yield from log_faults(documents)


def name(document):
    return f"{document['kind']}/{document['metadata']['name']}"


def pod(document):
    return document["spec"]["template"]["spec"]


def pod_faults(document):
    who, spec = name(document), pod(document)
    security = spec.get("securityContext", {})
    if security.get("runAsNonRoot") is not True or security.get("runAsUser", 0) == 0:
        yield f"{who}: it must not run as root"
    if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield f"{who}: seccompProfile must be RuntimeDefault"
    if spec.get("automountServiceAccountToken") is not False:
        yield f"{who}: it needs no token of the cluster's"
    for container in spec["containers"] + spec.get("initContainers", []):
        own = container.get("securityContext", {})
        if own.get("readOnlyRootFilesystem") is not True or own.get("allowPrivilegeEscalation") is not False:
            yield f"{who}: its root filesystem must be read-only, without privilege escalation"
        if own.get("capabilities", {}).get("drop") != ["ALL"]:
            yield f"{who}: it must drop all capabilities"
        if "memory" not in container.get("resources", {}).get("limits", {}):
            yield f"{who}: it needs a memory limit"
        if document["kind"] != "Job":
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                if probe not in container:
                    yield f"{who}: it has no {probe}"
        if container["image"].endswith(":latest"):
            yield f"{who}: its image may change under it"
        for variable in container.get("env", []):
            if "secretKeyRef" in variable.get("valueFrom", {}):
                yield f"{who}: {variable['name']} puts a secret into the environment; mount it as a file"


def secrets(document):
    for volume in pod(document).get("volumes", []):
        if "secret" in volume:
            yield volume["secret"]["secretName"]


def environment(document, documents):
    """A container's variables, with those of the config maps it takes whole."""
    (container,) = pod(document)["containers"]
    maps = {one["metadata"]["name"]: one.get("data", {}) for one in documents if one["kind"] == "ConfigMap"}
    found = {}
    for source in container.get("envFrom", []):
        found.update(maps[source["configMapRef"]["name"]])
    for variable in container.get("env", []):
        found[variable["name"]] = variable.get("value", "pod")
    return found


def variable_faults(document, documents, known_variables):
    """A variable that nobody reads is a setting that silently does nothing."""
    (container,) = pod(document)["containers"]
    program = container.get("command", [""])[0].rsplit("/", 1)[-1]
    if program not in known_variables:
        return
    for variable in container.get("env", []):
        if variable["name"] not in known_variables[program]:
            yield f"{name(document)}: {program} does not read {variable['name']}"
    anyone = set().union(*known_variables.values())
    for variable in environment(document, documents):
        if variable not in anyone:
            yield f"{name(document)}: no service reads {variable}"


def log_faults(documents):
    for document in documents:
        if document["kind"] == "StatefulSet" and document["metadata"]["name"] == "nats":
            version = re.search(r":v?(\d+)\.(\d+)\.(\d+)", pod(document)["containers"][0]["image"])
            if not version or tuple(map(int, version.groups())) < NATS_MINIMUM:
                yield f"{name(document)}: nats-server must be 2.15.1 or newer"
            if document["spec"]["replicas"] != 3:
                yield f"{name(document)}: the log needs three replicas"
        if document["kind"] == "ConfigMap" and "nats.conf" in document.get("data", {}):
            if "sync_interval: always" not in document["data"]["nats.conf"]:
                yield f"{name(document)}: every write to the log must be synced before its ack"

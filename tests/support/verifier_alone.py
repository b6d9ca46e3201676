"""``trust-portal`` where nothing is installed but what ``requirements/verify.txt`` names."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

from trust_portal.evidence.verifier_archive import NAME

LOCK: Final = Path(__file__).parents[2] / "requirements" / "verify.txt"

_RUN: Final = """
import sys
from importlib.metadata import packages_distributions

installed = set(sys.argv.pop(1).split(","))
owners = packages_distributions()


class NothingElse:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        owned = {each.lower().replace("_", "-") for each in owners.get(top, ())}
        if owned and not owned & installed:
            raise ModuleNotFoundError(f"No module named {top!r}", name=top)


sys.meta_path.insert(0, NothingElse())
from trust_portal.cli import main
main()
"""


def unpacked(archive: bytes, folder: Path) -> Path:
    """Where ``verifier_alone`` finds the verifier of ``/trust-portal-verifier.zip``, and says that it is that one."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        opened.extractall(folder)
    source = folder / NAME
    # What is asked is the source in the folder, and no other that is installed.
    (source / "trust_portal" / "__init__.py").write_text('__version__ = "0.0.0+unpacked"\n')
    asked = verifier_alone("--version", folder=source)
    assert asked.stdout == "trust-portal, version 0.0.0+unpacked\n"
    return source


def verifier_alone(*arguments: str | Path, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command with these arguments, in a process that finds no package outside the verifier's lock.

    ``folder``: where its source was unpacked to; without it, this one's.
    """
    names = re.findall(r"^([a-z0-9._-]+)==", LOCK.read_text(), flags=re.MULTILINE)
    installed = ",".join([*names, "trust-portal"])
    return subprocess.run(
        [sys.executable, *(() if folder else ("-P",)), "-c", _RUN, installed, *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )

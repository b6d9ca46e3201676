"""``trust-portal`` where nothing is installed but what ``requirements/verify.txt`` names."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

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

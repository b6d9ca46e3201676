"""What a running ``trust-portal up`` tells the other commands: how to reach the installation it serves.

One private file (0600) in the data directory (0700), there for as long as the installation runs.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Final

from trust_portal.errors import Unavailable
from trust_portal.settings import Settings

DATA_DIR: Final = "TRUST_PORTAL_DATA_DIR"
_FILE: Final = "running.json"


def default_data_dir() -> Path:
    """``$TRUST_PORTAL_DATA_DIR``, else ``$XDG_DATA_HOME/trust-portal``, else ``~/.local/share/trust-portal``."""
    if named := os.environ.get(DATA_DIR):
        return Path(named)
    home = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(home) / "trust-portal"


@contextmanager
def announced(data_dir: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """For the block, let others find in ``data_dir`` the settings among ``environment``."""
    names = [field.name.upper() for field in fields(Settings)]
    said = {name: environment[name] for name in names if environment.get(name)}
    file = data_dir / _FILE
    draft = file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        json.dump(said, opened, indent=2)
    draft.rename(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def environment_of(data_dir: Path) -> dict[str, str]:
    """The settings of the installation that runs on ``data_dir``, named as in the environment.

    Raises ``Unavailable`` where none is running there, or not for this user.
    """
    data_dir = data_dir.expanduser().absolute()
    try:
        said: dict[str, str] = json.loads((data_dir / _FILE).read_text())
        running = _locked(data_dir / "lock")
    except FileNotFoundError:
        running = False
    except OSError as error:
        raise Unavailable(f"{data_dir} cannot be read: {error.strerror}", code="NOT_RUNNING") from error
    if not running:
        raise Unavailable(
            f"no installation runs on {data_dir}; start it (`trust-portal up --data-dir {data_dir}`),"
            " name another --data-dir, or set DATABASE_URL and REDIS_URL to your own servers",
            code="NOT_RUNNING",
        )
    return said


def _locked(path: Path) -> bool:
    """Whether a process holds ``path``: a killed one leaves files behind, but no lock."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False

"""The data directory of one installation: its lock, its secrets, its socket folder."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from trust_portal.errors import Conflict, InvalidInput
from trust_portal.runtime.embedded.identity import Identity

_MARK = "trust-portal.json"
#: ``sun_path`` holds 104 bytes on macOS and 108 on Linux, and PostgreSQL appends its file's name.
_LONGEST_FOLDER = 104 - len("/.s.PGSQL.5432.lock") - 1
#: Goes into URLs and configuration files as it is.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")


@dataclass(frozen=True, slots=True)
class Secrets:
    """Passwords of the embedded servers, made once, kept with mode 0600."""

    bootstrap: str = field(repr=False)
    login: str = field(repr=False)
    valkey: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DataDir:
    """``root`` is private (0700); ``sockets`` holds both servers' sockets, private as well."""

    root: Path
    sockets: Path
    secrets: Secrets

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def log(self) -> Path:
        return self.root / "log"


@contextmanager
def open_data_dir(root: Path, identity: Identity) -> Iterator[DataDir]:
    """Claim ``root`` for this process, creating it where needed.

    Raises ``Conflict`` while another instance holds it, ``InvalidInput`` if it is not ours. The
    lock is the kernel's (flock): it ends with the process, so a killed instance leaves none.
    """
    root = root.expanduser().absolute()
    _create(root)
    with _lock(root / "lock"):
        data_dir = DataDir(root, _sockets(root, identity), _secrets(root / _MARK))
        data_dir.log.mkdir(mode=0o700, exist_ok=True)
        try:
            yield data_dir
        finally:
            shutil.rmtree(data_dir.sockets, ignore_errors=True)


def _create(root: Path) -> None:
    if root.exists() and not root.is_dir():
        raise InvalidInput(f"{root} is not a folder", field="data-dir")
    if root.is_dir() and any(root.iterdir()) and not (root / _MARK).exists() and not (root / "lock").exists():
        raise InvalidInput(f"{root} holds other files; name an empty or a new folder", field="data-dir")
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    if stat.S_IMODE(root.stat().st_mode) != 0o700:
        root.chmod(0o700)


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            raise Conflict(
                f"{path.parent} is in use by another instance (process {holder});"
                " stop it or name another --data-dir",
                code="DATA_DIR_IN_USE",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        try:
            yield
        finally:
            # Emptied, not removed: a removed file can still be locked by somebody who opened it.
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _secrets(path: Path) -> Secrets:
    if not path.exists():
        made = {name: secrets.token_urlsafe(24) for name in ("bootstrap", "login", "valkey")}
        new = path.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(json.dumps(made))
        new.rename(path)
    return Secrets(**json.loads(path.read_text()))


def _sockets(root: Path, identity: Identity) -> Path:
    """``root/run``, or a folder in the system's temporary one where the path is too long or odd.

    Its name follows from ``root``, so that what a killed instance left is found and replaced.
    """
    name = f"trust-portal-{os.geteuid()}-{hashlib.sha256(os.fsencode(root)).hexdigest()[:16]}"
    # TMPDIR can be as long as root: on macOS, in test runners, in build systems.
    places = (root / "run", Path(tempfile.gettempdir()) / name, Path("/tmp") / name)  # noqa: S108 - 0700, owner checked
    folder = next((place for place in places if _holds_sockets(place)), places[-1])
    if folder.is_symlink() or folder.exists():
        if folder.is_symlink() or folder.stat().st_uid not in {os.geteuid(), identity.owner[0]}:
            raise Conflict(f"{folder} belongs to somebody else; remove it", code="FOREIGN_SOCKETS")
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    os.chown(folder, *identity.owner)
    return folder


def _holds_sockets(folder: Path) -> bool:
    return len(os.fsencode(folder)) <= _LONGEST_FOLDER and _PLAIN_PATH.fullmatch(str(folder)) is not None

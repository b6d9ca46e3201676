"""The installation's signing keys: one file, mode 0600, created once, atomically.

Two Ed25519 keys, so that neither ever signs the other's kind of bytes:

* ``receipts`` signs DSSE envelopes;
* ``checkpoints`` signs the logs' notes, under each log's own name.

The file is the only place of the private halves. The database remembers the public ones, and a
start with another file, or without one, is refused: receipts signed by a key nobody pinned would
be worth nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from trust_portal.errors import InvalidInput
from trust_portal.evidence.signing import SigningKey
from trust_portal.kernel.clock import Clock, rfc3339

_FORMAT = "trust-portal-keys/1"
_SEED_BYTES = 32
_OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class KeyPurpose(StrEnum):
    RECEIPTS = "receipts"
    CHECKPOINTS = "checkpoints"


@dataclass(frozen=True, slots=True)
class Keyring:
    """The two keys and when they were made. ``repr`` shows no secret: a key prints as its id."""

    receipts: SigningKey
    checkpoints: SigningKey
    created_at: datetime

    def by_purpose(self) -> dict[KeyPurpose, SigningKey]:
        return {KeyPurpose.RECEIPTS: self.receipts, KeyPurpose.CHECKPOINTS: self.checkpoints}


def load_or_create_keyring(path: Path, clock: Clock) -> Keyring:
    """The keyring in ``path``, made first if there is none. Safe when two processes start at once."""
    if not path.exists():
        _create(path, clock.now())
    return load_keyring(path)


def load_keyring(path: Path) -> Keyring:
    """The keyring in ``path``.

    Raises ``InvalidInput`` (field ``KEY_FILE``) when the file is missing, readable by others than
    its owner, or not one of ours.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise _refused(f"there is no key file {path}; restore it from its backup") from error
    except OSError as error:
        raise _refused(f"the key file {path} cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        # Asked of the open file, so that it cannot be exchanged between the question and the read.
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        if mode & _OPEN_TO_OTHERS:
            raise _refused(f"the key file {path} has mode {mode:04o}; run: chmod 600 {path}")
        content = file.read()
    return _parse(content, path)


def refuse_foreign_keys(keyring: Keyring, known: set[str]) -> None:
    """``InvalidInput`` unless the database knows none, or exactly the file's keys."""
    ours = {key.key_id for key in keyring.by_purpose().values()}
    if known and known != ours:
        raise InvalidInput(
            "the key file is not the one this database knows; restore it from its backup. Receipts "
            f"were signed by {', '.join(sorted(known - ours)) or 'fewer keys'}, the file holds "
            f"{', '.join(sorted(ours))}",
            field="KEY_FILE",
            code="KEY_FILE_FOREIGN",
        )


def refuse_lost_keys(path: Path, known: set[str]) -> None:
    """``InvalidInput`` if the database knows keys, whose file is not at ``path``."""
    if known:
        raise _refused(
            f"there is no key file {path}, but this database knows keys; name its KEY_FILE or restore it"
            " from its backup"
        )


def _parse(content: bytes, path: Path) -> Keyring:
    try:
        document = json.loads(content)
        if document["format"] != _FORMAT:
            raise _refused(f"{path} has format {document['format']!r}; this version reads {_FORMAT}")
        keys = {purpose: _key(document["keys"][purpose.value]) for purpose in KeyPurpose}
        created_at = datetime.fromisoformat(document["created_at"])
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise _refused(f"{path} is damaged or no key file of ours; restore it from its backup") from error
    return Keyring(keys[KeyPurpose.RECEIPTS], keys[KeyPurpose.CHECKPOINTS], created_at)


def _key(text: str) -> SigningKey:
    seed = base64.b64decode(text, validate=True)
    if len(seed) != _SEED_BYTES:
        raise ValueError("an Ed25519 seed has 32 bytes")
    return SigningKey(seed)


def _create(path: Path, at: datetime) -> None:
    """Write a new key file beside ``path`` and link it into place: whole, or not at all."""
    document = {
        "format": _FORMAT,
        "created_at": rfc3339(at),
        "keys": {
            purpose.value: base64.b64encode(secrets.token_bytes(_SEED_BYTES)).decode()
            for purpose in KeyPurpose
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(document, indent=2).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was first: its keys are the keys
            os.link(draft, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise _refused(f"the key file {path} cannot be created: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refused(message: str) -> InvalidInput:
    return InvalidInput(message, field="KEY_FILE", code="KEY_FILE")

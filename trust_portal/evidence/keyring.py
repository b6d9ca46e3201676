"""The installation's signing keys: one file, mode 0600, created once, atomically.

Three Ed25519 keys, so that none ever signs another's kind of bytes:

* ``receipts`` signs DSSE envelopes;
* ``checkpoints`` signs the logs' notes, under each log's own name;
* ``webhooks`` signs what is sent to other systems.

A file from before the third key was needed is given one, its other keys staying what they are.

The file is the only place of the private halves. The database remembers the public ones, and a
start with another file, or without one, is refused: receipts signed by a key nobody pinned would
be worth nothing. Which of them is in force is the database's to say (``key_register``): a key that
was prepared (``key_preparing``) lies beside the one it will replace until two people approve.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import json
import os
import secrets
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from trust_portal.errors import InvalidInput
from trust_portal.evidence.signing import SigningKey
from trust_portal.kernel.clock import Clock, rfc3339

_FORMAT = "trust-portal-keys/2"
#: Without a key for webhooks.
_FIRST_FORMAT = "trust-portal-keys/1"
#: With a key that waits to be approved, or has been and is not tidied yet.
_PREPARED_FORMAT = "trust-portal-keys/3"
_SEED_BYTES = 32
_OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class KeyPurpose(StrEnum):
    RECEIPTS = "receipts"
    CHECKPOINTS = "checkpoints"
    WEBHOOKS = "webhooks"


@dataclass(slots=True)
class Keyring:
    """The keys to sign with now, and when the file was made. ``repr`` shows no secret: a key prints as its id.

    ``prepared`` are keys that may replace one of them. A process keeps one keyring and asks it each
    time: a key that is replaced while it runs is another from then on (``follow``).
    """

    receipts: SigningKey
    checkpoints: SigningKey
    webhooks: SigningKey
    created_at: datetime
    prepared: Mapping[KeyPurpose, SigningKey] = field(default_factory=dict)
    path: Path | None = field(default=None, compare=False)

    def by_purpose(self) -> dict[KeyPurpose, SigningKey]:
        return {
            KeyPurpose.RECEIPTS: self.receipts,
            KeyPurpose.CHECKPOINTS: self.checkpoints,
            KeyPurpose.WEBHOOKS: self.webhooks,
        }

    def follow(self, in_force: Mapping[KeyPurpose, str]) -> None:
        """Sign with the keys that are in force (ids by purpose) from now on; pure where they are already.

        A key that is not at hand is looked for in the file as it is now. ``InvalidInput`` (field
        ``KEY_FILE``) where it is not there either: another installation's file, an old backup, or one
        that a rotated key was not brought to. Nothing is changed then.

        The file may hold more: a key made since for a purpose that is not on record yet.
        """
        ours = {purpose: key.key_id for purpose, key in self.by_purpose().items()}
        wanted = {purpose: key_id for purpose, key_id in in_force.items() if ours[purpose] != key_id}
        found = self._found(wanted)
        if wanted and any(key_id not in found for key_id in wanted.values()) and self.path is not None:
            found = load_keyring(self.path)._found(wanted)  # noqa: SLF001 - its own
        missing = sorted(key_id for key_id in wanted.values() if key_id not in found)
        if missing or (in_force and KeyPurpose.RECEIPTS not in in_force):
            raise InvalidInput(
                "the key file is not the one this database knows; restore it from its backup, or bring the"
                " rotated key to it (docs/operations.md). Receipts are signed by "
                f"{', '.join(missing) or 'another key'}, the file holds {', '.join(sorted(ours.values()))}",
                field="KEY_FILE",
                code="KEY_FILE_FOREIGN",
            )
        for purpose, key_id in wanted.items():
            setattr(self, purpose.value, found[key_id])

    def holds(self, purpose: KeyPurpose, key_id: str) -> bool:
        """Whether the private half is at hand, or in the file as it is now."""
        wanted = {purpose: key_id}
        return bool(self._found(wanted)) or (
            self.path is not None and bool(load_keyring(self.path)._found(wanted))  # noqa: SLF001 - its own
        )

    def _found(self, wanted: Mapping[KeyPurpose, str]) -> dict[str, SigningKey]:
        own = self.by_purpose()
        keys = [each for p in wanted for each in (own[p], self.prepared.get(p)) if each is not None]
        return {key.key_id: key for key in keys if key.key_id in wanted.values()}


def load_or_create_keyring(path: Path, clock: Clock) -> Keyring:
    """The keyring in ``path``, made first if there is none. Safe when two processes start at once."""
    if not path.exists():
        _create(path, clock.now())
    elif _format_of(_read(path)) == _FIRST_FORMAT:
        _complete(path)
    return load_keyring(path)


def load_keyring(path: Path) -> Keyring:
    """The keyring in ``path``.

    Raises ``InvalidInput`` (field ``KEY_FILE``) when the file is missing, readable by others than
    its owner, or not one of ours.
    """
    return _parse(_read(path), path)


def _read(path: Path) -> bytes:
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
        return file.read()


def refuse_lost_keys(path: Path, known: Mapping[KeyPurpose, str]) -> None:
    """``InvalidInput`` if the database knows keys, whose file is not at ``path``."""
    if known:
        raise _refused(
            f"there is no key file {path}, but this database knows keys; name its KEY_FILE or restore it"
            " from its backup"
        )


def _parse(content: bytes, path: Path) -> Keyring:
    try:
        document = json.loads(content)
        if document["format"] == _FIRST_FORMAT:
            raise _refused(f"{path} has no key for webhooks yet; the next start of the portal adds it")
        if document["format"] not in {_FORMAT, _PREPARED_FORMAT}:
            raise _refused(f"{path} has format {document['format']!r}; this version reads {_FORMAT}")
        keys = {purpose: _key(document["keys"][purpose.value]) for purpose in KeyPurpose}
        prepared = {KeyPurpose(name): _key(seed) for name, seed in document.get("prepared", {}).items()}
        created_at = datetime.fromisoformat(document["created_at"])
    except (AttributeError, KeyError, TypeError, ValueError, binascii.Error) as error:
        raise _refused(f"{path} is damaged or no key file of ours; restore it from its backup") from error
    return Keyring(
        keys[KeyPurpose.RECEIPTS],
        keys[KeyPurpose.CHECKPOINTS],
        keys[KeyPurpose.WEBHOOKS],
        created_at,
        prepared,
        path,
    )


def _format_of(content: bytes) -> object:
    try:
        document = json.loads(content)
    except ValueError:
        return None
    return document.get("format") if isinstance(document, dict) else None


def _key(text: str) -> SigningKey:
    seed = base64.b64decode(text, validate=True)
    if len(seed) != _SEED_BYTES:
        raise ValueError("an Ed25519 seed has 32 bytes")
    return SigningKey(seed)


def _new_seed() -> str:
    return base64.b64encode(secrets.token_bytes(_SEED_BYTES)).decode()


def _create(path: Path, at: datetime) -> None:
    """Write a new key file beside ``path`` and link it into place: whole, or not at all."""
    document = {
        "format": _FORMAT,
        "created_at": rfc3339(at),
        "keys": {purpose.value: _new_seed() for purpose in KeyPurpose},
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refused(f"the folder of the key file {path} cannot be made: {error.strerror}") from error
    with suppress(FileExistsError):  # another process was first: its keys are the keys
        _write(path, document, os.link)


def _complete(path: Path) -> None:
    """Add the key for webhooks to a file of the first format, once, whoever else starts now."""
    with path.open("rb") as old:
        fcntl.flock(old, fcntl.LOCK_EX)
        document = json.loads(_read(path))
        if document["format"] == _FORMAT or not isinstance(document.get("keys"), dict):
            return  # another process was first; or it is damaged, which reading it says
        keys = {**document["keys"], KeyPurpose.WEBHOOKS.value: _new_seed()}
        _write(path, {**document, "format": _FORMAT, "keys": keys}, os.replace)


def prepare_key(path: Path, purpose: KeyPurpose) -> SigningKey:
    """A new key for ``purpose`` beside the one in force; the one already prepared, where there is one.

    The file's other keys stay. Safe when two do it at once: both get the same key.
    """

    def change(document: dict[str, Any]) -> dict[str, Any]:
        prepared = document.get("prepared", {})
        seed = prepared.get(purpose.value) or _new_seed()
        return document | {"format": _PREPARED_FORMAT, "prepared": {**prepared, purpose.value: seed}}

    return _rewritten(path, change).prepared[purpose]


def tidy_keys(path: Path, in_force: Mapping[KeyPurpose, str]) -> tuple[str, ...]:
    """Drop the private halves of keys that a prepared one has replaced; the ids of those dropped.

    What is prepared and not in force stays prepared.
    """
    dropped: list[str] = []

    def change(document: dict[str, Any]) -> dict[str, Any]:
        keys, prepared = dict(document["keys"]), dict(document.get("prepared", {}))
        dropped.clear()
        for name, seed in list(prepared.items()):
            if in_force.get(KeyPurpose(name)) == _key(seed).key_id:
                dropped.append(_key(keys[name]).key_id)
                keys[name] = prepared.pop(name)
        if not prepared:
            document = {name: value for name, value in document.items() if name != "prepared"}
            return document | {"format": _FORMAT, "keys": keys}
        return document | {"keys": keys, "prepared": prepared}

    _rewritten(path, change)
    return tuple(dropped)


def _rewritten(path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Keyring:
    """The file with ``change`` applied, whole or not at all, one writer after the other."""
    load_keyring(path)  # refuses what is missing, damaged or open to others
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        before = json.loads(_read(path))
        after = change(before)
        if after != before:
            _write(path, after, os.replace)
        return load_keyring(path)
    finally:
        os.close(folder)


def _write(path: Path, document: Mapping[str, object], put: Callable[[Path, Path], None]) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(document, indent=2).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        put(draft, path)
        _sync_folder(path.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise _refused(f"the key file {path} cannot be written: {error.strerror}") from error
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

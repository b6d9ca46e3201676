"""The key service that comes with the portal: a folder, one file a key, mode 0600.

A file holds 32 random bytes. What wraps and what proves are derived from them apart (BLAKE2b, keyed, by
purpose), so that neither says anything of the other. A key's id is the hex SHA-256 of the DER
SubjectPublicKeyInfo of its public half, like that of every key of the house.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import json
import os
import re
import secrets
import stat
from pathlib import Path
from typing import Final
from uuid import UUID

from nacl.exceptions import CryptoError
from nacl.secret import Aead

from trust_portal.errors import Conflict, Unavailable
from trust_portal.evidence.signing import SigningKey

_FORMAT: Final = "trust-portal-customer-key/1"
_KEY_ID: Final = re.compile(r"[0-9a-f]{64}")
_SEED_BYTES: Final = 32
_OPEN_TO_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class KeyFiles:
    """Keys in ``folder``, which the first key makes. Taking a file away takes the key away."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def create(self, tenant_id: UUID) -> tuple[str, bytes]:
        return await asyncio.to_thread(self._create, tenant_id)

    async def wrap(self, key_id: str, data_key: bytes, context: bytes) -> bytes:
        seed = await asyncio.to_thread(self._seed, key_id)
        return bytes(Aead(_derived(seed, b"wrap")).encrypt(data_key, context))

    async def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        seed = await asyncio.to_thread(self._seed, key_id)
        try:
            return Aead(_derived(seed, b"wrap")).decrypt(wrapped, context)
        except (CryptoError, ValueError) as error:
            raise _wrong(key_id) from error

    async def prove(self, key_id: str, statement: bytes) -> bytes:
        seed = await asyncio.to_thread(self._seed, key_id)
        return _prover(seed).sign(statement)

    def _create(self, tenant_id: UUID) -> tuple[str, bytes]:
        seed = secrets.token_bytes(_SEED_BYTES)
        prover = _prover(seed)
        document = {
            "format": _FORMAT,
            "tenant": str(tenant_id),
            "key_id": prover.key_id,
            "seed": base64.b64encode(seed).decode(),
        }
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path(prover.key_id), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(json.dumps(document, indent=2).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            folder = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise Unavailable(f"the customer's key cannot be written: {error.strerror}") from error
        return prover.key_id, prover.public_key

    def _seed(self, key_id: str) -> bytes:
        try:
            with self._path(key_id).open("rb") as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                content = file.read()
        except FileNotFoundError as error:
            raise Conflict(
                f"the key service no longer has the customer's key {key_id}", code="KEY_MISSING"
            ) from error
        except OSError as error:
            raise Unavailable(f"the customer's key cannot be read: {error.strerror}") from error
        if mode & _OPEN_TO_OTHERS:
            raise Unavailable(f"the customer's key is open to others (mode {mode:04o}); run: chmod 600")
        try:
            seed = base64.b64decode(json.loads(content)["seed"], validate=True)
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            raise _wrong(key_id) from error
        if len(seed) != _SEED_BYTES or _prover(seed).key_id != key_id:
            raise _wrong(key_id)
        return seed

    def _path(self, key_id: str) -> Path:
        if not _KEY_ID.fullmatch(key_id):
            raise _wrong(key_id)
        return self._folder / f"{key_id}.json"


def _derived(seed: bytes, purpose: bytes) -> bytes:
    return hashlib.blake2b(key=seed, digest_size=32, person=b"tp-key-" + purpose).digest()


def _prover(seed: bytes) -> SigningKey:
    return SigningKey(_derived(seed, b"prove"))


def _wrong(key_id: str) -> Conflict:
    return Conflict(
        f"what the key service has for {key_id} is another key and does not open this", code="KEY_WRONG"
    )

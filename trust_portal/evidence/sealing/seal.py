"""Sealed bytes: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) under an export's own data key. Pure.

What is authenticated beside the bytes is whose they are and which file: a sealed file moved to another
name, export or tenant does not open.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from nacl.exceptions import CryptoError
from nacl.secret import Aead
from nacl.utils import random

from trust_portal.errors import Broken

DATA_KEY_BYTES: Final = Aead.KEY_SIZE
#: The name under which the bundle itself is sealed; no file has an empty one.
BUNDLE: Final = ""
_LABEL: Final = b"trust-portal/seal/v1"


def new_data_key() -> bytes:
    return random(DATA_KEY_BYTES)


def identity(tenant_id: UUID, export_id: UUID, name: str) -> bytes:
    """What a sealed file is bound to."""
    return b"\n".join((_LABEL, str(tenant_id).encode(), str(export_id).encode(), name.encode()))


def seal(
    data_key: bytes, tenant_id: UUID, export_id: UUID, contents: Mapping[str, bytes]
) -> dict[str, bytes]:
    """Nonce and ciphertext of each file, by its name."""
    box = Aead(data_key)
    return {
        name: bytes(box.encrypt(content, identity(tenant_id, export_id, name)))
        for name, content in contents.items()
    }


def unseal(
    data_key: bytes, tenant_id: UUID, export_id: UUID, sealed: Mapping[str, bytes]
) -> dict[str, bytes]:
    """``Broken`` where bytes are not those that were sealed under this key for this place."""
    box = Aead(data_key)
    try:
        return {
            name: box.decrypt(content, identity(tenant_id, export_id, name))
            for name, content in sealed.items()
        }
    except (CryptoError, ValueError) as error:
        raise Broken("sealed bytes are not those that were sealed here", code="SEAL_BROKEN") from error

"""That a key is really there and really used: a signature over a fresh nonce, and a data key there and back."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from trust_portal.errors import Conflict
from trust_portal.evidence.sealing.key_service import KeyService
from trust_portal.evidence.sealing.seal import new_data_key
from trust_portal.evidence.signing import VerifyKey

_LABEL: Final = "trust-portal key use v1"


def statement(tenant_id: UUID, key_id: str, nonce: bytes) -> bytes:
    """What is signed, in lines: label, tenant, key, nonce in hex."""
    return "\n".join((_LABEL, str(tenant_id), key_id, nonce.hex(), "")).encode()


async def require_use(
    service: KeyService, tenant_id: UUID, key_id: str, public_key: bytes, nonce: bytes
) -> bytes:
    """The signature, checked by the public half on record. ``Conflict``: KEY_MISSING, KEY_WRONG."""
    said = statement(tenant_id, key_id, nonce)
    signature = await service.prove(key_id, said)
    if not VerifyKey(public_key).verify(said, signature):
        raise Conflict(f"what proves the use of {key_id} is not its signature", code="KEY_WRONG")
    data_key = new_data_key()
    wrapped = await service.wrap(key_id, data_key, said)
    if wrapped == data_key or await service.unwrap(key_id, wrapped, said) != data_key:
        raise Conflict(f"what {key_id} wraps it does not give back", code="KEY_WRONG")
    return signature

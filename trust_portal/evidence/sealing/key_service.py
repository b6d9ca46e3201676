"""The door to whatever keeps customers' keys: it wraps data keys and proves their use; keys never come out."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID


class KeyService(Protocol):
    """Each call names the key; ``Conflict`` with ``KEY_MISSING`` or ``KEY_WRONG`` where it is not there or does
    not open, ``Unavailable`` where the service does not answer.
    """

    async def create(self, tenant_id: UUID) -> tuple[str, bytes]:
        """A new key: its id, and the Ed25519 public key (32 bytes) that checks ``prove``."""
        ...

    async def wrap(self, key_id: str, data_key: bytes, context: bytes) -> bytes:
        """``data_key`` sealed under the key, bound to ``context``."""
        ...

    async def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes: ...

    async def prove(self, key_id: str, statement: bytes) -> bytes:
        """An Ed25519 signature over ``statement``, which only who holds the key can make."""
        ...

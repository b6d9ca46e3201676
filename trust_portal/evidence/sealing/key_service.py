"""The door to whatever keeps customers' keys: it wraps data keys and proves their use; keys never come out.

``KEY_SERVICE`` names it as a URL. ``file:`` is a folder on this machine (``key_files``). Another scheme is
looked for among the entry points of the group ``trust_portal.key_services``: a callable that takes the URL. It
is asked over a network, so it is waited for so long and no longer (``patience``).
"""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit
from uuid import UUID

from trust_portal.errors import InvalidInput
from trust_portal.evidence.sealing.key_files import KeyFiles
from trust_portal.evidence.sealing.patience import Patient

GROUP: Final = "trust_portal.key_services"


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


def open_key_service(url: str) -> KeyService:
    """``InvalidInput`` (field ``KEY_SERVICE``) where nothing here knows the scheme."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return KeyFiles(Path(unquote(parts.path)))
    for found in entry_points(group=GROUP, name=parts.scheme):
        return Patient(found.load()(url))
    raise InvalidInput(f"no key service is installed for {parts.scheme}:", field="KEY_SERVICE")

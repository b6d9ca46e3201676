"""What is stored of exports goes in and comes out through here: sealed for tenants that have enabled a key.

    in    standing (a transaction) ─▶ seal (the key service, none) ─▶ keep (a transaction, with the rows)
    out   fetch (a transaction)    ─▶ open (the key service, none)

The key service is in another place and may be slow or silent, so it is asked between transactions and never
within one. What was sealed is kept only where the key still stands as it did: otherwise nothing is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from trust_portal.errors import Broken, Conflict, Unavailable
from trust_portal.evidence.sealing.key_service import KeyService
from trust_portal.evidence.sealing.model import CustomerKey
from trust_portal.evidence.sealing.repository import current_key, find_data_key, put_data_key
from trust_portal.evidence.sealing.seal import identity, new_data_key, seal, unseal
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

#: Code of the refusal where the customer took its key back.
KEY_WITHDRAWN: Final = "KEY_WITHDRAWN"
#: Of an export's data key: bound to the export, and to no file of it.
_DATA_KEY = "\n"


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds of an export when it is about to be sealed.

    ``data_key``: the key it is wrapped under and how, None where nothing of the export is sealed.
    """

    tenant_id: UUID
    export_id: UUID
    key: CustomerKey | None
    data_key: tuple[str, bytes] | None


@dataclass(frozen=True, slots=True)
class Sealed:
    """``contents`` as they are to be stored, and the data key where it is wrapped anew."""

    standing: Standing
    contents: Mapping[str, bytes]
    wrapped: bytes | None = None

    @property
    def is_sealed(self) -> bool:
        return self.standing.key is not None


@dataclass(frozen=True, slots=True)
class Shut:
    """What was read of an export and is not opened yet: files in plain, files under ``data_key``."""

    tenant_id: UUID
    export_id: UUID
    plain: Mapping[str, bytes]
    sealed: Mapping[str, bytes]
    data_key: tuple[str, bytes] | None


class Vault:
    """``service`` None: an installation that knows no key service, and so no tenant with a key."""

    def __init__(self, service: KeyService | None = None) -> None:
        self._service = service

    @property
    def service(self) -> KeyService:
        if self._service is None:
            raise Conflict("this installation has no key service", code="KEY_SERVICE_MISSING")
        return self._service

    async def standing(self, session: ReadSession, tenant_id: UUID, export_id: UUID) -> Standing:
        key = await current_key(session, tenant_id)
        return Standing(tenant_id, export_id, key, await find_data_key(session, tenant_id, export_id))

    async def seal(self, standing: Standing, contents: Mapping[str, bytes]) -> Sealed:
        """In no transaction. ``Conflict`` where the tenant's key is withdrawn or with the service no more:
        nothing becomes ready to be stored plain.
        """
        key = standing.key
        if key is None:
            return Sealed(standing, contents)
        _require_in_force(key)
        tenant_id, export_id, wrapped = standing.tenant_id, standing.export_id, None
        if standing.data_key is None:
            data_key = new_data_key()
            wrapped = await self._wrap(key, export_id, data_key)
        else:
            data_key = await self._unwrap(tenant_id, export_id, *standing.data_key)
        sealed = await asyncio.to_thread(seal, data_key, tenant_id, export_id, contents)
        return Sealed(standing, sealed, wrapped)

    async def rewrap(self, standing: Standing) -> Sealed:
        """In no transaction: the export's data key under the key in force; what it seals stays as it is."""
        key = standing.key
        if key is None or standing.data_key is None or standing.data_key[0] == key.key_id:
            return Sealed(standing, {})
        _require_in_force(key)
        data_key = await self._unwrap(standing.tenant_id, standing.export_id, *standing.data_key)
        return Sealed(standing, {}, await self._wrap(key, standing.export_id, data_key))

    async def keep(self, session: WriteSession, sealed: Sealed) -> None:
        """Before ``sealed.contents`` are stored, in the same transaction, with the export's row locked.

        ``Conflict`` (KEY_WITHDRAWN); ``Unavailable`` (KEY_CHANGED) where something was done about the key since.
        """
        before = sealed.standing
        now = await self.standing(session, before.tenant_id, before.export_id)
        _require_in_force(now.key)
        if now != before:
            raise Unavailable(
                "the customer's key was changed meanwhile; nothing was stored, try again", code="KEY_CHANGED"
            )
        if sealed.wrapped is not None and before.key is not None:
            await put_data_key(
                session,
                before.tenant_id,
                before.export_id,
                before.key.key_id,
                sealed.wrapped,
                session.clock.now(),
            )

    async def fetch(
        self,
        session: ReadSession,
        tenant_id: UUID,
        export_id: UUID,
        *,
        plain: Mapping[str, bytes],
        sealed: Mapping[str, bytes],
    ) -> Shut:
        """With what opens it. ``Conflict`` (KEY_WITHDRAWN), also for what is stored plain still, because no job
        had come to it.
        """
        _require_in_force(await current_key(session, tenant_id))
        data_key = await find_data_key(session, tenant_id, export_id) if sealed else None
        return Shut(tenant_id, export_id, plain, sealed, data_key)

    async def open(self, shut: Shut) -> dict[str, bytes]:
        """In no transaction: everything as it was. ``Conflict``: KEY_MISSING, KEY_WRONG."""
        if not shut.sealed:
            return dict(shut.plain)
        if shut.data_key is None:
            raise Broken("sealed, and there is no data key for it", code="SEAL_WITHOUT_KEY")
        data_key = await self._unwrap(shut.tenant_id, shut.export_id, *shut.data_key)
        opened = await asyncio.to_thread(unseal, data_key, shut.tenant_id, shut.export_id, shut.sealed)
        return {**shut.plain, **opened}

    async def _wrap(self, key: CustomerKey, export_id: UUID, data_key: bytes) -> bytes:
        return await self.service.wrap(key.key_id, data_key, identity(key.tenant_id, export_id, _DATA_KEY))

    async def _unwrap(self, tenant_id: UUID, export_id: UUID, key_id: str, wrapped: bytes) -> bytes:
        return await self.service.unwrap(key_id, wrapped, identity(tenant_id, export_id, _DATA_KEY))


def _require_in_force(key: CustomerKey | None) -> None:
    if key is not None and not key.in_force:
        raise Conflict(
            "the customer has withdrawn the key: nothing stored is handed out, and nothing new is stored",
            code=KEY_WITHDRAWN,
        )

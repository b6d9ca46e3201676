"""What is stored of exports goes in and comes out through here: sealed for tenants that have enabled a key."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from trust_portal.errors import Broken, Conflict
from trust_portal.evidence.sealing.key_service import KeyService
from trust_portal.evidence.sealing.model import CustomerKey
from trust_portal.evidence.sealing.repository import current_key, find_data_key, put_data_key
from trust_portal.evidence.sealing.seal import identity, new_data_key, seal, unseal
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

#: Code of the refusal where the customer took its key back.
KEY_WITHDRAWN: Final = "KEY_WITHDRAWN"
#: Of an export's data key: bound to the export, and to no file of it.
_DATA_KEY = "\n"


class Vault:
    """``service`` None: an installation that knows no key service, and so no tenant with a key."""

    def __init__(self, service: KeyService | None = None) -> None:
        self._service = service

    @property
    def service(self) -> KeyService:
        if self._service is None:
            raise Conflict("this installation has no key service", code="KEY_SERVICE_MISSING")
        return self._service

    async def put(
        self, session: WriteSession, tenant_id: UUID, export_id: UUID, contents: Mapping[str, bytes]
    ) -> tuple[Mapping[str, bytes], bool]:
        """As they are to be stored, and whether that is sealed.

        ``Conflict`` where the tenant's key is withdrawn or with the service no more: nothing is stored plain.
        """
        key = await current_key(session, tenant_id)
        if key is None:
            return contents, False
        data_key = await self._data_key(session, key, export_id)
        return await asyncio.to_thread(seal, data_key, tenant_id, export_id, contents), True

    async def take(
        self, session: ReadSession, tenant_id: UUID, export_id: UUID, sealed: Mapping[str, bytes]
    ) -> dict[str, bytes]:
        """What was sealed, as it was. ``Conflict``: KEY_WITHDRAWN, KEY_MISSING, KEY_WRONG.

        Withdrawn, it refuses also what is stored plain still, because no job had come to it.
        """
        _require_in_force(await current_key(session, tenant_id))
        if not sealed:
            return {}
        found = await find_data_key(session, tenant_id, export_id)
        if found is None:
            raise Broken("sealed, and there is no data key for it", code="SEAL_WITHOUT_KEY")
        data_key = await self._unwrap(tenant_id, export_id, *found)
        return await asyncio.to_thread(unseal, data_key, tenant_id, export_id, sealed)

    async def rewrap(self, session: WriteSession, key: CustomerKey, export_id: UUID) -> None:
        """Put the export's data key under ``key``; what it seals stays as it is."""
        found = await find_data_key(session, key.tenant_id, export_id)
        if found is None or found[0] == key.key_id:
            return
        data_key = await self._unwrap(key.tenant_id, export_id, *found)
        await self._wrap(session, key, export_id, data_key)

    async def _data_key(self, session: WriteSession, key: CustomerKey, export_id: UUID) -> bytes:
        _require_in_force(key)
        found = await find_data_key(session, key.tenant_id, export_id)
        if found is not None:
            return await self._unwrap(key.tenant_id, export_id, *found)
        data_key = new_data_key()
        await self._wrap(session, key, export_id, data_key)
        return data_key

    async def _wrap(self, session: WriteSession, key: CustomerKey, export_id: UUID, data_key: bytes) -> None:
        context = identity(key.tenant_id, export_id, _DATA_KEY)
        wrapped = await self.service.wrap(key.key_id, data_key, context)
        await put_data_key(session, key.tenant_id, export_id, key.key_id, wrapped, session.clock.now())

    async def _unwrap(self, tenant_id: UUID, export_id: UUID, key_id: str, wrapped: bytes) -> bytes:
        return await self.service.unwrap(key_id, wrapped, identity(tenant_id, export_id, _DATA_KEY))


def _require_in_force(key: CustomerKey | None) -> None:
    if key is not None and not key.in_force:
        raise Conflict(
            "the customer has withdrawn the key: nothing stored is handed out, and nothing new is stored",
            code=KEY_WITHDRAWN,
        )

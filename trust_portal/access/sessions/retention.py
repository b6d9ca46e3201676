"""How long sign-ins are kept once they are over (decision 12)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from trust_portal.access.sessions.repository import delete_ended_sessions
from trust_portal.access.sign_in.repository import delete_ended_links
from trust_portal.access.tenants.repository import tenant_ids
from trust_portal.storage.rounds import Round, Rounds
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage

#: After the end of a session or of a one-time link.
KEPT: Final = timedelta(days=30)


class SignInRetention:
    """Rows say where somebody sat and with which browser; that is kept as long as it may be asked, and no longer."""

    def __init__(self, storage: Storage, *, idle: timedelta) -> None:
        self._storage = storage
        self._idle = idle
        self._rounds = Rounds(storage)

    async def prune(self) -> int:
        """Delete what has been over for ``KEPT``, tenant by tenant; how many sessions and links that were.

        Nothing that still lets anybody in is touched. May be repeated, and run by several workers at once.
        """
        before, gone = self._storage.clock.now() - KEPT, 0
        async with self._storage.read(StaffScope()) as reading:
            everybody = await tenant_ids(reading)

        async def prune_one(tenant_id: UUID) -> None:
            nonlocal gone
            async with self._storage.write(TenantScope(tenant_id)) as session:
                sessions = await delete_ended_sessions(session, tenant_id, before, self._idle)
                links = await delete_ended_links(session, tenant_id, before)
            gone += sessions + links

        await self._rounds.one_by_one(Round.PRUNE_SIGN_INS, everybody, prune_one)
        return gone

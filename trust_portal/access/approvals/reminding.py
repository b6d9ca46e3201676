"""Reminders: told to those who may still decide, and told once, whatever is repeated."""

from __future__ import annotations

from uuid import UUID

from trust_portal.access.approvals.decision import state_of
from trust_portal.access.approvals.matching import still_needed
from trust_portal.access.approvals.model import ApprovalState
from trust_portal.access.approvals.recording import load
from trust_portal.access.approvals.service import Approvals
from trust_portal.access.approvals.stages import Stage
from trust_portal.access.approvals.telling import tell_late, tell_waiting
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage


class Reminders:
    def __init__(self, storage: Storage, approvals: Approvals) -> None:
        self._storage = storage
        self._approvals = approvals

    async def remind(
        self, tenant_id: UUID, request_id: UUID, stage: Stage, row_id: UUID | None = None
    ) -> None:
        """Tell those whom a stage concerns, if the request still waits. ``row_id`` is the outbox row."""
        async with self._storage.read(TenantScope(tenant_id)) as reading:
            roles = (await load(reading, tenant_id, request_id)).request.roles
        approvers = self._approvals.allowed(await self._approvals.holders(roles), tenant_id)
        async with self._storage.write(TenantScope(tenant_id)) as session:
            approval = await load(session, tenant_id, request_id)
            if not await session.complete(row_id):
                return
            if state_of(approval, session.clock.now()) is not ApprovalState.PENDING:
                return
            if stage is Stage.REMINDER:
                await tell_waiting(session, approval, still_needed(approval, approvers).values())
            else:
                await tell_late(session, approval, approvers)

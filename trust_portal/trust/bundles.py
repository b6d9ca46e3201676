"""Asking anew for the bundle of a Trust Report or a QBR, for those who may."""

from __future__ import annotations

from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.errors import NotFound
from trust_portal.evidence.export import Export
from trust_portal.evidence.exports import Exports
from trust_portal.kernel.actor import Actor
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage
from trust_portal.trust.qbr.model import KIND as QBR
from trust_portal.trust.qbr.model import NOUN as QBR_NOUN
from trust_portal.trust.qbr.repository import find_qbr
from trust_portal.trust.report.model import KIND as TRUST_REPORT
from trust_portal.trust.report.model import NOUN as TRUST_REPORT_NOUN
from trust_portal.trust.report.repository import find_trust_report


class TrustBundles:
    """Each document asked for its bundle when it was signed; here one that failed is asked for again."""

    def __init__(self, storage: Storage, gate: Gate, exports: Exports) -> None:
        self._storage = storage
        self._gate = gate
        self._exports = exports

    async def of_report(self, actor: Actor, tenant_id: UUID, report_id: UUID) -> Export:
        """The published report's export: the one there is, or a new beginning where it failed. ``NotFound``."""
        await self._may(actor, Resource(TRUST_REPORT_NOUN, tenant_id, report_id))
        async with self._storage.write(TenantScope(tenant_id)) as session:
            report = (await find_trust_report(session, tenant_id, report_id)).report
            return await self._exports.request(
                session,
                kind=TRUST_REPORT,
                tenant_id=tenant_id,
                subject_id=report.id,
                revision=report.revision,
                actor=actor,
            )

    async def of_qbr(self, actor: Actor, tenant_id: UUID, qbr_id: UUID) -> Export:
        """As ``of_report``; ``NotFound`` also for a draft."""
        await self._may(actor, Resource(QBR_NOUN, tenant_id, qbr_id))
        async with self._storage.write(TenantScope(tenant_id)) as session:
            issue = (await find_qbr(session, tenant_id, qbr_id))[0].issue
            if issue is None:
                raise NotFound(QBR_NOUN)
            return await self._exports.request(
                session,
                kind=QBR,
                tenant_id=tenant_id,
                subject_id=qbr_id,
                revision=issue.revision,
                actor=actor,
            )

    async def _may(self, actor: Actor, resource: Resource) -> None:
        await self._gate.require(actor, Action.EXPORT_REQUEST, resource)

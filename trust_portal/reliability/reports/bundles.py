"""Asking for the bundle of a signed report, for those who may."""

from __future__ import annotations

from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.errors import Conflict
from trust_portal.evidence.export import Export
from trust_portal.evidence.exports import Exports
from trust_portal.kernel.actor import Actor
from trust_portal.reliability.reports import repository
from trust_portal.reliability.reports.model import KIND
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage


class Bundles:
    """Every signed report asks for its bundle by itself; here it is asked for again, or by hand."""

    def __init__(self, storage: Storage, gate: Gate, exports: Exports) -> None:
        self._storage = storage
        self._gate = gate
        self._exports = exports

    async def request(self, actor: Actor, tenant_id: UUID, report_id: UUID) -> Export:
        """The report's export: the one there is, or a new beginning where it failed.

        ``NotFound`` for no such report, ``Conflict`` (NOT_SIGNED) for one that signs no figure.
        """
        await self._gate.require(actor, Action.EXPORT_REQUEST, Resource("SLA report", tenant_id, report_id))
        async with self._storage.write(TenantScope(tenant_id)) as session:
            report = await repository.find_report(session, tenant_id, report_id)
            if report.revision is None:
                raise Conflict("a refusal signs no figure and has no bundle", code="NOT_SIGNED")
            return await self._exports.request(
                session,
                kind=KIND,
                tenant_id=tenant_id,
                subject_id=report.id,
                revision=report.revision,
                actor=actor,
            )

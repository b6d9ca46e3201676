"""SLA reports: issued, and read by those who may."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.errors import NotFound
from trust_portal.evidence.exports import Exports
from trust_portal.evidence.ledger import Ledger
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.reliability.crosscheck.prometheus import Prometheus
from trust_portal.reliability.findings import State
from trust_portal.reliability.reports import repository
from trust_portal.reliability.reports.issuing import IssueReport, Issuing
from trust_portal.reliability.reports.record import Head, StoredReport, Tally
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

__all__ = ["IssueReport", "Reports"]


class Reports:
    """The SLA reports of all tenants: issued, restated, read."""

    def __init__(
        self,
        storage: Storage,
        *,
        gate: Gate,
        ledger: Ledger,
        exports: Exports,
        access_log: AccessLog,
        prometheus: Prometheus,
        vendor_name: str,
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._access_log = access_log
        self._issuing = Issuing(
            storage,
            gate=gate,
            ledger=ledger,
            exports=exports,
            prometheus=prometheus,
            vendor_name=vendor_name,
        )

    async def issue(self, command: IssueReport, actor: Actor) -> StoredReport:
        """See ``Issuing.issue``."""
        return await self._issuing.issue(command, actor)

    async def compare(self, tenant_id: UUID, period: str, row_id: UUID | None = None) -> bool:
        """See ``Issuing.compare``."""
        return await self._issuing.compare(tenant_id, period, row_id)

    async def page(
        self,
        actor: Actor,
        tenant_id: UUID,
        request: PageRequest,
        *,
        period: str | None = None,
        state: State | None = None,
    ) -> Page[StoredReport]:
        """A tenant's reports and refused attempts, newest first."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            page = await repository.reports_page(session, tenant_id, request, period=period, state=state)
        await self._trace(actor, tenant_id, "")
        return page

    async def heads(self, actor: Actor, tenant_id: UUID) -> tuple[Head, ...]:
        """Where each period stands, newest first: what a month picker shows."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            heads = await repository.heads(session, tenant_id)
        await self._trace(actor, tenant_id, "")
        return heads

    async def tallies(
        self, actor: Actor, tenant_id: UUID, report_ids: Collection[UUID]
    ) -> Mapping[UUID, Tally]:
        """How many objectives of each of these reports were met and missed."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await repository.tallies(session, tenant_id, report_ids)
        await self._trace(actor, tenant_id, "")
        return found

    async def get(self, actor: Actor, tenant_id: UUID, report_id: UUID) -> StoredReport:
        """One report by id; ``NotFound`` if the tenant has no such one."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            report = await repository.find_report(session, tenant_id, report_id)
        await self._trace(actor, tenant_id, str(report_id))
        return report

    async def revision(self, actor: Actor, tenant_id: UUID, period: str, revision: int) -> StoredReport:
        """One signed revision of a period."""
        for report in await self.of_period(actor, tenant_id, period):
            if report.revision == revision:
                return report
        raise NotFound("SLA report")

    async def of_period(self, actor: Actor, tenant_id: UUID, period: str) -> tuple[StoredReport, ...]:
        """Every revision and refused attempt of a period, oldest first."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            reports = await repository.reports_of_period(session, tenant_id, period)
        await self._trace(actor, tenant_id, period)
        return reports

    async def latest(self, actor: Actor, tenant_id: UUID, period: str) -> StoredReport | None:
        """The latest signed revision; where there is none, the latest refused attempt."""
        reports = await self.of_period(actor, tenant_id, period)
        signed = [each for each in reports if each.state is State.OK]
        return next(iter([*reversed(signed), *reversed(reports)]), None)

    async def document(self, actor: Actor, tenant_id: UUID, report_id: UUID) -> bytes:
        """The report's RFC 8785 bytes, whose digest its receipt signs."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            document = await repository.find_document(session, tenant_id, report_id)
        await self._trace(actor, tenant_id, str(report_id))
        return document

    async def signed(self, tenant_id: UUID, period: str) -> StoredReport | None:
        """The latest signed revision. For services: asks no policy."""
        async with self._storage.read(TenantScope(tenant_id)) as session:
            head = await repository.find_head(session, tenant_id, period)
            if head is None or head.signed_id is None:
                return None
            return await repository.find_report(session, tenant_id, head.signed_id)

    async def _may_read(self, actor: Actor, tenant_id: UUID) -> None:
        await self._gate.require(actor, Action.SLA_REPORT_READ, Resource("SLA report", tenant_id))

    async def _trace(self, actor: Actor, tenant_id: UUID, subject: str) -> None:
        await self._access_log.looked(actor, tenant_id, "SLA report", subject, "reliability")

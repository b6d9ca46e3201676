"""One tenant's part of a run: issue its report, or name why not."""

from __future__ import annotations

from uuid import UUID

from trust_portal.errors import Refused
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.reliability.findings import State
from trust_portal.reliability.reports.model import REASON_REQUIRED
from trust_portal.reliability.reports.record import StoredReport
from trust_portal.reliability.reports.service import IssueReport, Reports
from trust_portal.reliability.runs import repository
from trust_portal.reliability.runs.model import Outcome, Run
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

_VENDOR = TenantScope(VENDOR_ID)
_OUTCOME_OF = {State.INCOMPLETE: Outcome.INCOMPLETE, State.DISPUTED: Outcome.DISPUTED}


class Covering:
    """Settles one tenant's row together with the end of its outbox row."""

    def __init__(self, storage: Storage, reports: Reports) -> None:
        self._storage = storage
        self._reports = reports

    async def cover(self, run_id: UUID, tenant_id: UUID, job: UUID | None) -> None:
        """``job`` is the outbox row to complete."""
        async with self._storage.read(_VENDOR) as session:
            run = await repository.get_run(session, run_id)
        outcome, values = await self._issue(run, tenant_id)
        async with self._storage.write(TenantScope(tenant_id)) as session:
            if await session.complete(job):
                await repository.settle_tenant(session, tenant_id, run_id, outcome, **values)

    async def give_up(self, run_id: UUID, tenant_id: UUID, reason: str) -> None:
        """The tenant's job failed for good: its row says so, in words."""
        async with self._storage.write(TenantScope(tenant_id)) as session:
            await repository.settle_tenant(session, tenant_id, run_id, Outcome.FAILED, reason=reason)

    async def _issue(self, run: Run, tenant_id: UUID) -> tuple[Outcome, dict[str, object]]:
        try:
            report = await self._reports.issue(IssueReport(tenant_id, run.period), SYSTEM)
        except Refused as refusal:
            signed = None
            if refusal.code == REASON_REQUIRED:
                signed = await self._reports.signed(tenant_id, run.period)
            if signed is None:
                return Outcome.FAILED, {"reason": refusal.message}
            return _restatement(signed, refusal.message)
        if report.state is State.OK:
            return Outcome.ISSUED, {"report_id": report.id, "revision": report.revision, "reason": None}
        if signed := await self._reports.signed(tenant_id, run.period):
            return _restatement(signed, report.why)
        return _OUTCOME_OF[report.state], {"report_id": report.id, "reason": report.why}


def _restatement(signed: StoredReport, reason: str) -> tuple[Outcome, dict[str, object]]:
    """What is signed no longer follows from what is known. What to do about it is a person's decision."""
    values: dict[str, object] = {"report_id": signed.id, "revision": signed.revision, "reason": reason}
    return Outcome.RESTATEMENT_NEEDED, values

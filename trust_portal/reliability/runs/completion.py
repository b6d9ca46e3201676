"""Completing a run: its receipt counts what became of every planned tenant, and names who has no report.

These totals are signed, so they are never a select over all tenants, which on a sharded database is
not one moment on Citus (decision 3). The planner wrote down whom it planned; each of those tenants' rows is
read in that tenant's own scope. A settled row does not change within an attempt, so what was read row
by row holds together, as long as the attempt under the run's lock is still the one that was read.
"""

from __future__ import annotations

import logging
from uuid import UUID

from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.reliability.runs import repository
from trust_portal.reliability.runs.model import Outcome, Progress, RunState, RunTenant
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage

log = logging.getLogger(__name__)

_VENDOR = TenantScope(VENDOR_ID)


class Completion:
    """The end of a run, signed."""

    def __init__(self, storage: Storage, ledger: Ledger) -> None:
        self._storage = storage
        self._ledger = ledger

    async def complete_if_done(self, run_id: UUID) -> bool:
        """Complete the run if nothing is pending."""
        async with self._storage.read(StaffScope()) as session:
            if await repository.pending(session, run_id):  # only a hint that spares reading every row
                return False
        async with self._storage.read(_VENDOR) as session:
            run = await repository.get_run(session, run_id)
            planned = await repository.planned_tenants(session, run_id)
        if run.state is not RunState.RUNNING:
            return False
        settled = [await self._row(run_id, tenant_id) for tenant_id in planned]
        tenants = [row for row in settled if row is not None and row.outcome is not Outcome.PENDING]
        if len(tenants) < len(planned):
            return False
        progress = Progress(run, tuple(sorted(tenants, key=lambda each: each.tenant_key)))
        result = _result(progress)
        async with self._storage.write(_VENDOR) as session:
            current = await repository.get_run(session, run_id, lock=True)
            if current.state is not RunState.RUNNING or current.attempt != run.attempt:
                return False
            receipt = await self._ledger.record(
                session,
                Act(
                    kind=ReceiptKind.SLA_RUN_COMPLETED,
                    tenant_id=VENDOR_ID,
                    actor=SYSTEM,
                    at=session.clock.now(),
                    subjects=(Subject(f"sla-run/{run.period}/{run.attempt}", digest(result)),),
                    predicate=result,
                ),
            )
            columns = repository.completion(session.clock.now(), receipt.id, progress.counts)
            await repository.change_run(session, run_id, **columns)
        log.info("run %s attempt %d is complete: %s", run.period, run.attempt, progress.counts)
        return True

    async def _row(self, run_id: UUID, tenant_id: UUID) -> RunTenant | None:
        async with self._storage.read(TenantScope(tenant_id)) as session:
            return await repository.find_run_tenant(session, tenant_id, run_id)


def _result(progress: Progress) -> dict[str, Json]:
    run = progress.run
    return {
        "period": run.period,
        "attempt": str(run.attempt),
        "tenants": str(run.total),
        "counts": {name: str(count) for name, count in progress.counts.items()},
        "not_issued": [
            {"tenant": each.tenant_key, "outcome": each.outcome.value, "reason": each.reason}
            for each in progress.not_issued
        ],
    }

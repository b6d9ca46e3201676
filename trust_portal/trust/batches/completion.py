"""Completing a batch: its receipt counts what became of every planned tenant, and names who has no report.

These totals are signed, so they are never a select over all tenants, which on a sharded database is not one
moment on Citus (decision 3). The planner wrote down whom it planned; each of those tenants' rows is read in that
tenant's own scope. A settled row does not change within an attempt.
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
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage
from trust_portal.trust.batches import repository
from trust_portal.trust.batches.model import BatchOutcome, BatchProgress, BatchState, BatchTenant
from trust_portal.trust.batches.telling import tell_left_out

log = logging.getLogger(__name__)

_VENDOR = TenantScope(VENDOR_ID)


class BatchCompletion:
    """The end of a batch, signed."""

    def __init__(self, storage: Storage, ledger: Ledger) -> None:
        self._storage = storage
        self._ledger = ledger

    async def complete_if_done(self, batch_id: UUID) -> bool:
        """Complete the batch if nothing is pending."""
        async with self._storage.read(StaffScope()) as session:
            if await repository.is_pending(session, batch_id):  # only a hint that spares reading every row
                return False
        async with self._storage.read(_VENDOR) as session:
            batch = await repository.get_batch(session, batch_id)
            planned = await repository.planned_tenants(session, batch_id)
        if batch.state is not BatchState.RUNNING:
            return False
        settled = [await self._row(batch_id, tenant_id) for tenant_id in planned]
        tenants = [row for row in settled if row is not None and row.outcome is not BatchOutcome.PENDING]
        if len(tenants) < len(planned):
            return False
        progress = BatchProgress(batch, tuple(sorted(tenants, key=lambda each: each.tenant_key)))
        result = _result(progress)
        async with self._storage.write(_VENDOR) as session:
            current = await repository.get_batch(session, batch_id, lock=True)
            if current.state is not BatchState.RUNNING or current.attempt != batch.attempt:
                return False
            receipt = await self._ledger.record(
                session,
                Act(
                    kind=ReceiptKind.TRUST_BATCH_COMPLETED,
                    tenant_id=VENDOR_ID,
                    actor=SYSTEM,
                    at=session.clock.now(),
                    subjects=(Subject(f"trust-batch/{batch.period}/{batch.attempt}", digest(result)),),
                    predicate=result,
                ),
            )
            await repository.change_batch(
                session,
                batch_id,
                state=BatchState.COMPLETE.value,
                completed_at=session.clock.now(),
                receipt_id=receipt.id,
                counts=progress.counts,
            )
            await tell_left_out(session, progress)
        log.info("batch %s attempt %d is complete: %s", batch.period, batch.attempt, progress.counts)
        return True

    async def _row(self, batch_id: UUID, tenant_id: UUID) -> BatchTenant | None:
        async with self._storage.read(TenantScope(tenant_id)) as session:
            return await repository.find_batch_tenant(session, tenant_id, batch_id)


def _result(progress: BatchProgress) -> dict[str, Json]:
    batch = progress.batch
    return {
        "period": batch.period,
        "attempt": str(batch.attempt),
        "tenants": str(batch.total),
        "acknowledgements": [each.json() for each in batch.acknowledgements],
        "counts": {name: str(count) for name, count in progress.counts.items()},
        "without": [
            {"tenant": each.tenant_key, "outcome": each.outcome.value, "reason": each.reason}
            for each in progress.without
        ],
    }

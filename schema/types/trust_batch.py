"""Batches of Trust Reports over every tenant."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.context import Info
from schema.ids import encode
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.trust.batches import model

strawberry.enum(model.BatchState, name="TrustBatchState", description="How far a batch is.")
strawberry.enum(
    model.BatchOutcome, name="TrustBatchOutcome", description="What a batch came to for one tenant."
)


@strawberry.type(description="What a batch came to for one tenant, and why.")
class TrustBatchTenant:
    key: str
    name: str
    outcome: model.BatchOutcome
    reason: str | None = strawberry.field(description="What is stale or missing, by name.")
    trust_report_id: strawberry.ID | None


@strawberry.type(description="How many tenants came to one outcome.")
class TrustBatchCount:
    outcome: model.BatchOutcome
    tenants: int


@strawberry.type(description="How many bundles of a batch's reports there are.")
class TrustBatchBundles:
    made: int
    under_way: int = strawberry.field(description="Still to be made.")
    failed: int = strawberry.field(description="Broken off for good; each can be asked for anew.")


@strawberry.type(description="How far a batch is.")
class TrustBatchTally:
    total: int = strawberry.field(
        description="Tenants to cover; while the batch is planned, those known so far."
    )
    done: int = strawberry.field(description="Tenants of whom it is known what it came to.")
    counts: list[TrustBatchCount] = strawberry.field(description="By outcome, each of them.")
    bundles: TrustBatchBundles = strawberry.field(description="Of the reports that are published.")


@strawberry.type(description="The Trust Reports of one period for every tenant.")
class TrustBatch:
    period: str
    state: model.BatchState
    attempt: int
    requested_at: datetime
    requested_by: str
    completed_at: datetime | None
    receipt_id: strawberry.ID | None = strawberry.field(
        description="Of its completion, in the vendor's log; null until then."
    )

    @strawberry.field(description="How far it is; names no tenant.")
    async def tally(self, info: Info) -> TrustBatchTally:
        found = await info.context.house.trust_batches.tally(info.context.actor, self.period)
        return TrustBatchTally(
            total=found.total,
            done=found.done,
            counts=[
                TrustBatchCount(outcome=each, tenants=found.counts[each.value]) for each in model.BatchOutcome
            ],
            bundles=TrustBatchBundles(
                made=found.bundles.made, under_way=found.bundles.under_way, failed=found.bundles.failed
            ),
        )

    @strawberry.field(description="Every tenant, by key; while the batch is planned, those known so far.")
    async def tenants(self, info: Info) -> list[TrustBatchTenant]:
        progress = await info.context.house.trust_batches.progress(info.context.actor, self.period)
        return [
            TrustBatchTenant(
                key=each.tenant_key,
                name=each.tenant_name,
                outcome=each.outcome,
                reason=each.reason,
                trust_report_id=encode("TrustReport", each.tenant_id, each.report_id)
                if each.report_id
                else None,
            )
            for each in progress.tenants
        ]


def trust_batch(row: model.Batch) -> TrustBatch:
    return TrustBatch(
        period=row.period,
        state=row.state,
        attempt=row.attempt,
        requested_at=row.requested_at,
        requested_by=row.requested_by,
        completed_at=row.completed_at,
        receipt_id=None
        if row.receipt_id is None or row.state is not model.BatchState.COMPLETE
        else encode("Receipt", VENDOR_ID, row.receipt_id),
    )

"""Monthly runs over every tenant."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.context import Info
from schema.ids import encode
from trust_portal.reliability.runs import model

strawberry.enum(model.RunState, name="SlaRunState", description="How far a run is.")
strawberry.enum(model.Outcome, name="SlaRunOutcome", description="What a run came to for one tenant.")


@strawberry.type(description="What a run came to for one tenant, and why.")
class SlaRunTenant:
    key: str
    name: str
    outcome: model.Outcome
    reason: str | None
    revision: int | None
    sla_report_id: strawberry.ID | None


@strawberry.type(description="The reports of one period for every tenant.")
class SlaRun:
    period: str
    state: model.RunState
    attempt: int
    requested_at: datetime
    requested_by: str
    completed_at: datetime | None

    @strawberry.field(description="Every tenant, by key; while the run is planned, those known so far.")
    async def tenants(self, info: Info) -> list[SlaRunTenant]:
        progress = await info.context.house.runs.progress(info.context.actor, self.period)
        return [
            SlaRunTenant(
                key=each.tenant_key,
                name=each.tenant_name,
                outcome=each.outcome,
                reason=each.reason,
                revision=each.revision,
                sla_report_id=encode("SlaReport", each.tenant_id, each.report_id) if each.report_id else None,
            )
            for each in progress.tenants
        ]


def sla_run(row: model.Run) -> SlaRun:
    return SlaRun(
        period=row.period,
        state=row.state,
        attempt=row.attempt,
        requested_at=row.requested_at,
        requested_by=row.requested_by,
        completed_at=row.completed_at,
    )

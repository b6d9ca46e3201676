"""Emergency access: who has it, what was done with it, and its review."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.ids import encode
from schema.types.receipt import ReceiptKind
from trust_portal.access.break_glass import model

strawberry.enum(
    model.GlassState,
    name="BreakGlassState",
    description="UNREVIEWED: it is over, and two others still have to review it.",
)
strawberry.enum(model.GlassAct, name="BreakGlassAct", description="What happened to it.")


@strawberry.type(description="Closed, asked to be reviewed (again, where nobody did in time), reviewed.")
class BreakGlassStep:
    act: model.GlassAct
    by: str
    at: datetime
    reason: str
    approval_request_id: strawberry.ID | None = strawberry.field(description="The request of the review.")
    receipt_id: strawberry.ID


@strawberry.type(description="Something done under it.")
class BreakGlassDeed:
    kind: ReceiptKind = strawberry.field(description="Of the receipt.")
    at: datetime
    receipt_id: strawberry.ID
    sha256: str


@strawberry.type(description="Emergency access of one person to one tenant.")
class BreakGlass:
    id: strawberry.ID
    tenant_id: strawberry.ID
    state: model.GlassState
    opened_by: str
    reason: str
    opened_at: datetime
    ends_at: datetime = strawberry.field(description="When it ended, or will.")
    steps: list[BreakGlassStep]
    receipt_id: strawberry.ID


@strawberry.type(description="One with all that was done under it.")
class BreakGlassRecord:
    access: BreakGlass
    deeds: list[BreakGlassDeed]
    looks: int = strawberry.field(description="Entries of the access log that carry its id.")


def break_glass(found: model.Emergency, now: datetime) -> BreakGlass:
    grant = found.grant
    return BreakGlass(
        id=encode("BreakGlass", grant.tenant_id, grant.id),
        tenant_id=encode("Tenant", grant.tenant_id, grant.tenant_id),
        state=found.state(now),
        opened_by=grant.person_name,
        reason=grant.reason,
        opened_at=grant.opened_at,
        ends_at=found.ended_at,
        steps=[
            BreakGlassStep(
                act=each.act,
                by=each.actor_name,
                at=each.at,
                reason=each.reason,
                approval_request_id=None
                if each.approval_id is None
                else encode("ApprovalRequest", grant.tenant_id, each.approval_id),
                receipt_id=encode("Receipt", grant.tenant_id, each.receipt_id),
            )
            for each in found.steps
        ],
        receipt_id=encode("Receipt", grant.tenant_id, grant.receipt_id),
    )


def break_glass_record(found: model.Emergency, record: model.Record, now: datetime) -> BreakGlassRecord:
    return BreakGlassRecord(
        access=break_glass(found, now),
        deeds=[
            BreakGlassDeed(
                kind=ReceiptKind(each.kind),
                at=each.at,
                receipt_id=encode("Receipt", found.grant.tenant_id, each.receipt_id),
                sha256=each.sha256,
            )
            for each in record.acts
        ],
        looks=record.looks,
    )

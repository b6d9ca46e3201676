"""Exclusions after the fact. The proposal itself is canonical JSON; fields here say what became of it."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.context import Info
from schema.ids import Node, encode
from schema.types.approval import ApprovalRequest, approval_request
from schema.types.receipt import Receipt, receipt_of
from schema.work import GATHERED
from trust_portal.reliability.exclusions import model

strawberry.enum(
    model.ExclusionState,
    name="ExclusionState",
    description="Only an approved one counts, until it is revoked.",
)


@strawberry.type(description="A past window that two approvals take out of a promise.")
class Exclusion(Node):
    window: str = strawberry.field(description="What reports call it.")
    start: datetime
    end: datetime = strawberry.field(description="The first instant that counts again.")
    objective_keys: list[str] | None = strawberry.field(description="Null: all of the tenant's.")
    state: model.ExclusionState
    reason: str
    evidence: str = strawberry.field(description="Where what happened can be looked up.")
    sha256: str = strawberry.field(description="Of the proposal's RFC 8785 bytes.")
    proposed_by: str
    proposed_at: datetime
    row: strawberry.Private[model.StoredExclusion]

    @strawberry.field(description="The proposal: RFC 8785 JSON, with what it would change in signed reports.")
    async def document(self, info: Info) -> str:
        house, actor = info.context.house, info.context.actor
        return (await house.exclusions.proposal(actor, self.row)).decode()

    @strawberry.field(description="What was asked of the approvers; they decide there.")
    async def approval_request(self, info: Info) -> ApprovalRequest:
        house, actor = info.context.house, info.context.actor
        return approval_request(
            await house.approval_inbox.get(actor, self.row.tenant_id, self.row.request_id)
        )

    @strawberry.field(description="The receipt of the state it is in.", metadata=GATHERED)
    async def receipt(self, info: Info) -> Receipt:
        return await receipt_of(info, self.row.tenant_id, self.row.last.receipt_id)


def exclusion(row: model.StoredExclusion) -> Exclusion:
    return Exclusion(
        id=encode("Exclusion", row.tenant_id, row.id),
        window=row.window,
        start=row.start,
        end=row.end,
        objective_keys=None if row.objectives is None else list(row.objectives),
        state=row.state,
        reason=row.reason,
        evidence=row.evidence,
        sha256=row.sha256,
        proposed_by=row.proposer,
        proposed_at=row.proposed_at,
        row=row,
    )

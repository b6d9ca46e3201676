"""Credits. The calculation itself is canonical JSON; fields here find it and say what became of it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import strawberry

from schema.context import Info
from schema.ids import Node, encode
from schema.types.export import Export, export
from schema.types.receipt import Receipt, receipt_of
from schema.work import GATHERED
from trust_portal.reliability.credits import model
from trust_portal.reliability.credits.record import Passage, StoredCalculation, StoredClaim, StoredCredit

strawberry.enum(
    model.CreditState, name="CreditState", description="proposed, approved, issued; or an end without money."
)
strawberry.enum(
    model.CreditKind, name="CreditKind", description="A credit, or the difference a restatement makes."
)
strawberry.enum(model.ClaimCode, name="CreditClaimCode", description="What became of a claim, and why.")
strawberry.enum(model.Origin, name="CreditOrigin", description="Who asked for it.")
strawberry.enum(
    model.Outcome, name="CreditOutcome", description="What a calculation came to; only due can be proposed."
)


@strawberry.type(description="A state that a credit reached.")
class CreditPassage:
    state: model.CreditState
    at: datetime
    by: str
    reason: str
    row: strawberry.Private[Passage]
    credit: strawberry.Private[StoredCredit]

    @strawberry.field(description="The receipt of it.", metadata=GATHERED)
    async def receipt(self, info: Info) -> Receipt:
        return await receipt_of(info, self.credit.tenant_id, self.row.receipt_id)


@strawberry.type(description="What a signed report and its contract come to, against what was issued before.")
class CreditCalculation:
    id: strawberry.ID
    period: str
    revision: int = strawberry.field(description="Of the signed report.")
    outcome: model.Outcome
    kind: model.CreditKind
    amount: Decimal = strawberry.field(
        description="To propose, in major units; zero unless due, negative to take back."
    )
    total: Decimal = strawberry.field(
        description="The contract's whole credit for this revision, in major units."
    )
    currency: str
    sha256: str = strawberry.field(description="Of the document's RFC 8785 bytes.")
    calculated_at: datetime
    row: strawberry.Private[StoredCalculation]

    @strawberry.field(
        description="The whole calculation: RFC 8785 JSON with every rule and the words for it."
    )
    async def document(self, info: Info) -> str:
        house, actor = info.context.house, info.context.actor
        return (await house.credits.calculation(actor, self.row.tenant_id, self.row.id)).decode()

    @strawberry.field(description="Its receipt.", metadata=GATHERED)
    async def receipt(self, info: Info) -> Receipt:
        return await receipt_of(info, self.row.tenant_id, self.row.receipt_id)


@strawberry.type(description="A credit from its proposal on.")
class Credit(Node):
    period: str
    revision: int = strawberry.field(description="Of the signed report it is for.")
    attempt: int = strawberry.field(description="Counts proposals for that revision.")
    kind: model.CreditKind
    state: model.CreditState
    origin: model.Origin
    amount: Decimal = strawberry.field(
        description="In major units, with the currency's digits; negative to take back."
    )
    currency: str
    reason: str
    proposed_by: str
    proposed_at: datetime
    reference: str | None = strawberry.field(description="Of the billing system, once issued.")
    history: list[CreditPassage] = strawberry.field(description="Every state it reached, in order.")
    calculation: CreditCalculation
    row: strawberry.Private[StoredCredit]
    tenant_key: strawberry.Private[str]

    @strawberry.field(description="Hex SHA-256 of what the approvers are shown.")
    async def intent_sha256(self, info: Info) -> str:
        return (await info.context.house.credits.approval(info.context.actor, self.row)).request.digest

    @strawberry.field(description="The memo: RFC 8785 JSON; null until it is issued.")
    async def memo(self, info: Info) -> str | None:
        if self.row.issue is None:
            return None
        house, actor = info.context.house, info.context.actor
        return (await house.credits.memo(actor, self.row.tenant_id, self.row.id)).decode()

    @strawberry.field(description="The memo's bundle.")
    async def export(self, info: Info) -> Export | None:
        if self.row.issue is None:
            return None
        found = await info.context.house.archive.export_of(
            info.context.actor, self.row.tenant_id, model.KIND, self.row.id, 1
        )
        return None if found is None else export(found, self.tenant_key)


@strawberry.type(description="A customer's claim, and what became of it.")
class CreditClaim:
    id: strawberry.ID
    period: str
    accepted: bool
    code: model.ClaimCode
    message: str
    reason: str = strawberry.field(description="In the customer's words.")
    deadline: datetime | None = strawberry.field(description="The first instant that is late.")
    claimed_at: datetime
    claimed_by: str
    row: strawberry.Private[StoredClaim]

    @strawberry.field(description="Of the refusal, or of the credit that was proposed.", metadata=GATHERED)
    async def receipt(self, info: Info) -> Receipt:
        return await receipt_of(info, self.row.tenant_id, self.row.receipt_id)


def credit(row: StoredCredit, tenant_key: str) -> Credit:
    return Credit(
        id=encode("Credit", row.tenant_id, row.id),
        period=row.period,
        revision=row.revision,
        attempt=row.attempt,
        kind=row.kind,
        state=row.state,
        origin=row.origin,
        amount=Decimal(row.amount.decimal),
        currency=row.amount.currency,
        reason=row.reason,
        proposed_by=row.proposer,
        proposed_at=row.proposed_at,
        reference=None if row.issue is None else row.issue.reference,
        history=[
            CreditPassage(state=each.state, at=each.at, by=each.by, reason=each.reason, row=each, credit=row)
            for each in row.history
        ],
        calculation=credit_calculation(row.calculation),
        row=row,
        tenant_key=tenant_key,
    )


def credit_calculation(row: StoredCalculation) -> CreditCalculation:
    return CreditCalculation(
        id=encode("CreditCalculation", row.tenant_id, row.id),
        period=row.period,
        revision=row.revision,
        outcome=row.outcome,
        kind=row.kind,
        amount=Decimal(row.amount.decimal),
        total=Decimal(row.total.decimal),
        currency=row.amount.currency,
        sha256=row.sha256,
        calculated_at=row.calculated_at,
        row=row,
    )


def credit_claim(row: StoredClaim) -> CreditClaim:
    return CreditClaim(
        id=encode("CreditClaim", row.tenant_id, row.id),
        period=row.period,
        accepted=row.accepted,
        code=row.code,
        message=row.message,
        reason=row.reason,
        deadline=row.deadline,
        claimed_at=row.claimed_at,
        claimed_by=row.claimed_by,
        row=row,
    )

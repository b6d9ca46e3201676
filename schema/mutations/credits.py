"""Proposing, claiming, issuing, rejecting and voiding credits. Approving is done on the approval itself."""

from __future__ import annotations

from decimal import Decimal

import strawberry

from schema.context import Info
from schema.ids import GlobalId, decode
from schema.payload import Payload, mutation
from schema.types.credit import Credit, CreditClaim, credit, credit_claim
from schema.types.forecast import CreditForecastFlag, credit_forecast_flag
from trust_portal.reliability.credits.model import (
    ClaimCredit,
    IssueCredit,
    ProposeCredit,
    RejectCredit,
    VoidCredit,
)
from trust_portal.reliability.credits.record import StoredCredit
from trust_portal.reliability.forecast.model import SetForecast


@strawberry.input(description="Propose what a period's signed report and contract come to.")
class ProposeCreditInput:
    tenant_id: strawberry.ID
    period: str = strawberry.field(description="2026-06 or 2026-Q2.")
    revision: int | None = strawberry.field(
        default=None, description="Of the report that was looked at; refused if another one is signed by now."
    )
    reason: str


@strawberry.input(description="A customer's claim for a period.")
class ClaimCreditInput:
    tenant_id: strawberry.ID
    period: str
    reason: str


@strawberry.input(description="What was booked in the billing system.")
class IssueCreditInput:
    credit_id: strawberry.ID
    reference: str = strawberry.field(description="Of the billing system; it stands behind this credit only.")
    amount: Decimal = strawberry.field(
        description="As booked, in major units; another than was approved is refused."
    )


@strawberry.input(description="Withdraw a credit that was not issued.")
class VoidCreditInput:
    credit_id: strawberry.ID
    reason: str


@strawberry.input(description="An approver's no.")
class RejectCreditInput:
    credit_id: strawberry.ID
    intent_sha256: str = strawberry.field(description="Of what you were shown.")
    reason: str


@strawberry.input(description="Show the forecast to the vendor's people, or to nobody, and why.")
class SetCreditForecastInput:
    enabled: bool
    reason: str


@strawberry.type(description="The switch as it stands.")
class SetCreditForecastPayload(Payload):
    flag: CreditForecastFlag | None = None


@strawberry.type(description="The credit as it stands now.")
class CreditPayload(Payload):
    credit: Credit | None = None


@strawberry.type(description="The claim with what became of it; a refused one has its receipt.")
class ClaimCreditPayload(Payload):
    claim: CreditClaim | None = None


@strawberry.type
class CreditMutations:
    @mutation(description="Propose a credit; two others then decide. The amount cannot be chosen.")
    async def propose_credit(self, info: Info, input: ProposeCreditInput) -> CreditPayload:
        tenant_id = decode(input.tenant_id, "Tenant", field="tenantId").tenant_id
        command = ProposeCredit(tenant_id, input.period, input.revision, input.reason)
        found = await info.context.house.credit_proposals.propose(command, info.context.actor)
        return await _shown(info, found)

    @mutation(description="Turn the credit forecast on or off, for all tenants.")
    async def set_credit_forecast(
        self, info: Info, input: SetCreditForecastInput
    ) -> SetCreditForecastPayload:
        command = SetForecast(input.enabled, input.reason)
        found = await info.context.house.forecasts.set(command, info.context.actor)
        return SetCreditForecastPayload(flag=credit_forecast_flag(found))

    @mutation(description="Claim a credit. Too late or for nothing, it is refused with a receipt.")
    async def claim_credit(self, info: Info, input: ClaimCreditInput) -> ClaimCreditPayload:
        tenant_id = decode(input.tenant_id, "Tenant", field="tenantId").tenant_id
        command = ClaimCredit(tenant_id, input.period, input.reason)
        found = await info.context.house.credit_proposals.claim(command, info.context.actor)
        return ClaimCreditPayload(claim=credit_claim(found))

    @mutation(description="Put on record that an approved credit was booked. It uses the approval up.")
    async def issue_credit(self, info: Info, input: IssueCreditInput) -> CreditPayload:
        asked = _credit(input.credit_id)
        command = IssueCredit(asked.tenant_id, asked.id, input.reference, str(input.amount))
        found = await info.context.house.credit_issues.issue(command, info.context.actor)
        return await _shown(info, found)

    @mutation(description="Withdraw a credit that was not issued; nobody can approve it then.")
    async def void_credit(self, info: Info, input: VoidCreditInput) -> CreditPayload:
        asked = _credit(input.credit_id)
        command = VoidCredit(asked.tenant_id, asked.id, input.reason)
        found = await info.context.house.credit_decisions.void(command, info.context.actor)
        return await _shown(info, found)

    @mutation(
        description="Reject a credit that waits for approval; one rejection ends it.",
        arguments={"digest": "intent_sha256"},
    )
    async def reject_credit(self, info: Info, input: RejectCreditInput) -> CreditPayload:
        asked = _credit(input.credit_id)
        command = RejectCredit(asked.tenant_id, asked.id, input.intent_sha256, input.reason)
        found = await info.context.house.credit_decisions.reject(command, info.context.actor)
        return await _shown(info, found)


def _credit(text: strawberry.ID) -> GlobalId:
    return decode(text, "Credit", field="creditId")


async def _shown(info: Info, found: StoredCredit) -> CreditPayload:
    tenant = await info.context.house.tenants.get(info.context.actor, found.tenant_id, purpose="GraphQL")
    return CreditPayload(credit=credit(found, tenant.key))

"""Preparing, speaking about and issuing business reviews; commitments; accounts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import TypeVar

import strawberry

from schema.context import Info
from schema.ids import decode
from schema.mutations.trust_reports import AcknowledgedSectionInput
from schema.payload import Payload, mutation
from schema.spans import days
from schema.types.qbr import Account, Commitment, Qbr, account, commitment, qbr
from trust_portal.trust.accounts.model import KEPT, LEAD, Kept, SetAccount
from trust_portal.trust.qbr.model import (
    Audience,
    CommitmentState,
    EntryKind,
    IssueQbr,
    Prepare,
    Promise,
    Review,
    Say,
    Settle,
    Verdict,
)
from trust_portal.trust.report.model import Acknowledgement

Given = TypeVar("Given")
Value = TypeVar("Value")


@strawberry.input(description="Which period to gather.")
class PrepareQbrInput:
    tenant_id: strawberry.ID
    period: str = strawberry.field(description="2026-Q2 or 2026-06.")


@strawberry.input(description="A comment on a section, or why it is left out; no text takes it back.")
class SayOfQbrInput:
    tenant_id: strawberry.ID
    period: str
    section: str
    kind: EntryKind
    text: str
    audience: Audience = Audience.CUSTOMER


@strawberry.input(description="A recommendation as it was read, and whether it goes out.")
class ReviewRecommendationInput:
    tenant_id: strawberry.ID
    period: str
    recommendation: str
    seen: str
    verdict: Verdict
    reason: str


@strawberry.input(description="Which draft goes out.")
class IssueQbrInput:
    qbr_id: strawberry.ID
    acknowledgements: list[AcknowledgedSectionInput] = strawberry.field(default_factory=list)
    reason: str | None = strawberry.field(default=None, description="Needed for another revision.")
    entries: int | None = strawberry.field(
        default=None,
        description="How many entries of the draft were read; with more of them it is not issued.",
    )


@strawberry.input(description="What is promised, by whom, until when.")
class MakeCommitmentInput:
    tenant_id: strawberry.ID
    text: str
    owner: str
    due: date
    period: str | None = strawberry.field(
        default=None,
        description="Of the review in which it is made; where nothing is said, the last quarter that is over, or that in which the customer came.",
    )


@strawberry.input(description="What became of a commitment, and what shows it.")
class SettleCommitmentInput:
    commitment_id: strawberry.ID
    state: CommitmentState
    evidence: str


@strawberry.input(description="Who looks after a customer, and when the next review is.")
class SetAccountInput:
    tenant_id: strawberry.ID
    csm_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="A person of the vendor's; null: nobody. Absent: as it is."
    )
    review_on: date | None = strawberry.field(
        default=strawberry.UNSET, description="Null: no review is planned. Absent: as it is."
    )
    lead_days: int | None = strawberry.field(
        default=strawberry.UNSET, description="Days before the review; null: 7. Absent: as they are."
    )


@strawberry.type(description="The business review as it stands.")
class QbrPayload(Payload):
    qbr: Qbr | None = None


@strawberry.type(description="Whether it is on record.")
class QbrEntryPayload(Payload):
    recorded: bool = False


@strawberry.type(description="The commitment as it stands.")
class CommitmentPayload(Payload):
    commitment: Commitment | None = None


@strawberry.type(description="The account as it was set.")
class AccountPayload(Payload):
    account: Account | None = None


@strawberry.type
class QbrMutations:
    @mutation(description="Gather everything for a period in one snapshot, and lock its data.")
    async def prepare_qbr(self, info: Info, input: PrepareQbrInput) -> QbrPayload:
        house, actor = info.context.house, info.context.actor
        tenant_id = decode(input.tenant_id, "Tenant", field="tenantId").tenant_id
        found = await house.qbrs.prepare(Prepare(tenant_id, input.period), actor)
        return QbrPayload(qbr=qbr(found))

    @mutation(description="Comment on a section, or leave it out with a reason.")
    async def say_of_qbr(self, info: Info, input: SayOfQbrInput) -> QbrEntryPayload:
        house, actor = info.context.house, info.context.actor
        tenant_id = decode(input.tenant_id, "Tenant", field="tenantId").tenant_id
        said = Say(tenant_id, input.period, input.kind, input.section, input.text, input.audience)
        await house.qbrs.say(said, actor)
        return QbrEntryPayload(recorded=True)

    @mutation(description="Accept or decline a recommendation, as one has read it.")
    async def review_recommendation(self, info: Info, input: ReviewRecommendationInput) -> QbrEntryPayload:
        house, actor = info.context.house, info.context.actor
        tenant_id = decode(input.tenant_id, "Tenant", field="tenantId").tenant_id
        review = Review(
            tenant_id, input.period, input.recommendation, input.seen, input.verdict, input.reason
        )
        await house.qbrs.review(review, actor)
        return QbrEntryPayload(recorded=True)

    @mutation(description="Sign a draft and hand it to the customer.")
    async def issue_qbr(self, info: Info, input: IssueQbrInput) -> QbrPayload:
        house, actor = info.context.house, info.context.actor
        asked = decode(input.qbr_id, "Qbr", field="qbrId")
        given = tuple(
            Acknowledgement(each.section, each.reason, each.seen) for each in input.acknowledgements
        )
        found = await house.qbrs.issue(
            IssueQbr(asked.tenant_id, asked.id, given, input.reason, input.entries), actor
        )
        return QbrPayload(qbr=qbr(found))

    @mutation(description="Promise something that the next review begins with.")
    async def make_commitment(self, info: Info, input: MakeCommitmentInput) -> CommitmentPayload:
        house, actor = info.context.house, info.context.actor
        tenant_id = decode(input.tenant_id, "Tenant", field="tenantId").tenant_id
        made = await house.qbrs.promise(
            Promise(tenant_id, input.text, input.owner, input.due, input.period), actor
        )
        return CommitmentPayload(commitment=commitment(made))

    @mutation(description="Say that a commitment was kept, missed or dropped, and what shows it.")
    async def settle_commitment(self, info: Info, input: SettleCommitmentInput) -> CommitmentPayload:
        house, actor = info.context.house, info.context.actor
        asked = decode(input.commitment_id, "Commitment", field="commitmentId")
        settled = await house.qbrs.settle(
            Settle(asked.tenant_id, asked.id, input.state, input.evidence), actor
        )
        return CommitmentPayload(commitment=commitment(settled))

    @mutation(description="Say who looks after a customer, and when the next review is.")
    async def set_account(self, info: Info, input: SetAccountInput) -> AccountPayload:
        house, actor = info.context.house, info.context.actor
        tenant_id = decode(input.tenant_id, "Tenant", field="tenantId").tenant_id
        lead = _or_kept(input.lead_days, _lead)
        command = SetAccount(
            tenant_id,
            _or_kept(input.csm_id, lambda text: decode(text, "Person", field="csmId").id),
            _or_kept(input.review_on, lambda day: day),
            LEAD if lead is None else lead,
        )
        await house.accounts.set(command, actor)
        return AccountPayload(account=account(await house.accounts.look(actor, tenant_id)))


def _or_kept(given: Given | None, read: Callable[[Given], Value]) -> Value | Kept | None:
    """What was not given stays as it is; null takes it away."""
    if given is strawberry.UNSET:
        return KEPT
    return None if given is None else read(given)


def _lead(number: int) -> timedelta:
    return days(number, "lead_days")

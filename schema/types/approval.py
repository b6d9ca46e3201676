"""Dual control: what was asked for, who agreed, what is still needed."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.context import Info
from schema.ids import Node, encode
from schema.types.role import Role
from trust_portal.access.approvals import model
from trust_portal.access.approvals.inbox import ApprovalView, Show

strawberry.enum(model.ApprovalKind, name="ApprovalKind", description="What needs approval.")
strawberry.enum(
    model.ApprovalState,
    name="ApprovalState",
    description="APPROVED: by everybody it takes, and not used yet. USED: it was done.",
)
strawberry.enum(model.StepAct, name="ApprovalAct", description="What happened to a request.")
strawberry.enum(
    Show,
    name="ApprovalShow",
    description="WAITING: for the caller's own decision. LIVE: pending, or approved and not used yet.",
)


@strawberry.type(description="One fact of the act, as it is shown to approvers.")
class ApprovalIntentLine:
    label: str
    value: str


@strawberry.type(description="What the act rests on.")
class ApprovalEvidence:
    label: str
    path: str = strawberry.field(description="Its page in this portal.")
    sha256: str


@strawberry.type(
    description="What is asked for, whole: approvers see this, and its digest is what they approve."
)
class ApprovalIntent:
    title: str
    act: list[ApprovalIntentLine]
    effect: str
    risk: str
    evidence: list[ApprovalEvidence]
    canonical: str = strawberry.field(description="The RFC 8785 text that is digested.")


@strawberry.type(description="A place nobody has filled.")
class ApprovalNeed:
    slot: int
    role: Role
    people: list[str] = strawberry.field(description="Who may fill it; named to staff only.")
    barred: list[str] = strawberry.field(description="Who holds the role and may not; named to staff only.")


@strawberry.type(description="Something that happened to a request.")
class ApprovalStep:
    act: model.StepAct
    by: str
    role: Role | None = strawberry.field(description="As which they decided.")
    slot: int | None
    reason: str
    signed: bool = strawberry.field(description="With a passkey; the signature is in the receipt.")
    at: datetime
    receipt_id: strawberry.ID


@strawberry.type(description="What the caller may do with a request now.")
class ApprovalViewerCan:
    approve: bool
    slots: list[int] = strawberry.field(description="The places the caller may fill, the best first.")
    deny: bool
    withdraw: bool
    why_not: str | None = strawberry.field(description="Why the caller cannot approve.")


@strawberry.type(
    description="How often and how fast somebody approved for the one who asks. A hint; nothing is refused for it."
)
class ApprovalHint:
    approver: str
    decided: bool = strawberry.field(description="Whether they approved this request too.")
    recent: int = strawberry.field(description="In the last 30 days; this request is not counted.")
    long: int = strawberry.field(description="In the last 90 days.")
    returned: int = strawberry.field(description="The other way round, in 90 days.")
    median_seconds: int | None = strawberry.field(description="From asking to approving, in 90 days.")
    hasty: int = strawberry.field(description="Within 60 seconds of the asking, in 90 days.")


@strawberry.type(description="Something consequential that others than the one who asks must agree to.")
class ApprovalRequest(Node):
    kind: model.ApprovalKind
    state: model.ApprovalState
    tenant_key: str
    tenant_name: str
    subject: str = strawberry.field(description="What it is about, as noun/id.")
    intent: ApprovalIntent
    intent_sha256: str = strawberry.field(description="Hex SHA-256 of the intent; decisions name it.")
    nonce: str = strawberry.field(description="Part of the statement that approvers sign.")
    rule: str
    policy_version: str
    roles: list[Role] = strawberry.field(description="One place each.")
    requested_by: str
    reason: str
    requested_at: datetime
    expires_at: datetime = strawberry.field(description="The last moment for a decision.")
    deadline: datetime | None = strawberry.field(
        description="Until when the next thing may happen: a decision, or the use. Null after the end."
    )
    needs: list[ApprovalNeed]
    steps: list[ApprovalStep]
    receipt_id: strawberry.ID
    view: strawberry.Private[ApprovalView]

    @strawberry.field(
        description="On those who approved and those who may; for approvers and auditors, else empty."
    )
    async def hints(self, info: Info) -> list[ApprovalHint]:
        found = await info.context.house.approval_patterns.of(info.context.actor, self.view)
        return [
            ApprovalHint(
                approver=each.name,
                decided=each.decided,
                recent=each.hint.recent,
                long=each.hint.long,
                returned=each.hint.returned,
                median_seconds=each.hint.median_seconds,
                hasty=each.hint.hasty,
            )
            for each in found
        ]

    @strawberry.field(description="What the caller may do with it.")
    def viewer_can(self, info: Info) -> ApprovalViewerCan:  # noqa: ARG002 - the view was made for the caller
        view = self.view
        return ApprovalViewerCan(
            approve=bool(view.slots),
            slots=list(view.slots),
            deny=view.may_deny,
            withdraw=view.may_withdraw,
            why_not=None if view.why_not is None else view.why_not.message,
        )


def approval_request(view: ApprovalView) -> ApprovalRequest:
    row, intent = view.approval.request, view.approval.request.intent
    return ApprovalRequest(
        id=encode("ApprovalRequest", row.tenant_id, row.id),
        kind=row.kind,
        state=view.state,
        tenant_key=intent.tenant_key,
        tenant_name=intent.tenant_name,
        subject=row.subject,
        intent=ApprovalIntent(
            title=intent.title,
            act=[ApprovalIntentLine(label=each.label, value=each.value) for each in intent.act],
            effect=intent.effect,
            risk=intent.risk,
            evidence=[
                ApprovalEvidence(label=each.label, path=each.path, sha256=each.sha256)
                for each in intent.evidence
            ],
            canonical=intent.canonical().decode(),
        ),
        intent_sha256=row.digest,
        nonce=row.nonce,
        rule=row.rule_id,
        policy_version=row.policy_version,
        roles=list(row.roles),
        requested_by=row.requester_name,
        reason=row.reason,
        requested_at=row.requested_at,
        expires_at=row.expires_at,
        deadline=view.deadline,
        needs=[
            ApprovalNeed(
                slot=each.slot,
                role=each.role,
                people=[person.name for person in each.people],
                barred=[person.name for person in each.barred],
            )
            for each in view.needs
        ],
        steps=[
            ApprovalStep(
                act=each.act,
                by=each.person_name,
                role=each.role,
                slot=each.slot,
                reason=each.reason,
                signed=each.signature_id is not None,
                at=each.at,
                receipt_id=encode("Receipt", row.tenant_id, each.receipt_id),
            )
            for each in view.approval.steps
        ],
        receipt_id=encode("Receipt", row.tenant_id, row.receipt_id),
        view=view,
    )

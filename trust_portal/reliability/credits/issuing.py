"""Issuing an approved credit: it was booked outside, by somebody else than asked or approved."""

from __future__ import annotations

import json
from dataclasses import replace
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.approvals.decision import IntentChanged
from trust_portal.access.approvals.model import Approval, ApprovalKind, person_behind
from trust_portal.access.approvals.recording import load
from trust_portal.access.approvals.service import Approvals
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.errors import Conflict, Denied
from trust_portal.evidence.exports import Exports
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import canonical, sha256_hex
from trust_portal.kernel.money import Money
from trust_portal.reliability.credits.basis import refuse_contradicted
from trust_portal.reliability.credits.calculations_repository import find_calculation_document
from trust_portal.reliability.credits.deciding import follow
from trust_portal.reliability.credits.intent import credit_intent
from trust_portal.reliability.credits.memo import memo_body
from trust_portal.reliability.credits.model import KIND, CreditState, IssueCredit
from trust_portal.reliability.credits.receipts import inputs_of
from trust_portal.reliability.credits.record import Issue, StoredCredit
from trust_portal.reliability.credits.recording import reach
from trust_portal.reliability.credits.repository import add_issue, find_credit
from trust_portal.reliability.reports.repository import hold_head
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession

#: A credit has one memo, for ever.
_REVISION = 1


class CreditIssues:
    """Spends the approval, writes the memo, and asks for its bundle, in one commit."""

    def __init__(
        self, storage: Storage, gate: Gate, ledger: Ledger, approvals: Approvals, exports: Exports
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._approvals = approvals
        self._exports = exports

    async def issue(self, command: IssueCredit, actor: Actor) -> StoredCredit:
        """Put on record that the credit was booked. Raises ``Denied`` (NOT_SEPARATE) to whoever proposed
        or approved it, unless a policy lets them; ``Conflict``: RESTATED, CONTRADICTED, REFERENCE_TAKEN,
        and every refusal of the approval, INTENT_CHANGED for another amount among them.
        """
        resource = Resource("credit", command.tenant_id, command.credit_id)
        decision = await self._gate.require(actor, Action.CREDIT_ISSUE, resource)
        allowed_by = await self._separate(command, actor, resource)
        electorate = await self._approvals.who_could(ApprovalKind.CREDIT, command.tenant_id)
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            credit = await self._hold(session, command.tenant_id, command.credit_id)
            calculation = json.loads(
                await find_calculation_document(session, credit.tenant_id, credit.calculation.id)
            )
            amount = Money.parse(command.amount.strip(), credit.amount.currency)
            intent = credit_intent(
                calculation,
                amount=amount.decimal,
                origin=credit.origin,
                calculation=str(credit.calculation.id),
                sha256=credit.calculation.sha256,
            )
            credit = await follow(self._ledger, session, credit)
            try:
                used = await self._approvals.use(session, credit.request_id, intent, actor, electorate)
            except IntentChanged as refusal:
                if amount == credit.amount:
                    raise
                raise _another_amount(refusal, amount, credit.amount) from refusal
            if person_behind(actor) in used.approver_ids and allowed_by is None:
                raise _not_separate()
            issue = Issue(
                reference=command.reference,
                at=session.clock.now(),
                by_id=person_behind(actor),
                by=actor.name,
                sha256="",
            )
            document = canonical(memo_body(credit, calculation, used.approval, issue, allowed_by=allowed_by))
            issue = replace(issue, sha256=sha256_hex(document))
            await add_issue(
                session,
                credit,
                issue,
                document=document,
                allowed_by=allowed_by,
                used=used.approval,
            )
            calculated = await receipt_digests(session, credit.tenant_id, credit.calculation.receipt_id)
            issued = await reach(
                self._ledger,
                session,
                credit,
                CreditState.ISSUED,
                actor,
                policies=decision.policies,
                policy_version=decision.version,
                reason=f"Booked as {issue.reference}.",
                inputs=(*inputs_of(calculated), *used.inputs),
                further={
                    **used.result,
                    "reference": issue.reference,
                    "issuer": {"person": str(issue.by_id)},
                    "allowed_by": allowed_by,
                },
                memo_sha256=issue.sha256,
            )
            await self._exports.request(
                session,
                kind=KIND,
                tenant_id=credit.tenant_id,
                subject_id=credit.id,
                revision=_REVISION,
                actor=actor,
            )
        async with self._storage.read(TenantScope(command.tenant_id)) as reading:
            return await find_credit(reading, command.tenant_id, issued.id)

    async def _separate(self, command: IssueCredit, actor: Actor, resource: Resource) -> str | None:
        """The policies that let a proposer or approver issue; ``None`` for anybody else.

        Asked before the transaction, so that a denial is on record whatever becomes of that.
        """
        async with self._storage.read(TenantScope(command.tenant_id)) as session:
            credit = await find_credit(session, command.tenant_id, command.credit_id)
            approval = await load(session, command.tenant_id, credit.request_id)
        if person_behind(actor) not in _had_a_part(credit, approval):
            return None
        try:
            decision = await self._gate.require(actor, Action.OWN_CREDIT_ISSUE, resource)
        except Denied as denied:
            raise _not_separate(denied.policies) from denied
        return ", ".join(decision.policies)

    async def _hold(self, session: WriteSession, tenant_id: UUID, credit_id: UUID) -> StoredCredit:
        seen = await find_credit(session, tenant_id, credit_id)
        head = await hold_head(session, tenant_id, seen.period)
        credit = await find_credit(session, tenant_id, credit_id)
        if head is not None and credit.state is not CreditState.ISSUED:
            if head.signed_revision != credit.revision:
                raise Conflict(
                    f"the report of {credit.period} was restated: revision {head.signed_revision} counts now, "
                    f"and this credit is for revision {credit.revision}",
                    code="RESTATED",
                )
            refuse_contradicted(head)
        return credit


def _had_a_part(credit: StoredCredit, approval: Approval) -> frozenset[UUID]:
    approvers = (each.person_id for each in approval.approvals)
    return frozenset((credit.proposer_id, approval.request.requester_id, *approvers))


def _another_amount(refusal: IntentChanged, booked: Money, approved: Money) -> IntentChanged:
    """``refusal`` in words that who issues can act on."""
    words = (
        f"{booked} is not the amount that was approved, which is {approved}; book exactly that,"
        " or reject this credit and propose another"
    )
    return IntentChanged(words, code=refusal.code, field="amount")


def _not_separate(policies: tuple[str, ...] = ()) -> Denied:
    return Denied(
        "whoever proposed or approved a credit does not issue it; somebody else does",
        policies=policies,
        code="NOT_SEPARATE",
    )

"""Proposing what a signed report comes to: by the contract, by hand, by a customer's claim."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.approvals.electorate import Electorate
from trust_portal.access.approvals.model import NO_APPROVAL_RULE, UNFULFILLABLE, ApprovalKind, person_behind
from trust_portal.access.approvals.service import Approvals
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Decision, Resource
from trust_portal.errors import Conflict
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.ids import new_id
from trust_portal.kernel.period import parse_period
from trust_portal.reliability.credits.basis import CONTRADICTED, Basis, hold_basis
from trust_portal.reliability.credits.claims_repository import add_claim, claims_of_period
from trust_portal.reliability.credits.model import (
    ClaimCode,
    ClaimCredit,
    CreditKind,
    Origin,
    Outcome,
    ProposeCredit,
)
from trust_portal.reliability.credits.proposer import APPROVERS_DIFFER, WHY_NOTHING, Proposer, refuse_live
from trust_portal.reliability.credits.receipts import claim_refused_act
from trust_portal.reliability.credits.record import StoredClaim, StoredCredit
from trust_portal.reliability.reports.repository import find_report
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession

_BY_ITSELF: Final = "The contract's credit policy has credits proposed as soon as a report is signed."
#: Nobody could approve it, or not whom the contract wants: it stays calculated until that is mended.
_NOT_APPROVABLE: Final = frozenset({NO_APPROVAL_RULE, UNFULFILLABLE, APPROVERS_DIFFER})


class Proposals:
    """Every proposal opens its request for approval in the same commit."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger, approvals: Approvals) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._approvals = approvals
        self._proposer = Proposer(ledger, approvals)

    async def propose(self, command: ProposeCredit, actor: Actor) -> StoredCredit:
        """By hand. Raises ``Refused``: NO_SIGNED_REPORT, NOTHING_DUE; ``Conflict``: CONTRADICTED,
        REVISION_CHANGED, CREDIT_LIVE, UNFULFILLABLE, APPROVERS_DIFFER.
        """
        parse_period(command.period, "UTC")
        resource = Resource("credit", command.tenant_id)
        decision = await self._gate.require(actor, Action.CREDIT_PROPOSE, resource)
        electorate = await self._approvals.who_could(ApprovalKind.CREDIT, command.tenant_id)
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            basis = await hold_basis(session, command.tenant_id, command.period)
            if command.revision is not None and command.revision != basis.revision:
                raise Conflict(
                    f"revision {basis.revision} of {command.period} is signed by now; look at it first",
                    code="REVISION_CHANGED",
                    field="revision",
                )
            return await self._proposer.propose(
                session, basis, Origin.PERSON, command.reason, actor, decision, electorate
            )

    async def claim(self, command: ClaimCredit, actor: Actor) -> StoredClaim:
        """A customer asks. A claim that comes too late or for nothing is refused, with a receipt, once.

        Raises ``Refused`` (NO_SIGNED_REPORT) and ``Conflict`` where no decision can be made on it.
        """
        parse_period(command.period, "UTC")
        resource = Resource("credit", command.tenant_id)
        decision = await self._gate.require(actor, Action.CREDIT_CLAIM, resource)
        electorate = await self._approvals.who_could(ApprovalKind.CREDIT, command.tenant_id)
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            basis = await hold_basis(session, command.tenant_id, command.period)
            refuse_live(basis)
            claim = _decided(command, basis, actor, session)
            if claim.accepted:
                await self._proposer.propose(
                    session, basis, Origin.CLAIM, command.reason, actor, decision, electorate, claim
                )
                return claim
            return await self._refuse(session, basis, claim, actor, decision)

    async def consider(
        self, tenant_id: UUID, report_id: UUID, job: UUID | None = None
    ) -> StoredCredit | None:
        """After a report was signed: calculate, and propose where the contract says so. ``job`` is the
        outbox row. What was proposed by an earlier revision and is not issued is voided.

        Nothing is recorded where nothing is due and nothing was before: the report says so itself, nor
        where the period is contradicted by now: it is settled by a new revision, which has its own job.
        Where nobody could approve it, it is calculated, and waits to be proposed by hand.
        """
        decision = await self._gate.require(SYSTEM, Action.CREDIT_PROPOSE, Resource("credit", tenant_id))
        electorate = await self._approvals.who_could(ApprovalKind.CREDIT, tenant_id)
        try:
            async with self._storage.write(TenantScope(tenant_id)) as session:
                return await self._consider(session, tenant_id, report_id, job, decision, electorate)
        except Conflict as refusal:
            if refusal.code not in _NOT_APPROVABLE:
                raise
        async with self._storage.write(TenantScope(tenant_id)) as session:
            return await self._consider(session, tenant_id, report_id, job, decision, None)

    async def _consider(
        self,
        session: WriteSession,
        tenant_id: UUID,
        report_id: UUID,
        job: UUID | None,
        decision: Decision,
        electorate: Electorate | None,
    ) -> StoredCredit | None:
        """``electorate`` is ``None`` where it is not to be proposed."""
        if not await session.complete(job):
            return None
        report = await find_report(session, tenant_id, report_id)
        try:
            basis = await hold_basis(session, tenant_id, report.period)
        except Conflict as refusal:
            if refusal.code != CONTRADICTED:
                raise
            return None
        if basis.report.id != report_id or basis.live is not None:
            return basis.live  # a later revision has its own job
        due = basis.entitlement()
        if due.outcome is Outcome.NOTHING and not basis.credits:
            return None
        auto = basis.contract.credit_policy.auto_propose
        if due.outcome is Outcome.DUE and auto and electorate is not None:
            return await self._proposer.propose(
                session, basis, Origin.CONTRACT, _BY_ITSELF, SYSTEM, decision, electorate
            )
        await self._proposer.void_overtaken(session, basis, SYSTEM, decision)
        await self._proposer.calculated(session, basis, due, SYSTEM, decision)
        return None

    async def _refuse(
        self, session: WriteSession, basis: Basis, claim: StoredClaim, actor: Actor, decision: Decision
    ) -> StoredClaim:
        """The same refusal again is the one that is on record."""
        for known in await claims_of_period(session, claim.tenant_id, claim.period):
            if (known.code, known.revision, known.deadline) == (claim.code, claim.revision, claim.deadline):
                return known
        rests_on = await receipt_digests(session, claim.tenant_id, basis.report.receipt_id)
        act = claim_refused_act(claim, actor, decision, receipts=rests_on)
        await self._ledger.record(session, act, receipt_id=claim.receipt_id)
        await add_claim(session, claim)
        return claim


def _decided(command: ClaimCredit, basis: Basis, actor: Actor, session: WriteSession) -> StoredClaim:
    """The claim with what becomes of it."""
    due, deadline, now = basis.entitlement(), basis.claim_deadline, session.clock.now()
    code, message = ClaimCode.ACCEPTED, "proposed for approval"
    if due.outcome is not Outcome.DUE:
        code, message = ClaimCode.NOTHING_DUE, WHY_NOTHING[due.outcome]
    elif due.kind is CreditKind.REVERSAL:
        code, message = ClaimCode.NOTHING_DUE, WHY_NOTHING[Outcome.KEPT]
    elif deadline is not None and now >= deadline:
        until = f"{deadline:%Y-%m-%d %H:%M} UTC"
        code = ClaimCode.CLAIM_LATE
        message = f"the contract lets a credit for {command.period} be claimed until {until}"
    return StoredClaim(
        id=new_id(),
        tenant_id=command.tenant_id,
        period=command.period,
        revision=basis.revision,
        accepted=code is ClaimCode.ACCEPTED,
        code=code,
        message=message,
        reason=command.reason,
        deadline=deadline,
        claimed_at=now,
        claimed_by_id=person_behind(actor),
        claimed_by=actor.name,
        receipt_id=new_id(),
    )

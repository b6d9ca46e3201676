"""What becomes of a proposed credit before any money moves: approved, rejected, expired, voided."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.approvals.deciding import Decisions
from trust_portal.access.approvals.decision import state_of
from trust_portal.access.approvals.model import Approval, ApprovalState, Deny
from trust_portal.access.approvals.receipts import decision_json
from trust_portal.access.approvals.recording import load
from trust_portal.access.approvals.service import Approvals
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.errors import Conflict
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.reliability.credits.model import OPEN, CreditState, RejectCredit, VoidCredit
from trust_portal.reliability.credits.receipts import inputs_of
from trust_portal.reliability.credits.record import StoredCredit
from trust_portal.reliability.credits.recording import reach
from trust_portal.reliability.credits.repository import find_credit, find_credit_of_request
from trust_portal.reliability.reports.repository import hold_head
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession

#: What a settled approval makes of its credit.
_BECOMES: Final = {
    ApprovalState.APPROVED: CreditState.APPROVED,
    ApprovalState.DENIED: CreditState.REJECTED,
    ApprovalState.EXPIRED: CreditState.EXPIRED,
    ApprovalState.WITHDRAWN: CreditState.VOIDED,
    ApprovalState.VOID: CreditState.VOIDED,
}
_WORDS: Final = {
    CreditState.APPROVED: "Everybody who must has approved it.",
    CreditState.REJECTED: "An approver denied it.",
    CreditState.EXPIRED: "The time to approve or issue it is over.",
    CreditState.VOIDED: "Whoever asked for it took it back.",
}


class CreditDecisions:
    """Follows the approval of a credit, and withdraws credits that were not issued."""

    def __init__(
        self, storage: Storage, gate: Gate, ledger: Ledger, approvals: Approvals, decisions: Decisions
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._approvals = approvals
        self._decisions = decisions

    async def approval_settled(self, tenant_id: UUID, request_id: UUID, job: UUID | None = None) -> None:
        """Put on record what the approval came to. ``job`` is the outbox row. Again it changes nothing."""
        async with self._storage.write(TenantScope(tenant_id)) as session:
            if not await session.complete(job):
                return
            credit = await find_credit_of_request(session, tenant_id, request_id)
            if credit is None:
                return
            await hold_head(session, tenant_id, credit.period)
            await follow(self._ledger, session, await find_credit(session, tenant_id, credit.id))

    async def void(self, command: VoidCredit, actor: Actor) -> StoredCredit:
        """Withdraw one that was not issued; nobody can approve it then. ``Conflict`` (CREDIT_NOT_OPEN)."""
        resource = Resource("credit", command.tenant_id, command.credit_id)
        decision = await self._gate.require(actor, Action.CREDIT_VOID, resource)
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            credit = await hold_open(session, command.tenant_id, command.credit_id)
            await self._approvals.void(session, credit.request_id, command.reason, actor)
            return await reach(
                self._ledger,
                session,
                credit,
                CreditState.VOIDED,
                actor,
                policies=decision.policies,
                policy_version=decision.version,
                reason=command.reason,
            )

    async def reject(self, command: RejectCredit, actor: Actor) -> StoredCredit:
        """An approver says no, once and for all. Raises what denying an approval raises."""
        resource = Resource("credit", command.tenant_id, command.credit_id)
        await self._gate.require(actor, Action.CREDIT_REJECT, resource)
        async with self._storage.read(TenantScope(command.tenant_id)) as session:
            credit = await find_credit(session, command.tenant_id, command.credit_id)
        deny = Deny(command.tenant_id, credit.request_id, command.digest, command.reason)
        await self._decisions.deny(deny, actor)
        await self.approval_settled(command.tenant_id, credit.request_id)
        async with self._storage.read(TenantScope(command.tenant_id)) as session:
            return await find_credit(session, command.tenant_id, command.credit_id)


async def hold_open(session: WriteSession, tenant_id: UUID, credit_id: UUID) -> StoredCredit:
    """A credit that may still become something else, with its period held until the commit.

    ``Conflict`` (CREDIT_NOT_OPEN) for one that is over.
    """
    seen = await find_credit(session, tenant_id, credit_id)
    await hold_head(session, tenant_id, seen.period)
    credit = await find_credit(session, tenant_id, credit_id)
    if credit.state not in OPEN:
        raise Conflict(f"this credit is {credit.state.value}", code="CREDIT_NOT_OPEN")
    return credit


async def follow(ledger: Ledger, session: WriteSession, credit: StoredCredit) -> StoredCredit:
    """Bring a credit to where its approval is by now; the caller holds the period."""
    if credit.state not in OPEN:
        return credit
    approval = await load(session, credit.tenant_id, credit.request_id)
    state = _BECOMES.get(state_of(approval, session.clock.now()))
    if state is None or state is credit.state:
        return credit
    ids = (approval.request.receipt_id, *(each.receipt_id for each in approval.steps))
    return await reach(
        ledger,
        session,
        credit,
        state,
        SYSTEM,
        policies=(approval.request.rule_id,),
        policy_version=approval.request.policy_version,
        reason=_why(approval, state),
        inputs=inputs_of(await receipt_digests(session, credit.tenant_id, *ids)),
        further=decision_json(approval),
    )


def _why(approval: Approval, state: CreditState) -> str:
    """In whose words it ended, where somebody gave a reason."""
    given = None if approval.end is None else approval.end.reason
    return given or _WORDS[state]

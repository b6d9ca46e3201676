"""The core of proposing: calculation, request for approval, credit and receipts in one transaction."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from trust_portal.access.approvals.electorate import Electorate
from trust_portal.access.approvals.model import ApprovalKind, AskApproval, person_behind
from trust_portal.access.approvals.service import Approvals
from trust_portal.access.policy import Decision
from trust_portal.errors import Conflict, Refused
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.canonical import canonical, sha256_hex
from trust_portal.kernel.ids import new_id
from trust_portal.reliability.credits.basis import Basis
from trust_portal.reliability.credits.calculations_repository import (
    add_calculation,
    find_calculation,
    find_calculation_document,
)
from trust_portal.reliability.credits.entitlement import Entitlement
from trust_portal.reliability.credits.intent import credit_intent
from trust_portal.reliability.credits.model import CreditKind, CreditState, Origin, Outcome
from trust_portal.reliability.credits.receipts import calculated_act, inputs_of, state_act
from trust_portal.reliability.credits.record import (
    Passage,
    StoredCalculation,
    StoredClaim,
    StoredCredit,
)
from trust_portal.reliability.credits.recording import reach
from trust_portal.reliability.credits.repository import add_credit
from trust_portal.storage.unit_of_work import WriteSession

#: The code of a refusal where the contract wants approvers whom the rule does not ask.
APPROVERS_DIFFER: Final = "APPROVERS_DIFFER"
#: What a contract calls the people who decide on its credits.
APPROVERS: Final = {
    "finance": Role.APPROVER_FINANCE,
    "reliability": Role.APPROVER_RELIABILITY,
    "security": Role.APPROVER_SECURITY,
}
WHY_NOTHING: Final = {
    Outcome.NOTHING: "by this report nothing is due",
    Outcome.UNCHANGED: "what is due was issued already",
    Outcome.KEPT: "more was issued for this period than is due by the restated report",
}


class Proposer:
    """Takes part in the caller's transaction, in which the period is held."""

    def __init__(self, ledger: Ledger, approvals: Approvals) -> None:
        self._ledger = ledger
        self._approvals = approvals

    async def propose(
        self,
        session: WriteSession,
        basis: Basis,
        origin: Origin,
        reason: str,
        actor: Actor,
        decision: Decision,
        electorate: Electorate,
        claim: StoredClaim | None = None,
    ) -> StoredCredit:
        """The credit, proposed. Raises what the verbs say."""
        refuse_live(basis)
        due = basis.entitlement()
        if due.outcome is not Outcome.DUE:
            raise Refused(WHY_NOTHING[due.outcome], code="NOTHING_DUE", field="period")
        self._require_contracts_approvers(basis)
        await self.void_overtaken(session, basis, actor, decision)
        calculation = await self.calculated(session, basis, due, actor, decision)
        # A calculation that was recorded before stands as it was: its bytes are what is approved.
        body = json.loads(await find_calculation_document(session, calculation.tenant_id, calculation.id))
        credit_id, receipt_id = new_id(), new_id() if claim is None else claim.receipt_id
        intent = credit_intent(
            body,
            amount=calculation.amount.decimal,
            origin=origin,
            calculation=str(calculation.id),
            sha256=calculation.sha256,
        )
        ask = AskApproval(calculation.tenant_id, intent, reason, f"credit/{credit_id}")
        request = await self._approvals.open(session, ask, actor, electorate)
        before = basis.attempts[-1] if basis.attempts else None
        now = session.clock.now()
        credit = StoredCredit(
            id=credit_id,
            tenant_id=calculation.tenant_id,
            calculation=calculation,
            attempt=1 if before is None else before.attempt + 1,
            origin=origin,
            reason=reason,
            proposer_id=person_behind(actor),
            proposer=actor.name,
            request_id=request.id,
            claim_id=None if claim is None else claim.id,
            supplements=None if calculation.kind is CreditKind.CREDIT else basis.issued[0].id,
            proposed_at=now,
            history=(),
            issue=None,
        )
        rests_on = await receipt_digests(
            session, credit.tenant_id, calculation.receipt_id, request.receipt_id
        )
        act = state_act(
            credit,
            CreditState.PROPOSED,
            actor,
            at=now,
            policies=decision.policies,
            policy_version=decision.version,
            inputs=inputs_of(rests_on),
            reason=reason,
            further={
                "intent": request.digest,
                "claim": None if claim is None else str(claim.id),
                "supplements": None if credit.supplements is None else str(credit.supplements),
            },
        )
        await self._ledger.record(session, act, receipt_id=receipt_id)
        proposed = Passage(1, CreditState.PROPOSED, now, credit.proposer_id, actor.name, reason, receipt_id)
        credit = replace(credit, history=(proposed,))
        await add_credit(session, credit, before, claim)
        return credit

    async def calculated(
        self, session: WriteSession, basis: Basis, due: Entitlement, actor: Actor, decision: Decision
    ) -> StoredCalculation:
        """The calculation on record: once for a revision and what was issued before it."""
        document = canonical(due.body)
        tenant_id, sha256 = basis.report.tenant_id, sha256_hex(document)
        known = await find_calculation(session, tenant_id, basis.report.period, basis.revision, sha256)
        if known is not None:
            return known
        calculation = StoredCalculation(
            id=new_id(),
            tenant_id=tenant_id,
            period=basis.report.period,
            revision=basis.revision,
            report_id=basis.report.id,
            outcome=due.outcome,
            kind=due.kind,
            amount=due.amount,
            total=due.total,
            sha256=sha256,
            receipt_id=new_id(),
            calculated_at=session.clock.now(),
        )
        earlier = [each.last.receipt_id for each in basis.issued]
        rests_on = await receipt_digests(
            session, tenant_id, basis.report.receipt_id, basis.version.receipt_id, *earlier
        )
        act = calculated_act(calculation, due.body, actor, decision, receipts=rests_on)
        await self._ledger.record(session, act, receipt_id=calculation.receipt_id)
        await add_calculation(session, calculation, document)
        return calculation

    async def void_overtaken(
        self, session: WriteSession, basis: Basis, actor: Actor, decision: Decision
    ) -> None:
        """What was proposed for an earlier revision is not what is due any more."""
        for credit in basis.overtaken:
            reason = f"The report of {credit.period} was restated: revision {basis.revision} counts now."
            await self._approvals.void(session, credit.request_id, reason, actor)
            await reach(
                self._ledger,
                session,
                credit,
                CreditState.VOIDED,
                actor,
                policies=decision.policies,
                policy_version=decision.version,
                reason=reason,
                inputs=inputs_of(await receipt_digests(session, credit.tenant_id, basis.report.receipt_id)),
                further={"restated_as": str(basis.revision)},
            )

    def _require_contracts_approvers(self, basis: Basis) -> None:
        """Whom the contract names must be among those whom the rule asks; it can ask no fewer."""
        asked = set(self._approvals.rule(ApprovalKind.CREDIT).approvers)
        missing = [
            name
            for name in basis.contract.credit_policy.approvers
            if APPROVERS.get(name.removeprefix("approver_")) not in asked
        ]
        if missing:
            raise Conflict(
                f"the contract wants credits approved by {', '.join(missing)}, whom the approval rule does not ask",
                code=APPROVERS_DIFFER,
            )


def refuse_live(basis: Basis) -> None:
    """Raises ``Conflict`` where the revision has a live credit."""
    if (live := basis.live) is not None:
        raise Conflict(
            f"a credit for revision {live.revision} of {live.period} is {live.state.value} already",
            code="CREDIT_LIVE",
            field="period",
        )

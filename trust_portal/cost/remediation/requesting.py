"""Asking that a planned run be done: by policy alone where it permits that, else with approval."""

from __future__ import annotations

from trust_portal.access.action import Action
from trust_portal.access.approvals.decision import refuse_state, state_of
from trust_portal.access.approvals.model import ApprovalState, AskApproval
from trust_portal.access.approvals.recording import load
from trust_portal.access.policy import Resource
from trust_portal.cost.remediation import repository
from trust_portal.cost.remediation.equipment import Equipment
from trust_portal.cost.remediation.intent import approval_kind, intent_of
from trust_portal.cost.remediation.lapsing import ENDED
from trust_portal.cost.remediation.model import RequestRun, Run, RunAlone, RunState, StepKind
from trust_portal.cost.remediation.permitting import Alone, Permits
from trust_portal.cost.remediation.playbooks import Mode
from trust_portal.cost.remediation.recording import record_step
from trust_portal.errors import Conflict, Denied
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.storage.tenancy import TenantScope

_BY_ITSELF = "The anomaly meets the playbook's trigger; the plan says why it fits and what it saves."


class Requests:
    """Takes a run from ``planned`` to where people decide, or straight on."""

    def __init__(self, equipment: Equipment, permits: Permits) -> None:
        self._with = equipment
        self._permits = permits

    async def by_hand(self, command: RequestRun, actor: Actor) -> Run:
        """``Conflict`` where it cannot be done, is under way, or nobody could approve it."""
        resource = Resource("playbook run", command.tenant_id, str(command.run_id))
        await self._with.gate.require(actor, Action.PLAYBOOK_REQUEST, resource)
        async with self._with.storage.read(TenantScope(command.tenant_id)) as session:
            run = await repository.get_run(session, command.tenant_id, command.run_id)
        await self._require_doable(run, {RunState.PLANNED})
        return await self._ask(run, actor, command.reason)

    async def alone(self, command: RunAlone, actor: Actor) -> Run:
        """Without approval, by somebody who has broken the glass: the policies' limits hold all the same.

        What waits for approvers no longer waits, once policy lets it through; until then they are still
        asked. What they denied stays denied (``Conflict``).
        """
        resource = Resource("playbook run", command.tenant_id, str(command.run_id))
        decision = await self._with.gate.require(actor, Action.UNAPPROVED_PLAYBOOK_EXECUTE, resource)
        emergency = actor.emergency(command.tenant_id)
        if emergency is None:
            raise Denied("only who has broken the glass acts alone", policies=decision.policies)
        async with self._with.storage.read(TenantScope(command.tenant_id)) as session:
            run = await repository.get_run(session, command.tenant_id, command.run_id)
            asked = run.step(StepKind.REQUESTED)
            if asked is not None and asked.approval_id is not None:
                approval = await load(session, run.tenant_id, asked.approval_id)
                state = state_of(approval, self._with.storage.clock.now())
                if state is not ApprovalState.PENDING:
                    raise refuse_state(state)
        await self._require_doable(run, {RunState.PLANNED, RunState.WAITING})
        return await self._permits.permit(run, None, Alone(actor, emergency, command.reason))

    async def _require_doable(self, run: Run, states: set[RunState]) -> None:
        if run.state not in states:
            raise Conflict(f"this run is {run.state.value.replace('_', ' ')} already", code="NOT_PLANNED")
        if (why := await self._permits.moot(run)) is not None:
            raise Conflict(f"nothing is done about it any more: {why}", code="MOOT")
        if await self._permits.lapses.has_ended(run):
            raise Conflict(f"nothing is done about it any more: {ENDED}", code="MOOT")
        if self._permits.rules(run).mode is Mode.PROPOSE:
            raise Conflict("a proposal is for people to carry out; no call does it", code="PROPOSAL")
        if not self._with.client.is_connected:
            raise Conflict("nothing can be executed: CONTROL_URL is not set", code="NO_PRODUCT")
        self._require_limit(run)
        if run.lapses_at <= self._with.storage.clock.now():
            raise Conflict("this plan is out of date; plan it again", code="LAPSED")

    def _require_limit(self, run: Run) -> None:
        """Nobody is asked for what ``limit-of-money`` would deny whoever approved."""
        currency = run.plan.currency
        if self._permits.rules(run).limits.money(currency) is None:
            raise Conflict(
                f"nothing is done in {currency}: the playbook {run.plan.playbook_id} has no limit of money in it",
                code="NO_LIMIT",
            )

    async def by_itself(self, run: Run) -> Run:
        """What a playbook's mode says of a fresh plan. What has to wait for people stays planned."""
        try:
            self._require_limit(run)
            if self._permits.rules(run).mode is Mode.AUTOMATIC and await self._permits.may_be_automatic(run):
                return await self._permits.permit(run, None)
            return await self._ask(run, SYSTEM, _BY_ITSELF)
        except Conflict as conflict:
            # It could not be done, or nobody could approve it now: said once; somebody may still ask by hand.
            return await self._hold(run, conflict.message)

    async def _ask(self, run: Run, actor: Actor, reason: str) -> Run:
        kind = approval_kind(run.plan)
        electorate = await self._with.approvals.who_could(kind, run.tenant_id)
        ask = AskApproval(run.tenant_id, intent_of(run), reason, f"playbook-run/{run.id}")
        async with self._with.storage.write(TenantScope(run.tenant_id)) as session:
            request = await self._with.approvals.open(session, ask, actor, electorate)
            return await record_step(
                session,
                self._with.ledger,
                run,
                StepKind.REQUESTED,
                RunState.WAITING,
                actor,
                {"kind": kind.value, "reason": reason, "roles": [role.value for role in request.roles]},
                approval_id=request.id,
                receipt_id=request.receipt_id,
            )

    async def _hold(self, run: Run, why: str) -> Run:
        async with self._with.storage.write(TenantScope(run.tenant_id)) as session:
            return await record_step(
                session, self._with.ledger, run, StepKind.HELD, RunState.PLANNED, SYSTEM, {"why": why}
            )

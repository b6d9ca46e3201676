"""Runs of playbooks from plan to verified, one step at a time.

Nothing here waits: a step is taken and committed, and whoever comes next (a job, the clockwork, a
person) takes the next one from what is stored.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from trust_portal.access.approvals.decision import ApprovalRefused, state_of
from trust_portal.access.approvals.model import ApprovalState
from trust_portal.access.approvals.recording import load
from trust_portal.cost.explanation.service import Explanations
from trust_portal.cost.remediation import repository
from trust_portal.cost.remediation.equipment import Equipment
from trust_portal.cost.remediation.executing import Executor
from trust_portal.cost.remediation.model import (
    OVER,
    PlanPlaybook,
    RequestRun,
    RollBackRun,
    Run,
    RunAlone,
    RunState,
    StepKind,
)
from trust_portal.cost.remediation.permitting import Permits
from trust_portal.cost.remediation.plans import Planner
from trust_portal.cost.remediation.playbooks import Mode
from trust_portal.cost.remediation.recording import record_step
from trust_portal.cost.remediation.repository import MOVED_ON
from trust_portal.cost.remediation.requesting import Requests
from trust_portal.cost.remediation.reversing import Reversals
from trust_portal.cost.remediation.verifying import Verifier
from trust_portal.errors import Conflict
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import StaffScope, TenantScope

#: Steps taken in one go; the clockwork comes again for more.
_MOST_STEPS: Final = 8
#: What is kept waiting for people by itself: asked for once, by the clockwork.
_ASKS: Final = {Mode.APPROVAL, Mode.AUTOMATIC}


class Remediation:
    """The verbs of a run, for doors and jobs. Reading is ``RunReader``'s."""

    def __init__(self, equipment: Equipment, explanations: Explanations) -> None:
        self._with = equipment
        self._permits = Permits(equipment)
        self._reversals = Reversals(equipment)
        self._executor = Executor(equipment, self._permits, self._reversals)
        self._verifier = Verifier(equipment, self._reversals)
        self._requests = Requests(equipment, self._permits)
        self.planner = Planner(equipment, explanations)

    @property
    def is_connected(self) -> bool:
        """Whether there is a product that could be called."""
        return self._with.client.is_connected

    async def plan(self, command: PlanPlaybook, actor: Actor) -> tuple[Run, ...]:
        """Plan by hand. ``InvalidInput`` (``UNFIT``) or ``Conflict`` say why not."""
        return await self.planner.by_hand(command, actor)

    async def plan_by_itself(self, tenant_id: UUID, anomaly_id: UUID) -> None:
        """Plan what fits an anomaly that was explained, and go on with it as each playbook says."""
        for run in await self.planner.by_itself(tenant_id, anomaly_id):
            await self.advance(tenant_id, run.id)

    async def request(self, command: RequestRun, actor: Actor) -> Run:
        """Ask that a planned run be done."""
        return await self._requests.by_hand(command, actor)

    async def run_alone(self, command: RunAlone, actor: Actor) -> Run:
        """With the glass broken, have it done without approval; others review that afterwards."""
        run = await self._requests.alone(command, actor)
        return await self.advance(run.tenant_id, run.id)

    async def roll_back(self, command: RollBackRun, actor: Actor) -> Run:
        """Take back by hand what a run did."""
        return await self._reversals.by_hand(command, actor)

    async def approval_settled(self, tenant_id: UUID, approval_id: UUID) -> None:
        """Go on with the run that an approval was asked for."""
        async with self._with.storage.read(TenantScope(tenant_id)) as session:
            run_id = await repository.run_of_approval(session, tenant_id, approval_id)
        await self.advance(tenant_id, run_id)

    async def ask_moving(self) -> None:
        """For the clockwork: have every run looked at that something may still happen to by itself.

        A job waits only once.
        """
        async with self._with.storage.read(StaffScope()) as reading:
            moving = await repository.moving_runs(reading)
        if moving:
            async with self._with.storage.write(TenantScope(VENDOR_ID)) as session:
                for tenant_id, run_id in moving:
                    await session.enqueue(
                        Job.ADVANCE_PLAYBOOK,
                        {"tenant": str(tenant_id), "run": str(run_id)},
                        dedupe_key=f"{Job.ADVANCE_PLAYBOOK}/{run_id}",
                    )

    async def advance(self, tenant_id: UUID, run_id: UUID) -> Run:
        """Take the steps that can be taken now. May be repeated at any time, and by several at once."""
        run = await self._read(tenant_id, run_id)
        for _ in range(_MOST_STEPS):
            if run.state in OVER:
                return run
            try:
                after = await self._step(run)
            except Conflict as conflict:
                if conflict.code != MOVED_ON:
                    raise
                return await self._read(tenant_id, run_id)  # somebody else is at it
            if after.last.ordinal == run.last.ordinal:
                return after
            run = after
        return run

    async def _step(self, run: Run) -> Run:
        match run.state:
            case RunState.PLANNED:
                return await self._planned(run)
            case RunState.WAITING:
                return await self._waiting(run)
            case RunState.EXECUTING:
                return await self._executing(run)
            case RunState.EXECUTED:
                return await self._verifier.look(run)
            case RunState.ROLLING_BACK:
                return await self._executor.reverse(run) if self._executor.is_due(run) else run
            case _:
                return run

    async def _executing(self, run: Run) -> Run:
        if not self._executor.is_due(run):
            return run
        after = await self._verifier.mind_health(run)
        return await self._executor.apply(run) if after.state is RunState.EXECUTING else after

    async def _planned(self, run: Run) -> Run:
        if (why := await self._permits.moot(run)) is not None:
            return await self._end(run, StepKind.LAPSED, RunState.LAPSED, {"why": why})
        if (lapsed := await self._permits.lapses.if_ended(run)) is not None:
            return lapsed
        if run.lapses_at <= self._with.storage.clock.now():
            return await self._end(run, StepKind.LAPSED, RunState.LAPSED, {"why": "nobody acted upon it"})
        by_itself = run.planned_by_id == SYSTEM.id and self._permits.rules(run).mode in _ASKS
        if by_itself and run.is_rehearsed and run.last.kind is StepKind.PLANNED:
            return await self._requests.by_itself(run)
        return run

    async def _waiting(self, run: Run) -> Run:
        """As long as people decide, nothing happens; then what they decided, or what time did."""
        requested = run.step(StepKind.REQUESTED)
        assert requested is not None, "only what was asked for waits"  # noqa: S101 - narrows the type
        approval_id = requested.approval_id
        assert approval_id is not None, "what was asked for has a request"  # noqa: S101
        async with self._with.storage.read(TenantScope(run.tenant_id)) as session:
            approval = await load(session, run.tenant_id, approval_id)
        state = state_of(approval, self._with.storage.clock.now())
        if state is ApprovalState.PENDING:
            if (why := await self._permits.moot(run)) is None:
                return await self._permits.lapses.if_ended(run) or run
            return await self._end(run, StepKind.LAPSED, RunState.LAPSED, {"why": why}, voids=approval_id)
        if state is ApprovalState.APPROVED:
            try:
                return await self._permits.permit(run, approval_id)
            except ApprovalRefused as conflict:
                detail = {"why": conflict.code, "words": conflict.message}
                return await self._end(run, StepKind.DECLINED, RunState.DECLINED, detail, voids=approval_id)
        last = approval.steps[-1] if approval.steps else None
        detail = {
            "why": state.value,
            "by": last.person_name if last else "",
            "words": last.reason if last else "",
        }
        return await self._end(
            run, StepKind.DECLINED, RunState.DECLINED, detail, receipt_id=last.receipt_id if last else None
        )

    async def _end(
        self,
        run: Run,
        kind: StepKind,
        state: RunState,
        detail: dict[str, str],
        receipt_id: UUID | None = None,
        *,
        voids: UUID | None = None,
    ) -> Run:
        async with self._with.storage.write(TenantScope(run.tenant_id)) as session:
            if voids is not None:
                await self._with.approvals.void(session, voids, detail.get("words", detail["why"]), SYSTEM)
            return await record_step(
                session, self._with.ledger, run, kind, state, SYSTEM, detail, receipt_id=receipt_id
            )

    async def _read(self, tenant_id: UUID, run_id: UUID) -> Run:
        async with self._with.storage.read(TenantScope(tenant_id)) as session:
            return await repository.get_run(session, tenant_id, run_id)

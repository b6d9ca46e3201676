"""Planning: what could be done about an anomaly, put on record with what the product says it would do."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from trust_portal.access.action import Action
from trust_portal.access.policy import Decision, Resource
from trust_portal.cost.explanation.explanation import Explanation
from trust_portal.cost.explanation.service import Explanations
from trust_portal.cost.remediation import repository
from trust_portal.cost.remediation.calls import ControlCall
from trust_portal.cost.remediation.equipment import Equipment
from trust_portal.cost.remediation.explaining import Ground, draft, known_of, read_ground
from trust_portal.cost.remediation.model import DryRun, Plan, PlanPlaybook, Run, RunState, StepKind
from trust_portal.cost.remediation.planning import Fit, Misfit, fit
from trust_portal.cost.remediation.playbooks import Mode
from trust_portal.cost.remediation.recording import record_plan, record_step
from trust_portal.cost.remediation.repository import MOVED_ON
from trust_portal.errors import Conflict, InvalidInput
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.ids import new_id
from trust_portal.storage.tenancy import TenantScope

_DRY_RUN_LASTS: Final = timedelta(minutes=1)


class Planner:
    """Plans by itself once an anomaly is explained, and by hand whenever somebody asks."""

    def __init__(self, equipment: Equipment, explanations: Explanations) -> None:
        self._with = equipment
        self._explanations = explanations

    async def options(self, actor: Actor, explanation: Explanation) -> tuple[Fit | Misfit, ...]:
        """Every playbook, and whether it could be planned for the anomaly by hand. Nothing is recorded."""
        anomaly = explanation.anomaly
        await self._with.gate.require(
            actor, Action.PLAYBOOK_READ, Resource("playbook run", anomaly.tenant_id, str(anomaly.id))
        )
        known = known_of(explanation)
        return tuple(
            fit(name, playbook, anomaly, known, by_hand=True)
            for name, playbook in self._with.playbooks.by_id.items()
        )

    async def by_itself(self, tenant_id: UUID, anomaly_id: UUID) -> tuple[Run, ...]:
        """Plan each playbook whose trigger the anomaly meets; those that are planned for it stay as they are.

        May be repeated: of one playbook and anomaly there is one run at a time, and a run that is over
        is not begun again by itself.
        """
        explanation = await self._explanations.explain(SYSTEM, tenant_id, anomaly_id)
        anomaly = explanation.anomaly
        if anomaly.explained_at is None or anomaly.explained_at < anomaly.changed_at:
            return ()  # its figures moved: whoever explains them asks again
        known = known_of(explanation)
        fits = [
            found
            for name, playbook in self._with.playbooks.by_id.items()
            if isinstance(found := fit(name, playbook, anomaly, known, by_hand=False), Fit)
        ]
        return await self._plan(SYSTEM, explanation, fits, again=False)

    async def by_hand(self, command: PlanPlaybook, actor: Actor) -> tuple[Run, ...]:
        """Plan one playbook, or all that fit. ``Conflict`` where the one asked for does not, or is under way."""
        explanation = await self._explanations.explain(actor, command.tenant_id, command.anomaly_id)
        anomaly = explanation.anomaly
        if anomaly.explained_at is None or anomaly.explained_at < anomaly.changed_at:
            raise Conflict("the anomaly's figures have just moved; try again once it is explained")
        if command.playbook is not None:
            self._with.playbooks.get(command.playbook)
        known, fits = known_of(explanation), []
        for name, playbook in self._with.playbooks.by_id.items():
            if command.playbook not in {None, name}:
                continue
            found = fit(name, playbook, anomaly, known, by_hand=True)
            if isinstance(found, Fit):
                fits.append(found)
            elif command.playbook is not None:
                raise InvalidInput(f"{name} does not fit: {found.reason}", field="playbook", code="UNFIT")
        runs = await self._plan(actor, explanation, fits, again=True)
        if command.playbook is not None and not runs:
            raise Conflict(f"{command.playbook} is under way for this anomaly already", field="playbook")
        return runs

    async def _plan(
        self, actor: Actor, explanation: Explanation, fits: list[Fit], *, again: bool
    ) -> tuple[Run, ...]:
        tenant_id, anomaly_id = explanation.anomaly.tenant_id, explanation.anomaly.id
        resource = Resource("playbook run", tenant_id, str(anomaly_id))
        decision = await self._with.gate.require(actor, Action.PLAYBOOK_PLAN, resource)
        if not fits:
            return ()
        ground = await read_ground(self._with.storage, tenant_id, explanation)
        made = []
        for found in fits:
            run = await self._plan_one(actor, decision, ground, found, again=again)
            if run is not None:
                made.append(run)
        return tuple(made)

    async def _plan_one(
        self, actor: Actor, decision: Decision, ground: Ground, found: Fit, *, again: bool
    ) -> Run | None:
        tenant_id = ground.anomaly.tenant_id
        plan = draft(ground, found, self._with.playbooks.digest)
        async with self._with.storage.read(TenantScope(tenant_id)) as session:
            earlier = await repository.runs_of_anomaly(session, tenant_id, ground.anomaly.id)
        before = next((each for each in earlier if each.plan.playbook_id == plan.playbook_id), None)
        if before is not None and not _may_follow(before, plan, again=again):
            return None
        plan = msgspec.structs.replace(plan, dry_run=await self._rehearse(tenant_id, plan))
        try:
            async with self._with.storage.write(TenantScope(tenant_id)) as session:
                if before is not None and before.state is RunState.PLANNED:
                    await record_step(
                        session,
                        self._with.ledger,
                        before,
                        StepKind.LAPSED,
                        RunState.LAPSED,
                        actor,
                        {"why": "it was planned anew"},
                    )
                return await record_plan(
                    session,
                    self._with.ledger,
                    tenant_id,
                    plan,
                    actor,
                    decision,
                    None if before is None else before.id,
                )
        except Conflict as conflict:
            if conflict.code != MOVED_ON:
                raise
            return None  # somebody else planned it, or acted upon what was planned

    async def _rehearse(self, tenant_id: UUID, plan: Plan) -> DryRun:
        """What the product says it would do. Where it may not be asked, that is said."""
        now = self._with.storage.clock.now()
        if plan.playbook.mode is Mode.PROPOSE:
            return _not_asked("it is a proposal for people, and not done by a call", now)
        if not self._with.client.is_connected:
            return _not_asked("CONTROL_URL is not set, so that nothing can be executed", now)
        call = ControlCall(
            action=plan.playbook.action.value,
            tenant=plan.tenant,
            target=plan.target,
            parameters=plan.parameters,
            key=f"{new_id()}:dry-run",
            expires_at=now + _DRY_RUN_LASTS,
            receipt=None,
            dry_run=True,
        )
        async with self._with.switches.door(tenant_id, plan.playbook_id) as stopping:
            if stopping:
                return _not_asked("the kill switch is on", now)
            answer = await self._with.client.send(call)
        return DryRun(
            state=answer.state.value,
            asked_at=now,
            effect=answer.effect,
            previous=answer.previous,
            reason=answer.reason,
        )


def _may_follow(before: Run, plan: Plan, *, again: bool) -> bool:
    """Whether a plan may take the place of the run before it.

    One that nobody acted upon yet gives way to one that would do something else, and to a fresh one
    where the product had not answered, or by hand. A run under way is left alone, and one that is
    over is begun again by hand only.
    """
    if before.state is RunState.PLANNED:
        answered = before.is_rehearsed or before.plan.playbook.mode is Mode.PROPOSE
        return again or not answered or not before.plan.same_act(plan)
    return again and before.state.is_over and before.state is not RunState.VERIFIED


def _not_asked(reason: str, at: datetime) -> DryRun:
    return DryRun(state="not_asked", asked_at=at, effect={}, previous={}, reason=reason)

"""The moment in which an act is permitted: counted, decided and the approval spent in one transaction.

One at a time, over all tenants, by an advisory lock: two runs cannot both be the last that a limit
allows. What is permitted is committed before anything is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text

from trust_portal.access.action import Action
from trust_portal.access.approvals.electorate import Electorate
from trust_portal.access.approvals.model import FORBIDDEN_NOW
from trust_portal.access.automation import UNHINDERED, Automation, Counted
from trust_portal.access.break_glass.model import GlassState
from trust_portal.access.break_glass.repository import find_emergency
from trust_portal.access.policy import Decision, Resource
from trust_portal.cost.anomalies.repository import get_anomaly
from trust_portal.cost.remediation import acts_repository, repository
from trust_portal.cost.remediation.equipment import Equipment
from trust_portal.cost.remediation.intent import approval_kind, intent_of
from trust_portal.cost.remediation.lapsing import Lapses
from trust_portal.cost.remediation.model import Run, RunState, StepKind
from trust_portal.cost.remediation.planning import standing
from trust_portal.cost.remediation.playbooks import Playbook
from trust_portal.cost.remediation.recording import record_step
from trust_portal.cost.remediation.switches_model import SwitchRevision
from trust_portal.errors import Conflict
from trust_portal.evidence.act import Input
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.clock import rfc3339
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

#: ASCII "tplimits".
_COUNTING: Final = 0x74706C696D697473
_HOUR: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)
#: What says of a decision that only approval is missing.
_NEEDS_APPROVAL: Final = {"playbooks-need-approval"}
#: By what became of the anomaly: why nothing is to be done about it any more.
_MOOT: Final = {
    "planned": "people called the anomaly planned",
    "false": "people called the anomaly false",
    "merged": "the anomaly is part of another",
    "suppressed": "the anomaly is suppressed",
    "over": "the anomaly is over",
}


@dataclass(frozen=True, slots=True)
class Alone:
    """Who has it done without approval, under which emergency access, and why."""

    actor: Actor
    emergency: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class Given:
    """The approval that carries the act, and who may decide on such now."""

    approval_id: UUID
    electorate: Electorate


class Permits:
    """Decides whether a run may act now, and if so lets it, once."""

    def __init__(self, equipment: Equipment) -> None:
        self._with = equipment
        self.lapses = Lapses(equipment)

    def rules(self, run: Run) -> Playbook:
        """Its playbook as it stands now: what limits count by. Where it is gone, as it was planned."""
        return self._in_force(run) or run.plan.playbook

    async def moot(self, run: Run) -> str | None:
        """Why a plan that nobody acted upon yet has no more reason to be, in words."""
        if self._in_force(run) is None:
            return "its playbook is no longer there"
        async with self._with.storage.read(TenantScope(run.tenant_id)) as session:
            anomaly = await get_anomaly(session, run.tenant_id, run.plan.anomaly)
        return _MOOT.get(standing(anomaly, run.planned_at))

    def _in_force(self, run: Run) -> Playbook | None:
        """``None`` where it was taken out, or made to do something else."""
        found = self._with.playbooks.by_id.get(run.plan.playbook_id)
        return None if found is None or found.action is not run.plan.playbook.action else found

    async def may_be_automatic(self, run: Run) -> bool:
        """Whether policy lets it act without approval, whatever else may stand against it."""
        async with self._with.storage.read(TenantScope(run.tenant_id)) as session:
            found = await self._circumstances(session, run, None, ())
        decision = self._with.gate.decide(SYSTEM, Action.PLAYBOOK_EXECUTE, _resource(run), found.context)
        return decision.allowed or not _NEEDS_APPROVAL & set(decision.policies)

    async def refusal(self, run: Run) -> Decision | None:
        """Of a run that may begin: the decision that lets it not be sent after all, which is on record then.

        However it was permitted (by approval, by a policy, in an emergency), policy is asked once more right
        before it is sent, as it is by then, and so is the approval; what a row alone says permits nothing, and
        an emergency that is over does not act. Limits and cool-down were counted when it was permitted, and
        would count itself.
        """
        begun = run.step(StepKind.APPROVED)
        if begun is None:
            return None
        playbook = self.rules(run)
        approved = begun.approval_id is not None and await self._with.approvals.still_given(
            run.tenant_id, begun.approval_id, intent_of(run)
        )
        async with self._with.storage.read(TenantScope(run.tenant_id)) as session:
            anomaly = await get_anomaly(session, run.tenant_id, run.plan.anomaly)
            emergency = None
            if run.emergency is not None:
                emergency = await find_emergency(session, run.tenant_id, UUID(run.emergency))
        now = self._with.storage.clock.now()
        context = replace(
            UNHINDERED,
            playbook=run.plan.playbook_id,
            act=playbook.action.value,
            mode=playbook.mode.value,
            in_force=self._in_force(run) is not None,
            approved=approved,
            alone=emergency is not None and emergency.state(now) is GlassState.OPEN,
            anomaly=standing(anomaly, run.planned_at),
        ).context
        decision = self._with.gate.decide(SYSTEM, Action.PLAYBOOK_EXECUTE, _resource(run), context)
        if decision.allowed:
            return None
        return await self._with.gate.ask(SYSTEM, Action.PLAYBOOK_EXECUTE, _resource(run), context)

    async def permit(self, run: Run, approval_id: UUID | None, alone: Alone | None = None) -> Run:
        """Take the run to ``executing``, or to ``denied`` with the rules that forbid it.

        It lapses where what it was planned for has ended by itself.

        ``Conflict``: of the approval (``Approvals.use``), which then is not spent; ``MOVED_ON``; or
        ``FORBIDDEN`` where who would act alone may not now: the run stays, and so does what was asked.
        """
        if (lapsed := await self.lapses.if_ended(run)) is not None:
            return lapsed
        # Whatever takes a connection of its own is done without the lock, for which others hold theirs.
        stopping = await self._with.switches.against(run.tenant_id, run.plan.playbook_id)
        given: Given | None = None
        if approval_id is not None:
            electorate = await self._with.approvals.who_could(approval_kind(run.plan), run.tenant_id)
            given = Given(approval_id, electorate)
        async with self._with.storage.coordinator.write(TenantScope(run.tenant_id)) as session:
            await session.execute(text("SELECT pg_advisory_xact_lock(:counting)"), {"counting": _COUNTING})
            run = await repository.get_run(session, run.tenant_id, run.id)
            if run.state not in {RunState.PLANNED, RunState.WAITING}:
                return run
            circumstances = await self._circumstances(session, run, approval_id, stopping, alone)
            decision = self._with.gate.decide(
                SYSTEM, Action.PLAYBOOK_EXECUTE, _resource(run), circumstances.context
            )
            told: dict[str, object] = {
                "circumstances": told_of(circumstances, stopping),
                "playbooks": self._with.playbooks.digest,
            }
            if decision.allowed:
                return await self._let(session, run, given, decision, told, alone)
            if alone is None:
                run = await self._denied(session, run, approval_id, decision, told)
        await self._with.gate.ask(SYSTEM, Action.PLAYBOOK_EXECUTE, _resource(run), circumstances.context)
        if alone is not None:
            rules = ", ".join(decision.policies)
            raise Conflict(f"policy forbids it now: {rules}; nothing was changed", code="FORBIDDEN")
        return run

    async def _denied(
        self,
        session: WriteSession,
        run: Run,
        approval_id: UUID | None,
        decision: Decision,
        told: dict[str, object],
    ) -> Run:
        if approval_id is not None:
            rules = ", ".join(decision.policies)
            await self._with.approvals.void(session, approval_id, f"{FORBIDDEN_NOW}: {rules}.", SYSTEM)
        return await record_step(
            session, self._with.ledger, run, StepKind.DENIED, RunState.DENIED, SYSTEM,
            told | {"why": "policy", "rules": list(decision.policies)},
            decision=decision, approval_id=approval_id,
        )  # fmt: skip

    async def _no_longer_asked(self, session: WriteSession, run: Run, alone: Alone) -> None:
        """``Conflict`` where approvers have decided meanwhile: an emergency does not overrule a denial."""
        asked = run.step(StepKind.REQUESTED)
        if asked is None or asked.approval_id is None:
            return
        why = f"Taken up alone under emergency access {alone.emergency}."
        if not await self._with.approvals.void(session, asked.approval_id, why, alone.actor):
            raise Conflict("approvers have decided on this meanwhile", code=repository.MOVED_ON)

    async def _let(
        self,
        session: WriteSession,
        run: Run,
        given: Given | None,
        decision: Decision,
        told: dict[str, object],
        alone: Alone | None,
    ) -> Run:
        inputs: tuple[Input, ...] = ()
        actor, now = SYSTEM, session.clock.now()
        detail = told | {
            "key": run.apply_key,
            "expires_at": rfc3339(now + run.plan.playbook.call_lasts_minutes * _MINUTE),
        }
        if alone is not None:
            actor = alone.actor
            detail |= {"break_glass": str(alone.emergency), "reason": alone.reason}
            await self._no_longer_asked(session, run, alone)
        if given is not None:
            used = await self._with.approvals.use(
                session, given.approval_id, intent_of(run), SYSTEM, given.electorate
            )
            inputs = used.inputs
            detail |= dict(used.result)
        await acts_repository.add_action(session, run, now)
        return await record_step(
            session, self._with.ledger, run, StepKind.APPROVED, RunState.EXECUTING, actor, detail,
            decision=decision, inputs=inputs, approval_id=None if given is None else given.approval_id,
        )  # fmt: skip

    async def _circumstances(
        self,
        session: ReadSession,
        run: Run,
        approval_id: UUID | None,
        stopping: tuple[SwitchRevision, ...],
        alone: Alone | None = None,
    ) -> Automation:
        plan, now = run.plan, self._with.storage.clock.now()
        playbook = self.rules(run)
        limits = playbook.limits
        last = await acts_repository.last_executed(
            session, run.tenant_id, plan.playbook_id, dict(plan.target), run.id
        )
        hour_ago = now - _HOUR
        today = await acts_repository.money_of_actions(session, now, plan.playbook_id, plan.currency)
        anomaly = await get_anomaly(session, run.tenant_id, plan.anomaly)
        return Automation(
            playbook=plan.playbook_id,
            act=playbook.action.value,
            mode=playbook.mode.value,
            in_force=self._in_force(run) is not None,
            approved=approval_id is not None,
            alone=alone is not None,
            anomaly=standing(anomaly, run.planned_at),
            stopped=tuple(sorted({each.reach.value for each in stopping})),
            minutes_since_last=None if last is None else int((now - last) / _MINUTE),
            cool_down_minutes=playbook.cool_down_minutes,
            actions=Counted(
                await acts_repository.count_actions(session, hour_ago, plan.playbook_id),
                limits.actions_per_hour,
            ),
            house_actions=Counted(
                await acts_repository.count_actions(session, hour_ago), self._with.playbooks.actions_per_hour
            ),
            tenants=Counted(
                await acts_repository.tenants_of_actions(session, now, plan.playbook_id, run.tenant_id),
                limits.tenants_per_run,
            ),
            money=today + plan.blast_radius.per_day,
            money_limit=limits.money(plan.currency),
        )


def told_of(circumstances: Automation, stopping: tuple[SwitchRevision, ...]) -> dict[str, object]:
    """What was decided upon, as the tenant's receipt states it: counters as strings.

    What was counted over all tenants is not the tenant's to read; the rules that it met are named.
    """
    return {
        "stopped": list(circumstances.stopped),
        "switches": [str(each.receipt_id) for each in stopping],
        "minutes_since_last": None if circumstances.minutes_since_last is None else str(circumstances.minutes_since_last),
        "cool_down_minutes": str(circumstances.cool_down_minutes),
        "anomaly": circumstances.anomaly,
    }  # fmt: skip


def _resource(run: Run) -> Resource:
    return Resource("playbook run", run.tenant_id, str(run.id))

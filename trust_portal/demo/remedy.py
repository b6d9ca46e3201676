"""What is done about the runaway: planned, approved, called, verified in the data; and a second act that is held."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from jobs.remediation import mind_runs
from trust_portal.access.sign_in.personas import persona_with
from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.remediation.model import PlanPlaybook, RequestRun, Run, RunState, StepKind
from trust_portal.cost.remediation.switches_model import SetKillSwitch
from trust_portal.demo.approving import Approvers, request_path
from trust_portal.demo.patience import patience
from trust_portal.demo.place import HOUR, Place, named
from trust_portal.demo.scene import BRIGHTWATER
from trust_portal.demo.time_lapse import CLOSED_AFTER
from trust_portal.errors import Unavailable
from trust_portal.kernel.actor import SYSTEM, Actor, Role
from trust_portal.kernel.ids import VENDOR_ID

THROTTLE: Final = "throttle-exports"
PAUSE: Final = "pause-ramp"
_APPROVERS: Final = ((Role.APPROVER_RELIABILITY, "reliability"), (Role.APPROVER_FINANCE, "finance"))
_LOOK: Final = 0.2
_PATIENCE: Final = 120.0
_MOST_HOURS: Final = 8
_DONE: Final = (RunState.EXECUTED, RunState.VERIFIED)
_WAYS: Final = {StepKind.PLANNED, StepKind.APPROVED, StepKind.EXECUTED, StepKind.VERIFIED}


class Remedy:
    """``throttle`` and ``held_back`` are its two scenes; each leaves the run it was about."""

    def __init__(self, place: Place, anomaly: CostAnomaly, approvers: Approvers) -> None:
        self._at = place
        self._tell = place.tell
        self._anomaly = anomaly
        self._tenant = place.tenants[BRIGHTWATER.key]
        self._approvers = approvers

    async def throttle(self) -> Run:
        """From the plan to the hours that cost what they should."""
        run = await self._planned()
        if run.state is RunState.WAITING:
            await self._approved(run)
        run = await self._settled(run, *_DONE)
        self._tell_of_the_call(run)
        return await self._verified(run)

    async def held_back(self) -> Run:
        """The kill switch is on: asked for, approved, and still not done."""
        operator = await self._at.person(Role.SRE_OPERATOR)
        run = await self._run(PAUSE, RunState.DENIED)
        if run is None:
            await self._switch(operator, "Nobody touches flags before the review", stopped=True)
            run = await self._asked_for(operator)
            await self._approve(run, "The ramp can wait")
            run = await self._settled(run, RunState.DENIED)
        await self._switch(operator, "The review is over", stopped=False)
        denied = run.step(StepKind.DENIED)
        assert denied is not None, "it was denied"  # noqa: S101 - narrows the type
        self._tell.step(
            "Kill switch",
            f"{PAUSE} is stopped everywhere; asked for and approved, it is not done",
            f"denied by {', '.join(denied.detail['rules'])}, and no call was made",
            url=self._url_of(run),
        )
        return run

    async def _asked_for(self, operator: Actor) -> Run:
        """The run that is to be held back, waiting for approval."""
        run = await self._run(PAUSE, RunState.WAITING, RunState.PLANNED)
        if run is None:
            command = PlanPlaybook(self._tenant.id, self._anomaly.id, PAUSE)
            (run,) = await self._at.house.remediation.plan(command, operator)
        if run.state is RunState.PLANNED:
            ask = RequestRun(self._tenant.id, run.id, "Belt and braces: hold the ramp as well")
            run = await self._at.house.remediation.request(ask, operator)
        return run

    async def _switch(self, operator: Actor, reason: str, *, stopped: bool) -> None:
        """Over the second playbook, everywhere; where it stands so already, nothing is done."""
        switches = self._at.house.kill_switches
        if bool(await switches.against(VENDOR_ID, PAUSE)) != stopped:
            await switches.set(SetKillSwitch(VENDOR_ID, stopped, reason, PAUSE), operator)

    async def _planned(self) -> Run:
        """Hours pass until the anomaly is grave enough for the playbook; then it plans itself and asks."""
        wanted = (RunState.WAITING, RunState.EXECUTING, *_DONE)
        run, hour = await self._run(THROTTLE, *wanted), self._next_hour()
        for _ in range(_MOST_HOURS):
            if run is not None:
                break
            self._tell.waiting("A playbook is planned once the anomaly meets its trigger")
            await self._at.time.move_to(hour + HOUR + CLOSED_AFTER)
            run, hour = await self._run(THROTTLE, *wanted), hour + HOUR
        else:
            raise Unavailable(f"{THROTTLE} was not planned", code="NOT_PLANNED")
        plan = run.plan
        rehearsal = plan.dry_run
        assert rehearsal is not None, "it was asked for, so it was rehearsed"  # noqa: S101 - narrows the type
        self._tell.step(
            "Plan",
            f"{plan.playbook.title}: {named(plan.target)}, {named(plan.parameters)}",
            *plan.reasons,
            f"expected saving: {plan.saving.per_hour:.2f} {plan.currency} an hour",
            f"blast radius: {plan.blast_radius.count} things of {plan.tenant_name}'s and nobody else's",
            f"dry run: the product says {rehearsal.state}, from {_said(rehearsal.previous)} to {_said(rehearsal.effect)}",
            url=self._url_of(run),
        )
        return run

    async def _approved(self, run: Run) -> None:
        reason = "The exports begin anew each time; the customer's own limit leaves room for what it needs"
        await self._approve(run, reason)
        self._tell.step(
            "Approval",
            *(
                f"{persona_with(role).name} approves, as {what}, what the page shows"
                for role, what in _APPROVERS
            ),
            f"“{reason}”",
            url=self._at.url + request_path(self._tenant.key, _approval_of(run)),
        )

    def _tell_of_the_call(self, run: Run) -> None:
        executed = run.step(StepKind.EXECUTED)
        assert executed is not None, "it was executed"  # noqa: S101 - narrows the type
        self._tell.step(
            "Control call",
            f"the product answers {executed.detail['answer']} at {executed.at:%H:%M} UTC",
            f"{run.plan.playbook.action.value}: {_said(executed.detail['effect'])},"
            f" before {_said(executed.detail['previous'])}",
            f"signed, under the key {executed.detail['key']}, which it obeys once",
            url=self._receipt_url(executed.receipt_id),
        )

    async def _verified(self, run: Run) -> Run:
        """The hours after the call, until the data say whether cost came down."""
        executed = run.step(StepKind.EXECUTED)
        assert executed is not None, "it was executed"  # noqa: S101 - narrows the type
        told: list[str] = []
        hour = executed.at.replace(minute=0, second=0, microsecond=0)
        for _ in range(_MOST_HOURS):
            if run.state is not RunState.EXECUTED:
                break
            self._tell.waiting(f"{hour:%H:%M} UTC passes")
            await self._at.time.move_to(hour + HOUR + CLOSED_AFTER)
            told.append(await self._at.hour(BRIGHTWATER, run.plan.subsystem, hour))
            await self._look()
            run, hour = await self._reload(run), hour + HOUR
        verified = run.step(StepKind.VERIFIED)
        if verified is None:
            raise Unavailable(
                f"{THROTTLE} is {run.state.value}: {dict(run.last.detail)}", code="NOT_VERIFIED"
            )
        if told:
            heading = f"{run.plan.subsystem} by the hour (UTC):"
            self._tell.step("Cost falls", heading, *told, url=self._at.url_of(self._anomaly))
        figures = verified.detail["verification"]
        self._tell.step(
            "Verified",
            figures["finding"],
            f"an hour: {float(figures['before']):.2f} {run.plan.currency} before,"
            f" {float(figures['after']):.2f} after",
            *(f"receipt {each.kind.value:<10} {each.receipt_id}" for each in run.steps if each.kind in _WAYS),
            url=self._receipt_url(verified.receipt_id),
        )
        return run

    async def _approve(self, run: Run, reason: str) -> None:
        for role, _ in _APPROVERS:
            await self._approvers.approve(self._tenant.key, _approval_of(run), role, reason)

    async def _settled(self, run: Run, *states: RunState) -> Run:
        """The run once it stands in one of ``states``. Raises ``Unavailable`` where it ends in another."""
        async with patience(_PATIENCE, f"the run of {run.plan.playbook_id}"):
            while True:
                run = await self._reload(run)
                if run.state in states:
                    return run
                if run.state.is_over:
                    raise Unavailable(
                        f"{run.plan.playbook_id} is {run.state.value}: {dict(run.last.detail)}",
                        code="NOT_DONE",
                    )
                await asyncio.sleep(_LOOK)

    async def _look(self) -> None:
        """A round of the clockwork, and what it asks for."""
        await mind_runs(self._at.house)
        await self._at.time.quiet()

    async def _run(self, playbook: str, *states: RunState) -> Run | None:
        """The newest of a playbook that stands in one of ``states``."""
        await self._look()
        runs = await self._at.house.playbook_runs.of_anomaly(SYSTEM, self._tenant.id, self._anomaly.id)
        return next(
            (each for each in runs if each.plan.playbook_id == playbook and each.state in states), None
        )

    async def _reload(self, run: Run) -> Run:
        return await self._at.house.playbook_runs.get(SYSTEM, run.tenant_id, run.id)

    def _next_hour(self) -> datetime:
        """The hour that is under way."""
        return self._at.time.now().replace(minute=0, second=0, microsecond=0)

    def _url_of(self, run: Run) -> str:
        return f"{self._at.url}/t/{self._tenant.key}/cost/playbooks/{run.id}"

    def _receipt_url(self, receipt_id: object) -> str:
        return f"{self._at.url}/t/{self._tenant.key}/receipts/{receipt_id}"


def _approval_of(run: Run) -> UUID:
    requested = run.step(StepKind.REQUESTED)
    if requested is None or requested.approval_id is None:
        raise Unavailable(f"nobody was asked to approve {run.plan.playbook_id}", code="NOT_ASKED")
    return requested.approval_id


def _said(values: Mapping[str, object]) -> str:
    """A product's ``effect`` or ``previous`` in words."""
    return ", ".join(f"{name} {'none' if value is None else value}" for name, value in values.items())

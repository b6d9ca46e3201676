"""Beginning to take back what a run did: by itself where it did not help or did harm, by hand whenever asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from trust_portal.access.action import Action
from trust_portal.access.automation import Reversal
from trust_portal.access.policy import Resource
from trust_portal.cost.remediation import repository
from trust_portal.cost.remediation.equipment import Equipment
from trust_portal.cost.remediation.model import RollBackRun, Run, RunState, StepKind
from trust_portal.cost.remediation.recording import record_step
from trust_portal.errors import Conflict
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.clock import rfc3339
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import TenantScope

_MINUTE: Final = timedelta(minutes=1)
#: What does so by itself goes on trying; a day is longer than any outage that people do not look at.
PATIENCE: Final = timedelta(days=1)


class Reversals:
    def __init__(self, equipment: Equipment) -> None:
        self._with = equipment

    async def by_hand(self, command: RollBackRun, actor: Actor) -> Run:
        """Take it back now, also while a kill switch is on. ``Conflict`` where there is nothing to take back."""
        switches = await self._with.switches.against(command.tenant_id, "")
        decision = await self._with.gate.require(
            actor,
            Action.PLAYBOOK_REVERSE,
            Resource("playbook run", command.tenant_id, str(command.run_id)),
            Reversal(tuple(sorted({each.reach.value for each in switches}))).context,
        )
        async with self._with.storage.write(TenantScope(command.tenant_id)) as session:
            run = await repository.get_run(session, command.tenant_id, command.run_id)
            if not run.can_be_rolled_back:
                raise Conflict(
                    "this run has done nothing that could be taken back", code="NOTHING_TO_ROLL_BACK"
                )
            if not self._with.client.is_connected:
                raise Conflict("nothing can be called: CONTROL_URL is not set", code="NO_PRODUCT")
            now = session.clock.now()
            run = await record_step(
                session,
                self._with.ledger,
                run,
                StepKind.ROLLBACK_STARTED,
                RunState.ROLLING_BACK,
                actor,
                {
                    "why": "by hand",
                    "by_hand": True,
                    "key": run.next_reverse_key,
                    "expires_at": rfc3339(now + run.plan.playbook.call_lasts_minutes * _MINUTE),
                },
                decision=decision,
                reason=command.reason,
            )
            ids = {"tenant": str(run.tenant_id), "run": str(run.id)}
            await session.enqueue(Job.ADVANCE_PLAYBOOK, ids, dedupe_key=f"{Job.ADVANCE_PLAYBOOK}/{run.id}")
        return run

    async def by_itself(self, run: Run, why: str, figures: Mapping[str, Any]) -> Run:
        """Begin it; whether a kill switch holds it is looked at when it is sent."""
        decision = await self._with.gate.require(
            SYSTEM,
            Action.PLAYBOOK_REVERSE,
            Resource("playbook run", run.tenant_id, str(run.id)),
            Reversal(()).context,
        )
        async with self._with.storage.write(TenantScope(run.tenant_id)) as session:
            return await record_step(
                session,
                self._with.ledger,
                run,
                StepKind.ROLLBACK_STARTED,
                RunState.ROLLING_BACK,
                SYSTEM,
                {
                    "why": why,
                    "by_hand": False,
                    "key": run.next_reverse_key,
                    "expires_at": rfc3339(session.clock.now() + PATIENCE),
                    **figures,
                },
                decision=decision,
            )

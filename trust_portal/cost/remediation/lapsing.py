"""A plan lapses once what it was made for has ended by itself: nothing is sent about it any more."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from trust_portal.cost.metering.calculation import hour_of
from trust_portal.cost.remediation.equipment import Equipment
from trust_portal.cost.remediation.measuring import Measured, closed_until, measure
from trust_portal.cost.remediation.model import Run, RunState, StepKind
from trust_portal.cost.remediation.recording import record_step
from trust_portal.cost.remediation.verification import calm_hours
from trust_portal.evidence.act import Input
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.clock import rfc3339
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession

_HOUR: Final = timedelta(hours=1)
ENDED: Final = "it ended by itself"


class Lapses:
    """Looks, before anything is done, at the hours that were closed since the plan was made."""

    def __init__(self, equipment: Equipment) -> None:
        self._with = equipment

    async def has_ended(self, run: Run) -> bool:
        return bool(await self._ended(run))

    async def if_ended(self, run: Run) -> Run | None:
        """The run, lapsed, and what was asked for approval void; ``None`` where there is still a reason to act."""
        calm = await self._ended(run)
        if not calm:
            return None
        asked = run.step(StepKind.REQUESTED)
        async with self._with.storage.write(TenantScope(run.tenant_id)) as session:
            if asked is not None and asked.approval_id is not None:
                await self._with.approvals.void(session, asked.approval_id, ENDED, SYSTEM)
            return await record_step(
                session, self._with.ledger, run, StepKind.LAPSED, RunState.LAPSED, SYSTEM, _stated(calm),
                inputs=tuple(Input(f"usage/{rfc3339(each.found.start)}", each.digest) for each in calm),
            )  # fmt: skip

    async def _ended(self, run: Run) -> tuple[Measured, ...]:
        async with self._with.storage.read(TenantScope(run.tenant_id), snapshot=True) as session:
            return await _calm(session, run)


async def _calm(session: ReadSession, run: Run) -> tuple[Measured, ...]:
    """The last closed hours, if in each of them as much is gone as is to be verified after the act; else none."""
    closed = await closed_until(session, run.tenant_id)
    if closed is None:
        return ()
    found: list[Measured] = []
    for hour in reversed(calm_hours(_known_until(run), closed, run.plan.playbook.verify.hours)):
        measured = await measure(session, run, hour, hour + _HOUR)
        if measured is None or not measured.found.verified:
            return ()
        found.append(measured)
    return tuple(reversed(found))


def _known_until(run: Run) -> datetime:
    """Up to where the plan knew: whoever plans by hand for what is calm already knows that too."""
    if run.planned_by_id == SYSTEM.id:
        return run.plan.ended_at
    return max(run.plan.ended_at, hour_of(run.planned_at))


def _stated(calm: tuple[Measured, ...]) -> dict[str, Json]:
    first, last = calm[0].found, calm[-1].found
    least = min(each.found.reduction for each in calm)
    return {
        "why": ENDED,
        "words": f"in each of the last {len(calm)} closed hours {least:.1%} of the excess or more had gone,"
        f" {first.required:.1%} was to go",
        "start": rfc3339(first.start),
        "end": rfc3339(last.end),
        "reductions": [f"{each.found.reduction:f}" for each in calm],
        "required": f"{first.required:f}",
    }

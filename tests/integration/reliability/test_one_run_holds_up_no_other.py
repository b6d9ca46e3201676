"""Runs that a killed worker left are completed one by one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from jobs.schedule import start_due_runs
from trust_portal.access.actors import CONSOLE
from trust_portal.house import House
from trust_portal.kernel.clock import ManualClock
from trust_portal.reliability.runs.completion import Completion
from trust_portal.reliability.runs.model import RunState, StartRun
from trust_portal.storage.rounds import FIRST_WAIT, Round, Rounds

#: Long over, whatever the clock says.
_PERIODS = ("2024-11", "2024-12")


async def test_a_run_that_cannot_be_completed_holds_up_no_other(
    house: House, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurt, other = [await house.runs.start(StartRun(each), CONSOLE) for each in _PERIODS]
    complete = Completion.complete_if_done

    async def died(completion: Any, run_id: UUID) -> bool:
        return False

    async def fails_for_one(completion: Any, run_id: UUID) -> bool:
        if run_id == hurt.id:
            raise ZeroDivisionError("a row nobody foresaw")
        return await complete(completion, run_id)

    async def states() -> list[RunState]:
        return [(await house.runs.progress(CONSOLE, each)).run.state for each in _PERIODS]

    with monkeypatch.context() as patch:
        patch.setattr(Completion, "complete_if_done", died)
        for run in (hurt, other):
            await house.runs.plan(run.id)
        patch.setattr(Completion, "complete_if_done", fails_for_one)
        await start_due_runs(house)
    assert await states() == [RunState.RUNNING, RunState.COMPLETE]
    (setback,) = await Rounds(house.storage).setbacks()
    assert (setback.round, setback.subject) == (Round.COMPLETE_SLA_RUNS, hurt.id)
    await start_due_runs(house)
    assert await states() == [RunState.RUNNING, RunState.COMPLETE], "not before its time"
    clock.advance(FIRST_WAIT)
    await start_due_runs(house)
    assert await states() == [RunState.COMPLETE, RunState.COMPLETE]
    assert await Rounds(house.storage).setbacks() == ()

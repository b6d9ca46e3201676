"""Batches of Trust Reports that a killed worker left are completed one by one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from report_desk import CORA

from trust_portal.house import House
from trust_portal.kernel.clock import ManualClock
from trust_portal.storage.rounds import FIRST_WAIT, Round, Rounds
from trust_portal.trust.batches.completion import BatchCompletion
from trust_portal.trust.batches.model import BatchState, StartTrustBatch

#: Long over, whatever the clock says.
_PERIODS = ("2024-Q3", "2024-Q4")


async def test_a_batch_that_cannot_be_completed_holds_up_no_other(
    house: House, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurt, other = [await house.trust_batches.start(StartTrustBatch(each), CORA) for each in _PERIODS]
    complete = BatchCompletion.complete_if_done

    async def died(completion: Any, batch_id: UUID) -> bool:
        return False

    async def fails_for_one(completion: Any, batch_id: UUID) -> bool:
        if batch_id == hurt.id:
            raise ZeroDivisionError("a row nobody foresaw")
        return await complete(completion, batch_id)

    async def states() -> list[BatchState]:
        return [(await house.trust_batches.tally(CORA, each)).batch.state for each in _PERIODS]

    with monkeypatch.context() as patch:
        patch.setattr(BatchCompletion, "complete_if_done", died)
        for batch in (hurt, other):
            await house.trust_batches.plan(batch.id)
        patch.setattr(BatchCompletion, "complete_if_done", fails_for_one)
        await house.trust_batches.complete_open()
    assert await states() == [BatchState.RUNNING, BatchState.COMPLETE]
    (setback,) = await Rounds(house.storage).setbacks()
    assert (setback.round, setback.subject) == (Round.COMPLETE_TRUST_BATCHES, hurt.id)
    await house.trust_batches.complete_open()
    assert await states() == [BatchState.RUNNING, BatchState.COMPLETE], "not before its time"
    clock.advance(FIRST_WAIT)
    await house.trust_batches.complete_open()
    assert await states() == [BatchState.COMPLETE, BatchState.COMPLETE]
    assert await Rounds(house.storage).setbacks() == ()

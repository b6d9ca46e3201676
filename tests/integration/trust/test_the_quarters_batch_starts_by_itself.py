"""The clockwork starts a quarter's batch once, when its SLA reports are written, and the worker keeps that round."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest
from support.reliability_vendor import CONTRACT, Vendor

from jobs.trust import ended_quarter, mind_trust
from jobs.worker import work
from trust_portal.access.actors import CONSOLE
from trust_portal.house import House
from trust_portal.kernel.actor import SYSTEM
from trust_portal.reliability.contracts.service import ImportContracts
from trust_portal.reliability.runs.model import Outcome, RunState, StartRun
from trust_portal.storage.backlog import Backlog
from trust_portal.storage.outbox import DEFAULT_QUEUE, Job
from trust_portal.storage.rounds import Rounds
from trust_portal.storage.tenancy import TenantScope
from trust_portal.trust.batches import repository
from trust_portal.trust.batches.model import BatchOutcome, BatchState

#: What a worker of the default queue does beside the jobs, each in a round of its own.
ROUNDS = {
    "retention",
    "accounts",
    "actions",
    "compliance",
    "cost",
    "incidents",
    "playbooks",
    "posture",
    "relay",
    "reviews",
    "schedule",
    "trust",
}


@pytest.fixture
async def vendor(house: House) -> Vendor:
    vendor = Vendor(house)
    await vendor.tenant("acme")
    await vendor.contract("acme")
    return vendor


async def batches(house: House) -> list[tuple[str, str, int, str]]:
    newest = await house.trust_batches.newest(CONSOLE)
    return [(each.period, each.state.value, each.attempt, each.requested_by) for each in newest]


async def planned(house: House) -> list[str]:
    return [row.job for row in await Backlog(house.storage).waiting() if row.job == Job.PLAN_TRUST_BATCH]


async def run_state(house: House, period: str) -> RunState:
    return (await house.runs.progress(CONSOLE, period)).run.state


async def cover(house: House, run_id: UUID, period: str) -> None:
    """The jobs of the run: whoever has measured nothing is incomplete, and named so."""
    for each in (await house.runs.progress(CONSOLE, period)).tenants:
        if each.outcome is Outcome.PENDING:
            await house.runs.cover(run_id, each.tenant_id)


async def test_it_waits_for_the_last_months_run_and_then_starts_one_batch_once(
    house: House, vendor: Vendor
) -> None:
    await mind_trust(house)
    assert await batches(house) == [], "June was not run"

    may = await house.runs.start(StartRun("2026-05"), CONSOLE)
    await house.runs.plan(may.id)
    await cover(house, may.id, "2026-05")
    assert await run_state(house, "2026-05") is RunState.COMPLETE
    june = await house.runs.start(StartRun("2026-06"), CONSOLE)
    await mind_trust(house)
    assert await batches(house) == [], "June is being planned"
    await house.runs.plan(june.id)
    assert await run_state(house, "2026-06") is RunState.RUNNING
    await mind_trust(house)
    assert (await batches(house), await planned(house)) == ([], []), "a customer's report is pending"

    await cover(house, june.id, "2026-06")
    assert await run_state(house, "2026-06") is RunState.COMPLETE
    await mind_trust(house)
    started = [("2026-Q2", "planning", 1, SYSTEM.name)]
    assert (await batches(house), await planned(house)) == (started, [Job.PLAN_TRUST_BATCH])

    await mind_trust(house)
    assert (await batches(house), await planned(house)) == (started, [Job.PLAN_TRUST_BATCH]), "once"
    (batch,) = await house.trust_batches.newest(CONSOLE)
    await house.trust_batches.plan(batch.id)
    (row,) = (await house.trust_batches.progress(CONSOLE, "2026-Q2")).tenants
    await house.trust_batches.cover(batch.id, row.tenant_id)
    await mind_trust(house)
    assert await batches(house) == [("2026-Q2", "complete", 1, SYSTEM.name)], "only a person starts it again"


async def test_where_a_contract_promises_by_the_quarter_its_run_is_waited_for_too(
    house: House, vendor: Vendor
) -> None:
    await vendor.tenant("globex")
    quarterly = CONTRACT.format(tenant="globex", version="1", zone="UTC").replace(
        "    denominator:", "    period: quarter\n    denominator:"
    )
    await house.contracts.import_file(ImportContracts(quarterly.encode()), CONSOLE)
    runs = {label: await house.runs.start(StartRun(label), CONSOLE) for label in ("2026-Q2", "2026-06")}
    for run in runs.values():
        await house.runs.plan(run.id)
    await cover(house, runs["2026-06"].id, "2026-06")
    await mind_trust(house)
    states = {label: await run_state(house, label) for label in runs}
    assert states == {"2026-Q2": RunState.RUNNING, "2026-06": RunState.COMPLETE}
    assert await batches(house) == []
    await cover(house, runs["2026-Q2"].id, "2026-Q2")
    await mind_trust(house)
    assert await batches(house) == [("2026-Q2", "planning", 1, SYSTEM.name)]


async def test_a_round_completes_the_batch_that_a_killed_worker_could_not(
    house: House, vendor: Vendor
) -> None:
    run = await house.runs.start(StartRun("2026-06"), CONSOLE)
    await house.runs.plan(run.id)
    await cover(house, run.id, "2026-06")
    await mind_trust(house)
    (batch,) = await house.trust_batches.newest(CONSOLE)
    await house.trust_batches.plan(batch.id)
    (row,) = (await house.trust_batches.progress(CONSOLE, "2026-Q2")).tenants
    await mind_trust(house)
    assert await batches(house) == [("2026-Q2", "running", 1, SYSTEM.name)], "somebody is pending"

    # As it is when the worker dies between its last customer's report and the look whether all is done.
    async with house.storage.write(TenantScope(row.tenant_id)) as session:
        await repository.settle_tenant(
            session, row.tenant_id, batch.id, BatchOutcome.FAILED, reason="an internal error (ValueError)"
        )
    await mind_trust(house)
    (batch,) = await house.trust_batches.newest(CONSOLE)
    assert (batch.state, batch.counts) == (
        BatchState.COMPLETE,
        {"blocked": 0, "failed": 1, "pending": 0, "published": 0, "standing": 0},
    )
    assert batch.receipt_id is not None


async def test_a_worker_of_the_default_queue_goes_all_its_rounds_and_the_batch_starts_in_one(
    house: House, vendor: Vendor
) -> None:
    run = await house.runs.start(StartRun("2026-06"), CONSOLE)
    await house.runs.plan(run.id)
    await cover(house, run.id, "2026-06")
    assert await batches(house) == []
    rounds = Rounds(house.storage)
    worker = asyncio.create_task(work(house, DEFAULT_QUEUE))
    try:
        async with asyncio.timeout(120):
            while {each.round for each in await rounds.standings() if each.well_at} < ROUNDS:
                await asyncio.sleep(0.02)
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    standings = await rounds.standings()
    assert {each.round: each.error for each in standings} == dict.fromkeys(ROUNDS)
    (batch,) = await house.trust_batches.newest(CONSOLE)
    assert (batch.period, batch.attempt, batch.requested_by) == ("2026-Q2", 1, SYSTEM.name)


@pytest.mark.parametrize(
    ("now", "quarter"),
    [
        # The first place where it is over is fourteen hours ahead of UTC.
        (datetime(2026, 6, 30, 9, 59, 59, tzinfo=UTC), "2026-Q1"),
        (datetime(2026, 6, 30, 10, tzinfo=UTC), "2026-Q2"),
        (datetime(2026, 7, 1, tzinfo=UTC), "2026-Q2"),
        (datetime(2026, 9, 30, 9, 59, 59, tzinfo=UTC), "2026-Q2"),
        (datetime(2026, 9, 30, 10, tzinfo=UTC), "2026-Q3"),
        (datetime(2026, 12, 31, 9, 59, 59, tzinfo=UTC), "2026-Q3"),
        (datetime(2026, 12, 31, 10, tzinfo=UTC), "2026-Q4"),
        (datetime(2027, 3, 31, 9, 59, 59, tzinfo=UTC), "2026-Q4"),
        (datetime(2027, 3, 31, 10, tzinfo=UTC), "2027-Q1"),
        # A leap day is no edge.
        (datetime(2028, 2, 29, 12, tzinfo=UTC), "2027-Q4"),
    ],
)
def test_the_quarter_that_ended_last_is_the_one_that_is_over_somewhere(now: datetime, quarter: str) -> None:
    assert ended_quarter(now) == quarter

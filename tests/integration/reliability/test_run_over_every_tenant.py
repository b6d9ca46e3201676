"""The monthly run: nobody is left out, whoever dies; by real worker processes where processes matter."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from support.reliability_vendor import LAST_DAY, Vendor, settings_of
from support.worker_process import worker_process

from jobs.schedule import due_periods, start_due_runs
from jobs.worker import work
from trust_portal.access.actors import CONSOLE
from trust_portal.errors import Conflict
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.export import ExportState
from trust_portal.evidence.export_rows import list_exports
from trust_portal.evidence.tables import receipts
from trust_portal.house import House, build_house
from trust_portal.kernel.actor import SYSTEM, Actor, ActorKind, Role
from trust_portal.kernel.clock import ManualClock, SystemClock
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.reliability.findings import State
from trust_portal.reliability.reports.service import IssueReport
from trust_portal.reliability.runs.model import Outcome, Progress, RunState, StartRun
from trust_portal.storage.backlog import Backlog
from trust_portal.storage.outbox import DEFAULT_QUEUE, Job
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=80)

JUNE = StartRun("2026-06")
CISO = Actor(ActorKind.PERSON, new_id(), "Ciso", VENDOR_ID, frozenset({Role.APPROVER_SECURITY}))


def issued_tenant(progress: Progress) -> UUID:
    return next(each.tenant_id for each in progress.tenants if each.outcome is Outcome.ISSUED)


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 180.0) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)


async def complete(house: House) -> bool:
    return (await house.runs.progress(CONSOLE, "2026-06")).run.state is RunState.COMPLETE


@asynccontextmanager
async def working(house: House, *queues: str) -> AsyncIterator[None]:
    """Workers within this process."""
    tasks = [asyncio.create_task(work(house, queue)) for queue in queues or (DEFAULT_QUEUE,)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def outcomes(progress: Progress) -> dict[str, str]:
    return {each.tenant_key: each.outcome.value for each in progress.tenants}


@pytest.fixture
async def customers(vendor: Vendor) -> None:
    for key in ("acme", "gaps", "later", "newcomer", "nothing"):
        begins = datetime(2026, 7, 5, tzinfo=UTC) if key == "newcomer" else datetime(2026, 1, 1, tzinfo=UTC)
        await vendor.tenant(key, begins)
    for key in ("acme", "gaps", "later"):
        await vendor.contract(key)
    await vendor.measure("acme")
    await vendor.measure("gaps", minutes=1400)


async def test_every_tenant_is_named_with_what_became_of_it(house: House, vendor: Vendor, customers: None):
    await house.runs.start(JUNE, CONSOLE)
    async with working(house):
        await until(lambda: complete(house))
    progress = await house.runs.progress(CONSOLE, "2026-06")
    assert outcomes(progress) == {
        "acme": "issued",
        "gaps": "incomplete",
        "later": "incomplete",
        "nothing": "no_contract",
    }
    assert (progress.done, progress.total, progress.run.counts) == (4, 4, progress.counts)
    reasons = {each.tenant_key: each.reason for each in progress.tenants}
    assert reasons["acme"] is None
    assert "40 minutes without a sample" in str(reasons["gaps"])
    assert "1440 minutes without a sample" in str(reasons["later"])
    assert reasons["nothing"] == "no version of a contract is in force in 2026-06"
    assert progress.run.receipt_id is not None

    standings = await house.overview.page(CONSOLE, "2026-06", PageRequest(10))
    assert {each.tenant.key: each.head and each.head.newest_state for each in standings.items} == {
        "acme": State.OK,
        "gaps": State.INCOMPLETE,
        "later": State.INCOMPLETE,
        "newcomer": None,
        "nothing": None,
    }
    acmes = next(each for each in progress.tenants if each.tenant_key == "acme").report_id
    assert {id_: (each.met, each.missed) for id_, each in progress.tallies.items() if id_ == acmes} == {
        acmes: (1, 0)
    }
    assert {each.tenant.key: each.tally for each in standings.items if each.tally is not None} == {
        "acme": progress.tallies[acmes]
    }, "what is not signed has no figures"
    assert {(each.met, each.missed) for id_, each in progress.tallies.items() if id_ != acmes} == {(0, 0)}
    entries = await house.access_log.page(CISO, issued_tenant(progress), PageRequest(50))
    assert "SLA overview" in {each.access.what for each in entries.items}

    # The next attempt looks at everybody again, and what was signed stands.
    issued = next(each for each in progress.tenants if each.tenant_key == "acme")
    await vendor.contract("nothing")
    await vendor.measure("nothing")
    again = await house.runs.start(JUNE, CONSOLE)
    assert (again.id, again.attempt, again.state) == (progress.run.id, 2, RunState.PLANNING)
    assert (await house.runs.start(JUNE, CONSOLE)).attempt == 2, "a run under way is joined"
    async with working(house):
        await until(lambda: complete(house))
    progress = await house.runs.progress(CONSOLE, "2026-06")
    assert outcomes(progress)["nothing"] == "issued"
    acme = next(each for each in progress.tenants if each.tenant_key == "acme")
    assert (acme.outcome, acme.report_id, acme.revision) == (Outcome.ISSUED, issued.report_id, 1)
    left = {each.job for each in await Backlog(house.storage).hand_over(DEFAULT_QUEUE)}
    # What a signed report entitles to, and whom it is told, is looked at in its own time.
    assert left <= {Job.CONSIDER_CREDIT, Job.DISPATCH_NOTIFICATION}

    # What an attempt issued and what is known since contradicts is not issued to the next one.
    await vendor.maintain("late", LAST_DAY, 6, timedelta(days=3))
    await house.runs.start(JUNE, CONSOLE)
    async with working(house):
        await until(lambda: complete(house))
    progress = await house.runs.progress(CONSOLE, "2026-06")
    acme = next(each for each in progress.tenants if each.tenant_key == "acme")
    assert (acme.outcome, acme.report_id, acme.revision) == (
        Outcome.RESTATEMENT_NEEDED,
        issued.report_id,
        1,
    )
    stated = await signed_result(house, progress.run.receipt_id)
    assert (stated["counts"]["issued"], stated["counts"]["restatement_needed"]) == ("0", "2")


async def test_a_signed_report_whose_inputs_changed_is_never_counted_as_issued(
    house: House, vendor: Vendor, customers: None
):
    acme = (await house.tenants.by_key(CONSOLE, "acme", purpose="test")).id
    signed = await house.reports.issue(IssueReport(acme, "2026-06"), SYSTEM)
    await vendor.maintain("late", LAST_DAY, 6, timedelta(days=3))
    run = await house.runs.start(JUNE, CONSOLE)
    async with working(house):
        await until(lambda: complete(house))
    progress = await house.runs.progress(CONSOLE, "2026-06")
    row = next(each for each in progress.tenants if each.tenant_key == "acme")
    assert (row.outcome, row.report_id, row.revision) == (Outcome.RESTATEMENT_NEEDED, signed.id, 1)
    assert (progress.counts["issued"], progress.counts["restatement_needed"]) == (0, 1)
    stated = await signed_result(house, progress.run.receipt_id)
    assert stated["counts"] == {name: str(count) for name, count in progress.counts.items()}
    assert [(each["tenant"], each["outcome"]) for each in stated["not_issued"]] == [
        ("acme", "restatement_needed"),
        ("gaps", "incomplete"),
        ("later", "incomplete"),
        ("nothing", "no_contract"),
    ]
    assert "a restatement needs a reason" in stated["not_issued"][0]["reason"]
    assert [each.revision for each in await house.reports.of_period(SYSTEM, acme, "2026-06")] == [1]

    # Once a person has restated it, the next attempt finds it in order.
    await house.reports.issue(IssueReport(acme, "2026-06", "the window was told late"), CONSOLE)
    assert (await house.runs.start(JUNE, CONSOLE)).attempt == run.attempt + 1
    async with working(house):
        await until(lambda: complete(house))
    progress = await house.runs.progress(CONSOLE, "2026-06")
    assert outcomes(progress)["acme"] == "issued"


async def test_data_that_contradict_a_signed_report_are_seen_on_its_head_and_in_the_run(
    house: House, vendor: Vendor, customers: None
):
    acme = (await house.tenants.by_key(CONSOLE, "acme", purpose="test")).id
    signed = await house.reports.issue(IssueReport(acme, "2026-06"), SYSTEM)
    assert [each.contradicted for each in await house.reports.heads(SYSTEM, acme)] == [False]
    await vendor.measure("acme", minutes=3, good=lambda _: 0)
    for attempt in (1, 2):
        assert (await house.runs.start(JUNE, CONSOLE)).attempt == attempt
        async with working(house):
            await until(lambda: complete(house))
        progress = await house.runs.progress(CONSOLE, "2026-06")
        row = next(each for each in progress.tenants if each.tenant_key == "acme")
        assert (row.outcome, row.report_id, row.revision) == (Outcome.RESTATEMENT_NEEDED, signed.id, 1)
        assert "measured twice with different values" in (row.reason or "")
    (head,) = await house.reports.heads(SYSTEM, acme)
    assert (head.contradicted, head.newest_state, head.signed_id) == (True, State.DISPUTED, signed.id)
    assert await house.reports.latest(SYSTEM, acme, "2026-06") == signed, "what is signed stays"
    assert [each.revision for each in await house.reports.of_period(SYSTEM, acme, "2026-06")] == [1, None]


async def signed_result(house: House, receipt_id: UUID | None) -> dict[str, Any]:
    async with house.storage.read(TenantScope(VENDOR_ID)) as session:
        envelope = await session.execute(
            select(receipts.c.envelope).where(receipts.c.tenant_id == VENDOR_ID, receipts.c.id == receipt_id)
        )
        payload = Envelope.parse(bytes(envelope.scalar_one())).payload
    return json.loads(payload)["predicate"]["result"]


async def test_signed_totals_count_whom_the_planner_wrote_down_and_nobody_else(
    house: House, vendor: Vendor, customers: None
):
    run = await house.runs.start(JUNE, CONSOLE)
    await house.runs.plan(run.id)
    await vendor.tenant("afterwards")
    pending = (await house.runs.progress(CONSOLE, "2026-06")).tenants
    for each in pending:
        assert not await house.runs.complete_if_done(run.id), "while somebody is pending"
        if each.outcome is Outcome.PENDING:
            await house.runs.cover(run.id, each.tenant_id)
    progress = await house.runs.progress(CONSOLE, "2026-06")
    assert progress.run.state is RunState.COMPLETE
    stated = await signed_result(house, progress.run.receipt_id)
    assert stated["tenants"] == "4"
    assert sum(map(int, stated["counts"].values())) == 4
    assert not await house.runs.complete_if_done(run.id), "once only"


async def test_a_run_waits_for_the_time_zone_of_each_contract_and_the_grace(
    house: House, vendor: Vendor, clock: ManualClock
):
    clock.advance(datetime(2026, 6, 30, 10, 30, tzinfo=UTC) - clock.now())
    await vendor.tenant("denver")
    await vendor.contract("denver", zone="America/Denver")
    assert due_periods(clock.now()) == ("2026-Q2", "2026-06")
    await start_due_runs(house)
    with pytest.raises(Exception, match="no such run"):
        await house.runs.progress(CONSOLE, "2026-Q2")
    run = (await house.runs.progress(CONSOLE, "2026-06")).run
    await house.runs.plan(run.id)
    await house.runs.plan(run.id)
    progress = await house.runs.progress(CONSOLE, "2026-06")
    (denver,) = progress.tenants
    assert denver.due_at == datetime(2026, 7, 1, 6, tzinfo=UTC) + timedelta(hours=6)
    assert (denver.outcome, progress.run.state) == (Outcome.PENDING, RunState.RUNNING)
    await start_due_runs(house)
    assert len(await house.runs.newest(CONSOLE)) == 1

    # Whoever asks for it does not wait for the grace, only for the end of the period.
    clock.advance(timedelta(days=1))
    await house.runs.start(JUNE, CONSOLE)
    await house.runs.plan(run.id)
    (denver,) = (await house.runs.progress(CONSOLE, "2026-06")).tenants
    assert (denver.attempt, denver.due_at) == (2, datetime(2026, 7, 1, 6, tzinfo=UTC))
    with pytest.raises(Conflict) as refusal:
        await house.runs.start(StartRun("2026-07"), CONSOLE)
    assert refusal.value.code == "PERIOD_NOT_OVER"


async def test_a_job_that_fails_for_good_is_named_in_the_run(house: House, customers: None):
    run = await house.runs.start(JUNE, CONSOLE)
    await house.runs.plan(run.id)
    progress = await house.runs.progress(CONSOLE, "2026-06")
    for each in progress.tenants:
        if each.outcome is Outcome.PENDING:
            await house.runs.give_up(run.id, each.tenant_id, "an internal error (ValueError)")
    progress = await house.runs.progress(CONSOLE, "2026-06")
    assert progress.run.state is RunState.COMPLETE
    assert progress.counts["failed"] == 3


async def test_a_run_whose_planning_was_given_up_is_planned_when_it_is_started_again(
    house: House, customers: None
):
    run = await house.runs.start(JUNE, CONSOLE)
    await house.runs.start(JUNE, CONSOLE)
    assert await _plans(house) == [False], "one that waits is not asked for twice"
    async with house.storage.write(TenantScope(VENDOR_ID)) as session:
        await session.execute(
            text("UPDATE outbox SET failed_at = now(), dedupe_key = NULL WHERE job = 'plan_sla_run'")
        )
    again = await house.runs.start(JUNE, CONSOLE)
    assert (again.id, again.attempt, again.state) == (run.id, run.attempt, RunState.PLANNING)
    assert await _plans(house) == [False, True]
    await house.runs.plan(run.id)
    assert (await house.runs.progress(CONSOLE, "2026-06")).run.state is RunState.RUNNING


async def _plans(house: House) -> list[bool]:
    """Whether each job that plans was given up."""
    async with house.storage.read(TenantScope(VENDOR_ID)) as session:
        query = text("SELECT failed_at IS NOT NULL FROM outbox WHERE job = 'plan_sla_run' ORDER BY 1")
        return list((await session.execute(query)).scalars())


async def test_workers_killed_in_mid_run_and_mid_export_lose_nothing_and_double_nothing(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    production = settings_of(database_url, redis_url, tmp_path)
    house = build_house(production, SystemClock())
    vendor = Vendor(house)
    keys = [f"tenant-{number}" for number in range(12)]
    tenants = {}
    for key in keys:
        tenants[key] = await vendor.tenant(key)
        await vendor.contract(key)
        await vendor.measure(key)
    await house.runs.start(JUNE, CONSOLE)

    async def some_done() -> bool:
        return (await house.runs.progress(CONSOLE, "2026-06")).done >= 1

    async def exports_of(key: str):
        async with house.storage.read(TenantScope(tenants[key].id)) as session:
            return (await list_exports(session, tenants[key].id, PageRequest(10))).items

    async def one_is_rendering() -> bool:
        states = [each.state for key in keys for each in await exports_of(key)]
        return ExportState.RENDERING in states

    async def all_ready() -> bool:
        return all([[e.state for e in await exports_of(key)] == [ExportState.READY] for key in keys])

    async def nothing_waits() -> bool:
        return await Backlog(house.storage).waiting() == ()

    async with worker_process(production, "default"):
        await until(some_done)
    assert not await complete(house), "killed too late to show anything"
    async with worker_process(production, "exports"):
        await until(one_is_rendering)
    async with (
        worker_process(production, "default"),
        worker_process(production, "exports"),
    ):
        await until(lambda: complete(house))
        await until(all_ready)
        await until(nothing_waits)

    progress = await house.runs.progress(CONSOLE, "2026-06")
    assert progress.counts["issued"] == 12
    for key in keys:
        reports = await house.reports.of_period(SYSTEM, tenants[key].id, "2026-06")
        assert [each.revision for each in reports] == [1]
    assert progress.run.attempt == 1
    await house.close()


async def test_work_goes_on_when_the_queue_server_forgot_everything(
    database_url: str, redis_url: str, tmp_path: Path
):
    from redis.asyncio import Redis

    house = build_house(settings_of(database_url, redis_url, tmp_path), SystemClock())
    vendor = Vendor(house)
    await vendor.tenant("acme")
    await vendor.contract("acme")
    await vendor.measure("acme")
    await house.runs.start(JUNE, CONSOLE)
    tickets = await Backlog(house.storage).hand_over(DEFAULT_QUEUE)
    assert len(tickets) == 1, "handed to a queue server that then loses it"
    client = Redis.from_url(redis_url)
    await client.flushall()
    await client.aclose()
    async with working(house):
        await until(lambda: complete(house))
    assert (await house.runs.progress(CONSOLE, "2026-06")).counts["issued"] == 1
    await house.close()

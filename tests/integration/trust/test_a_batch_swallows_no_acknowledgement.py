"""A batch is started while one is under way: what is let stand for all is in it, or the answer says that it is not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from report_desk import CORA, publish
from sqlalchemy import text
from support.portal_fixtures import Portal

from trust_portal.access.actors import CONSOLE
from trust_portal.errors import Conflict
from trust_portal.house import House
from trust_portal.kernel.actor import SYSTEM
from trust_portal.storage.backlog import Backlog
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import StaffScope
from trust_portal.trust.batches.model import Batch, BatchOutcome, BatchState, StartTrustBatch
from trust_portal.trust.report.model import Acknowledgement, blocked_as

pytestmark = pytest.mark.takes(seconds=12)

PERIOD = "2026-05"
SAID = "a batch of 2026-05 is under way, and lets stand other parts than these: start it again once it is complete"
START = """mutation ($input: StartTrustBatchInput!) { startTrustBatch(input: $input) {
  batch { attempt requestedBy } userErrors { code path message } } }"""


async def let_stand(portal: Portal) -> tuple[Acknowledgement, ...]:
    found = await portal.house.trust_reports.preview(CONSOLE, portal.world.aurora.id, PERIOD)
    return tuple(Acknowledgement(each.id, "we work on it", blocked_as(each)) for each in found.blocking)


async def stored(house: House) -> list[object]:
    """The batches, their tenants and the work that waits."""
    async with house.storage.read(StaffScope()) as session:
        return [
            sorted(map(repr, await session.execute(text(f"SELECT * FROM {table}"))))
            for table in ("trust_batches", "trust_batch_tenants", "outbox")
        ]


async def is_refused_everywhere(portal: Portal, given: tuple[Acknowledgement, ...]) -> None:
    house = portal.house
    before = await stored(house)
    with pytest.raises(Conflict) as refused:
        await house.trust_batches.start(StartTrustBatch(PERIOD, given), CORA)
    assert (refused.value.code, refused.value.field, refused.value.message) == (
        "BATCH_UNDER_WAY", "period", SAID,
    )  # fmt: skip
    async with portal.browser("csm") as csm:
        form = {"period": PERIOD}
        for each in given:
            form |= {f"seen-{each.section}": each.seen, f"reason-{each.section}": each.reason}
        answer = await csm.post("/trust-batches", data=form)
        assert (answer.status_code, SAID in answer.text) == (409, True)
        assert answer.text.count(">we work on it</textarea>") == len(given), "and what was written is kept"
        asked = {"period": PERIOD, "acknowledgements": [each.json() for each in given]}
        made = await csm.post("/graphql", json={"query": START, "variables": {"input": asked}})
        assert made.json()["data"]["startTrustBatch"] == {
            "batch": None,
            "userErrors": [{"code": "BATCH_UNDER_WAY", "path": ["input", "period"], "message": SAID}],
        }
    assert await stored(house) == before


async def test_it_is_refused_while_one_is_planned_or_runs_and_the_next_attempt_takes_it(
    portal: Portal,
) -> None:
    house, aurora, brightside = portal.house, portal.world.aurora, portal.world.brightside
    given = await let_stand(portal)
    assert [each.section for each in given] == ["compliance", "posture"]
    batch = await house.trust_batches.start(StartTrustBatch(PERIOD, given[:1]), SYSTEM)
    await is_refused_everywhere(portal, given)
    await is_refused_everywhere(portal, given[1:])
    for fewer in ((), given[:1]):
        joined = await house.trust_batches.start(StartTrustBatch(PERIOD, fewer), CORA)
        assert joined == batch, "nothing of it is lost"
    await house.trust_batches.plan(batch.id)
    await is_refused_everywhere(portal, given)
    running = await house.trust_batches.start(StartTrustBatch(PERIOD), CORA)
    assert (running.state, running.attempt) == (BatchState.RUNNING, 1)
    for each in (aurora, brightside):
        await house.trust_batches.cover(batch.id, each.id)
    again = await house.trust_batches.start(StartTrustBatch(PERIOD, given), CORA)
    assert _begun(again) == (BatchState.PLANNING, 2, "Cora", given)


async def test_where_planning_was_given_up_the_next_attempt_is_of_who_asks_and_lets_stand_what_they_say(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    given = await let_stand(portal)
    batch = await house.trust_batches.start(StartTrustBatch(PERIOD), SYSTEM)
    await is_refused_everywhere(portal, given)
    await _give_up(house)
    portal.clock.advance(timedelta(minutes=5))
    again = await house.trust_batches.start(StartTrustBatch(PERIOD, given), CORA)
    assert _begun(again) == (BatchState.PLANNING, 2, "Cora", given)
    assert (again.id, again.requested_at) == (batch.id, portal.clock.now())
    await is_refused_everywhere(portal, (Acknowledgement("notes", "we work on it", "stale: old"),))
    await house.trust_batches.plan(batch.id)
    await house.trust_batches.cover(batch.id, aurora.id)
    (report,) = await house.trust_reports.versions(CONSOLE, aurora.id)
    assert [(each.section, each.reason) for each in report.acknowledged] == [
        (each.section, "we work on it (said of every customer by Cora)") for each in given
    ]


async def test_where_planning_was_given_up_and_nothing_more_is_said_it_goes_on_as_it_was(
    portal: Portal,
) -> None:
    house = portal.house
    batch = await house.trust_batches.start(StartTrustBatch(PERIOD), SYSTEM)
    await _give_up(house)
    assert await house.trust_batches.start(StartTrustBatch(PERIOD), CORA) == batch
    waiting = await Backlog(house.storage).waiting()
    planned = [each.failed_at is None for each in waiting if each.job == Job.PLAN_TRUST_BATCH]
    assert sorted(planned) == [False, True], "what was given up stays on record, and it is asked for anew"


@pytest.mark.parametrize("kept", [0, 1])
async def test_where_planning_was_given_up_nothing_stands_that_who_starts_it_anew_does_not_say(
    portal: Portal, kept: int
) -> None:
    house, aurora = portal.house, portal.world.aurora
    given = await let_stand(portal)
    batch = await house.trust_batches.start(StartTrustBatch(PERIOD, given), CONSOLE)
    await _give_up(house)
    again = await house.trust_batches.start(StartTrustBatch(PERIOD, given[:kept]), CORA)
    assert _begun(again) == (BatchState.PLANNING, 2, "Cora", given[:kept])
    await house.trust_batches.plan(batch.id)
    await house.trust_batches.cover(batch.id, aurora.id)
    assert await house.trust_reports.versions(CONSOLE, aurora.id) == ()
    progress = await house.trust_batches.progress(CORA, PERIOD)
    (row,) = [each for each in progress.tenants if each.tenant_id == aurora.id]
    assert row.outcome is BatchOutcome.BLOCKED
    assert row.reason is not None
    blocked = [each.section for each in given if f"({each.section})" in row.reason]
    assert blocked == [each.section for each in given[kept:]]


async def test_what_was_published_before_its_job_was_given_up_stands_in_the_batch_as_published(
    portal: Portal,
) -> None:
    house, aurora, brightside = portal.house, portal.world.aurora, portal.world.brightside
    batch = await house.trust_batches.start(StartTrustBatch(PERIOD), CORA)
    await house.trust_batches.plan(batch.id)
    report = await publish(house, aurora.id, period=PERIOD, actor=SYSTEM)
    for tenant_id in (aurora.id, brightside.id):
        await house.trust_batches.give_up(batch.id, tenant_id, "the worker was killed")
    progress = await house.trust_batches.progress(CORA, PERIOD)
    found = {each.tenant_id: (each.outcome, each.reason, each.report_id) for each in progress.tenants}
    assert found[aurora.id] == (BatchOutcome.PUBLISHED, None, report.id)
    assert found[brightside.id] == (BatchOutcome.FAILED, "the worker was killed", None)


def _begun(batch: Batch) -> tuple[BatchState, int, str, tuple[Acknowledgement, ...]]:
    return batch.state, batch.attempt, batch.requested_by, batch.acknowledgements


async def _give_up(house: House) -> None:
    """As a worker does whose every attempt at the planning failed."""
    backlog = Backlog(house.storage)
    handed = [each for queue in await backlog.queues_due() for each in await backlog.hand_over(queue)]
    (ticket,) = [each for each in handed if each.job is Job.PLAN_TRUST_BATCH]
    begun = await backlog.start(ticket)
    assert begun is not None
    await backlog.give_up(begun[0], "an internal error (ValueError)")

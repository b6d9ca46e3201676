"""The clockwork's batch waits for a look that is asked for already, for an hour at most, and for nothing else."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from report_desk import CORA, acknowledged, stored
from support.foreign_assessment import foreign_assessment
from support.portal_fixtures import Portal

from trust_portal.access.actors import CONSOLE
from trust_portal.access.rights import actor_with
from trust_portal.kernel.actor import SYSTEM, Actor, Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.backlog import Backlog, WaitingWork
from trust_portal.storage.outbox import Job
from trust_portal.trust.batches.model import Batch, BatchOutcome, BatchState, BatchTenant, StartTrustBatch
from trust_portal.trust.batches.waiting import EVERY, LONGEST, passes
from trust_portal.trust.compliance.imports.service import ImportAssessment
from trust_portal.trust.compliance.model import AssessmentReaders, Evaluate
from trust_portal.trust.compliance.section import ASSESSED_SINCE
from trust_portal.trust.gathering.ids import COMPLIANCE, CREDITS, POSTURE
from trust_portal.trust.posture.model import KEY_SINCE, RESIDENCY_SINCE
from trust_portal.trust.sections.model import Section, State

pytestmark = pytest.mark.takes(seconds=20)

PERIOD = "2026-05"
SECURITY = actor_with(Role.APPROVER_SECURITY)


async def _evaluate(portal: Portal) -> None:
    for each in (VENDOR_ID, portal.world.aurora.id):
        await portal.house.compliance.evaluate(Evaluate(each, "daily"), CONSOLE)


async def _planned(portal: Portal, actor: Actor, *, let_stand: bool = True) -> Batch:
    """A batch that lets stand what blocked before an assessment was handed over."""
    house, aurora = portal.house, portal.world.aurora.id
    await _evaluate(portal)
    said = await acknowledged(house, aurora, PERIOD) if let_stand else ()
    portal.clock.advance(timedelta(minutes=1))
    command = ImportAssessment(
        "Harbour Assurance", foreign_assessment(), timedelta(days=400), "Yearly", AssessmentReaders.VENDOR
    )
    await house.assessment_imports.take(command, SECURITY)
    # As the clockwork has it in the batch: what it lets stand nobody but a person says.
    started = await house.trust_batches.start(StartTrustBatch(PERIOD, said), actor)
    await house.trust_batches.plan(started.id)
    return started


async def _work(portal: Portal) -> list[WaitingWork]:
    aurora = str(portal.world.aurora.id)
    return [
        each
        for each in await Backlog(portal.house.storage).waiting()
        if each.job == Job.PUBLISH_TRUST_REPORT and each.arguments["tenant_id"] == aurora
    ]


async def _cover(portal: Portal, batch: Batch) -> UUID:
    (work,) = await _work(portal)
    await portal.house.trust_batches.cover(batch.id, portal.world.aurora.id, work.row_id)
    return work.row_id


async def _line(portal: Portal) -> BatchTenant:
    progress = await portal.house.trust_batches.progress(CORA, PERIOD)
    (line,) = [each for each in progress.tenants if each.tenant_id == portal.world.aurora.id]
    return line


async def test_it_is_tried_again_until_the_look_is_made_and_pending_so_long(portal: Portal) -> None:
    house, aurora = portal.house, portal.world.aurora.id
    batch = await _planned(portal, SYSTEM)
    before = await stored(house, aurora)
    done = await _cover(portal, batch)
    (again,) = await _work(portal)
    assert again.row_id != done
    assert (again.attempts, again.due_at) == (0, portal.clock.now() + EVERY)
    line = await _line(portal)
    assert (line.outcome, line.reason, line.report_id) == (BatchOutcome.PENDING, None, None)
    assert await stored(house, aurora) == before
    await house.trust_batches.cover(batch.id, aurora, done)
    assert await _work(portal) == [again], "another worker with the same work asks for nothing"

    for each in (await house.trust_batches.progress(CORA, PERIOD)).tenants:
        if each.tenant_id != aurora:
            await house.trust_batches.cover(batch.id, each.tenant_id)
    assert (await house.trust_batches.tally(CORA, PERIOD)).batch.state is BatchState.RUNNING

    portal.clock.advance(EVERY)
    await _evaluate(portal)
    await _cover(portal, batch)
    assert (await _line(portal)).outcome is BatchOutcome.PUBLISHED
    assert await _work(portal) == []
    assert (await house.trust_batches.tally(CORA, PERIOD)).batch.state is BatchState.COMPLETE


async def test_after_an_hour_it_is_named_as_blocked(portal: Portal) -> None:
    batch = await _planned(portal, SYSTEM)
    for _ in range(LONGEST // EVERY):
        await _cover(portal, batch)
        portal.clock.advance(EVERY)
        assert (await _line(portal)).outcome is BatchOutcome.PENDING
    await _cover(portal, batch)
    line = await _line(portal)
    assert line.outcome is BatchOutcome.BLOCKED
    assert ASSESSED_SINCE in (line.reason or "")
    assert await _work(portal) == []


@pytest.mark.parametrize(("actor", "let_stand"), [(CORA, True), (SYSTEM, False)])
async def test_who_starts_a_batch_is_told_at_once_and_so_is_everybody_of_what_somebody_has_to_see_to(
    portal: Portal, actor: Actor, let_stand: bool
) -> None:
    batch = await _planned(portal, actor, let_stand=let_stand)
    await _cover(portal, batch)
    line = await _line(portal)
    assert line.outcome is BatchOutcome.BLOCKED
    assert ASSESSED_SINCE in (line.reason or "")
    assert await _work(portal) == []


@pytest.mark.parametrize(
    ("id_", "why", "is_asked_for"),
    [
        (COMPLIANCE, ASSESSED_SINCE, True),
        (POSTURE, KEY_SINCE, True),
        (POSTURE, f"{RESIDENCY_SINCE}; {KEY_SINCE}", True),
        (POSTURE, f"it is 3 d old, and may be 2 d; {KEY_SINCE}", False),
        (COMPLIANCE, KEY_SINCE, False),
        (CREDITS, "a credit is due", False),
    ],
)
def test_only_what_was_changed_since_it_was_looked_at_is_waited_for(
    id_: str, why: str, is_asked_for: bool
) -> None:
    section = Section(id_, "Title", State.STALE, "source", None, None, why)
    other = Section(COMPLIANCE, "Title", State.STALE, "source", None, None, ASSESSED_SINCE)
    assert passes([section]) is passes([other, section]) is is_asked_for

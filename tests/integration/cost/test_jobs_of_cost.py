"""The clockwork asks for what is due, once; a close that read old roll-ups is void."""

from __future__ import annotations

from uuid import UUID

from support.cost_vendor import HOUR, START, Vendor, usage

from jobs.cost import COST_DUTIES, mind_cost
from trust_portal.cost.anomalies.model import AnomalyFilter
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.page import PageRequest
from trust_portal.storage.backlog import Backlog
from trust_portal.storage.outbox import Job


async def test_a_round_asks_for_each_job_once_and_the_jobs_leave_nothing_due(vendor: Vendor) -> None:
    await vendor.tenant("acme")
    await vendor.use("acme", range(30))
    backlog = Backlog(vendor.house.storage)

    await mind_cost(vendor.house)
    await mind_cost(vendor.house)
    assert [each.job for each in await backlog.waiting()] == [Job.ROLL_UP_USAGE]
    vendor.until(START + 31 * HOUR)
    duties = {duty.job: duty for duty in COST_DUTIES}
    for job in (Job.ROLL_UP_USAGE, Job.CLOSE_COST_HOURS):
        await duties[job].do(vendor.house, UUID(int=1), {})

    assert not await vendor.house.metering.is_behind()
    assert not await vendor.house.closing.is_due()


async def test_usage_that_comes_during_a_close_makes_it_void_and_nothing_is_lost(
    vendor: Vendor, monkeypatch
) -> None:
    await vendor.tenant("acme")
    await vendor.use("acme", range(300), lambda n: "80.00" if 240 <= n < 246 else "10.00")
    await vendor.close(239)
    vendor.until(START + 300 * HOUR)
    closing = vendor.house.closing
    tell = closing._close_and_tell

    async def late_usage_first(*arguments, **options):
        monkeypatch.setattr(closing, "_close_and_tell", tell)
        await vendor.deliver([usage("acme", "late", START + 241 * HOUR, "5.00")])
        await vendor.house.metering.follow()
        return await tell(*arguments, **options)

    monkeypatch.setattr(closing, "_close_and_tell", late_usage_first)
    assert await closing.close_due() == 0
    assert (await vendor.house.anomalies.counts(SYSTEM, AnomalyFilter())).total == 0
    assert await closing.is_due()

    assert await closing.close_due() == 1
    assert (await vendor.house.anomalies.counts(SYSTEM, AnomalyFilter())).total == 1
    assert not await closing.is_due()


async def test_a_close_that_another_has_overtaken_is_void_and_takes_nothing_back(
    vendor: Vendor, monkeypatch
) -> None:
    await vendor.tenant("acme")
    await vendor.use("acme", range(300), lambda n: "80.00" if 240 <= n < 246 else "10.00")
    await vendor.close(243)
    vendor.until(START + 245 * HOUR)
    closing = vendor.house.closing
    tell = closing._close_and_tell

    async def another_first(*arguments, **options):
        monkeypatch.setattr(closing, "_close_and_tell", tell)
        vendor.until(START + 300 * HOUR)
        assert await closing.close_due() == 1
        return await tell(*arguments, **options)

    monkeypatch.setattr(closing, "_close_and_tell", another_first)
    assert await closing.close_due() == 0

    assert not await closing.is_due()
    (anomaly,) = (await vendor.house.anomalies.page(SYSTEM, AnomalyFilter(), PageRequest(10))).items
    assert (anomaly.is_open, anomaly.last_at >= START + 245 * HOUR) == (False, True)

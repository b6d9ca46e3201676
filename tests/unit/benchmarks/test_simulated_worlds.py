"""The worlds that detection, explanation and the loop are measured on are what they claim to be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from benchmarks.simulator import loop
from benchmarks.simulator.closing import Hour, Portal, Told, deliveries
from benchmarks.simulator.detection import raised_hours
from benchmarks.simulator.explaining import Usages
from benchmarks.simulator.model import Kind
from benchmarks.simulator.people import looks_at
from benchmarks.simulator.usage import totals, usage
from benchmarks.simulator.vendor import Setting, obey
from benchmarks.simulator.world import START, make_world
from trust_portal.cost.detection.versions import FORECAST
from trust_portal.cost.metering.model import Series
from trust_portal.cost.remediation.playbooks import ControlAction

HOUR = timedelta(hours=1)
SHORT = loop.Calendar(quiet=336, baseline=24, lived=48, after=24)


@pytest.fixture(scope="module")
def world():
    return make_world(11, tenants=6)


def test_a_seed_makes_the_same_world_and_another_seed_another(world):
    again, other = make_world(11, tenants=6), make_world(12, tenants=6)
    assert again.events == world.events
    assert np.array_equal(again.actual, world.actual)
    assert np.array_equal(again.late, world.late)
    assert not np.array_equal(other.actual, world.actual)
    series = world.events[0].series
    one, two = usage(world, series), usage(again, series)
    assert one.leaves == two.leaves
    assert np.array_equal(one.spent(0, 1512), two.spent(0, 1512))


def test_what_an_event_added_lies_in_its_cause_and_sums_to_its_excess(world):
    for event in world.events:
        used = usage(world, event.series)
        extra = used.extra[used.events.index(event)]
        inside = np.array([leaf.fits(event.cause) for leaf in used.leaves])
        assert (extra >= 0).all()
        assert extra[:, ~inside].sum() == 0
        assert extra.sum() == np.rint(event.added * 1e6).sum()
        assert extra.sum() / 1e6 == pytest.approx(event.excess, abs=0.01)


def test_parts_of_an_hour_add_up_to_what_is_told_of_it(world):
    told = totals(world)
    for series in {event.series for event in world.events}:
        assert np.array_equal(usage(world, series).spent(0, 1512).sum(axis=1), told[:, series])


def test_late_figures_arrive_late_and_come_to_the_full_amount_whatever_came_first(world):
    spent = totals(world)
    troubled = np.argwhere(world.late > 0)
    assert len(troubled) > 200
    for hour, series in troubled[:200]:
        rows = [each for each in deliveries(world, spent[hour], int(hour)) if each[1].series == series]
        assert rows[0][0] == hour
        assert all(arrives >= hour + world.late[hour, series] for arrives, _ in rows[1:])
        kept = Hour()
        for _, told in rows:
            kept.take(told)
        assert kept.cost == Decimal(int(spent[hour, series])) / 1_000_000


def test_a_row_told_twice_counts_once_and_a_correction_replaces():
    hour = Hour()
    assert hour.take(Told(0, 0, "a", 5_000_000))
    assert not hour.take(Told(0, 0, "a", 5_000_000))
    assert hour.take(Told(0, 0, "b", 2_000_000, corrects="a"))
    assert not hour.take(Told(0, 0, "a", 5_000_000))
    assert hour.cost == 2


def test_hours_that_were_late_end_in_the_memory_of_hours_that_were_not():
    late = make_world(5, tenants=1, hours=26 * 24, spans=(range(500, 600),))
    late = replace(late, late=np.where(np.arange(624)[:, None] < 200, late.late, 0))
    in_time = replace(late, late=np.zeros_like(late.late))
    ends = []
    for each in (late, in_time):
        portal, spent = Portal([each]), totals(each)
        for hour in range(260):
            portal.hear(each, hour, spent[hour])
            portal.close(hour)
        (tenant,) = portal.tenants
        ends.append((tenant.costs, tenant.expected, tenant.memories[START + 259 * HOUR]))
    assert (late.late[:200] > 0).any()
    assert ends[0] == ends[1]


def test_a_throttle_caps_all_that_it_covers_and_a_paused_ramp_leaves_the_pilot():
    world = make_world(11, tenants=6)
    event = next(each for each in world.events if each.kind is Kind.SPIKE)
    portal, usages = Portal([world]), Usages([world])
    tenant = next(each for each in portal.tenants if event.series in each.columns.values())
    series = next(name for name, place in tenant.columns.items() if place == event.series)
    used = usages.of(tenant, series)
    usual = used.usual[event.start].copy()
    paused = Setting(ControlAction.PAUSE_RAMP, {"flag": "bulk-export-v2"}, {"percentage": "0"}, event.start)
    assert obey(tenant, usages, event.start, [paused]) == {ControlAction.PAUSE_RAMP: 0}
    assert used.extra[0][0].sum() == 0
    assert np.array_equal(used.usual[event.start], usual)
    limit = Setting(
        ControlAction.THROTTLE_EXPORTS, {"operation": "export"},
        {"limit_per_hour": "10", "unit": "units"}, event.start,
    )  # fmt: skip
    obey(tenant, usages, event.start, [limit])
    exports = [
        int(usages.of(tenant, each).spent(event.start, event.start + 1)[0, place])
        for each in tenant.columns
        for place, leaf in enumerate(usages.of(tenant, each).leaves)
        if leaf.operation == "export"
    ]
    assert 490_000 < sum(exports) <= 500_000


@pytest.mark.parametrize(
    "since, look",
    [
        (datetime(2026, 3, 2, 9, 10, tzinfo=UTC), datetime(2026, 3, 2, 9, 40, tzinfo=UTC)),
        (datetime(2026, 3, 2, 3, 10, tzinfo=UTC), datetime(2026, 3, 2, 8, 30, tzinfo=UTC)),
        (datetime(2026, 3, 6, 17, 45, tzinfo=UTC), datetime(2026, 3, 9, 8, 30, tzinfo=UTC)),
    ],
)
def test_people_look_in_working_hours_only(since, look):
    assert looks_at(since) == look


@pytest.fixture(scope="module")
def lived():
    """Seed 26 has an unplanned spike, 25 a retry storm, 27 planned exports; all of them some planned work."""
    worlds = [loop.loop_world(seed, SHORT, tenants=2) for seed in (25, 26, 27)]
    return worlds, loop.live(worlds, (loop.OFF, loop.ON_CALL), SHORT)


def test_without_the_loop_nothing_is_changed(lived):
    worlds, arms = lived
    untouched = [totals(world)[SHORT.switched_on :].sum() for world in worlds]
    assert arms["off"].told.tolist() == untouched
    assert arms["off"].acts == []
    assert arms["off"].kpis.unexplained["EUR"].current > 0


def test_with_the_loop_something_is_done_and_saves_money(lived):
    _, arms = lived
    assert {act.plan.playbook_id for act in arms["on call"].acts} == {
        "cache-adapter", "pause-ramp", "throttle-exports",
    }  # fmt: skip
    assert loop.saved(arms, loop.ON_CALL) > 0
    assert loop.less_unexplained(arms, loop.ON_CALL) > 0


def test_unexplained_spend_is_measured_against_the_four_weeks_before():
    calendar = loop.Calendar(quiet=336, baseline=672, lived=672, after=24)
    arms = loop.live([loop.loop_world(28, calendar, tenants=2)], (loop.OFF, loop.EXPLAINED), calendar)
    off, explained = (arms[each.name].kpis.unexplained["EUR"] for each in (loop.OFF, loop.EXPLAINED))
    assert off.baseline == explained.baseline, "nobody explains the four weeks before"
    assert [float(each) for each in (off.baseline, off.current, explained.current)] == pytest.approx(
        [105.01, 115.47, 0.20], abs=0.01
    )
    assert loop.fallen(arms, loop.OFF) == -0.1, "it rose from 105.01 to 115.47"
    assert loop.fallen(arms, loop.EXPLAINED) == 0.998
    assert loop.less_unexplained(arms, loop.EXPLAINED) == pytest.approx(0.9983, abs=0.0001)


def test_planned_work_is_never_acted_upon_and_never_saved(lived):
    worlds, arms = lived
    off, on = arms["off"].money, arms["on call"].money
    planned = {
        (world.seed, *world.names[event.series])
        for world in worlds
        for event in world.events
        if event.kind is Kind.PLANNED and event.start >= SHORT.switched_on
    }
    assert len(planned) == 3
    for act in arms["on call"].acts:
        assert (act.tenant.world.seed, act.plan.tenant, act.plan.subsystem) not in planned
    # A cache set for a retry storm serves planned work too: that is cheaper, and counted nowhere.
    assert on.planned < off.planned
    assert loop.saved(arms, loop.ON_CALL) == off.unplanned - on.unplanned


def test_either_version_of_the_detector_can_be_measured():
    world = loop.loop_world(26, SHORT, tenants=2)
    assert raised_hours([world]) != raised_hours([world], FORECAST)


def test_series_of_a_tenant_are_named_by_subsystem():
    (tenant,) = Portal([make_world(1, tenants=1)]).tenants
    assert set(tenant.columns) == {
        Series(each, "EUR") for each in ("compute", "storage", "egress", "adapters")
    }

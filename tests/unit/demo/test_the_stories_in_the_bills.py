"""What the product's bills tell: the detector finds each story in them and nothing else, whenever they begin."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from uuid import UUID

import pytest

from trust_portal.cost.anomalies.watching import Sighting, Watched, watch
from trust_portal.cost.detection.model import Direction
from trust_portal.cost.detection.thresholds import INSTALLED
from trust_portal.cost.detection.versions import INSTALLED_VERSION
from trust_portal.cost.metering.model import Series
from trust_portal.demo.product import exports, metering
from trust_portal.demo.product.controls import Controls
from trust_portal.demo.product.episodes import episodes
from trust_portal.demo.scene import BRIGHTWATER, CUSTOMERS, NORDLYS, Customer
from trust_portal.demo.scene import last_full_month as month_of
from trust_portal.demo.script import Script

HOUR = timedelta(hours=1)
Costs = dict[Series, dict[datetime, Decimal]]


def script_of(curtain: str) -> Script:
    at = datetime.fromisoformat(curtain).replace(tzinfo=UTC)
    return Script(month_of(at), at)


@cache
def costs(customer: Customer, script: Script, hours: int) -> Costs:
    """Of the hours up to so many after the curtain."""
    found: Costs = defaultdict(lambda: defaultdict(Decimal))
    stretch = script.usage_since, script.at(hours)
    for line in (
        *metering.metered(customer, *stretch, script, Controls()),
        *exports.runs(customer, *stretch, script, Controls()),
    ):
        event = json.loads(line.content)
        if event["type"].endswith("usage.recorded.v1"):
            hour = line.time.replace(minute=0, second=0)
            data = event["data"]
            found[Series(data["subsystem"], data["currency"])][hour] += Decimal(data["cost"])
    return found


def seen(customers: Iterable[Customer], script: Script, hours: int) -> dict[tuple[str, str], list[Sighting]]:
    """What the detector says of each series, when the hour before ``hours`` after the curtain is closed."""
    customers = list(customers)
    watched = [
        Watched(
            UUID(int=number),
            script.usage_since - HOUR,
            {},
            costs(customer, script, hours),
            thresholds=lambda series, hour: INSTALLED,
            budget=lambda series, hour: None,
        )
        for number, customer in enumerate(customers)
    ]
    found: dict[tuple[str, str], list[Sighting]] = {}
    for customer, each in zip(
        customers, watch(watched, script.at(hours) - HOUR, INSTALLED_VERSION), strict=True
    ):
        for sighting in each.sightings:
            found.setdefault((customer.key, sighting.series.subsystem), []).append(sighting)
    return found


def test_each_story_is_found_in_its_own_series_and_nothing_else_is() -> None:
    script = script_of("2026-11-26T23:00")
    story, found = episodes(script), seen(CUSTOMERS, script, 7)
    assert {series: len(each) for series, each in found.items()} == {
        ("brightwater", "egress"): 1,
        ("brightwater", "storage"): 1,
        ("hoshino", "adapters"): 1,
        ("hoshino", "compute"): 2,
        ("hoshino", "egress"): 1,
        ("hoshino", "storage"): 1,
        ("kestrel", "storage"): 1,
        ("nordlys", "storage"): 1,
        ("wattle", "adapters"): 1,
    }
    began = {series: each[0].anomaly.start for series, each in found.items()}
    assert began["hoshino", "compute"] == story.surge.start
    assert found["hoshino", "compute"][1].anomaly.start == story.batch.start
    assert began["nordlys", "storage"] == began["brightwater", "storage"] == story.misbooked.start
    assert found["nordlys", "storage"][0].anomaly.direction is Direction.UP
    assert found["brightwater", "storage"][0].anomaly.direction is Direction.DOWN
    assert began["wattle", "adapters"] == story.storm.start
    assert found["kestrel", "storage"][0].anomaly.reason == "drift"
    assert began["brightwater", "egress"] == script.curtain


@pytest.mark.parametrize("curtain", ["2026-04-18T01:00", "2026-03-29T12:00"])
def test_the_runaway_is_found_within_two_hours_on_any_day_and_nothing_before_it(curtain: str) -> None:
    """A weekend's night, and the day on which Berlin's clocks lose an hour."""
    script = script_of(curtain)
    found = seen([BRIGHTWATER], script, 3)
    assert found.keys() <= {("brightwater", each) for each in ("egress", "compute", "storage")}
    (drop,) = found["brightwater", "storage"]
    assert drop.anomaly.direction is Direction.DOWN
    assert episodes(script).misbooked.covers(drop.anomaly.detected_at)
    (egress,) = found["brightwater", "egress"]
    assert script.curtain <= egress.anomaly.detected_at <= script.at(2)
    assert egress.last == script.at(2)


def test_what_was_booked_to_a_neighbour_nets_to_nothing_to_the_cent() -> None:
    script = script_of("2026-11-26T23:00")
    spell, storage = episodes(script).misbooked, Series("storage", "EUR")
    before = spell.start - HOUR
    ours, theirs = (costs(each, script, 7)[storage] for each in (BRIGHTWATER, NORDLYS))
    archive = Decimal(36)
    assert {hour: archive for hour in ours if spell.covers(hour)} == {
        hour: theirs[hour] - Decimal(_ordinary(NORDLYS, script, hour))
        for hour in theirs
        if spell.covers(hour)
    }
    assert ours[before] - Decimal(_ordinary(BRIGHTWATER, script, before)) == archive
    assert theirs[before] == Decimal(_ordinary(NORDLYS, script, before))


def _ordinary(customer: Customer, script: Script, hour: datetime) -> str:
    """What the object store alone costs a customer in an hour."""
    lines = metering.metered(customer, hour, hour + HOUR, script, Controls())
    events = [json.loads(line.content)["data"] for line in lines]
    (cost,) = [str(each["cost"]) for each in events if each.get("resource") == "object-store"]
    return cost

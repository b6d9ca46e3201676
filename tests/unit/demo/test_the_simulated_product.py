"""The simulated product: the same world whenever it is asked, and one the portal's door accepts."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import numpy as np
import pytest

from trust_portal.demo.product.chronicle import ramp, releases, story
from trust_portal.demo.product.controls import Controls
from trust_portal.demo.product.plant import faults, measurements
from trust_portal.demo.product.vendor import Vendor
from trust_portal.demo.scene import AVAILABILITY, BRIGHTWATER, CUSTOMERS, HOSHINO, SEARCH, WATTLE, Customer
from trust_portal.demo.scene import last_full_month as month_of
from trust_portal.demo.script import Script
from trust_portal.facts.reading import read_event
from trust_portal.reliability.attainment.exclusions import parse_exclusions
from trust_portal.reliability.attainment.model import Exclusion, Samples
from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.contracts.file import split_documents
from trust_portal.reliability.reports.assessment import Assessment, assess

SCRIPT = Script("2026-03", datetime(2026, 4, 16, 9, tzinfo=UTC))
START = datetime(2026, 3, 11, 22, tzinfo=UTC)
HOURS = timedelta(hours=1)
FREE = Controls()


def contents(vendor: Vendor, start: datetime, end: datetime) -> list[bytes]:
    return sorted(line.content for line in vendor.events(start, end, FREE))


@pytest.mark.parametrize("start", [START, SCRIPT.beginning, SCRIPT.at(-1), SCRIPT.at(0.2)])
def test_the_same_stretch_is_the_same_events_however_it_is_cut(start: datetime) -> None:
    vendor = Vendor(SCRIPT)
    whole = contents(vendor, start, start + 6 * HOURS)
    cut = [
        content
        for first, last in ((0, 1), (1, 1.55), (1.55, 4), (4, 6))
        for content in contents(vendor, start + first * HOURS, start + last * HOURS)
    ]
    assert sorted(cut) == whole
    assert whole == contents(Vendor(SCRIPT), start, start + 6 * HOURS)


def test_it_tells_in_order_of_time() -> None:
    """Whatever part of a stretch has arrived when the portal looks, no hour in the middle lacks a piece."""
    lines = Vendor(SCRIPT).events(SCRIPT.at(-30), SCRIPT.at(2), FREE)
    assert [line.time for line in lines] == sorted(line.time for line in lines)


def test_no_two_events_share_their_idempotency_key() -> None:
    stretches = ((SCRIPT.beginning, 8), (SCRIPT.at(-30), 36))
    events = [
        json.loads(each)
        for start, hours in stretches
        for each in contents(Vendor(SCRIPT), start, start + hours * HOURS)
    ]
    keys = Counter((event["source"], event["id"]) for event in events)
    assert set(keys.values()) == {1}


def test_the_door_accepts_every_event_of_every_type() -> None:
    now = SCRIPT.at(2)
    lines = [
        *Vendor(SCRIPT).events(SCRIPT.at(-32), now, FREE),
        *releases(SCRIPT.beginning, now),
        *story("2026-03"),
        *ramp(SCRIPT, FREE)[:-1],
    ]
    kinds = {read_event(each.content, index, now).event.type for index, each in enumerate(lines)}
    assert {kind.removeprefix("trustportal.") for kind in kinds} == {
        "adapter.observed.v1",
        "change.deployed.v1",
        "change.flag.v1",
        "incident.declared.v1",
        "incident.mitigated.v1",
        "incident.resolved.v1",
        "incident.updated.v1",
        "maintenance.scheduled.v1",
        "operation.completed.v1",
        "sli.measured.v1",
        "usage.recorded.v1",
    }


@pytest.mark.parametrize(
    ("now", "month"),
    [
        ("2026-11-23T02:00:00+00:00", "2026-10"),
        ("2026-11-01T06:59:59+00:00", "2026-10"),  # Denver left summer time: that month ends at 06:00 UTC
        ("2026-11-01T05:59:59+00:00", "2026-09"),
        ("2027-01-01T07:00:00+00:00", "2026-12"),
    ],
)
def test_the_story_is_about_the_last_month_that_is_over_everywhere(now: str, month: str) -> None:
    assert month_of(datetime.fromisoformat(now)) == month


def samples(customer: Customer, objective: str, month: str) -> Samples:
    period = customer.month(month)
    events = [
        json.loads(each.content)
        for each in measurements(customer, objective, period.start, period.end, faults(month))
    ]
    data = [event["data"] for event in events]
    at = [int(datetime.fromisoformat(event["time"]).timestamp()) // 60 for event in events]

    def column(values: list[int]) -> np.ndarray:
        return np.array(values, dtype=np.int64)

    bounds = data[0].get("buckets", {})
    return Samples(
        minutes=column(at),
        total=column([each["total"] for each in data]),
        good=column([each.get("good", 0) for each in data]),
        buckets={
            bound: column([each["buckets"][bound] for each in data]) for bound in bounds if bound != "+Inf"
        },
    )


def assessed(customer: Customer, month: str) -> Assessment:
    source = (files("trust_portal.demo") / "data" / "contracts.yaml").read_bytes()
    contracts = [parse_contract(each) for each in split_documents(source)]
    (contract,) = [each for each in contracts if each.tenant == customer.key]
    measured = {objective: samples(customer, objective, month) for objective in customer.objectives}
    return assess(contract, measured, windows(customer, month), month)


def windows(customer: Customer, month: str) -> tuple[Exclusion, ...]:
    announced = [
        json.loads(line.content)["data"] for line in story(month) if b"maintenance.scheduled" in line.content
    ]
    ours = [{**each} for each in announced if customer.key in each.pop("tenants")]
    return parse_exclusions(json.dumps(ours))


@pytest.mark.parametrize("month", ["2026-02", "2026-03", "2026-10"])
def test_the_breach_is_95_minutes_of_which_70_count_in_every_month(month: str) -> None:
    """28 days; a month whose clocks lost an hour; one whose clocks gained one."""
    result = assessed(BRIGHTWATER, month)
    assert result.state == "ok"
    (sla,) = result.slas
    assert sla.attainment.raw is not None
    assert sla.attainment.adjusted is not None
    assert sla.attainment.raw.down_minutes == 95
    assert sla.attainment.adjusted.down_minutes == 70
    assert sla.attainment.excluded_minutes == 60
    assert result.credit is not None
    assert result.credit.amount.decimal == "480.00"


def test_slow_search_earns_a_credit_in_whole_yen() -> None:
    result = assessed(HOSHINO, "2026-02")
    by_objective = {each.sla.objective: each for each in result.slas}
    search = by_objective[SEARCH]
    assert search.attainment.raw is not None
    assert search.attainment.raw.down_minutes == 180
    assert search.verdict is not None
    assert not search.verdict.met
    available = by_objective[AVAILABILITY].verdict
    assert available is not None
    assert available.met
    assert result.credit is not None
    assert (result.credit.amount.decimal, result.credit.amount.currency) == ("31000", "JPY")


def test_minutes_nobody_measured_leave_no_figure() -> None:
    result = assessed(WATTLE, "2026-02")
    assert result.state == "incomplete"
    assert result.credit is None
    assert "37 minutes without a sample" in result.findings[0].message


def test_every_customer_has_a_month_of_its_own() -> None:
    assert len({customer.month("2026-03").start for customer in CUSTOMERS}) == 4

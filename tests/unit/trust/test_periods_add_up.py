"""What consecutive documents state adds up to what happened: nothing counts twice across a boundary, and nothing falls between."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from uuid import UUID

from cost_rows import HOUR, TENANT, anomaly, run
from hypothesis import given, settings
from hypothesis import strategies as st

from trust_portal.cost.anomalies.model import CostAnomaly, Figures
from trust_portal.cost.metering.model import Progress
from trust_portal.cost.remediation.model import Run
from trust_portal.kernel.period import parse_period
from trust_portal.trust.gathering.cost import Excess, cost_section, is_parted
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.gathering.savings import REACHES
from trust_portal.trust.qbr.derivation import own_sections_differ
from trust_portal.trust.qbr.gathering.savings import savings_section
from trust_portal.trust.sections.display import sentences
from trust_portal.trust.sections.model import Section

LATER = datetime(2027, 1, 9, tzinfo=UTC)
MONTHS = tuple(f"2026-{month:02d}" for month in range(3, 12))
PROGRESS = Progress(TENANT.id, 1, datetime(2026, 1, 1, tzinfo=UTC), LATER - HOUR, None)
FIRST = datetime(2026, 4, 1, tzinfo=UTC)
#: Whole hours from April to September.
HOURS = st.integers(0, 24 * 182).map(lambda hours: FIRST + hours * HOUR)
ZONES = st.sampled_from(["UTC", "Asia/Kolkata", "America/Denver", "Europe/Berlin", "Pacific/Kiritimati"])
#: Microcents an hour; what got dearer saves less than nothing.
RATES = st.integers(-(10**7), 10**9).map(lambda micro: Decimal(micro).scaleb(-6))


def ask(label: str, zone: str = "UTC") -> Ask:
    return Ask(TENANT, parse_period(label, zone), LATER)


def known(runs: list[Run], at: Ask) -> list[Run]:
    """What ``runs_between`` reads of them for a document."""
    start = at.period.start - REACHES
    return [each for each in runs if any(start <= step.at < at.until for step in each.steps)]


def overlapping(anomalies: list[CostAnomaly], at: Ask) -> list[CostAnomaly]:
    """What ``anomalies_overlapping`` reads of them."""
    start, end = at.period.start, at.until
    return [each for each in anomalies if each.started_at < end and each.last_at > start - HOUR]


def spell(number: int, start: datetime, hours: int, rate: Decimal) -> CostAnomaly:
    """An anomaly of ``hours`` more hours than its first, each of which costs ``rate`` more than was expected."""
    figures = Figures(Decimal(0), rate * (hours + 1))
    return replace(
        anomaly(), id=UUID(int=number), started_at=start, last_at=start + hours * HOUR, figures=figures
    )


def told(anomalies: list[CostAnomaly], at: Ask) -> Section:
    """The section, with what the hours of each that lies in two periods come to."""

    def lost(each: CostAnomaly, end: datetime) -> Decimal:
        hours = (each.last_at - each.started_at) // HOUR + 1
        begun = min(max(-((each.started_at - end) // HOUR), 0), hours)
        return each.figures.excess * begun / hours

    parted = {
        each.id: Excess(lost(each, at.period.start), lost(each, at.period.end))
        for each in anomalies
        if is_parted(each, at)
    }
    return cost_section(PROGRESS, anomalies, (), at, parted)


def total(sections: list[Section], figure: str) -> Decimal:
    found = [
        each.figure(figure).cell.value for each in sections if any(figure == one.id for one in each.figures)
    ]
    return sum((Decimal(each or 0) for each in found), Decimal(0))


def cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_EVEN)


@settings(max_examples=30)
@given(st.lists(st.tuples(HOURS, RATES), max_size=5), ZONES)
def test_the_savings_of_consecutive_periods_add_up_to_the_whole_to_the_cent(
    acts: list[tuple[datetime, Decimal]], zone: str
):
    runs = [
        run(at, since=since, before=f"{1000 + rate:f}", after="1000", acted=since - HOUR / 2)
        for at, (since, rate) in enumerate(acts)
    ]
    asks = [ask(each, zone) for each in MONTHS]
    assert all(a.period.end == b.period.start for a, b in pairwise(asks))
    months = [savings_section(known(runs, each), each) for each in asks]
    rows = [row for each in months for row in each.table("savings").rows]
    for each, (_, rate) in zip(runs, acts, strict=True):
        own = [row.cells for row in rows if row.id == str(each.id)]
        assert sum(int(cells[2].value or 0) for cells in own) == 24
        assert sum(Decimal(cells[4].value or 0) for cells in own) == cents(24 * rate)
    assert total(months, "saved-eur") == sum((cents(24 * rate) for _, rate in acts), Decimal(0))

    reports = [cost_section(PROGRESS, (), known(runs, each), each) for each in asks]
    assert total(reports, "saved-eur") == total(months, "saved-eur"), "the Trust Report says the same"
    assert total(reports, "hours") == 24 * len(acts)
    second, third = (ask(each, zone) for each in ("2026-Q2", "2026-Q3"))
    quarters = [savings_section(known(runs, each), each) for each in (second, third)]
    assert total(quarters[:1], "saved-eur") == total(months[1:4], "saved-eur")
    assert total(quarters[1:], "saved-eur") == total(months[4:7], "saved-eur")


@settings(max_examples=30)
@given(st.lists(st.tuples(HOURS, st.integers(0, 900), st.integers(0, 10**6)), max_size=5), ZONES)
def test_the_excess_of_consecutive_periods_adds_up_to_the_whole(
    spells: list[tuple[datetime, int, int]], zone: str
):
    """Each spell loses the same every hour, in millionths."""
    found = [
        spell(at + 1, start, hours, Decimal(rate).scaleb(-6))
        for at, (start, hours, rate) in enumerate(spells)
    ]
    asks = [ask(each, zone) for each in MONTHS]
    months = [told(overlapping(found, each), each) for each in asks]
    assert total(months, "excess-eur") == sum((cents(each.figures.excess) for each in found), Decimal(0))
    begun = [
        int(each.figure("anomalies").cell.value or 0) - int(each.figure("earlier").cell.value or 0)
        for each in months
    ]
    assert sum(begun) == len(found)


def test_a_playbook_of_the_last_hours_counts_its_day_in_two_quarters_and_no_hour_twice():
    second, third = ask("2026-Q2"), ask("2026-Q3")
    since = second.period.end - 5 * HOUR
    late = run(1, since=since, before="110", after="20.505", acted=since - HOUR)
    found = [savings_section([late], each) for each in (second, third)]
    assert [[cell.value for cell in each.table("savings").rows[0].cells[2:]] for each in found] == [
        ["5", "89.50", "447.48"],
        ["19", "89.50", "1700.40"],
    ]
    assert cents(24 * Decimal("89.495")) == Decimal("447.48") + Decimal("1700.40")
    fourth = savings_section([late], ask("2026-Q4"))
    assert (fourth.table("savings").rows, [each.id for each in fourth.figures]) == ((), ["verified"])


def test_a_saving_that_was_verified_a_quarter_later_is_named_there_and_counts_where_its_hours_lie():
    third = ask("2026-Q3")
    since = third.period.start - 48 * HOUR
    late = run(1, since=since, acted=third.period.start - HOUR)
    found = savings_section([late], third)
    (row,) = found.table("savings").rows
    assert [cell.value for cell in row.cells[2:]] == ["0", "89.50", "0.00"]
    assert found.figure("verified").cell.value == "0", "listed, and not counted"
    assert list(sentences(found)) == [
        "Of no verified playbook does an hour that counts lie in the period, so no saving is claimed."
    ]
    both = savings_section([late, run(2, since=third.period.start, acted=third.period.start)], third)
    assert (len(both.table("savings").rows), both.figure("verified").cell.value) == (2, "1")
    assert list(own_sections_differ("qbr.json", [both])) == []


def test_what_an_anomaly_costs_across_a_boundary_is_parted_by_the_hour_also_where_the_report_was_published_at_once():
    """From 30 June, 22:00 to 3 July: two hours of 72 are the second quarter's, which is published on 1 July."""
    start, rate = ask("2026-Q2").period.end - 2 * HOUR, Decimal("10.005")
    at_once = replace(ask("2026-Q2"), now=ask("2026-Q2").period.end + 9 * HOUR)
    so_far, over = spell(1, start, 10, rate), spell(1, start, 71, rate)
    second, third = told([so_far], at_once), told([over], ask("2026-Q3"))
    assert [cell.value for cell in second.table("anomalies").rows[0].cells[7:9]] == ["110.06", "20.01"]
    assert [cell.value for cell in third.table("anomalies").rows[0].cells[7:9]] == ["720.36", "700.35"]
    assert cents(72 * rate) == Decimal("20.01") + Decimal("700.35"), (
        "nothing is lost, and nothing counted twice"
    )
    assert told([over], ask("2026-Q2")).figure("excess-eur") == second.figure("excess-eur"), "also said later"
    assert [each.replace("\u00a0", " ") for each in (*sentences(second), *sentences(third))] == [
        "Anomalies in the period: 1, of which open: 1; beyond what was expected, in the hours of the period: EUR 20.01.",
        (
            "Anomalies in the period: 1, of which open: 1, begun before it: 1; beyond what was expected, in the hours "
            "of the period: EUR 700.35."
        ),
    ]
    assert told([over], ask("2026-Q4")).figure("excess-eur").cell.value == "0.00"


def test_an_hour_that_is_not_over_counts_for_nothing_yet():
    running = Ask(TENANT, parse_period("2026-Q2", "UTC"), datetime(2026, 6, 20, 13, 59, tzinfo=UTC))
    (row,) = savings_section([run(1)], running).table("savings").rows
    assert row.cells[2].value == "2"
    ahead = Ask(TENANT, running.period, datetime(2026, 6, 20, 10, 59, tzinfo=UTC) + timedelta(minutes=1))
    assert savings_section([run(1)], ahead).table("savings").rows[0].cells[2].value == "0"

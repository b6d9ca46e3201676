"""Minutes down are minutes of the clock, and a line goes from the first period to the last; formats 1 and 2 are told as they were."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from trust_portal.kernel.ids import new_id
from trust_portal.kernel.period import place_of
from trust_portal.trust.gathering import before_format_3
from trust_portal.trust.gathering.model import labels_of
from trust_portal.trust.gathering.sla_section import Owed, SignedReport, sla_section
from trust_portal.trust.qbr.gathering.outcome import outcome_section
from trust_portal.trust.sections.display import display, sentences
from trust_portal.trust.sections.model import Section

NOW = datetime(2026, 7, 3, 9, tzinfo=UTC)
EXAMPLE = json.loads((Path(__file__).parents[2] / "fixtures" / "sla_report_example.json").read_text())


def report(body: dict[str, Any]) -> SignedReport:
    return SignedReport(body, str(new_id()), "ab" * 32, str(new_id()), NOW)


def of(
    label: str, start: str, *, target: str = "99.9", outages: tuple[tuple[str, str], ...] = ()
) -> SignedReport:
    figure = {"percent": "99.95", "down_minutes": str(10 * len(outages))}
    incidents = [{"start": f"{start}T{begin}:00Z", "end": f"{start}T{end}:00Z"} for begin, end in outages]
    promise = {
        "objective": "API", "target": target, "adjusted": figure, "raw": figure, "met": True, "incidents": incidents,
    }  # fmt: skip
    return report(
        {"period": {"label": label, "start": f"{start}T00:00:00Z"}, "revision": "1", "objectives": [promise]}
    )


def down(section: Section) -> str | None:
    return section.figure("any-down").cell.value


def test_an_outage_of_two_promises_is_down_once():
    found = sla_section((Owed("2026-06", over=True, objectives=()),), [report(EXAMPLE)], ("2026-06",), NOW)
    per_promise = [each["raw"]["down_minutes"] for each in EXAMPLE["objectives"]]
    assert (per_promise, down(found)) == (["89", "53"], "89"), (
        "what was down for one was down for the other already"
    )
    assert sentences(found) == (
        "Promises in the period: 2; kept: 1; missed: 1; time in which any of them was down, before exclusions: 89 min.",
    )
    assert [(each.label, display(each.cell).replace("\u00a0", " ")) for each in outcome_section([found], NOW).figures] == [
        ("Promises kept", "1"),
        ("Promises in the period", "2"),
        ("Down in the period, any promise, before exclusions", "89 min"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "minutes"),
    [
        ((("09:00", "09:10"),), (("09:00", "09:10"),), "10"),
        ((("09:00", "09:10"),), (("09:05", "09:20"),), "20"),
        ((("09:00", "09:30"),), (("09:05", "09:10"), ("09:20", "09:40")), "40"),
        ((("09:00", "09:10"),), (("09:10", "09:20"),), "20"),
        ((("09:00", "09:10"), ("12:00", "12:10")), (("10:00", "10:10"),), "30"),
        ((), (), "0"),
    ],
)
def test_whatever_overlaps_counts_each_minute_once(one, other, minutes):
    reports = [of("2026-06", "2026-06-02", outages=one), of("2026-Q2", "2026-06-02", outages=other)]
    owed = (Owed("2026-06", over=True, objectives=()),)
    assert down(sla_section(owed, reports, labels_of("2026-Q2"), NOW)) == minutes


def quarter_then_months() -> Section:
    reports = [
        of("2026-Q1", "2026-01-01", target="99.5"),
        of("2026-04", "2026-04-01"),
        of("2026-06", "2026-06-01"),
    ]
    may = Owed("2026-05", over=True, objectives=(("API", "99.9"),))
    return sla_section((may,), reports, labels_of("2026-Q2"), NOW)


def test_a_promise_that_went_from_quarter_to_month_is_drawn_in_the_order_of_time_against_what_holds_now():
    found = quarter_then_months()
    assert [row.id for row in found.table("objective-api").rows] == [
        "2026-Q1",
        "2026-04",
        "2026-05",
        "2026-06",
    ]
    assert [each.target for each in found.charts] == ["99.9"]
    months = ["2025-12", "2025-Q4", "2026-01", "2026-03", "2026-Q1", "2026-04", "2026-Q2", "2026-10"]
    assert sorted(sorted(months), key=place_of) == months


def test_what_was_signed_in_format_2_stood_by_name_and_added_up():
    found = before_format_3.service_levels(quarter_then_months(), [])
    assert [row.id for row in found.table("objective-api").rows] == [
        "2026-04",
        "2026-05",
        "2026-06",
        "2026-Q1",
    ]
    assert [each.target for each in found.charts] == ["99.5"]
    of_june = report(EXAMPLE)
    today = sla_section((Owed("2026-06", over=True, objectives=()),), [of_june], ("2026-06",), NOW)
    then = before_format_3.service_levels(today, [of_june])
    assert sentences(then) == ("Promises in the period: 2; kept: 1; missed: 1; down: 122 min.",)
    assert {each.id: each.cell.value for each in then.figures} == {
        "kept": "1", "missed": "1", "promises": "2", "down": "122", "unreported": "0",
    }  # fmt: skip
    assert then.figure("down").label == "Down in the period"
    assert replace(then, sentences=(), figures=()) == replace(today, sentences=(), figures=())

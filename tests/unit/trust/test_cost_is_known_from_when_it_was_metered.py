"""Of hours that nobody metered nothing is said, neither that they cost nothing nor that nothing was unusual. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cost_rows import HOUR, NOW, TENANT, anomaly
from test_what_was_done_and_fetched import HOW, figures, said

from trust_portal.cost.metering.model import Progress
from trust_portal.kernel.period import parse_period
from trust_portal.trust.gathering.cost import cost_section
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.qbr.gathering.known_usage import usage_stands
from trust_portal.trust.report.derivation import sections_differ
from trust_portal.trust.sections.model import State
from trust_portal.trust.sections.outcome import outcome

NB = "\N{NO-BREAK SPACE}"
SINCE = datetime(2026, 6, 10, 9, tzinfo=UTC)
METERED = Progress(TENANT.id, 1, SINCE, NOW - HOUR, None)
ASK = Ask(TENANT, parse_period("2026-Q2", "UTC"), NOW)
ONLY = "Usage is metered since 10 June 2026, 09:00 UTC only; of the period before that nothing is known."


def test_of_a_period_that_was_over_before_anything_was_metered_cost_says_what_usage_says() -> None:
    for label in ("2026-Q1", "2026-05"):
        ask = Ask(TENANT, parse_period(label, "UTC"), NOW)
        found = cost_section(METERED, (), (), ask)
        assert (found.state, found.as_of) == (State.NOT_APPLICABLE, None)
        assert found.why == "usage of this customer is metered only since the period was over"
        assert (None, found.state, found.why) == usage_stands(METERED, ask)
        assert (found.sentences, found.figures, found.tables) == ((), (), ())
        assert list(sections_differ("trust-report.json", [found], {}, HOW)) == []


def test_of_a_period_that_was_metered_in_part_it_says_since_when_and_nothing_of_before() -> None:
    found = cost_section(METERED, (), (), ASK)
    assert found.state is State.FRESH
    assert said(found) == ["Nothing unusual was found in what was metered of the period.", ONLY]
    assert found.table("anomalies").empty == "Nothing unusual was found in what was metered of the period."
    assert figures(found)["metered-since"] == "2026-06-10T09:00:00Z"
    assert outcome(found) == ("mute", "Metered in part")
    some = cost_section(METERED, (anomaly(),), (), ASK)
    assert said(some) == [
        "Anomalies in the period: 1, of which open: 1; beyond what was expected: EUR 300.01.",
        ONLY,
    ]


@pytest.mark.parametrize("first", [ASK.period.start, ASK.period.start - HOUR])
def test_of_a_period_that_was_metered_from_its_start_nothing_of_it_is_said(first: datetime) -> None:
    found = cost_section(replace(METERED, first_hour=first), (), (), ASK)
    assert said(found) == ["Nothing unusual was found in the period."]
    assert "metered-since" not in figures(found)
    assert outcome(found) == ("good", "Nothing unusual")


def test_since_when_it_was_metered_is_taken_as_stated_and_what_is_said_follows_from_it() -> None:
    found = cost_section(METERED, (), (), ASK)
    assert list(sections_differ("trust-report.json", [found], {}, HOW)) == []
    whole = cost_section(replace(METERED, first_hour=ASK.period.start), (), (), ASK)
    forged = replace(found, sentences=whole.sentences)
    fields = [each.field for each in sections_differ("trust-report.json", [forged], {}, HOW)]
    assert fields
    assert all(each.startswith("$.sections[0].sentences") for each in fields)
    for format_ in ("2", "3", "4"):
        before = replace(HOW, format=format_)
        assert list(sections_differ("trust-report.json", [whole], {}, before)) == []
        assert list(sections_differ("trust-report.json", [found], {}, before)) != []


def test_what_was_received_and_is_not_rolled_up_makes_cost_stale_as_it_makes_usage() -> None:
    whole = replace(METERED, first_hour=ASK.period.start)
    assert cost_section(whole, (), (), ASK, waiting_since=NOW - HOUR).state is State.FRESH
    found = cost_section(whole, (), (), ASK, waiting_since=NOW - 2 * HOUR)
    why = f"received, and not rolled up yet: it is 2{NB}h old, and may be 1{NB}h"
    assert (found.state, found.why) == (State.STALE, why)
    assert (found.state, found.why) == usage_stands(whole, ASK, NOW - 2 * HOUR)[1:]
    late = cost_section(
        replace(whole, closed_through=NOW - 73 * HOUR), (), (), ASK, waiting_since=NOW - 2 * HOUR
    )
    assert late.why == f"it is 3{NB}d old, and may be 1{NB}d; {why}"
    assert cost_section(None, (), (), ASK, waiting_since=NOW - 2 * HOUR).state is State.NOT_APPLICABLE
    assert list(sections_differ("trust-report.json", [found], {}, HOW)) == []

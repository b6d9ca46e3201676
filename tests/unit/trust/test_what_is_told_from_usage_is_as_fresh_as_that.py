"""Recommendations and savings are worth no more than the usage they are told from; a stale report makes the list stale. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cost_rows import TENANT

from trust_portal.cost.metering.model import Progress
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.period import parse_period
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.qbr.ageing import Wait
from trust_portal.trust.qbr.gathering.inputs import Laid, inputs_section
from trust_portal.trust.qbr.gathering.known_usage import Used, usage_stands
from trust_portal.trust.qbr.gathering.recommendations import recommendations_section
from trust_portal.trust.qbr.gathering.savings import savings_section
from trust_portal.trust.qbr.gathering.usage import usage_section
from trust_portal.trust.sections.display import sentences
from trust_portal.trust.sections.model import Cell, Column, Row, Section, State, Table, Unit

NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ASK = Ask(TENANT, parse_period("2026-Q2", "UTC"), NOW)
END = ASK.period.end
NOTHING = Used((), (), (), ())
NB = "\u00a0"


def progress(closed_through: datetime | None) -> Progress:
    return Progress(TENANT.id, 1, ASK.period.start, closed_through, None)


def test_recommendations_and_savings_are_stale_as_usage_is() -> None:
    late = progress(END - 3 * DAY - timedelta(hours=1))
    why = f"it is 3{NB}d old, and may be 1{NB}d"
    usage, advice = usage_section(late, NOTHING, ASK), recommendations_section(late, NOTHING, ASK)
    assert (usage.state, usage.why, usage.as_of) == (State.STALE, why, END - 3 * DAY)
    assert (advice.state, advice.why, advice.as_of) == (State.STALE, why, usage.as_of)
    _, state, stands = usage_stands(late, ASK)
    saved = savings_section((), ASK, (state, stands))
    assert (saved.state, saved.why, saved.as_of) == (State.STALE, f"usage: {why}", NOW)


def test_where_no_hour_is_closed_nothing_is_said_to_be_not_recommended() -> None:
    advice = recommendations_section(progress(None), NOTHING, ASK)
    assert (advice.state, advice.why) == (State.MISSING, "no hour of usage is closed yet")
    assert advice.as_of is None
    said = "What would serve better is not known: no usage is."
    assert sentences(advice) == (said,)
    assert {table.empty for table in advice.tables} == {said}
    none = recommendations_section(None, NOTHING, ASK)
    assert (none.state, none.why) == (State.NOT_APPLICABLE, "no usage of this customer is metered")
    whole = recommendations_section(progress(NOW), NOTHING, ASK)
    assert (whole.state, sentences(whole)) == (State.FRESH, ("Nothing is recommended for the period.",))


def test_what_happens_after_the_period_makes_no_recommendation_older_but_in_reviews_before_format_4() -> None:
    advice = recommendations_section(progress(END - timedelta(hours=1)), NOTHING, ASK)
    assert (advice.state, advice.as_of) == (State.FRESH, END)
    assert Wait(NOW, NOW + 9 * DAY, END).as_it_stands(advice) == advice
    earlier = replace(advice, as_of=NOW)
    assert Wait(NOW, NOW + 9 * DAY, END, "3").as_it_stands(earlier).state is State.STALE


def test_a_report_that_is_contradicted_makes_what_a_review_rests_on_stale_from_format_4_on() -> None:
    columns = (
        Column("period", "Report"), Column("revision", "Revision", Unit.COUNT),
        Column("issued", "Signed", Unit.INSTANT), Column("sha256", "SHA-256", Unit.DIGEST),
        Column("overtaken", "Other figures known", Unit.INSTANT),
    )  # fmt: skip
    at = Cell(rfc3339(NOW), Unit.INSTANT)
    row = Row("2026-06", (Cell("2026-06"), Cell("1", Unit.COUNT), at, Cell("ab" * 32, Unit.DIGEST), at))
    sla = Section(
        "sla", "Service levels", State.STALE, "reports", NOW, 100 * DAY, "other figures",
        tables=(Table("reports", "Reports", columns, (row,), "None."),),
    )  # fmt: skip
    report = Laid("2026-Q2", 1, NOW, NOW, "/trust/1", "receipt")
    found = inputs_section([sla], report, None, NOW)
    assert (found.state, found.why) == (
        State.STALE, f"SLA report for {found.table('documents').rows[1].cells[1].value}: other figures are known",
    )  # fmt: skip
    assert [row.cells[6].value for row in found.table("documents").rows] == [
        "fresh",
        "stale",
        "does not apply",
    ]
    earlier = inputs_section([sla], report, None, NOW, is_before_fourth=True)
    assert (earlier.state, earlier.why) == (State.FRESH, None)
    restated = replace(row, cells=(*row.cells[:-1], Cell("none")))
    calm = replace(sla, tables=(replace(sla.tables[0], rows=(restated,)),))
    assert inputs_section([calm], report, None, NOW).state is State.FRESH


def test_usage_that_was_received_and_is_not_rolled_up_makes_what_is_told_of_usage_stale() -> None:
    whole = progress(END)
    hour = timedelta(hours=1)
    at_work = Used((), (), (), (), waiting_since=NOW - hour)
    assert usage_section(whole, at_work, ASK).state is State.FRESH
    waiting = Used((), (), (), (), waiting_since=NOW - 2 * hour)
    why = f"received, and not rolled up yet: it is 2{NB}h old, and may be 1{NB}h"
    for section in (usage_section(whole, waiting, ASK), recommendations_section(whole, waiting, ASK)):
        assert (section.state, section.why) == (State.STALE, why)
    late = usage_section(progress(END - 3 * DAY - hour), waiting, ASK)
    assert late.why == f"it is 3{NB}d old, and may be 1{NB}d; {why}"
    _, state, stands = usage_stands(whole, ASK, NOW - 2 * hour)
    assert savings_section((), ASK, (state, stands)).why == f"usage: {why}"
    assert usage_stands(None, ASK, NOW - 2 * hour)[1] is State.NOT_APPLICABLE
    assert usage_stands(progress(None), ASK, NOW - 2 * hour)[1] is State.MISSING

"""A month that nobody metered, or that no closed hour is known of, cost nobody knows what, and not nothing. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from cost_rows import TENANT

from trust_portal.cost.metering.model import HourCost, Progress, Series
from trust_portal.kernel.period import parse_period
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.qbr.gathering.known_usage import Used, comparable
from trust_portal.trust.qbr.gathering.usage import usage_section
from trust_portal.trust.qbr.usage_derivation import usage_differs
from trust_portal.trust.sections.display import display, sentences
from trust_portal.trust.sections.model import Section, State

NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
ASK = Ask(TENANT, parse_period("2026-Q2", "UTC"), NOW)
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _hour(month: int, day: int, cost: str) -> HourCost:
    return HourCost(datetime(2026, month, day, tzinfo=UTC), Series("compute", "EUR"), Decimal(cost), 1)


def _section(first: datetime, closed: datetime | None, *now: HourCost, ask: Ask = ASK) -> Section:
    """As it is gathered: of closed hours alone, with 90 euros in the quarter before where that was metered."""
    progress = Progress(TENANT.id, 1, first, closed, None)
    then = [_hour(1, 5, "90")] if first < datetime(2026, 1, 6, tzinfo=UTC) else []
    return usage_section(progress, comparable(Used(now, then, (), ()), progress, ask), ask)


def _said(section: Section) -> list[str]:
    return [each.replace("\u00a0", " ") for each in sentences(section)]


def _months(section: Section) -> list[str]:
    return [display(row.cells[-1]).replace("\u00a0", " ") for row in section.table("months-eur").rows]


def test_a_month_before_metering_began_says_so_and_nothing_is_compared() -> None:
    section = _section(datetime(2026, 6, 10, tzinfo=UTC), NOW, _hour(6, 12, "50"))
    assert section.state is State.FRESH
    assert _months(section) == ["not metered yet", "not metered yet", "EUR 50.00"]
    assert _said(section)[0] == (
        "Usage cost EUR 50.00. It is metered since 10 June 2026, 00:00 UTC only. So nothing is compared with the "
        "period before."
    )
    unknown = {each.id: each.cell.value for each in section.figures}
    assert (unknown["before-eur"], unknown["change-eur"], unknown["growth-eur"]) == (None, None, None)
    assert list(usage_differs("qbr.json", [section])) == []


def test_a_month_without_a_closed_hour_is_not_known_and_nothing_is_compared() -> None:
    closed = datetime(2026, 5, 20, tzinfo=UTC)
    section = _section(LONG_AGO, closed - HOUR, _hour(4, 2, "30"), _hour(5, 2, "20"))
    assert section.state is State.STALE
    assert _months(section) == ["EUR 30.00", "EUR 20.00", "not known"]
    assert _said(section)[0] == (
        "Usage cost EUR 50.00. Hours are closed until 20 May 2026, 00:00 UTC only; what was used since is not known. "
        "So nothing is compared with the period before."
    )
    figures = {each.id: each.cell.value for each in section.figures}
    assert (figures["total-eur"], figures["change-eur"], figures["growth-eur"]) == ("50.00", None, None)
    assert list(usage_differs("qbr.json", [section])) == []


@pytest.mark.parametrize(
    ("closed", "compared"),
    [(ASK.period.end - HOUR, True), (ASK.period.end - 2 * HOUR, False)],
)
def test_a_period_that_is_over_is_compared_once_its_last_hour_is_closed(
    closed: datetime, compared: bool
) -> None:
    section = _section(LONG_AGO, closed, _hour(4, 2, "30"))
    assert section.state is State.FRESH
    assert (section.figure("change-eur").cell.value == "-60.00") is compared
    assert ("closed until" in _said(section)[0]) is not compared


def test_while_a_period_runs_it_is_compared_as_long_as_usage_is_fresh() -> None:
    running = Ask(TENANT, ASK.period, datetime(2026, 6, 10, 9, tzinfo=UTC))
    fresh = _section(LONG_AGO, running.now - 24 * HOUR - HOUR, _hour(4, 2, "30"), ask=running)
    assert (fresh.state, fresh.figure("change-eur").cell.value) == (State.FRESH, "-60.00")
    stale = _section(LONG_AGO, running.now - 24 * HOUR - 2 * HOUR, _hour(4, 2, "30"), ask=running)
    assert (stale.state, stale.figure("change-eur").cell.value) == (State.STALE, None)


@pytest.mark.parametrize(
    ("first", "closed", "state", "said"),
    [
        (LONG_AGO, None, State.MISSING, ["What was used is not known."]),
        (LONG_AGO, ASK.period.start - HOUR, State.STALE, ["What was used is not known."]),
        (LONG_AGO, NOW, State.FRESH, ["Nothing was used in the period."]),
        (
            LONG_AGO,
            ASK.period.end - 3 * HOUR,
            State.FRESH,
            [
                (
                    "Nothing was used in what is known of the period. Hours are closed until 30 June 2026, 22:00 UTC "
                    "only; what was used since is not known. So nothing is compared with the period before."
                )
            ],
        ),
        (ASK.period.end, NOW, State.NOT_APPLICABLE, []),
    ],
)
def test_nothing_is_said_to_be_used_only_of_what_is_known(
    first: datetime, closed: datetime | None, state: State, said: list[str]
) -> None:
    section = _section(first, closed)
    assert (section.state, _said(section)) == (state, said)


def test_a_period_before_without_usage_is_one() -> None:
    section = usage_section(
        Progress(TENANT.id, 1, LONG_AGO, NOW, None), Used([_hour(4, 2, "30")], [], [], []), ASK
    )
    assert _said(section)[0] == "Usage cost EUR 30.00; nothing was used in the period before."

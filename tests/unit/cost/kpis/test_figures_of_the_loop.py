"""Unexplained spend against the baseline, times, and false alarms, worked by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from trust_portal.cost.anomalies.model import Verdict
from trust_portal.cost.kpis.calculation import kpis
from trust_portal.cost.kpis.model import Durations, Episode, Unexplained

NOW = datetime(2026, 8, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def episode(days_ago: int, unexplained: str, **changes: object) -> Episode:
    start = NOW - days_ago * DAY
    made = Episode(
        currency="EUR",
        unexplained=Decimal(unexplained),
        started_at=start,
        last_at=start + 5 * HOUR,
        detected_at=start + HOUR,
        opened_at=start + 3 * HOUR,
        first_explained_at=None,
        is_open=False,
        verdict=None,
    )
    return replace(made, **changes)


def test_unexplained_spend_that_halved_has_a_change_of_minus_a_half():
    found = kpis([episode(3, "40"), episode(10, "10.50"), episode(30, "101")], NOW)

    assert found.unexplained == {"EUR": Unexplained(Decimal("50.50"), Decimal(101), Decimal("-0.500"))}
    assert found.anomalies == 2


def test_causes_that_account_for_too_much_of_one_anomaly_explain_nothing_of_another():
    found = kpis([episode(1, "30"), episode(2, "-20")], NOW)
    assert found.unexplained["EUR"].current == 30


def test_what_people_called_planned_or_false_is_explained():
    verdicts = (Verdict.PLANNED, Verdict.FALSE, Verdict.REAL, None)
    found = kpis([episode(n + 1, "10", verdict=verdict) for n, verdict in enumerate(verdicts)], NOW)

    assert found.unexplained["EUR"] == Unexplained(Decimal(20), Decimal(0), None)
    assert (found.judged, found.false_positives, found.false_positive_rate) == (3, 1, Decimal("0.333"))


def test_times_run_from_the_first_hour_to_when_the_portal_acted():
    explained = episode(2, "0", first_explained_at=NOW - 2 * DAY + 4 * HOUR)
    after_downtime = episode(1, "5", is_open=True, opened_at=NOW - DAY + 9 * HOUR)
    found = kpis([explained, after_downtime], NOW)

    assert found.to_detect == Durations(2, 6 * HOUR, 6 * HOUR)
    assert found.to_explain == Durations(1, HOUR, HOUR)
    assert found.to_recover == Durations(1, 6 * HOUR, 6 * HOUR)
    assert found.open == 1


def test_what_was_found_in_history_brought_in_later_has_no_time_to_detect():
    revealed = NOW - 20 * DAY + HOUR
    late = episode(20, "5", opened_at=revealed + 3 * DAY)
    history = episode(20, "5", opened_at=revealed + 3 * DAY + timedelta(seconds=1))
    found = kpis([late, history], NOW)

    assert found.anomalies == 2
    assert found.to_detect == Durations(1, 3 * DAY + HOUR, 3 * DAY + HOUR)


def test_currencies_are_never_added_up():
    found = kpis([episode(1, "1"), episode(1, "2", currency="USD")], NOW)

    assert {name: each.current for name, each in found.unexplained.items()} == {
        "EUR": Decimal(1),
        "USD": Decimal(2),
    }


def test_nothing_found_is_no_rate():
    found = kpis([], NOW)

    assert (found.anomalies, found.unexplained, found.false_positive_rate) == (0, {}, None)
    assert found.to_detect == Durations(0, None, None)


def test_a_drop_is_counted_and_is_neither_unexplained_spend_nor_recovered_from():
    found = kpis([episode(1, "30"), episode(2, "5", is_drop=True)], NOW)
    assert found.anomalies == 2
    assert found.unexplained["EUR"].current == 30
    assert (found.to_detect.count, found.to_recover.count) == (2, 1)

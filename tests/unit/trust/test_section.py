"""A section says every number as a fact, comes back from JSON as it went, and knows its age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from trust_portal.kernel.canonical import canonical
from trust_portal.trust.sections.display import display, sentences
from trust_portal.trust.sections.document import csv_rows, section_json, section_of
from trust_portal.trust.sections.freshness import freshness
from trust_portal.trust.sections.model import (
    Cell,
    Chart,
    ChartKind,
    Column,
    Figure,
    Row,
    Section,
    Sentence,
    State,
    Table,
    Unit,
)

NOW = datetime(2026, 7, 2, 9, tzinfo=UTC)


def _section(**changes: object) -> Section:
    values: dict[str, object] = {
        "id": "sla",
        "title": "Service levels",
        "state": State.FRESH,
        "source": "signed SLA reports",
        "as_of": NOW,
        "max_age": timedelta(days=35),
        "sentences": (Sentence("In {period} the API attained {attained}; a credit of {credit} was issued."),),
        "figures": (
            Figure("period", "Period", Cell("2026-06-01", Unit.DAY)),
            Figure("attained", "Attained", Cell("99.900462", Unit.PERCENT, href="/reports/2026-06")),
            Figure("credit", "Credit", Cell("1250.50", Unit.MONEY, "EUR", receipt="r-1")),
        ),
        "tables": (
            Table(
                "trend",
                "Month by month",
                (Column("month", "Month"), Column("attained", "Attained", Unit.PERCENT)),
                (
                    Row("2026-05", (Cell("2026-05"), Cell("99.99", Unit.PERCENT))),
                    Row("2026-06", (Cell("2026-06"), Cell(None, Unit.PERCENT))),
                ),
                "No month was reported yet.",
            ),
        ),
        "charts": (Chart("trend", "Attained", ChartKind.LINE, "trend", "month", ("attained",), "99.95"),),
    }
    return Section(**{**values, **changes})  # type: ignore[arg-type]


def test_it_comes_back_from_its_canonical_json() -> None:
    section = _section()
    body = section_json(section)
    canonical(body)
    assert section_of(body) == section


def test_every_number_of_a_sentence_is_a_figure() -> None:
    assert sentences(_section()) == (
        "In 1\u00a0June 2026 the API attained 99.900462\u00a0%; a credit of EUR\u00a01,250.50 was issued.",
    )
    with pytest.raises(ValueError, match="a number that is no figure"):
        Sentence("It was down 3 times.")
    with pytest.raises(LookupError, match="section sla has no figure minutes"):
        _section(sentences=(Sentence("It was down {minutes}."),))


def test_what_is_not_known_is_said_and_never_blank() -> None:
    assert display(Cell(None, Unit.MONEY, "EUR")) == "not known"
    assert display(Cell("12", Unit.MINUTES)) == "12 min"


def test_every_value_has_one_address() -> None:
    assert [place for place, _ in _section().cells()] == [
        "sla/period",
        "sla/attained",
        "sla/credit",
        "sla/trend/2026-05/month",
        "sla/trend/2026-05/attained",
        "sla/trend/2026-06/month",
        "sla/trend/2026-06/attained",
    ]
    rows = csv_rows([_section()])
    assert len(rows) == 8
    assert rows[3] == (
        "sla",
        "sla/credit",
        "money",
        "EUR",
        "1250.50",
        "fresh",
        "2026-07-02T09:00:00Z",
        "signed SLA reports",
        "r-1",
    )


@pytest.mark.parametrize(
    ("as_of", "state", "why"),
    [
        (NOW - timedelta(days=35), State.FRESH, None),
        (NOW - timedelta(days=35, minutes=1), State.STALE, "it is 35 d 1 min old, and may be 35 d"),
        (None, State.MISSING, "no report was signed"),
    ],
)
def test_its_age_decides_its_state(as_of: datetime | None, state: State, why: str | None) -> None:
    found, said = freshness(as_of, timedelta(days=35), NOW, missing="no report was signed")
    assert (found, None if said is None else said.replace("\u00a0", " ")) == (state, why)
    assert state.blocks is (state is not State.FRESH)


def test_what_is_not_fresh_says_why() -> None:
    with pytest.raises(ValueError, match="says why"):
        _section(state=State.STALE)
    with pytest.raises(ValueError, match="money has a currency"):
        Cell("1", Unit.MONEY)
    with pytest.raises(ValueError, match="a column that is not there"):
        _section(charts=(Chart("x", "X", ChartKind.BAR, "trend", "month", ("cost",)),))

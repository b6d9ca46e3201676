"""What usage and recommendations say follows from the rows beside it; what was forged is named by its field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.access.tenants.model import Tenant
from trust_portal.cost.metering.model import SUBSYSTEMS, HourCost, Part, Progress, Series
from trust_portal.kernel.period import parse_period
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.qbr.gathering.known_usage import Used
from trust_portal.trust.qbr.gathering.recommendations import recommendations_section
from trust_portal.trust.qbr.gathering.usage import usage_section
from trust_portal.trust.qbr.ids import PROPOSED
from trust_portal.trust.qbr.usage_derivation import usage_differs
from trust_portal.trust.sections.model import Section

NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
ID = UUID("00000000-0000-7000-8000-000000000001")
ASK = Ask(Tenant(ID, "aurora", "Aurora", "UTC", "", NOW, NOW, None), parse_period("2026-Q2", "UTC"), NOW)
PROGRESS = Progress(ID, 1, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 10, 8, tzinfo=UTC), None)

_amounts = st.decimals("-3", "1000", allow_nan=False, places=9)
_currencies = st.sampled_from(["EUR", "JPY"])


def hours(first: datetime) -> st.SearchStrategy[list[HourCost]]:
    return st.lists(
        st.builds(
            lambda after, subsystem, currency, cost: HourCost(
                first + timedelta(hours=after), Series(subsystem, currency), cost, 1
            ),
            st.integers(0, 90 * 24 - 1),
            st.sampled_from(SUBSYSTEMS),
            _currencies,
            _amounts,
        ),
        max_size=12,
    )


def parts_of(of: list[HourCost], quantity: str) -> list[Part]:
    """A part an hour, as metering has them: what a series cost is what its parts did."""
    return [
        Part(
            each.hour, each.series, f"r-{at % 7}", f"op-{at % 3}", "eu", None, "GB", {},
            Decimal(quantity) * (at + 1), each.cost, 1,
        )
        for at, each in enumerate(of)
    ]  # fmt: skip


def document(used: Used, ask: Ask = ASK) -> list[Section]:
    return [usage_section(PROGRESS, used, ask), recommendations_section(PROGRESS, used, ask)]


@given(
    now=hours(datetime(2026, 4, 1, tzinfo=UTC)),
    then=hours(datetime(2026, 1, 1, tzinfo=UTC)),
    quantity=st.sampled_from(["1", "0.125", "3.000001"]),
    late=st.booleans(),
    until=st.sampled_from([NOW, datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 30, 23, tzinfo=UTC)]),
)
def test_what_was_gathered_always_follows(
    now: list[HourCost], then: list[HourCost], quantity: str, late: bool, until: datetime
) -> None:
    now = [each for each in now if each.hour < until]
    used = Used(now, then, parts_of(now, quantity), parts_of(then, "1"))
    if late:
        used = replace(used, then=(), parts_then=(), metered_since=datetime(2026, 2, 1, tzinfo=UTC))
    assert list(usage_differs("qbr.json", document(used, replace(ASK, now=until)))) == []


def _hour(month: int, hour: int, subsystem: str, cost: str) -> HourCost:
    return HourCost(datetime(2026, month, 1, hour, tzinfo=UTC), Series(subsystem, "EUR"), Decimal(cost), 1)


def grown() -> list[Section]:
    """Every rule has its grounds."""
    now = [
        *(_hour(4, at, "compute", "10.003") for at in range(5)),
        _hour(5, 0, "compute", "40"),
        _hour(6, 0, "storage", "12.34"),
        _hour(6, 1, "adapters", "21"),
        _hour(6, 2, "adapters", "1.5"),
    ]
    then = [_hour(1, 0, "compute", "50"), _hour(2, 0, "storage", "10"), _hour(3, 0, "adapters", "5")]
    return document(Used(now, then, parts_of(now, "12.5"), parts_of(then, "1")))


FIGURES = (
    ("total-eur", "125.85"),
    ("change-eur", "-60.86"),
    ("growth-eur", "99.9"),
    ("dearest-eur", "storage"),
    ("dearest-share-eur", "12.0"),
    ("movers-named-eur", "4"),
    ("volume-1-now", "1"),
    ("volume-1-before", "77"),
    ("volume-1-change", "0"),
    ("volume-2-growth", "0.1"),
)
CELLS = (
    (0, "months-eur", "2026-06", "total", "99.99"),
    (0, "months-eur", "2026-06", "storage", "13.34"),
    (0, "movers-eur", "compute:r-0:op-0", "change", "100.00"),
    (0, "quantities", "compute:op-0:GB", "change", "1"),
    (0, "quantities", "compute:op-0:GB", "growth", "1.0"),
    (0, "quantities", "compute:op-0:GB", "now", "8"),
    (1, PROPOSED, "dedicated-pool-eur", "amount", "90.00"),
    (1, PROPOSED, "retention-tier-eur", "amount", "14.00"),
    (1, PROPOSED, "caching-eur", "amount", "21.00"),
    (1, PROPOSED, "volume-tier-eur", "amount", "1.00"),
    (1, "evidence", "dedicated-pool-eur:share", "value", "99.0"),
    (1, "evidence", "retention-tier-eur:now", "value", "44.00"),
    (1, "evidence", "retention-tier-eur:growth", "value", "1.0"),
    (1, "evidence", "caching-eur:share", "value", "1.0"),
    (1, "evidence", "volume-tier-eur:before", "value", "1.00"),
    (1, "evidence", "volume-tier-eur:growth", "value", "1.0"),
)


@pytest.mark.parametrize(("id_", "value"), FIGURES)
def test_a_forged_figure_is_named(id_: str, value: str) -> None:
    sections = grown()
    at = [each.id for each in sections[0].figures].index(id_)
    figure = sections[0].figures[at]
    assert figure.cell.value != value
    forged = replace(figure, cell=replace(figure.cell, value=value))
    sections[0] = replace(
        sections[0], figures=(*sections[0].figures[:at], forged, *sections[0].figures[at + 1 :])
    )
    found = {each.field: each for each in usage_differs("qbr.json", sections)}
    assert f"$.sections[0].figures[{at}].value" in found, found
    assert found[f"$.sections[0].figures[{at}].value"].reported == value


@pytest.mark.parametrize(("id_", "value"), [("change-eur", "-5000.00"), ("growth-eur", "-40.0")])
def test_with_a_period_that_was_not_metered_whole_nothing_is_compared(id_: str, value: str) -> None:
    now = [_hour(4, 0, "compute", "10")]
    since = datetime(2026, 2, 1, tzinfo=UTC)
    section, advice = document(Used(now, (), parts_of(now, "1"), (), metered_since=since))
    at = [each.id for each in section.figures].index(id_)
    figure = section.figures[at]
    assert figure.cell.value is None
    forged = replace(figure, cell=replace(figure.cell, value=value))
    section = replace(section, figures=(*section.figures[:at], forged, *section.figures[at + 1 :]))
    [found] = usage_differs("qbr.json", [section, advice])
    assert (found.field, found.reported) == (f"$.sections[0].figures[{at}].value", value)


def _stating(section: Section, **figures: str | None) -> Section:
    """``section`` with other values of these figures, of euros."""
    forged = {f"{name.replace('_', '-')}-eur": value for name, value in figures.items()}
    assert forged.keys() <= {each.id for each in section.figures}
    return replace(
        section,
        figures=tuple(
            replace(each, cell=replace(each.cell, value=forged[each.id])) if each.id in forged else each
            for each in section.figures
        ),
    )


def _named(section: Section, advice: Section) -> list[tuple[str, str | None, str | None]]:
    """What is found, by the figure that it is of."""
    found = []
    for each in usage_differs("qbr.json", [section, advice]):
        at = int(each.field.removeprefix("$.sections[0].figures[").partition("]")[0])
        found.append((section.figures[at].id, each.reported, each.recomputed))
    return found


@pytest.mark.parametrize(
    ("before", "true", "stated", "refused"),
    [
        ("0.004", "312400.0", "312400.0", False),
        ("0.004", "312400.0", None, False),
        ("0.004", "312400.0", "12.0", True),
        ("0.004", "312400.0", "-99.0", True),
        ("0.004", "312400.0", "200000.0", True),
        ("-0.004", "-312600.0", "-312600.0", False),
        ("-0.004", "-312600.0", "-40.0", True),
        ("-2.50", "-600.0", "-600.0", False),
        ("-2.50", "-600.0", "600.0", True),
        ("2.50", "400.0", None, True),
    ],
)
def test_growth_over_what_was_rounded_to_nothing_or_is_less_is_as_large_as_that_makes_it(
    before: str, true: str, stated: str | None, refused: bool
) -> None:
    now, then = [_hour(4, 0, "compute", "12.50")], [_hour(1, 0, "compute", before)]
    section, advice = document(Used(now, then, parts_of(now, "1"), parts_of(then, "1")))
    assert section.figure("growth-eur").cell.value == true
    assert _named(section, advice) == []
    found = _named(_stating(section, growth=stated), advice)
    assert [each[:2] for each in found] == ([("growth-eur", stated or "null")] if refused else [])


def test_growth_over_nothing_at_all_is_not_known_and_none_that_is_small_is_believed() -> None:
    now = [_hour(4, 0, "compute", "12.50")]
    section, advice = document(Used(now, (), parts_of(now, "1"), ()))
    assert (section.figure("before-eur").cell.value, section.figure("growth-eur").cell.value) == (
        "0.00",
        None,
    )
    assert _named(section, advice) == []
    assert _named(_stating(section, growth="40.0"), advice) == [("growth-eur", "40.0", "null")]


@pytest.mark.parametrize("cost", ["0", "0.001", "-0.001"])
def test_where_nothing_cost_anything_no_part_is_the_dearest_that_was_not_used_but_the_first_of_them(
    cost: str,
) -> None:
    now = [_hour(4, 0, "compute", cost)]
    section, advice = document(Used(now, (), parts_of(now, "1"), ()))
    assert section.figure("total-eur").cell.value in {"0.00", "-0.00"}
    assert _named(section, advice) == []
    _, *unused = [each for each in SUBSYSTEMS if each != "compute"]
    for forged in ("gold", "", *unused):
        found = _named(_stating(section, dearest=forged), advice)
        assert [each[:2] for each in found] == [("dearest-eur", forged)]


def test_where_every_part_gave_something_back_the_dearest_is_one_that_was_not_used() -> None:
    now = [_hour(4, 0, "compute", "-1.00"), _hour(4, 1, "storage", "-5.00")]
    section, advice = document(Used(now, (), parts_of(now, "1"), ()))
    true = section.figure("dearest-eur").cell.value
    assert true not in {"compute", "storage"}
    assert _named(section, advice) == []
    for forged in ("compute", "storage", "gold"):
        found = {each[0]: each[2] for each in _named(_stating(section, dearest=forged), advice)}
        assert found["dearest-eur"] == true


@pytest.mark.parametrize(("number", "table", "row", "column", "value"), CELLS)
def test_a_forged_row_is_named(number: int, table: str, row: str, column: str, value: str) -> None:
    sections = grown()
    sections[number] = _with_cell(sections[number], table, row, column, value)
    found = [each.field for each in usage_differs("qbr.json", sections)]
    at = [each.id for each in sections[number].tables].index(table)
    assert any(
        each.startswith((f"$.sections[{number}].tables[{at}]", "$.sections[0].figures")) for each in found
    )


def _with_cell(section: Section, table: str, row: str, column: str, value: str) -> Section:
    def forged(of: Section) -> Callable[[], Section]:
        stated = of.table(table)
        at = [each.id for each in stated.columns].index(column)
        rows = []
        for each in stated.rows:
            cells = list(each.cells)
            if each.id == row:
                assert cells[at].value != value
                cells[at] = replace(cells[at], value=value)
            rows.append(replace(each, cells=tuple(cells)))
        assert row in {each.id for each in stated.rows}, [each.id for each in stated.rows]
        changed = replace(stated, rows=tuple(rows))
        return lambda: replace(of, tables=tuple(changed if each.id == table else each for each in of.tables))

    return forged(section)()


@pytest.mark.parametrize(
    ("total", "found"), [("124.86", []), ("124.87", []), ("124.89", ["$.sections[0].figures[0].value"])]
)
def test_a_cent_that_rounding_may_have_made_is_no_forgery_and_three_are(total: str, found: list[str]) -> None:
    sections = grown()
    assert sections[0].figure("total-eur").cell.value == "124.86"
    first, *others = sections[0].figures
    forged = replace(first, cell=replace(first.cell, value=total))
    sections[0] = replace(sections[0], figures=(forged, *others))
    assert [each.field for each in usage_differs("qbr.json", sections)][: len(found) or None] == found

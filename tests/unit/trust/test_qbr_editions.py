"""Which review a review follows: by when their periods end, never by how these are written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.kernel.period import parse_period
from trust_portal.reliability.findings import State
from trust_portal.reliability.reports.record import Head
from trust_portal.trust.gathering.sla_section import Owed, sla_section
from trust_portal.trust.qbr.closing import Beside, closing, derived_of
from trust_portal.trust.qbr.edition import review_before
from trust_portal.trust.qbr.gathering.inputs import Laid, inputs_section
from trust_portal.trust.qbr.model import Issue, Qbr
from trust_portal.trust.qbr.superseding import newer_than
from trust_portal.trust.sections.display import sentences

NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
ID = UUID("00000000-0000-7000-8000-000000000001")


def issued(number: int, label: str, revision: int = 1) -> Qbr:
    issue = Issue(revision, "0" * 64, (), None, NOW, "Cora", ID)
    return Qbr(UUID(int=number), ID, number, label, NOW, "0" * 64, "Cora", ID, 0, None, issue)


def before(label: str, *known: str, zone: str = "UTC") -> str | None:
    found = review_before([issued(n, each) for n, each in enumerate(known)], parse_period(label, zone))
    return None if found is None else found.period


@pytest.mark.parametrize(
    ("of", "known", "follows"),
    [
        ("2026-08", ("2026-Q2",), "2026-Q2"),
        ("2026-Q1", ("2026-12",), None),
        ("2026-Q1", ("2026-Q1",), None),
        ("2026-Q1", ("2026-Q1", "2025-12"), "2025-12"),
        ("2026-Q3", ("2026-Q2", "2026-07", "2026-08"), "2026-08"),
        ("2026-Q3", ("2026-Q2", "2026-09"), "2026-09"),
        ("2026-09", ("2026-Q2", "2026-Q3"), "2026-Q2"),
        ("2027-01", ("2026-12", "2026-Q4"), "2026-Q4"),
        ("2026-05", (), None),
    ],
)
def test_a_review_follows_the_last_that_ended_before_it(
    of: str, known: tuple[str, ...], follows: str | None
) -> None:
    for order in permutations(known):
        assert before(of, *order) == follows
        assert before(of, *order, zone="Pacific/Kiritimati") == follows


def test_of_a_period_the_last_revision_is_followed() -> None:
    known = [issued(1, "2026-Q1"), issued(3, "2026-Q1", 10), issued(2, "2026-Q1", 9)]
    assert review_before(known, parse_period("2026-Q2", "UTC")) == known[1]
    draft = replace(known[0], issue=None)
    assert review_before([draft, known[2]], parse_period("2026-Q2", "UTC")) == known[2]


_YEARS = st.integers(2024, 2028)
_LABELS = st.one_of(
    st.builds(lambda year, month: f"{year}-{month:02d}", _YEARS, st.integers(1, 12)),
    st.builds(lambda year, quarter: f"{year}-Q{quarter}", _YEARS, st.integers(1, 4)),
)


@given(of=_LABELS, known=st.sets(_LABELS, max_size=8))
def test_no_review_follows_itself_in_whatever_steps_and_none_between_is_passed_over(
    of: str, known: set[str]
) -> None:
    def place(label: str) -> tuple[datetime, timedelta]:
        period = parse_period(label, "UTC")
        return period.end, period.end - period.start

    follows = before(of, *known)
    earlier = sorted((each for each in known if place(each) < place(of)), key=place)
    assert follows == (earlier[-1] if earlier else None)
    steps = [of]
    while (step := before(steps[-1], *known)) is not None:
        steps.append(step)
    assert len(set(steps)) == len(steps)


def test_a_report_signed_since_is_newer_than_the_word_that_it_is_missing_and_nothing_is_where_none_is_named() -> (
    None
):
    owed = [Owed("2026-06", over=True, objectives=(("API", "99.9"),))]
    sla = sla_section(owed, (), ("2026-06",), NOW)

    def newer(*sections, revision: int | None) -> list[str]:
        head = Head(
            ID, "2026-06", NOW, 1, ID, State.OK, None if revision is None else ID, revision, None, NOW
        )
        return list(newer_than((*sections, inputs_section(sections, None, None, NOW)), None, None, [head]))

    assert newer(sla, revision=1) == ["SLA report for June 2026, revision 1"]
    assert newer(sla, revision=None) == []
    assert newer(revision=1) == []


@pytest.mark.parametrize(
    ("format_", "last", "none"),
    [
        ("1", "The latest Trust Report", "Trust Report is published"),
        ("2", "The latest Trust Report", "Trust Report is published"),
        (
            "3",
            "The last Trust Report of the period, or of one before it,",
            "Trust Report is published of the period, or of one before it",
        ),
    ],
)
def test_which_trust_report_is_meant_is_said_as_the_format_means_it(
    format_: str, last: str, none: str
) -> None:
    laid = Laid("2026-Q1", 2, NOW, NOW, "/trust/1", str(ID))
    *_, beside = closing((), Beside(laid), NOW, NOW, format_=format_)
    assert [each.replace("\u00a0", " ") for each in sentences(beside)] == [
        f"{last} is that of Q1 2026, as of 10 July 2026, 09:00 UTC. Documents in the bundle: 1; missing: 0."
    ]
    body = {
        "format": format_, "as_of": "2026-07-10T09:00:00Z", "issued_at": "2026-07-10T09:00:00Z",
        "trust_report": None, "previous": None,
    }  # fmt: skip
    without = derived_of({}, body, ())["inputs"]
    assert without.why == f"no {none}"
    assert sentences(without) == (f"No {none}. Documents in the bundle: 0; missing: 1.",)

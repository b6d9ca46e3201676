"""What a list says of a draft without opening it is what its page says, at every moment and whatever is left out. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from trust_portal.trust.gathering.ids import REPORTS
from trust_portal.trust.gathering.sla_section import OVERTAKEN
from trust_portal.trust.qbr.ageing import Wait
from trust_portal.trust.qbr.closing import Beside, as_they_stand, closed
from trust_portal.trust.qbr.gathering.inputs import Laid
from trust_portal.trust.qbr.ids import COMMITMENTS, INPUTS, OUTCOME
from trust_portal.trust.qbr.model import Obstacle
from trust_portal.trust.qbr.obstacles import in_the_way, obstacles_in, obstacles_json, obstacles_of
from trust_portal.trust.report.model import blocking
from trust_portal.trust.sections.model import Cell, Column, Row, Section, State, Table, Unit

GATHERED = datetime(2026, 7, 10, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: Those that do not follow from others, each with how old it may be.
OWN = {
    COMMITMENTS: DAY, "sla": 100 * DAY, "incidents": HOUR, "cost": DAY, "usage": DAY, "savings": DAY, "credits": DAY,
    "posture": 2 * DAY, "recommendations": DAY,
}  # fmt: skip
WHY = {State.STALE: "data moved", State.MISSING: "not there", State.NOT_APPLICABLE: "there is none"}
#: Moments at, just before and just after which something may grow too old.
MOMENTS = tuple(
    GATHERED + each + off
    for each in (0 * HOUR, HOUR / 2, HOUR, 23 * HOUR, DAY, 2 * DAY, 21 * DAY)
    for off in (-timedelta(seconds=1), timedelta(), timedelta(seconds=1))
    if each + off >= timedelta()
)


def contradicted(sla: Section) -> Section:
    """Of whose report other figures are known: it is stale."""
    columns = (
        Column("period", "Period"), Column("revision", "Revision", Unit.COUNT), Column("issued", "Issued", Unit.INSTANT),
        Column("sha256", "SHA-256", Unit.DIGEST), Column(OVERTAKEN, "Other figures since", Unit.INSTANT),
    )  # fmt: skip
    at = Cell("2026-07-09T09:00:00Z", Unit.INSTANT, href="/reports")
    cells = (Cell("2026-06"), Cell("1", Unit.COUNT, href="/reports"), at, Cell("ab", Unit.DIGEST), at)
    table = Table(REPORTS, "Reports", columns, (Row("2026-06", cells),), "None.")
    return Section(
        sla.id, sla.title, State.STALE, sla.source, sla.as_of, sla.max_age, "data moved", tables=(table,)
    )


@st.composite
def gathered(draw: st.DrawFn) -> tuple[tuple[Section, ...], Beside, datetime]:
    """Sections as they were gathered, what they were laid beside, and the end of the period."""
    ages = st.sampled_from([timedelta(), HOUR / 2, HOUR, 20 * HOUR])
    found = []
    for id_, max_age in OWN.items():
        state = draw(st.sampled_from(State))
        age = draw(ages)
        if state is State.FRESH and age > max_age:
            age = timedelta()
        missing = state is State.MISSING and draw(st.booleans())
        as_of = None if missing else GATHERED - age
        each = Section(id_, id_.title(), state, "there", as_of, max_age, WHY.get(state))
        found.append(contradicted(each) if id_ == "sla" and draw(st.booleans()) and as_of else each)
    report = draw(st.sampled_from([None, timedelta(), 10 * DAY, 31 * DAY, 40 * DAY]))
    laid = None if report is None else Laid("2026-Q2", 1, GATHERED - report, GATHERED - report, "/trust/1")
    end = draw(st.sampled_from([GATHERED - 9 * DAY, GATHERED + HOUR / 4, GATHERED + 30 * DAY]))
    beside = Beside(laid)
    slots = [
        Section(each, each.title(), State.FRESH, "there", GATHERED, DAY) for each in (OUTCOME, "changes", INPUTS)
    ]  # fmt: skip
    return closed((*slots, *found), beside, GATHERED, GATHERED), beside, end


@given(gathered())
def test_a_list_knows_at_every_moment_and_whatever_is_left_out_what_the_page_finds(
    drawn: tuple[tuple[Section, ...], Beside, datetime],
) -> None:
    locked, beside, end = drawn
    obstacles = obstacles_in(obstacles_json(obstacles_of(locked, end)))
    assert in_the_way(obstacles, GATHERED) == {each.id for each in blocking(locked)}
    omissible = [each.id for each in locked if each.id not in {COMMITMENTS, INPUTS}]
    choices = [(), *combinations(omissible, 1), ("sla", "outcome"), ("sla", "incidents", "credits")]
    for at in MOMENTS:
        standing = as_they_stand(locked, Wait(GATHERED, at, end))
        for left_out in choices:
            told = closed(tuple(each for each in standing if each.id not in left_out), beside, GATHERED, at)
            found = {each.id for each in blocking(told)}
            assert in_the_way(obstacles, at, left_out) == found, (at, left_out)


def test_exactly_as_old_as_it_may_be_nothing_stands_in_the_way_and_a_moment_later_it_does() -> None:
    incidents = Section("incidents", "Incidents", State.FRESH, "register", GATHERED, HOUR)
    obstacles = obstacles_of([incidents], GATHERED)
    assert obstacles == (Obstacle("incidents", "incidents", GATHERED + HOUR),)
    assert in_the_way(obstacles, GATHERED + HOUR) == frozenset()
    assert in_the_way(obstacles, GATHERED + HOUR + timedelta(microseconds=1)) == {"incidents"}

"""Incident debt is the sum of what is owed, and each part says how it came about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from support.switchboard_fold import agreed_of, spans_of

from trust_portal.learning.actions.model import ActionState
from trust_portal.learning.incidents.model import Severity
from trust_portal.learning.switchboard.board import Lines, board, past_moments
from trust_portal.learning.switchboard.completion import completion
from trust_portal.learning.switchboard.coverage import (
    Cover,
    MajorIncident,
    Undeclared,
    ledger,
    owed_again_at,
    owes_its_own,
)
from trust_portal.learning.switchboard.debt import (
    Owed,
    action_addend,
    debt,
    grouped,
    postmortem_addend,
    trend,
)
from trust_portal.learning.switchboard.model import (
    ActionLine,
    BoardFilter,
    DateSet,
    Grouping,
    Outdated,
    PostmortemLine,
    Span,
    Whose,
    outdated_for,
)

AT = datetime(2026, 6, 30, 12, tzinfo=UTC)
DAY = timedelta(days=1)
OLGA = Whose(Severity.P1, "api", "payments", "Olga", UUID(int=7))


def action(number: int = 1, **more: object) -> ActionLine:
    line = ActionLine(
        UUID(int=number), "Limit the pool", UUID(int=99), OLGA, AT - 30 * DAY, (), ActionState.OPEN, None
    )
    return line._replace(**more)  # type: ignore[arg-type]


def due(over_at: datetime, *, at: datetime = AT - 20 * DAY) -> DateSet:
    return DateSet(at, over_at.date(), over_at)


def postmortem(**more: object) -> PostmortemLine:
    declared = AT - 10 * DAY
    line = PostmortemLine(UUID(int=50), UUID(int=51), "Down", OLGA, declared, declared, None)
    return replace(line, **more)  # type: ignore[arg-type]


def test_an_action_weighs_by_severity_weeks_late_and_moves() -> None:
    plain = action_addend(action(), AT)
    late = action_addend(
        action(dates=(due(AT - 9 * DAY), due(AT - 8 * DAY, at=AT - 15 * DAY), due(AT, at=AT + DAY))), AT
    )

    assert plain is not None
    assert (plain.points, plain.late, plain.explanation) == (8, False, "8 × 1 = 8")
    assert late is not None
    assert (late.points, late.weeks, late.moves, late.late) == (32, 2, 1, True)
    assert late.explanation == "8 × (1 + 2 weeks late + 1 move) = 32"


def test_late_begins_with_the_end_of_the_due_day_and_a_week_with_its_first_moment() -> None:
    line = action(dates=(due(AT),))

    def weeks(at: datetime) -> int:
        found = action_addend(line, at)
        assert found is not None
        return found.weeks

    second = timedelta(seconds=1)
    assert [weeks(AT - second), weeks(AT), weeks(AT + 7 * DAY - second), weeks(AT + 7 * DAY)] == [0, 1, 1, 2]


def test_what_has_ended_or_is_not_yet_planned_owes_nothing() -> None:
    ended = action(state=ActionState.DONE, ended_at=AT)
    assert action_addend(ended, AT) is None
    assert action_addend(ended, AT - DAY) is not None
    assert action_addend(action(created_at=AT + DAY), AT) is None


def test_a_postmortem_is_due_after_two_weeks_and_a_missing_one_at_once_and_twice() -> None:
    fresh, old, missing = (
        postmortem_addend(line, AT)
        for line in (
            postmortem(),
            postmortem(declared_at=AT - 22 * DAY, opened_at=AT - 22 * DAY),
            postmortem(postmortem_id=None, opened_at=None),
        )
    )
    assert fresh is not None and old is not None and missing is not None  # noqa: PT018
    assert (fresh.owed, fresh.points, fresh.late) == (Owed.UNSIGNED, 8, False)
    assert (old.owed, old.points, old.weeks) == (Owed.UNSIGNED, 24, 2)
    assert (missing.owed, missing.points, missing.explanation) == (
        Owed.MISSING,
        48,
        "16 × (1 + 2 weeks late) = 48",
    )
    assert postmortem_addend(postmortem(signed_at=AT), AT) is None


def test_a_p4_that_was_raised_months_later_is_owed_since_then_and_has_two_weeks_as_any_other() -> None:
    raised = postmortem(declared_at=AT - 92 * DAY, opened_at=AT - 15 * DAY)

    def owed(days_ago: int) -> tuple[int, bool, date | None] | None:
        found = postmortem_addend(raised, AT - days_ago * DAY)
        return None if found is None else (found.points, found.late, found.due)

    due_on = (AT - DAY).date()
    assert [owed(each) for each in (92, 16, 15, 2, 1, 0)] == [
        None,
        None,
        (8, False, due_on),
        (8, False, due_on),
        (16, True, due_on),
        (16, True, due_on),
    ]
    found = postmortem_addend(raised, AT)
    assert found is not None
    assert (found.owed, found.since) == (Owed.UNSIGNED, AT - 92 * DAY), "its age is told whole"
    weeks = past_moments(AT)
    points = [points for _, points in trend([], [raised], weeks)]
    assert points == [8 if at >= AT - 15 * DAY else 0 for at in weeks]
    assert points[-2:] == [8, 8]


def test_a_signed_postmortem_with_facts_since_owes_its_next_version_two_weeks_after_the_first() -> None:
    """Told again on the day before, its debt is as old as it was."""
    told, opened, signed = AT - 22 * DAY, AT - 60 * DAY, AT - 40 * DAY
    outdated = outdated_for([(signed, signed - DAY)], [opened, told, AT - DAY])
    assert outdated == (Outdated(told, told, None),)
    line = postmortem(declared_at=opened, opened_at=opened, signed_at=signed, outdated=outdated)
    found = postmortem_addend(line, AT)
    assert found is not None
    assert (found.owed, found.since, found.due, found.late) == (
        Owed.OUTDATED,
        told,
        (told + 14 * DAY).date(),
        True,
    )
    assert (found.points, found.explanation) == (24, "8 × (1 + 2 weeks late) = 24")
    owed = debt([], [line], AT)
    assert (owed.points, owed.unsigned, owed.missing) == (24, 1, 0)
    assert [(each.unsigned, each.missing) for each in grouped(owed.addends)[Grouping.SERVICE]] == [(1, 0)]
    moments = [AT - 50 * DAY, AT - 30 * DAY, AT - 20 * DAY, AT]
    # Unsigned until it was signed; nothing until the facts came; fresh; two weeks late.
    assert [points for _, points in trend([], [line], moments)] == [8, 0, 8, 24]
    assert [points for _, points in trend([], [line], moments)] == [
        debt([], [line], moment).points for moment in moments
    ]


def test_what_a_signed_postmortem_owed_stays_in_the_trend_once_its_next_version_is_signed() -> None:
    opened, signed = AT - 80 * DAY, AT - 70 * DAY
    told, meanwhile, again = AT - 50 * DAY, AT - 31 * DAY, AT - 30 * DAY
    # The second version was frozen before something more came in, and was signed after that.
    versions = [(signed, signed), (again, meanwhile - DAY), (AT - 10 * DAY, AT - 11 * DAY)]
    outdated = outdated_for(versions, [opened, told, told + DAY, meanwhile])
    assert outdated == (Outdated(told, told, again), Outdated(meanwhile, again, AT - 10 * DAY))
    line = postmortem(declared_at=opened, opened_at=opened, signed_at=signed, outdated=outdated)
    days = (75, 60, 50, 35, 31, 30, 12, 10, 0)
    moments = [AT - each * DAY for each in days]
    assert [points for _, points in trend([], [line], moments)] == [8, 0, 8, 16, 16, 8, 16, 0, 0]
    assert [points for _, points in trend([], [line], moments)] == [
        debt([], [line], moment).points for moment in moments
    ]
    assert postmortem_addend(line, AT) is None
    assert [line.owed_after(AT - each * DAY) for each in (11, 10, 0)] == [True, False, False]


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))
SEVERITIES = st.sampled_from(Severity)
WHOSE = st.builds(
    Whose,
    SEVERITIES,
    st.sampled_from(["api", "billing"]),
    st.sampled_from([None, "payments", "core"]),
    st.just("Olga"),
    st.sampled_from([None, UUID(int=7)]),
)
DATES = st.lists(st.builds(DateSet, MOMENTS, st.just(date(2026, 6, 1)), MOMENTS), max_size=3).map(
    lambda dates: tuple(sorted(dates, key=lambda each: each.at))
)
ACTIONS = st.lists(
    st.builds(
        ActionLine,
        st.uuids(),
        st.just("t"),
        st.uuids(),
        WHOSE,
        MOMENTS,
        DATES,
        st.sampled_from([ActionState.OPEN, ActionState.DONE]),
        st.none() | MOMENTS,
    ),
    max_size=8,
)
POSTMORTEMS = st.lists(
    st.builds(
        PostmortemLine,
        st.uuids(),
        st.none() | st.uuids(),
        st.just("t"),
        WHOSE,
        MOMENTS,
        st.none() | MOMENTS,
        st.none() | MOMENTS,
        st.tuples(st.lists(MOMENTS, min_size=2, max_size=6).map(sorted), st.lists(MOMENTS).map(sorted)).map(
            lambda drawn: outdated_for(
                [(at, frozen) for frozen, at in list(pairwise(drawn[0]))[::2]], drawn[1]
            )
        ),
    ),
    max_size=8,
)


@given(ACTIONS, POSTMORTEMS, MOMENTS)
def test_the_number_is_the_sum_of_its_parts_of_every_grouping(
    actions: list[ActionLine], postmortems: list[PostmortemLine], at: datetime
) -> None:
    owed = debt(actions, postmortems, at)

    assert owed.points == sum(each.weight * (1 + each.weeks + each.moves) for each in owed.addends)
    assert owed.open + owed.unsigned + owed.missing == len(owed.addends)
    for by in Grouping:
        groups = grouped(owed.addends)[by]
        assert sum(each.points for each in groups) == owed.points
        assert len({each.key for each in groups}) == len(groups)


def in_order(line: ActionLine) -> ActionLine:
    """As the tables hold it: planned before it was dated, and ended after."""
    ats = sorted([line.created_at, *(each.at for each in line.dates), line.ended_at or line.created_at])
    dates = tuple(each._replace(at=at) for each, at in zip(line.dates, ats[1:], strict=False))
    return line._replace(created_at=ats[0], dates=dates, ended_at=line.ended_at and ats[-1])


@given(ACTIONS.map(lambda lines: [in_order(each) for each in lines]), POSTMORTEMS, MOMENTS)
def test_actions_count_in_spans_as_they_would_line_by_line(
    actions: list[ActionLine], postmortems: list[PostmortemLine], at: datetime
) -> None:
    moments = past_moments(at)

    assert trend(spans_of(actions, moments), postmortems, moments) == tuple(
        (each, debt(actions, postmortems, each).points) for each in moments
    )


def test_the_trend_is_of_the_same_rows_week_by_week_with_today_last() -> None:
    """Planned 25 days ago, due 10 days ago, moved 6 days ago to yesterday; a postmortem of two weeks ago, signed."""
    late = action(
        created_at=AT - 25 * DAY,
        dates=(due(AT - 10 * DAY), due(AT - DAY, at=AT - 6 * DAY)),
    )
    done = Span(Severity.P2, 10, 12, 1, AT - 20 * DAY, 3)
    signed = postmortem(declared_at=AT - 15 * DAY, opened_at=AT - 15 * DAY, signed_at=AT - 3 * DAY)

    spans = [done, *spans_of([late], past_moments(AT))]
    found = board(Lines([late], [signed], (), (), spans=spans), BoardFilter(), AT)

    assert [at for at, _ in found.trend] == [*past_moments(AT), AT]
    # Week by week: nothing; 8; the same with three P2s, moved once and a week late, 3 × 4 × (1 + 1 + 1) = 36, and
    # the postmortem; then late, 16, and 48; and at last moved once and late: 8 × 3.
    assert [points for _, points in found.trend] == [0] * 9 + [8, 8 + 36 + 8, 16 + 48 + 8, 24]


def test_what_is_due_next_comes_by_its_day_and_then_by_its_weight() -> None:
    first = action(1, dates=(due(AT - 9 * DAY),))
    light = action(2, dates=(due(AT + DAY),), whose=replace(OLGA, severity=Severity.P4))
    heavy = action(3, dates=(due(AT + DAY),))
    undated = action(4)

    signed = postmortem(incident_id=UUID(int=60), signed_at=AT - DAY)
    missing = postmortem(incident_id=UUID(int=61), opened_at=None)
    found = board(
        Lines([undated, light, heavy, first], [postmortem(), signed, missing], (), ()), BoardFilter(), AT
    )

    next_ = found.due_next(12)
    assert [(each.owed, each.id.int) for each in next_] == [
        (Owed.ACTION, 1),
        (Owed.ACTION, 3),
        (Owed.ACTION, 2),
        (Owed.UNSIGNED, postmortem().incident_id.int),
    ]
    assert next_[-1].due == (AT + 4 * DAY).date(), "fourteen days after it was opened"
    assert [each.id.int for each in found.due_next(2)] == [1, 3]
    assert found.dated == 4


def test_a_postmortem_with_facts_since_is_due_next_too() -> None:
    since = postmortem(signed_at=AT - 5 * DAY, outdated=(Outdated(AT - 3 * DAY, AT - 3 * DAY, None),))
    found = board(Lines((), [since], (), ()), BoardFilter(), AT)
    assert [(each.owed, each.due) for each in found.due_next(12)] == [(Owed.OUTDATED, (AT + 11 * DAY).date())]


@given(ACTIONS, POSTMORTEMS, MOMENTS)
def test_filters_split_the_debt_without_losing_or_doubling_any_of_it(
    actions: list[ActionLine], postmortems: list[PostmortemLine], at: datetime
) -> None:
    lines = Lines(actions, postmortems, (), ())
    whole = board(lines, BoardFilter(), at).debt.points
    for name, values in (
        ("severity", tuple(Severity)),
        ("service", ("api", "billing")),
        ("team", ("", "payments", "core")),
        ("owner", ("Olga", str(UUID(int=7)))),
    ):
        parts = [board(lines, BoardFilter(**{name: value}), at).debt.points for value in values]
        assert sum(parts) == whole


def test_completion_counts_against_the_day_that_was_agreed_whatever_it_was_moved_to() -> None:
    kept = action(1, dates=(due(AT - DAY),), state=ActionState.DONE, ended_at=AT - 2 * DAY)
    moved = action(
        2, dates=(due(AT - DAY), due(AT, at=AT - 9 * DAY)), state=ActionState.DONE, ended_at=AT - DAY / 2
    )
    dropped = action(3, dates=(due(AT - DAY),), state=ActionState.DROPPED, ended_at=AT - 5 * DAY)
    replaced = action(4, dates=(due(AT - DAY),), state=ActionState.SUPERSEDED, ended_at=AT - 5 * DAY)
    still_time = action(5, dates=(due(AT + DAY),))
    long_ago = action(6, dates=(due(AT - 91 * DAY),))

    found = completion(agreed_of([kept, moved, dropped, replaced, still_time, long_ago, action(7)]), AT)

    assert (found.kept, found.agreed, found.rate, found.on_target) == (1, 3, Fraction(1, 3), False)
    nine = completion(agreed_of([*[kept._replace(id=UUID(int=each)) for each in range(9)], dropped]), AT)
    assert (nine.rate, nine.on_target) == (Fraction(9, 10), True)
    assert completion([], AT).rate is None


def major(number: int, **more: object) -> MajorIncident:
    incident = MajorIncident(
        id=UUID(int=number),
        title=f"INC-{number}",
        service="api",
        owner="Ivo",
        severity=Severity.P1,
        worst_severity=Severity.P1,
        declared_at=AT - number * DAY,
        changes=(AT - number * DAY,),
        merged_into=None,
        merged_at=None,
        postmortem_id=UUID(int=100 + number),
        signed_at=None,
        frozen_at=None,
    )
    return replace(incident, **({"frozen_at": more.get("signed_at")} | more))  # type: ignore[arg-type]


def test_the_ledger_names_every_gap_by_name_and_age() -> None:
    found = ledger(
        [
            major(1, signed_at=AT),
            major(2, severity=Severity.P3),
            major(3, postmortem_id=None),
            major(4, merged_into=UUID(int=1)),
            major(5, merged_into=UUID(int=2)),
        ],
        [
            Undeclared("urn:pager", "INC-9", Severity.P2, AT - 9 * DAY),
            Undeclared(None, "INC-8", None, AT - 8 * DAY, Cover.WAITING),
            Undeclared("pagerduty/main", "Q7", None, AT - 7 * DAY, Cover.UNMATCHED),
            Undeclared("pagerduty/main", "unproved", None, AT - 6 * DAY, Cover.REFUSED),
        ],
    )
    assert [(each.name, each.cover, each.days(AT)) for each in found.lines] == [
        ("urn:pager/INC-9", Cover.UNDECLARED, 9),
        ("INC-8", Cover.WAITING, 8),
        ("pagerduty/main/Q7", Cover.UNMATCHED, 7),
        ("pagerduty/main/unproved", Cover.REFUSED, 6),
        ("INC-5", Cover.UNSIGNED, 5),
        ("INC-4", Cover.MERGED, 4),
        ("INC-3", Cover.MISSING, 3),
        ("INC-2", Cover.UNSIGNED, 2),
        ("INC-1", Cover.SIGNED, 1),
    ]
    assert [each.downgraded for each in found.lines] == [False] * 7 + [True, False]
    pager = "pagerduty/main"
    assert [each.pager for each in found.gaps] == [None, None, pager, pager, None, None, None]
    assert (found.covered, found.rate, len(found.gaps)) == (2, Fraction(2, 9), 7)
    assert ledger([]).rate is None
    more = ledger([major(2)], besides=3)
    assert (more.covered, more.total, more.rate, len(more.gaps)) == (3, 4, Fraction(3, 4), 1)


def test_a_signature_from_before_the_merger_covers_nothing_and_one_more_does() -> None:
    before, after = AT - 3 * DAY, AT - DAY
    target = major(1, signed_at=before, changes=(before - DAY,))
    early = major(5, merged_into=target.id, merged_at=before - DAY)
    late = major(6, merged_into=target.id, merged_at=before)
    through = major(7, merged_into=late.id, merged_at=before)
    missing = major(8, merged_into=target.id, merged_at=AT - 2 * DAY, postmortem_id=None)
    own = major(9, merged_into=target.id, merged_at=AT - 2 * DAY, signed_at=before)

    def covers(*incidents: MajorIncident) -> list[tuple[str, Cover, UUID | None]]:
        return [(each.name, each.cover, each.covered_by) for each in ledger(incidents).lines]

    merged = (early, late, through, missing, own)
    assert covers(target, *merged) == [
        ("INC-9", Cover.SIGNED, own.id),
        ("INC-8", Cover.MISSING, None),
        ("INC-7", Cover.UNSIGNED, None),
        ("INC-6", Cover.UNSIGNED, None),
        ("INC-5", Cover.MERGED, target.id),
        ("INC-1", Cover.SIGNED, target.id),
    ]
    known = {each.id: each for each in (target, *merged)}
    assert [owes_its_own(each, known) for each in (target, *merged)] == [True, False, True, True, True, True]

    again = replace(target, signed_at=after, frozen_at=after)
    unsigned = replace(target, signed_at=None, frozen_at=None)
    assert {cover for _, cover, _ in covers(again, early, late, through, missing)} == {
        Cover.SIGNED,
        Cover.MERGED,
    }
    assert {cover for _, cover, _ in covers(unsigned, late, missing)} == {Cover.UNSIGNED}
    assert not owes_its_own(late, {unsigned.id: unsigned, late.id: late})


def test_what_is_told_since_of_one_in_the_middle_of_the_way_is_a_gap_of_that_one_alone() -> None:
    frozen = AT - 3 * DAY
    last = major(1, signed_at=frozen, changes=(frozen - DAY,))
    middle = major(2, merged_into=last.id, merged_at=frozen - DAY, changes=(AT - DAY,))
    first = major(3, merged_into=middle.id, merged_at=frozen - DAY, changes=(frozen - 2 * DAY,))
    known = {each.id: each for each in (first, middle, last)}
    assert [owes_its_own(each, known) for each in known.values()] == [False, True, True]
    assert [(each.name, each.cover, each.covered_by) for each in ledger(known.values()).lines] == [
        ("INC-3", Cover.MERGED, last.id),
        ("INC-2", Cover.UNSIGNED, None),
        ("INC-1", Cover.SIGNED, last.id),
    ]


def test_it_is_owed_again_since_it_was_let_go_or_was_told_of_behind_the_document_that_covered_it() -> None:
    frozen = AT - 3 * DAY
    target = major(1, signed_at=frozen)
    undone = major(2, unmerged_at=AT - DAY)
    told = major(
        3, merged_into=target.id, merged_at=frozen - DAY, changes=(frozen - 9 * DAY, AT - 2 * DAY, AT)
    )
    never = major(4, merged_into=target.id, merged_at=frozen)
    covered = major(5, merged_into=target.id, merged_at=frozen - DAY)
    known = {each.id: each for each in (target, undone, told, never, covered)}
    assert [owed_again_at(each, known) for each in known.values()] == [
        None,
        AT - DAY,
        AT - 2 * DAY,
        None,
        None,
    ]
    opened = AT - 60 * DAY
    line = postmortem(declared_at=opened, opened_at=opened, again_at=AT - DAY)
    found = postmortem_addend(line, AT)
    assert found is not None
    assert (found.owed, found.since, found.due, found.late) == (
        Owed.UNSIGNED,
        opened,
        (AT + 13 * DAY).date(),
        False,
    )
    assert postmortem_addend(line, AT - 2 * DAY) is None


def test_what_was_merged_and_parted_again_has_two_weeks_anew_and_weighs_by_its_whole_age() -> None:
    """Opened 60 days ago, first due 46 ago, parted yesterday: seven weeks have begun since it was first due."""
    opened = AT - 60 * DAY
    line = postmortem(declared_at=opened, opened_at=opened, again_at=AT - DAY, parted=True)
    found = postmortem_addend(line, AT)
    assert found is not None
    assert (found.since, found.due, found.late) == (opened, (AT + 13 * DAY).date(), False)
    assert (found.weeks, found.points) == (7, 64)
    assert found.explanation == "8 × (1 + 7 weeks since it was first due) = 64"
    assert postmortem_addend(line, AT - DAY - timedelta(seconds=1)) is None, "another's covered it until then"
    late = postmortem_addend(line, AT + 13 * DAY)
    assert late is not None
    assert (late.late, late.weeks, late.explanation) == (True, 9, "8 × (1 + 9 weeks late) = 80")
    moments = [AT - 2 * DAY, AT - DAY, AT]
    assert trend((), [line], moments) == tuple((at, debt((), [line], at).points) for at in moments)
    assert [points for _, points in trend((), [line], moments)] == [0, 64, 64]
    young = replace(line, declared_at=AT - 5 * DAY, opened_at=AT - 5 * DAY)
    fresh = postmortem_addend(young, AT)
    assert fresh is not None
    assert (fresh.due, fresh.explanation) == ((AT + 13 * DAY).date(), "8 × 1 = 8")


def test_what_was_told_since_its_document_was_frozen_is_a_gap_of_that_age_and_a_new_version_closes_it() -> (
    None
):
    frozen, signed = AT - 4 * DAY, AT - 3 * DAY
    told = major(9, signed_at=signed, frozen_at=frozen, changes=(frozen, AT - 2 * DAY, AT - DAY))
    meanwhile = major(8, signed_at=signed, frozen_at=frozen, changes=(frozen + DAY / 2,))
    before = major(7, signed_at=signed, frozen_at=frozen, changes=(frozen,))
    merged = major(6, signed_at=signed, frozen_at=frozen, changes=(AT - DAY,), merged_into=UUID(int=5))
    target = major(5, signed_at=AT, changes=(frozen,))
    found = ledger([told, meanwhile, before, merged, target])
    assert [(each.name, each.cover, each.days(AT)) for each in found.lines] == [
        ("INC-7", Cover.SIGNED, 7),
        ("INC-6", Cover.MERGED, 6),
        ("INC-5", Cover.SIGNED, 5),
        ("INC-8", Cover.OUTDATED, 3),
        ("INC-9", Cover.OUTDATED, 2),
    ]
    assert [each.name for each in found.gaps] == ["INC-8", "INC-9"]
    again = replace(told, signed_at=AT, frozen_at=AT - DAY)
    assert [each.cover for each in ledger([again]).lines] == [Cover.SIGNED]


@given(st.data(), st.integers(1, 8))
def test_whatever_was_merged_into_whatever_each_line_is_covered_by_something_signed_or_a_named_gap(
    data: st.DataObject, count: int
) -> None:
    incidents = [
        major(
            number,
            merged_into=data.draw(st.none() | st.integers(1, count + 1).map(lambda each: UUID(int=each))),
            signed_at=data.draw(st.sampled_from([None, AT - 9 * DAY, AT])),
            changes=(data.draw(st.sampled_from([AT - 12 * DAY, AT - 6 * DAY])),),
            postmortem_id=data.draw(st.none() | st.just(UUID(int=100 + number))),
        )
        for number in range(1, count + 1)
    ]
    known = {each.id: each for each in incidents}

    found = ledger(incidents)

    assert {each.incident.id for each in found.lines if each.incident} == {each.id for each in incidents}
    for line in found.lines:
        assert line.cover.is_gap == (line.covered_by is None)
        if line.incident is None or line.covered_by is None:
            continue
        signed_at = known[line.covered_by].signed_at
        assert signed_at is not None
        changed_at = line.incident.changed_at
        assert signed_at >= changed_at if line.cover is Cover.SIGNED else signed_at > changed_at
        assert line.cover is Cover.SIGNED or not owes_its_own(line.incident, known)

"""No reminder is lost or doubled: across restarts, changes of zone and clocks, and moved due dates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import CheckConstraint, Table

from trust_portal.kernel.ids import new_id
from trust_portal.learning.actions.model import ActionType, PreventionAction, Step, StepAct
from trust_portal.learning.actions.reminders import Rung, Skip, next_rung, rung_times, unrecorded
from trust_portal.learning.actions.tables import escalation_acknowledgements, prevention_reminders
from trust_portal.learning.workplaces.calendar import WorkCalendar

BERLIN = WorkCalendar("DE", "BY", "Europe/Berlin")
START = datetime(2026, 3, 16, 12, tzinfo=UTC)


def test_the_rows_know_each_rung_and_take_note_of_those_that_escalate() -> None:
    def known(table: Table, name: str) -> str:
        [check] = [each for each in table.constraints if each.name == f"{table.name}_{name}_check"]
        assert isinstance(check, CheckConstraint)
        return str(check.sqltext)

    def within(rungs: Iterable[Rung]) -> str:
        return f"rung IN ({', '.join(repr(each.value) for each in rungs)})"

    assert known(prevention_reminders, "rung_is_known") == within(Rung)
    assert known(escalation_acknowledgements, "only_of_escalations") == within(
        each for each in Rung if each.escalates
    )


def test_the_rungs_come_on_mornings_of_business_days_also_when_the_clocks_change() -> None:
    # Summer time begins on Sunday 29 March; Good Friday is 3 April, Easter Monday 6 April.
    assert rung_times(date(2026, 3, 31), BERLIN) == {
        Rung.BEFORE: datetime(2026, 3, 26, 8, tzinfo=UTC),
        Rung.DUE: datetime(2026, 3, 31, 7, tzinfo=UTC),
        Rung.AFTER: datetime(2026, 4, 1, 7, tzinfo=UTC),
        Rung.MANAGER: datetime(2026, 4, 7, 7, tzinfo=UTC),
        Rung.PMO: datetime(2026, 4, 13, 7, tzinfo=UTC),
    }


def test_what_has_come_and_is_on_record_nowhere_is_due_in_its_order() -> None:
    due = date(2026, 3, 31)
    at = datetime(2026, 4, 1, 7, tzinfo=UTC)
    assert unrecorded(due, BERLIN, (), at - timedelta(seconds=1)) == (Rung.BEFORE, Rung.DUE)
    assert unrecorded(due, BERLIN, {Rung.BEFORE}, at) == (Rung.DUE, Rung.AFTER)
    assert unrecorded(due, BERLIN, set(Rung), at) == ()
    assert next_rung(due, BERLIN, {Rung.BEFORE}) == (Rung.DUE, datetime(2026, 3, 31, 7, tzinfo=UTC))
    assert next_rung(due, BERLIN, set(Rung)) is None


class Register:
    """An action's reminders by the rules of ``actions.recording`` and ``actions.reminding``, in memory."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, Rung, datetime, Skip | None]] = []
        self.dates: list[tuple[datetime, date]] = []
        self.ended_at: datetime | None = None
        self.calendar = BERLIN

    def known(self, ordinal: int) -> set[Rung]:
        return {rung for which, rung, _, _ in self.rows if which == ordinal}

    def put(self, at: datetime, skip: Skip | None) -> None:
        if self.dates:
            ordinal = len(self.dates)
            for rung in unrecorded(self.dates[-1][1], self.calendar, self.known(ordinal), at):
                self.rows.append((ordinal, rung, at, skip))

    def set(self, at: datetime, due: date, known_from: datetime | None = None) -> None:
        self.put(at, Skip.MOVED)
        self.dates.append((at, due))
        self.put(known_from or at, Skip.PAST)

    def end(self, at: datetime) -> None:
        self.put(at, Skip.ENDED)
        self.ended_at = at

    def round(self, at: datetime) -> None:
        if self.ended_at is None:
            self.put(at, None)


WAITS = st.timedeltas(timedelta(minutes=1), timedelta(days=9))
EVENTS = st.lists(
    st.tuples(
        WAITS,
        st.one_of(
            st.just("round"),
            st.just("round"),
            st.tuples(st.just("move"), st.integers(0, 25)),
            st.just("end"),
        ),
    ),
    max_size=25,
)


@settings(max_examples=300, deadline=None)
@given(EVENTS, st.timedeltas(timedelta(0), timedelta(days=40)))
def test_every_rung_of_every_date_that_stood_is_on_record_once_and_sent_if_anybody_could_send_it(
    events: list[tuple[timedelta, str | tuple[str, int]]], told_late_by: timedelta
) -> None:
    register, at = Register(), START + told_late_by
    register.set(at, BERLIN.shift(BERLIN.day_of(START), 5), known_from=START)
    rounds: list[datetime] = []
    for wait, what in events:
        if register.ended_at is not None:
            break
        at += wait
        if what == "round":
            rounds.append(at)
            register.round(at)
        elif what == "end":
            register.end(at)
        else:
            register.set(at, BERLIN.shift(BERLIN.day_of(at), what[1]))
    expected: dict[tuple[int, Rung], Skip | None] = {}
    for ordinal, (set_at, due) in enumerate(register.dates, start=1):
        last = ordinal == len(register.dates)
        until = register.ended_at if last else register.dates[ordinal][0]
        for rung, comes in rung_times(due, BERLIN).items():
            if comes <= (START if ordinal == 1 else set_at):
                expected[ordinal, rung] = Skip.PAST
            elif any(comes <= each and (until is None or each < until) for each in rounds):
                expected[ordinal, rung] = None
            elif until is not None and comes <= until:
                expected[ordinal, rung] = Skip.ENDED if last else Skip.MOVED
    assert {(ordinal, rung): skip for ordinal, rung, _, skip in register.rows} == expected
    assert max(Counter((row[0], row[1]) for row in register.rows).values(), default=1) == 1


#: Around the changes of clocks of 2026, also where one comes at midnight, and across the date line.
MIDNIGHTS = st.sampled_from(
    [
        "Europe/Berlin",
        "America/New_York",
        "America/Havana",
        "Africa/Cairo",
        "Pacific/Kiritimati",
        "Pacific/Niue",
    ]
)


@settings(max_examples=300, deadline=None)
@given(MIDNIGHTS, st.lists(st.tuples(MIDNIGHTS, st.dates(date(2026, 3, 1), date(2026, 11, 30))), min_size=1))
def test_a_due_day_ends_by_the_clock_of_where_its_owner_worked_when_it_was_set_whatever_zone_was_planned(
    planned: str, dates: list[tuple[str, date]]
) -> None:
    """No second that the clocks there count to the day itself is overdue, and the next one is."""
    steps = tuple(
        Step(ordinal, StepAct.MOVE if ordinal > 1 else StepAct.BEGIN, START, new_id(), "x", new_id(), due, time_zone=zone)
        for ordinal, (zone, due) in enumerate(dates, start=1)
    )  # fmt: skip
    action = PreventionAction(
        new_id(), new_id(), new_id(), "Cap it", ActionType.PREVENT, new_id(), "Olga", 5, WorkCalendar(time_zone=planned),
        None, START, "Ivo", new_id(), steps,
    )  # fmt: skip
    (first, agreed), (last, due) = dates[0], dates[-1]

    def last_second(zone: str, day: date) -> datetime:
        """Counted back from three in the morning after, quarter by quarter."""
        at = datetime.combine(day + timedelta(days=1), time(3), ZoneInfo(zone)).astimezone(UTC)
        while at.astimezone(ZoneInfo(zone)).date() > day:
            at -= timedelta(minutes=15)
        return at + timedelta(minutes=15) - timedelta(seconds=1)

    for zone, day, is_over in ((last, due, action.is_overdue), (first, agreed, action.is_past_agreed)):
        end = last_second(zone, day)
        assert [is_over(end), is_over(end + timedelta(seconds=1))] == [False, True]
    end = last_second(last, due)
    assert [action.days_overdue(end + timedelta(seconds=each)) for each in (0, 1)] == [0, 1]
    came = rung_times(due, WorkCalendar(time_zone=last))
    assert came[Rung.DUE] <= end < came[Rung.AFTER]


ZONES = st.sampled_from(
    ["Europe/Berlin", "America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kolkata", "Pacific/Pago_Pago"]
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.timedeltas(timedelta(hours=1), timedelta(days=3)), ZONES), max_size=20), st.data()
)
def test_whoever_travels_is_reminded_of_each_rung_once_and_of_all_of_them(
    journey: list[tuple[timedelta, str]], data: st.DataObject
) -> None:
    register, at = Register(), START
    register.set(at, date(2026, 3, 31))
    for wait, zone in journey:
        at += wait
        if data.draw(st.booleans()):
            register.round(at)
        register.calendar = WorkCalendar("DE", "BY", zone)
        register.round(at)
    register.round(START + timedelta(days=90))
    sent = Counter(rung for _, rung, _, skip in register.rows if skip is None)
    assert sent == Counter(dict.fromkeys(Rung, 1))

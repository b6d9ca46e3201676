"""Incident debt: what is still owed after incidents, as one number of which every part can be looked at. Pure.

Each thing owed adds points: a weight by the worst severity its incident ever had, times one, and one more for
each week that has begun since it was due and for each time its due date was moved. What was merged and goes on by
itself again has a new term, but is not younger for it: its weeks count from when it was first due. Nothing is capped or
smoothed, so that the number is the sum of its addends, and tomorrow's can be foretold from today's.

The trend is the same calculation for past moments, over the rows as they stood then: nothing is stored for it.
Severities are the worst known today, for what was hidden then was owed then too.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import accumulate
from types import MappingProxyType
from typing import Final, NamedTuple
from uuid import UUID

from trust_portal.learning.incidents.model import Severity
from trust_portal.learning.switchboard.coverage import Undeclared
from trust_portal.learning.switchboard.model import (
    ActionLine,
    DateSet,
    Grouping,
    PostmortemLine,
    Span,
    Whose,
)

#: Points by severity: a step is twice as much, as with the money that is lost.
WEIGHTS: Final[Mapping[Severity, int]] = MappingProxyType(
    {Severity.P1: 8, Severity.P2: 4, Severity.P3: 2, Severity.P4: 1}
)
#: How long a postmortem may take, from the declaration of its incident to the signature; and another version of it,
#: from the first fact that it has not.
POSTMORTEM_TERM: Final = timedelta(days=14)
#: What is not even begun weighs twice.
_MISSING: Final = 2
_WEEK: Final = timedelta(days=7)
#: What a filter names; without a team, nothing.
_KEYS: Final[Mapping[Grouping, Callable[[Whose], str]]] = MappingProxyType(
    {
        Grouping.SERVICE: lambda whose: whose.service,
        Grouping.TEAM: lambda whose: whose.team or "",
        Grouping.OWNER: lambda whose: whose.owner_key,
        Grouping.SEVERITY: lambda whose: whose.severity.value,
    }
)


#: Where the key is empty.
_NAMELESS: Final[Mapping[Grouping, str]] = MappingProxyType(
    {Grouping.SERVICE: "Not known", Grouping.TEAM: "No team"}
)


class Owed(StrEnum):
    """What is owed. A gap in what is known of an incident is a postmortem that is missing, too.

    ``OUTDATED``: the next version of a postmortem that is signed, where facts came in since. It is unsigned, too.
    """

    ACTION = "action"
    UNSIGNED = "unsigned"
    OUTDATED = "outdated"
    MISSING = "missing"

    @property
    def is_unsigned(self) -> bool:
        return self is Owed.UNSIGNED or self is Owed.OUTDATED


_TIMES: Final[Mapping[Owed, int]] = MappingProxyType(
    {Owed.UNSIGNED: 1, Owed.OUTDATED: 1, Owed.MISSING: _MISSING}
)


# A tuple, like the lines it comes from: thousands of them are made for one look at the board.
class Addend(NamedTuple):
    """One part of the debt. ``points`` = ``weight`` × (1 + ``weeks`` late + ``moves``).

    Not ``late`` and ``weeks`` all the same: it was due before it was merged, and has a new term since that was undone.
    ``id`` is that of the action, or of the incident whose postmortem is owed; of a ``gap`` its own. ``due`` None: no
    date yet.
    """

    owed: Owed
    id: UUID
    title: str
    whose: Whose
    since: datetime
    due: date | None
    late: bool
    weight: int
    weeks: int
    moves: int
    gap: Undeclared | None = None

    @property
    def points(self) -> int:
        return self.weight * (1 + self.weeks + self.moves)

    @property
    def explanation(self) -> str:
        """``8 × (1 + 2 weeks late + 1 move) = 32``."""
        parts = ["1"]
        if self.weeks:
            since = "late" if self.late else "since it was first due"
            parts.append(f"{self.weeks} {'week' if self.weeks == 1 else 'weeks'} {since}")
        if self.moves:
            parts.append(f"{self.moves} {'move' if self.moves == 1 else 'moves'}")
        inner = " + ".join(parts)
        return f"{self.weight} × {f'({inner})' if len(parts) > 1 else inner} = {self.points}"


@dataclass(frozen=True, slots=True)
class Group:
    """What one service, team, owner or severity owes. ``key`` is what a filter names."""

    key: str
    name: str
    points: int
    actions: int
    overdue: int
    unsigned: int
    missing: int


@dataclass(frozen=True, slots=True)
class Debt:
    """All that is owed at one moment, the heaviest first."""

    at: datetime
    addends: tuple[Addend, ...]
    points: int = field(init=False)
    open: int = field(init=False)
    overdue: int = field(init=False)
    unsigned: int = field(init=False)
    missing: int = field(init=False)

    def __post_init__(self) -> None:
        kinds = Counter([(each.owed, each.late) for each in self.addends])
        figures = {
            "points": sum([each.points for each in self.addends]),
            "open": sum(count for (owed, _), count in kinds.items() if owed is Owed.ACTION),
            "overdue": kinds[Owed.ACTION, True],
            "unsigned": sum(count for (owed, _), count in kinds.items() if owed.is_unsigned),
            "missing": sum(count for (owed, _), count in kinds.items() if owed is Owed.MISSING),
        }
        for name, figure in figures.items():
            object.__setattr__(self, name, figure)


def action_addend(line: ActionLine, at: datetime) -> Addend | None:
    """What an action adds at ``at``; None before it was planned and from its end on."""
    standing = _action_at(line, at)
    if standing is None:
        return None
    last, weeks, moves = standing
    return Addend(
        owed=Owed.ACTION,
        id=line.id,
        title=line.title,
        whose=line.whose,
        since=line.created_at,
        due=None if last is None else last.due,
        late=weeks > 0,
        weight=WEIGHTS[line.whose.severity],
        weeks=weeks,
        moves=moves,
    )


def postmortem_addend(line: PostmortemLine, at: datetime) -> Addend | None:
    """What a postmortem adds at ``at`` that is not signed, or not with all that was told; a missing one was due at once."""
    standing = _postmortem_at(line, at)
    if standing is None:
        return None
    owed, since, due_at, weeks = standing
    return Addend(
        owed=owed,
        id=line.incident_id,
        title=line.title,
        whose=line.whose,
        since=since,
        due=due_at.date(),
        late=at >= due_at,
        weight=WEIGHTS[line.whose.severity] * _TIMES[owed],
        weeks=weeks,
        moves=0,
    )


def gap_addend(gap: Undeclared, at: datetime) -> Addend | None:
    """What may be a P1 or P2 that nobody declared adds at ``at``: its postmortem is missing, and was due at once."""
    if gap.first_at > at:
        return None
    return Addend(
        owed=Owed.MISSING,
        id=gap.id,
        title=gap.name,
        whose=gap.whose,
        since=gap.first_at,
        due=gap.first_at.date(),
        late=True,
        weight=WEIGHTS[gap.whose.severity] * _MISSING,
        weeks=_weeks_begun(at - gap.first_at),
        moves=0,
        gap=gap,
    )


def _action_at(line: ActionLine, at: datetime) -> tuple[DateSet | None, int, int] | None:
    """The due date that stood, weeks late and moves so far; None where nothing was owed."""
    if line.created_at > at or (line.ended_at is not None and line.ended_at <= at):
        return None
    last, moves = None, -1
    for each in line.dates:
        if each.at > at:
            break
        last, moves = each, moves + 1
    return last, 0 if last is None else _weeks_begun(at - last.over_at), line.moves_before + max(moves, 0)


def _postmortem_at(line: PostmortemLine, at: datetime) -> tuple[Owed, datetime, datetime, int] | None:
    """What was owed, since when, when it is due, weeks since it was first; None where nothing was."""
    if line.owed_since > at:
        return None
    owed, since = Owed.MISSING if line.opened_at is None else Owed.UNSIGNED, line.declared_at
    term = timedelta(0) if owed is Owed.MISSING else POSTMORTEM_TERM
    due_at, first_due_at = line.owed_since + term, line.aged_since + term
    if line.signed_at is not None and line.signed_at <= at:
        found = [each for each in line.outdated if each.start <= at and (each.end is None or at < each.end)]
        if not found:
            return None
        owed, since = Owed.OUTDATED, found[0].since
        due_at = first_due_at = found[0].since + POSTMORTEM_TERM
    return owed, since, due_at, _weeks_begun(at - first_due_at)


def debt(
    actions: Iterable[ActionLine],
    postmortems: Iterable[PostmortemLine],
    at: datetime,
    gaps: Iterable[Undeclared] = (),
) -> Debt:
    """Everything owed at ``at``."""
    found = [each for line in actions if (each := action_addend(line, at)) is not None]
    found += [each for line in postmortems if (each := postmortem_addend(line, at)) is not None]
    found += [each for gap in gaps if (each := gap_addend(gap, at)) is not None]
    found.sort(key=lambda each: (-each.points, each.since, each.id))
    return Debt(at, tuple(found))


def trend(
    spans: Iterable[Span],
    postmortems: Iterable[PostmortemLine],
    moments: Sequence[datetime],
    gaps: Iterable[Undeclared] = (),
) -> tuple[tuple[datetime, int], ...]:
    """The points at each of ``moments``, which ascend: those of ``debt``, without the names of its parts.

    ``spans`` of ``moments`` stand for the actions; where there are any, the moments are a week apart.
    """
    points = _of_actions(spans, moments)
    for postmortem in postmortems:
        weight = WEIGHTS[postmortem.whose.severity]
        first, last = bisect_left(moments, postmortem.owed_since), len(moments)
        if postmortem.signed_at is not None and not postmortem.outdated:
            last = bisect_left(moments, postmortem.signed_at)
        for index in range(first, last):
            if (owed := _postmortem_at(postmortem, moments[index])) is not None:
                points[index] += weight * _TIMES[owed[0]] * (1 + owed[3])
    for gap in gaps:
        for index in range(bisect_left(moments, gap.first_at), len(moments)):
            weeks_late = _weeks_begun(moments[index] - gap.first_at)
            points[index] += WEIGHTS[gap.whose.severity] * _MISSING * (1 + weeks_late)
    return tuple(zip(moments, points, strict=True))


def _of_actions(spans: Iterable[Span], moments: Sequence[datetime]) -> list[int]:
    """What is late is a week later at the next moment: of thousands of spans those count together that began alike."""
    steps = [0] * (len(moments) + 1)
    late: defaultdict[int, list[int]] = defaultdict(lambda: [0] * len(steps))
    weeks: dict[datetime, int] = {}
    for severity, first, last, moves, over_at, actions in spans:
        weight = WEIGHTS[severity] * actions
        steps[first] += weight * (1 + moves)
        steps[last] -= weight * (1 + moves)
        if over_at is None:
            continue
        if (begun := weeks.get(over_at)) is None:
            begun = weeks[over_at] = (moments[0] - over_at) // _WEEK + 1
        late[begun][first] += weight
        late[begun][last] -= weight
    points = list(accumulate(steps))[:-1]
    for begun, weights in late.items():
        for index, weight in enumerate(accumulate(weights[:-1])):
            points[index] += weight * max(begun + index, 0)
    return points


def grouped(addends: Iterable[Addend]) -> Mapping[Grouping, tuple[Group, ...]]:
    """What each owes, the heaviest first; without a team of its own, by the empty key."""
    # Most share theirs with others: to tell by identity first spares looking into each, four times.
    shared: dict[int, tuple[Whose, list[int]]] = {}
    for each in addends:
        _, figures = shared.setdefault(id(each.whose), (each.whose, [0] * 5))
        figures[0] += each.points
        if each.owed is Owed.ACTION:
            figures[1] += 1
            figures[2] += each.late
        else:
            figures[3 if each.owed.is_unsigned else 4] += 1
    return {by: _groups(shared.values(), by) for by in Grouping}


def _groups(parts: Iterable[tuple[Whose, list[int]]], by: Grouping) -> tuple[Group, ...]:
    sums: dict[str, list[int]] = {}
    names: dict[str, str] = {}
    for whose, figures in parts:
        key = _KEYS[by](whose)
        if key not in sums:
            sums[key] = figures
            names[key] = whose.owner if by is Grouping.OWNER else key or _NAMELESS[by]
        else:
            sums[key] = [sum(pair) for pair in zip(sums[key], figures, strict=True)]
    groups = [Group(key, names[key], *found) for key, found in sums.items()]
    return tuple(sorted(groups, key=lambda each: (-each.points, each.name, each.key)))


def _weeks_begun(over: timedelta) -> int:
    """0 before it is late; 1 from then on through the first week."""
    return 0 if over < timedelta(0) else over // _WEEK + 1

"""What the Switchboard counts of actions, line by line: the plain reading, beside which its statements are held."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from trust_portal.learning.actions.model import ActionState
from trust_portal.learning.switchboard.model import ActionLine, AgreedDay, Span


def spans_of(lines: Iterable[ActionLine], moments: Sequence[datetime]) -> list[Span]:
    """From one date to the next, and to the end if there was one; counted where alike."""
    found: Counter[Span] = Counter()
    for line in lines:
        end = line.ended_at or datetime.max.replace(tzinfo=UTC)
        edges = [line.created_at, *(each.at for each in line.dates), end]
        for moves, (since, until) in enumerate(pairwise(edges), start=-1):
            span = Span(
                severity=line.whose.severity,
                first=bisect_left(moments, since),
                last=bisect_left(moments, min(until, end)),
                moves=line.moves_before + max(moves, 0),
                over_at=None if moves < 0 else line.dates[moves].over_at,
                actions=0,
            )
            if span.first < span.last:
                found[span] += 1
    return [span._replace(actions=count) for span, count in found.items()]


class Owing(NamedTuple):
    """One part of the debt: its points, until when it was due, and whether that is over."""

    points: int
    due: date | None
    late: bool


def owed_at(lines: Iterable[ActionLine], at: datetime) -> dict[tuple[str, UUID], Owing]:
    """By what is owed and its id: each action that is open, and of each P1 and P2 the postmortem that nobody began.

    As docs/switchboard.md says it: the weight, times one, and one more for each week begun since it was due and for each
    move. Each line's incident was declared when the line was planned.
    """
    found: dict[tuple[str, UUID], Owing] = {}
    for line in lines:
        severity = line.whose.severity.value
        weight = {"P1": 8, "P2": 4, "P3": 2, "P4": 1}[severity]
        if at < line.created_at:
            continue
        if line.ended_at is None or at < line.ended_at:
            set_by_then = [each for each in line.dates if each.at <= at]
            moves = line.moves_before + max(len(set_by_then) - 1, 0)
            due, weeks = None, 0
            if set_by_then:
                due, weeks = set_by_then[-1].due, _weeks_begun(at, set_by_then[-1].over_at)
            found["action", line.id] = Owing(weight * (1 + weeks + moves), due, weeks > 0)
        if severity in {"P1", "P2"}:
            points = 2 * weight * (1 + _weeks_begun(at, line.created_at))
            found["missing", line.incident_id] = Owing(points, line.created_at.date(), late=True)
    return found


def _weeks_begun(at: datetime, over_at: datetime) -> int:
    weeks = 0
    while over_at + timedelta(weeks=weeks) <= at:
        weeks += 1
    return weeks


def agreed_of(
    lines: Iterable[ActionLine], before: Mapping[UUID, datetime] = MappingProxyType({})
) -> list[AgreedDay]:
    """By the day that was agreed first: ``before``, when that of what they replace is over."""
    days: dict[datetime, list[ActionLine]] = defaultdict(list)
    for line in lines:
        if line.dates and line.state not in {ActionState.SUPERSEDED, ActionState.WITHDRAWN}:
            days[before.get(line.id, line.dates[0].over_at)].append(line)
    return [
        AgreedDay(
            over_at,
            len(agreed),
            tuple(each.ended_at for each in agreed if each.state is ActionState.DONE and each.ended_at),
        )
        for over_at, agreed in days.items()
    ]

"""What the Switchboard counts of actions, line by line: the plain reading, beside which its statements are held."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from types import MappingProxyType
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

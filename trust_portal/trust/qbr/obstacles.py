"""What stands in a draft's way, and from when on: kept beside it, so that a list says what its page says without opening it.
Pure.

A section's age is judged when it is said (``ageing``). But when that will be is known when it is gathered, and so is
which sections follow from which. What is left out stands in nobody's way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

from trust_portal.kernel.canonical import Json
from trust_portal.kernel.clock import rfc3339
from trust_portal.trust.gathering.ids import SLA
from trust_portal.trust.qbr.gathering.inputs import names_overtaken
from trust_portal.trust.qbr.gathering.outcome import TOLD_FROM
from trust_portal.trust.qbr.ids import INPUTS, OUTCOME, RECOMMENDATIONS, USAGE
from trust_portal.trust.qbr.model import Obstacle
from trust_portal.trust.sections.model import Section, State


def obstacles_of(sections: Sequence[Section], period_end: datetime) -> tuple[Obstacle, ...]:
    """Of a draft of today's format, of a period that ends at ``period_end``."""
    found = [one for each in sections if each.id != OUTCOME for one in _of(each, period_end)]
    taken = [
        Obstacle(OUTCOME, each.told_from, each.until)
        for each in found
        if each.section in TOLD_FROM and any(one.id == OUTCOME for one in sections)
    ]
    return (*found, *taken)


def in_the_way(obstacles: Iterable[Obstacle], at: datetime, left_out: Collection[str] = ()) -> frozenset[str]:
    """The sections that are stale or missing at the moment ``at``, of those that go out."""
    return frozenset(
        each.section
        for each in obstacles
        if (each.until is None or each.until < at)
        and each.section not in left_out
        and each.told_from not in left_out
    )


def obstacles_json(obstacles: Iterable[Obstacle]) -> list[Json]:
    return [
        [each.section, each.told_from, None if each.until is None else rfc3339(each.until)]
        for each in obstacles
    ]


def obstacles_in(rows: Iterable[Sequence[str | None]]) -> tuple[Obstacle, ...]:
    """What ``obstacles_json`` wrote."""
    return tuple(
        Obstacle(str(section), str(told_from), None if until is None else datetime.fromisoformat(until))
        for section, told_from, until in rows
    )


def _of(section: Section, period_end: datetime) -> Iterator[Obstacle]:
    """``outcome`` has none of its own."""
    if section.state is State.NOT_APPLICABLE:
        return
    if section.id == INPUTS and names_overtaken(section):
        yield Obstacle(INPUTS, SLA, None)
    # What the review rests on is as old as its Trust Report, whatever else is the matter with it.
    blocks = section.state.blocks and section.id != INPUTS
    until = None if blocks or section.as_of is None else section.as_of + section.max_age
    # What happens after the period can make nothing of its usage older, nor of what is told from that alone.
    if until is None or section.id not in {USAGE, RECOMMENDATIONS} or until < period_end:
        yield Obstacle(section.id, section.id, until)

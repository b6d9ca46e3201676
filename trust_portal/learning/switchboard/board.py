"""The Switchboard put together from its lines, at one moment and for one filter. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import nsmallest
from typing import Final

from trust_portal.learning.switchboard.completion import Completion, completion
from trust_portal.learning.switchboard.coverage import Ledger, MajorIncident, Undeclared, ledger
from trust_portal.learning.switchboard.debt import Addend, Debt, Group, Owed, debt, grouped, trend
from trust_portal.learning.switchboard.model import (
    NO_SERVICE,
    ActionLine,
    AgreedDay,
    BoardFilter,
    Grouping,
    PostmortemLine,
    Span,
)

#: Of how many weeks the trend is shown, today's number included.
WEEKS: Final = 13
#: How far back rows are needed: for the trend, and for what was agreed.
LOOK_BACK: Final = timedelta(weeks=WEEKS)


@dataclass(frozen=True, slots=True)
class Lines:
    """Everything the Switchboard is made from: what was owed at any time within ``LOOK_BACK``, and all majors.

    ``actions`` are those that are open, each with the due date that stands. What they were, and those that have
    ended, counts in ``spans`` (of ``past_moments``), all that were begun in ``agreed``: these three of what the filter
    keeps. ``belong`` names to whom all of them belong, whatever the filter. ``signed_before``: of so many more majors
    that the filter keeps the postmortem had been signed by then.
    """

    actions: Sequence[ActionLine]
    postmortems: Sequence[PostmortemLine]
    majors: Sequence[MajorIncident]
    undeclared: Sequence[Undeclared]
    signed_before: int = 0
    spans: Sequence[Span] = ()
    agreed: Sequence[AgreedDay] = ()
    belong: Sequence[tuple[Grouping, str, str]] = ()


@dataclass(frozen=True, slots=True)
class Board:
    """Everything of what the filter, ``wanted``, keeps; ``choices`` of everything."""

    at: datetime
    debt: Debt
    trend: tuple[tuple[datetime, int], ...]
    completion: Completion
    groups: Mapping[Grouping, tuple[Group, ...]]
    ledger: Ledger
    wanted: BoardFilter
    choices: Mapping[Grouping, tuple[tuple[str, str], ...]]

    @property
    def dated(self) -> int:
        """How many open actions have a due date, and postmortems that are owed."""
        return sum(_is_awaited(each) for each in self.debt.addends)

    def due_next(self, first: int) -> Sequence[Addend]:
        """The ``first`` open actions and unsigned postmortems by their due date, what is late first."""
        dated = [(each.due, -each.points, each.id, each) for each in self.debt.addends if _is_awaited(each)]
        return [each for *_, each in nsmallest(first, dated)]


def _is_awaited(addend: Addend) -> bool:
    """Whether it has a day yet; what is missing was due at once, and stands among the gaps."""
    return addend.due is not None and addend.owed is not Owed.MISSING


def past_moments(at: datetime) -> Sequence[datetime]:
    """Of which the trend is shown beside ``at``, the oldest first."""
    return [at - timedelta(weeks=week) for week in reversed(range(1, WEEKS))]


def board(lines: Lines, wanted: BoardFilter, at: datetime) -> Board:
    """Everything as it stood at ``at``."""
    postmortems = [each for each in lines.postmortems if wanted.keeps(each.whose)]
    gaps = [each for each in lines.undeclared if wanted.keeps(each.whose)]
    actions = (
        lines.actions if wanted.keeps_all else [each for each in lines.actions if wanted.keeps(each.whose)]
    )
    owed = debt(actions, postmortems, at, gaps)
    return Board(
        at=at,
        debt=owed,
        trend=(*trend(lines.spans, postmortems, past_moments(at), gaps), (at, owed.points)),
        completion=completion(lines.agreed, at),
        groups=grouped(owed.addends),
        ledger=ledger(lines.majors, lines.undeclared, lines.signed_before).kept(wanted),
        wanted=wanted,
        choices=_choices(lines),
    )


def _choices(lines: Lines) -> dict[Grouping, tuple[tuple[str, str], ...]]:
    """What a filter may name, with how it is called."""
    found: dict[Grouping, set[tuple[str, str]]] = {by: set() for by in Grouping}
    for by, key, name in lines.belong:  # nothing but a service may be empty
        found[by].add((key or NO_SERVICE, name or "Not known"))
    for each in {line.whose for part in (lines.postmortems, lines.undeclared) for line in part}:
        found[Grouping.SERVICE].add((each.service or NO_SERVICE, each.service or "Not known"))
        found[Grouping.OWNER].add((each.owner_key, each.owner))
        found[Grouping.SEVERITY].add((each.severity.value, each.severity.value))
        if each.team:
            found[Grouping.TEAM].add((each.team, each.team))
    return {
        by: tuple(sorted(pairs, key=lambda pair: (pair[1].casefold(), pair[0])))
        for by, pairs in found.items()
    }

"""The Switchboard put together from its lines, at one moment and for one filter. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from trust_portal.learning.switchboard.completion import Completion, completion
from trust_portal.learning.switchboard.coverage import Ledger, MajorIncident, Undeclared, ledger
from trust_portal.learning.switchboard.debt import Addend, Debt, Group, Owed, debt, grouped, trend
from trust_portal.learning.switchboard.model import ActionLine, BoardFilter, Grouping, PostmortemLine, Whose

#: Of how many weeks the trend is shown, today's number included.
WEEKS: Final = 13
#: How far back rows are needed: for the trend, and for what was agreed.
LOOK_BACK: Final = timedelta(weeks=WEEKS)


@dataclass(frozen=True, slots=True)
class Lines:
    """Everything the Switchboard is made from: what was owed at any time within ``LOOK_BACK``, and all majors.

    ``signed_before``: of so many more majors the postmortem had been signed by then.
    """

    actions: Sequence[ActionLine]
    postmortems: Sequence[PostmortemLine]
    majors: Sequence[MajorIncident]
    undeclared: Sequence[Undeclared]
    signed_before: int = 0


@dataclass(frozen=True, slots=True)
class Board:
    """``debt``, ``trend``, ``completion`` and ``groups`` of what the filter keeps; ``ledger`` of everything."""

    at: datetime
    debt: Debt
    trend: tuple[tuple[datetime, int], ...]
    completion: Completion
    groups: Mapping[Grouping, tuple[Group, ...]]
    ledger: Ledger
    choices: Mapping[Grouping, tuple[tuple[str, str], ...]]

    @property
    def due_next(self) -> tuple[Addend, ...]:
        """Open actions by their due date, what is late first."""
        dated = [each for each in self.debt.addends if each.owed is Owed.ACTION and each.due is not None]
        return tuple(sorted(dated, key=lambda each: (str(each.due), -each.points, each.id)))


def board(lines: Lines, wanted: BoardFilter, at: datetime) -> Board:
    """Everything as it stood at ``at``."""
    actions = [each for each in lines.actions if wanted.keeps(each.whose)]
    postmortems = [each for each in lines.postmortems if wanted.keeps(each.whose)]
    owed = debt(actions, postmortems, at)
    moments = [at - timedelta(weeks=week) for week in reversed(range(1, WEEKS))]
    return Board(
        at=at,
        debt=owed,
        trend=(*trend(actions, postmortems, moments), (at, owed.points)),
        completion=completion(actions, at),
        groups={by: grouped(owed.addends, by) for by in Grouping},
        ledger=ledger(lines.majors, lines.undeclared, lines.signed_before),
        choices=_choices(lines),
    )


def _choices(lines: Lines) -> dict[Grouping, tuple[tuple[str, str], ...]]:
    """What a filter may name, with how it is called."""
    # Most lines share theirs with others: to tell by identity first spares looking into each.
    shared = {id(each.whose): each.whose for part in (lines.actions, lines.postmortems) for each in part}
    whose = set(shared.values())

    def sorted_by_name(pairs: set[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        return tuple(sorted(pairs, key=lambda pair: (pair[1].casefold(), pair[0])))

    def name(each: Whose) -> tuple[str, str]:
        return each.owner_key, each.owner

    return {
        Grouping.SERVICE: sorted_by_name({(each.service, each.service) for each in whose}),
        Grouping.TEAM: sorted_by_name({(each.team, each.team) for each in whose if each.team}),
        Grouping.OWNER: sorted_by_name({name(each) for each in whose}),
        Grouping.SEVERITY: sorted_by_name({(each.severity.value, each.severity.value) for each in whose}),
    }

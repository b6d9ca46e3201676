"""What the Switchboard reads, and how it is asked."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from trust_portal.errors import InvalidInput
from trust_portal.kernel.names import is_readable
from trust_portal.learning.actions.model import ActionState
from trust_portal.learning.incidents.model import Severity

NOUN = "Switchboard"
#: In an address, for what belongs to no team.
NO_TEAM = "-"
#: In an address, for what nobody knows the service of.
NO_SERVICE = "-"


@lru_cache(maxsize=4096)
def _written(id_: UUID) -> str:
    return str(id_)


class Grouping(StrEnum):
    """By what debts are added up."""

    SERVICE = "service"
    TEAM = "team"
    OWNER = "owner"
    SEVERITY = "severity"


@dataclass(frozen=True, slots=True)
class Whose:
    """Where something belongs. ``owner`` is a name; ``owner_id`` None: told by a system, and nobody known here."""

    severity: Severity
    service: str
    team: str | None
    owner: str
    owner_id: UUID | None

    @property
    def owner_key(self) -> str:
        """What a filter names: the person's id, or else the name as it was told."""
        return self.owner if self.owner_id is None else _written(self.owner_id)


# Tuples: thousands of these two are made for one look at the board, and they are made several times as fast.
class DateSet(NamedTuple):
    """A due date: ``due`` from ``at`` on, until the next; ``over_at`` is when that day ends for its owner."""

    at: datetime
    due: date
    over_at: datetime


class ActionLine(NamedTuple):
    """A prevention action as the Switchboard adds it up. ``dates`` in the order in which they were set.

    ``moves_before``: how often the date was moved of what it replaces, and to its own.
    """

    id: UUID
    title: str
    incident_id: UUID
    whose: Whose
    created_at: datetime
    dates: tuple[DateSet, ...]
    state: ActionState
    ended_at: datetime | None
    moves_before: int = 0


class Span(NamedTuple):
    """What actions were alike for a while, as far as the trend goes.

    Of its moments these ``actions`` were owed from ``first`` until before ``last``; due by the day that is over at
    ``over_at`` (None: no date yet), which had been moved ``moves`` times.
    """

    severity: Severity
    first: int
    last: int
    moves: int
    over_at: datetime | None
    actions: int


class AgreedDay(NamedTuple):
    """The ``agreed`` actions of which the first due day is over at ``over_at``; ``done``: when of them which ended.

    Without those in whose place another counts, and those that were never promised.
    """

    over_at: datetime
    agreed: int
    done: tuple[datetime, ...]


class Outdated(NamedTuple):
    """From ``start`` until before ``end`` (None: still) a version was signed that has not what came in from ``since`` on."""

    since: datetime
    start: datetime
    end: datetime | None


def first_after(changes: Sequence[datetime], moment: datetime) -> datetime | None:
    """The first of ``changes``, which ascend."""
    if not changes or changes[-1] <= moment:
        return None
    return changes[bisect_right(changes, moment)]


def outdated_for(
    versions: Sequence[tuple[datetime, datetime]], changes: Sequence[datetime]
) -> tuple[Outdated, ...]:
    """When the newest of ``versions`` (signed, of when its facts are) had not all of ``changes``; both in order."""
    found = []
    ends = [signed_at for signed_at, _ in versions[1:]]
    for (signed_at, frozen_at), end in zip(versions, [*ends, None], strict=True):
        since = first_after(changes, frozen_at)
        if since is not None and (end is None or since < end):
            found.append(Outdated(since, max(since, signed_at), end))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class PostmortemLine:
    """The postmortem that a P1 or P2 owes. ``opened_at`` None: there is none; ``signed_at``: first signed.

    ``again_at``: since when it is owed again after another's covered it; ``parted``: because that merger was undone.
    ``outdated``: when it was signed and had not all that it had to say, in order; the last may go on.
    """

    incident_id: UUID
    postmortem_id: UUID | None
    title: str
    whose: Whose
    declared_at: datetime
    opened_at: datetime | None
    signed_at: datetime | None
    outdated: tuple[Outdated, ...] = ()
    again_at: datetime | None = None
    parted: bool = False

    def owed_after(self, moment: datetime) -> bool:
        """Whether it is owed, or was at any time after ``moment``."""
        if self.signed_at is None or self.signed_at > moment:
            return True
        return bool(self.outdated) and (self.outdated[-1].end is None or self.outdated[-1].end > moment)

    @property
    def owed_since(self) -> datetime:
        """Since there is one to write: before somebody raised it to a P1 or P2 nobody owed any; nor, of what is not
        signed, while it was merged and another's covered it.
        """
        if self.again_at is None or self.signed_at is not None:
            return self.owed_first
        return max(self.owed_first, self.again_at)

    @property
    def owed_first(self) -> datetime:
        """Since when it was first to be written, whatever covered it meanwhile."""
        return self.opened_at or self.declared_at

    @property
    def aged_since(self) -> datetime:
        """From when its weeks count: merged and parted again it is as old as it was, and begins only its term anew."""
        return self.owed_first if self.parted else self.owed_since


@dataclass(frozen=True, slots=True)
class BoardFilter:
    """Which part of the debt and of the ledger; ``None`` asks for all. ``owner`` is a ``Whose.owner_key``.

    ``team`` empty: of none; ``service`` empty: not known.
    """

    service: str | None = None
    team: str | None = None
    owner: str | None = None
    severity: Severity | None = None

    @property
    def query(self) -> str:
        """As it stands in the address of the page."""
        named = {
            "service": NO_SERVICE if self.service == "" else self.service,
            "team": NO_TEAM if self.team == "" else self.team,
            "owner": self.owner,
            "severity": None if self.severity is None else self.severity.value,
        }
        return urlencode({name: value for name, value in named.items() if value})

    @property
    def keeps_all(self) -> bool:
        return self == EVERYTHING

    def keeps(self, whose: Whose) -> bool:
        return (
            (self.service is None or self.service == whose.service)
            and (self.team is None or self.team == (whose.team or ""))
            and (self.owner is None or self.owner == whose.owner_key)
            and (self.severity is None or self.severity is whose.severity)
        )


EVERYTHING: Final = BoardFilter()


@dataclass(frozen=True, slots=True)
class SavedView:
    """A filter that a person gave a name. ``query`` is as it stands in the address of the page."""

    name: str
    query: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name.strip())
        if not 1 <= len(self.name) <= 60 or not is_readable(self.name):
            raise InvalidInput("a view's name has 1 to 60 printable characters", field="name")
        if len(self.query) > 1000 or not self.query.isascii() or not self.query.isprintable():
            raise InvalidInput("this is not a filter of the Switchboard", field="query")

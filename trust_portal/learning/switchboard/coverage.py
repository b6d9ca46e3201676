"""The coverage ledger: every P1 and P2 that ever was, against its signed postmortem. Pure.

An incident belongs here by the worst severity it ever had, so that a downgrade takes nothing out. One that was
merged is covered by what it was merged into, if the facts of that one's signed document are of afterwards: nobody
signs for what they could not know. For the same reason an incident that was reopened, got worse, or touched others
since its own document was frozen is covered no longer: it is signed, with facts since. What was told of an incident that nobody declared is a gap too; so is what
was told and the register has not taken in yet, an alarm that no rule took, and a pager whose deliveries are turned
away: each may have been a P1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Final
from uuid import UUID

from trust_portal.learning.incidents.integrations_model import RefusedDelivery
from trust_portal.learning.incidents.model import Severity, incident_id, is_told_of
from trust_portal.learning.switchboard.model import BoardFilter, Whose, first_after

#: What a gap counts as that names no severity.
ASSUMED: Final = Severity.P1


class Cover(StrEnum):
    """Where an incident stands in the ledger. All but the first two are gaps.

    ``OUTDATED``: signed, and what changes its postmortem was told since.
    """

    SIGNED = "signed"
    MERGED = "merged"
    OUTDATED = "outdated"
    UNSIGNED = "unsigned"
    MISSING = "missing"
    WAITING = "waiting"
    UNDECLARED = "undeclared"
    UNMATCHED = "unmatched"
    REFUSED = "refused"

    @property
    def is_gap(self) -> bool:
        return self is not Cover.SIGNED and self is not Cover.MERGED


@dataclass(frozen=True, slots=True)
class MajorIncident:
    """A P1 or P2 with what became of its postmortem.

    ``signed_at``: when that was last signed; ``frozen_at``: of when that document's facts are. ``changes``,
    ``merged_at`` and ``unmerged_at`` are the register's; where it goes on by itself and none was signed, the last of
    ``changes`` is enough.
    """

    id: UUID
    title: str
    service: str
    owner: str
    severity: Severity
    worst_severity: Severity
    declared_at: datetime
    changes: tuple[datetime, ...]
    merged_into: UUID | None
    merged_at: datetime | None
    postmortem_id: UUID | None
    signed_at: datetime | None
    frozen_at: datetime | None
    team: str | None = None
    owner_id: UUID | None = None
    unmerged_at: datetime | None = None

    @property
    def changed_at(self) -> datetime:
        return self.changes[-1]

    @property
    def outdated_since(self) -> datetime | None:
        """When the first came in of what its signed postmortem has not, but had to say; None: it has everything."""
        return None if self.frozen_at is None else first_after(self.changes, self.frozen_at)

    @property
    def whose(self) -> Whose:
        return Whose(self.worst_severity, self.service, self.team, self.owner, self.owner_id)


@dataclass(frozen=True, slots=True)
class Undeclared:
    """What ``source`` told of ``key``, which nobody declared; ``severity`` None: none was named.

    ``cover`` says which kind of gap it is. Of a pager that is turned away ``key`` is why. Of what is not taken in yet
    only the key is known, and ``source`` is None. ``began_at``: since when it was, where an alarm said so; the gap
    itself is as old as what was received.
    """

    source: str | None
    key: str
    severity: Severity | None
    first_at: datetime
    cover: Cover = Cover.UNDECLARED
    began_at: datetime | None = None

    @property
    def about_at(self) -> datetime:
        """From when on a period may have had it."""
        return self.first_at if self.began_at is None else min(self.began_at, self.first_at)

    @property
    def id(self) -> UUID:
        """Its own among all gaps: no incident's."""
        return incident_id(f"{self.cover} {self.source or ''}", self.key)

    @property
    def name(self) -> str:
        return self.key if self.source is None else f"{self.source}/{self.key}"

    @property
    def pager(self) -> str | None:
        return None if self.cover is Cover.UNDECLARED else self.source

    @property
    def is_proved(self) -> bool:
        """False of deliveries that did not prove themselves: anybody can send those."""
        return self.cover is not Cover.REFUSED or self.key != RefusedDelivery.UNPROVED.value

    @property
    def whose(self) -> Whose:
        """Nobody's that is known; what names no severity is taken for the worst, until somebody says better."""
        return Whose(self.severity or ASSUMED, "", None, "Nobody known", None)


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One line; ``incident`` None for what was never declared. ``covered_by`` is whose postmortem covers it.

    ``pager``: where an alarm was that no rule took, or a delivery that was turned away.
    """

    name: str
    cover: Cover
    since: datetime
    worst_severity: Severity | None
    downgraded: bool
    owner: str
    incident: MajorIncident | None
    whose: Whose
    covered_by: UUID | None = None
    pager: str | None = None

    @property
    def missing(self) -> bool:
        """Nobody has begun a postmortem, or declared what may owe one."""
        return self.cover.is_gap and self.cover not in {Cover.UNSIGNED, Cover.OUTDATED}

    def days(self, at: datetime) -> int:
        """How long it has been there."""
        return (at - self.since).days


@dataclass(frozen=True, slots=True)
class Ledger:
    """The lines, the oldest first; ``gaps`` are those that nothing covers. ``besides``: so many more are signed."""

    lines: tuple[LedgerLine, ...]
    besides: int = 0
    gaps: tuple[LedgerLine, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "gaps", tuple(each for each in self.lines if each.cover.is_gap))

    def kept(self, wanted: BoardFilter) -> Ledger:
        """What ``wanted`` lets through; ``besides`` is counted by whoever knows."""
        if wanted.keeps_all:
            return self
        return Ledger(tuple(each for each in self.lines if wanted.keeps(each.whose)), self.besides)

    @property
    def total(self) -> int:
        return len(self.lines) + self.besides

    @property
    def covered(self) -> int:
        return self.total - len(self.gaps)

    @property
    def rate(self) -> Fraction | None:
        """None where there never was one."""
        return Fraction(self.covered, self.total) if self.total else None


def ledger(
    incidents: Iterable[MajorIncident], undeclared: Iterable[Undeclared] = (), besides: int = 0
) -> Ledger:
    """The ledger of ``incidents``, which name everything that any of them was merged into."""
    known = {each.id: each for each in incidents}
    lines = [_line(each, known) for each in known.values()]
    lines += [
        LedgerLine(
            name=each.name,
            cover=each.cover,
            since=each.first_at,
            worst_severity=each.severity,
            downgraded=False,
            owner="",
            incident=None,
            whose=each.whose,
            pager=each.pager,
        )
        for each in undeclared
    ]
    return Ledger(tuple(sorted(lines, key=lambda each: (each.since, each.name))), besides)


def _line(incident: MajorIncident, known: Mapping[UUID, MajorIncident]) -> LedgerLine:
    cover, covered_by = _cover(incident, known)
    return LedgerLine(
        name=incident.title,
        cover=cover,
        since=(incident.outdated_since if cover is Cover.OUTDATED else None) or incident.declared_at,
        worst_severity=incident.worst_severity,
        # The worst is never less than what is in force.
        downgraded=incident.worst_severity is not incident.severity,
        owner=incident.owner,
        incident=incident,
        whose=incident.whose,
        covered_by=covered_by,
    )


def owes_its_own(incident: MajorIncident, known: Mapping[UUID, MajorIncident]) -> bool:
    """Whether it owes a postmortem, signed or not: merged into nothing, or into what had been signed before."""
    ends_in = _end(incident, known)
    return ends_in is incident or not is_told_of(incident.changed_at, incident.merged_at, ends_in.frozen_at)


def owed_again_at(incident: MajorIncident, known: Mapping[UUID, MajorIncident]) -> datetime | None:
    """Since when it owes its own postmortem again, which another's had covered or would have; None: never was it so."""
    ends_in = _end(incident, known)
    if ends_in is incident:
        return incident.unmerged_at
    frozen_at, merged_at = ends_in.frozen_at, incident.merged_at
    if frozen_at is None or merged_at is None or merged_at >= frozen_at:
        return None
    return next((each for each in incident.changes if each >= frozen_at), None)


def _cover(incident: MajorIncident, known: Mapping[UUID, MajorIncident]) -> tuple[Cover, UUID | None]:
    if incident.signed_at is not None and not is_outdated(incident):
        return Cover.SIGNED, incident.id
    owing = incident if owes_its_own(incident, known) else _end(incident, known)
    if owing is not incident and owing.signed_at is not None:
        return Cover.MERGED, owing.id
    if incident.signed_at is not None:
        return Cover.OUTDATED, None
    return (Cover.MISSING if owing.postmortem_id is None else Cover.UNSIGNED), None


def is_outdated(incident: MajorIncident) -> bool:
    """Whether something that its signed postmortem had to say came in after that was frozen."""
    return incident.outdated_since is not None


def _end(incident: MajorIncident, known: Mapping[UUID, MajorIncident]) -> MajorIncident:
    """What it goes on in at last, step by step; a circle or an unknown target leaves it by itself."""
    seen, at = {incident.id}, incident
    while at.merged_into is not None:
        if at.merged_into not in known or at.merged_into in seen:
            return incident
        at = known[at.merged_into]
        seen.add(at.id)
    return at

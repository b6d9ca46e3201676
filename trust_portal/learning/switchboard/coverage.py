"""The coverage ledger: every P1 and P2 that ever was, against its signed postmortem. Pure.

An incident belongs here by the worst severity it ever had, so that a downgrade takes nothing out. One that was
merged is covered by what it was merged into. What was told of an incident that nobody declared is a gap too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from uuid import UUID

from trust_portal.learning.incidents.model import Severity


class Cover(StrEnum):
    """Where an incident stands in the ledger. All but the first two are gaps."""

    SIGNED = "signed"
    MERGED = "merged"
    UNSIGNED = "unsigned"
    MISSING = "missing"
    UNDECLARED = "undeclared"

    @property
    def is_gap(self) -> bool:
        return self not in {Cover.SIGNED, Cover.MERGED}


@dataclass(frozen=True, slots=True)
class MajorIncident:
    """A P1 or P2 with what became of its postmortem."""

    id: UUID
    title: str
    service: str
    owner: str
    severity: Severity
    worst_severity: Severity
    declared_at: datetime
    merged_into: UUID | None
    postmortem_id: UUID | None
    signed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Undeclared:
    """What ``source`` told of ``key``, which nobody declared; ``severity`` None: none was named."""

    source: str
    key: str
    severity: Severity | None
    first_at: datetime


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One line; ``incident`` None for what was never declared. ``covered_by`` is whose postmortem covers it."""

    name: str
    cover: Cover
    since: datetime
    worst_severity: Severity | None
    downgraded: bool
    owner: str
    incident: MajorIncident | None
    covered_by: UUID | None = None

    def days(self, at: datetime) -> int:
        """How long it has been there."""
        return (at - self.since).days


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every line, the oldest first."""

    lines: tuple[LedgerLine, ...]

    @property
    def gaps(self) -> tuple[LedgerLine, ...]:
        return tuple(each for each in self.lines if each.cover.is_gap)

    @property
    def covered(self) -> int:
        return sum(not each.cover.is_gap for each in self.lines)

    @property
    def rate(self) -> Fraction | None:
        """None where there never was one."""
        return Fraction(self.covered, len(self.lines)) if self.lines else None


def ledger(incidents: Iterable[MajorIncident], undeclared: Iterable[Undeclared] = ()) -> Ledger:
    """The ledger of ``incidents``, which name everything that any of them was merged into."""
    known = {each.id: each for each in incidents}
    lines = [_line(each, known) for each in known.values()]
    lines += [
        LedgerLine(
            name=f"{each.source}/{each.key}",
            cover=Cover.UNDECLARED,
            since=each.first_at,
            worst_severity=each.severity,
            downgraded=False,
            owner="",
            incident=None,
        )
        for each in undeclared
    ]
    return Ledger(tuple(sorted(lines, key=lambda each: (each.since, each.name))))


def _line(incident: MajorIncident, known: Mapping[UUID, MajorIncident]) -> LedgerLine:
    cover, covered_by = _cover(incident, known)
    return LedgerLine(
        name=incident.title,
        cover=cover,
        since=incident.declared_at,
        worst_severity=incident.worst_severity,
        downgraded=incident.worst_severity.outranks(incident.severity),
        owner=incident.owner,
        incident=incident,
        covered_by=covered_by,
    )


def _cover(incident: MajorIncident, known: Mapping[UUID, MajorIncident]) -> tuple[Cover, UUID | None]:
    if incident.signed_at is not None:
        return Cover.SIGNED, incident.id
    target = _target(incident, known)
    if target is not incident and target.signed_at is not None:
        return Cover.MERGED, target.id
    return (Cover.MISSING if target.postmortem_id is None else Cover.UNSIGNED), None


def _target(incident: MajorIncident, known: Mapping[UUID, MajorIncident]) -> MajorIncident:
    """What it was merged into, over several steps; a circle or an unknown target leaves it by itself."""
    seen, at = {incident.id}, incident
    while at.merged_into is not None:
        if at.merged_into in seen or at.merged_into not in known:
            return incident
        at = known[at.merged_into]
        seen.add(at.id)
    return at

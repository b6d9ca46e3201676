"""What people may tell of an incident at the portal's own doors: one command for each act."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from trust_portal.errors import InvalidInput
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.names import is_readable, require_words
from trust_portal.learning.incidents.model import Incident, Severity

_LONGEST_LINE: Final = 200


@dataclass(frozen=True, slots=True)
class DeclareIncident:
    """``tenants`` and ``objectives`` are external keys; None: it may touch all of them.

    ``owner_id`` is one of the vendor's people; None: whoever declares it. ``key`` None: one is made.
    ``gap_of``: who told of it by this very key before it was declared, and ``alarms_of``: the pager whose alarms by
    this key no rule took; either is declared by this, so that the key is kept as it was told. That takes a ``reason``:
    somebody judges what others told.
    Raises ``InvalidInput`` by field.
    """

    title: str
    severity: Severity
    service: str
    began_at: datetime
    detected_at: datetime
    tenants: tuple[str, ...] | None = None
    objectives: tuple[str, ...] | None = None
    owner_id: UUID | None = None
    team: str | None = None
    key: str | None = None
    alarms_of: str | None = None
    gap_of: str | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        for field in ("title", "service"):
            object.__setattr__(self, field, one_line(getattr(self, field), field))
        of_others = not (self.gap_of is None and self.alarms_of is None)
        as_told = bool(self.key) and of_others
        for field in ("team",) if as_told else ("team", "key"):
            given = getattr(self, field)
            object.__setattr__(self, field, one_line(given, field) if given and given.strip() else None)
        given = self.reason if self.reason and self.reason.strip() else None
        needed = of_others or given is not None
        object.__setattr__(self, "reason", require_words(given or "", "reason") if needed else None)
        _require_zone(self.began_at, "began_at")
        _require_zone(self.detected_at, "detected_at")
        if self.detected_at < self.began_at:
            raise InvalidInput("it was detected before it began", field="detected_at")
        for field in ("tenants", "objectives"):
            object.__setattr__(self, field, _some(getattr(self, field), field))

    def declares(self, known: Incident) -> bool:
        """Whether ``known`` is what this declared, as far as it was not changed since."""
        return (self.title, self.service, self.severity, self.began_at, self.detected_at) == (
            known.title,
            known.service,
            known.declared_severity,
            known.began_at,
            known.detected_at,
        )


@dataclass(frozen=True, slots=True)
class TellOfIncident:
    """The base of every update. ``at`` is when it happened; None: now. ``text`` says it in words."""

    incident_id: UUID
    text: str
    at: datetime | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", require_words(self.text, "text"))
        if self.at is not None:
            _require_zone(self.at, "at")


@dataclass(frozen=True, slots=True)
class NoteIncident(TellOfIncident):
    """An entry in the timeline; ``key``: a turning point."""

    key: bool = False


@dataclass(frozen=True, slots=True)
class ChangeSeverity(TellOfIncident):
    """Worse holds at once. Less than a P1 or P2 is asked for, and holds once two others approved it."""

    severity: Severity = Severity.P1


@dataclass(frozen=True, slots=True)
class TellCustomer(TellOfIncident):
    """Customers were told."""


@dataclass(frozen=True, slots=True)
class MitigateIncident(TellOfIncident):
    """Customers stopped being hurt."""


@dataclass(frozen=True, slots=True)
class ResolveIncident(TellOfIncident):
    """It is over."""


@dataclass(frozen=True, slots=True)
class ReopenIncident(TellOfIncident):
    """It was not over."""


@dataclass(frozen=True, slots=True)
class MergeIncident(TellOfIncident):
    """It is the same as another, which goes on for both."""

    into_id: UUID = VENDOR_ID


@dataclass(frozen=True, slots=True)
class UnmergeIncident(TellOfIncident):
    """It is not the same after all: it goes on by itself again, and owes its own postmortem. ``text`` is why."""


@dataclass(frozen=True, slots=True)
class SetAffected(TellOfIncident):
    """Whom and what it touches, said anew and whole; None: it may be all of them."""

    tenants: tuple[str, ...] | None = None
    objectives: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        # Two-argument super would look for the class that slots replaced.
        TellOfIncident.__post_init__(self)
        for field in ("tenants", "objectives"):
            object.__setattr__(self, field, _some(getattr(self, field), field))


@dataclass(frozen=True, slots=True)
class ChangeOwner(TellOfIncident):
    """Somebody else of the vendor's people owns it from now on, and signs its postmortem."""

    owner_id: UUID = VENDOR_ID


@dataclass(frozen=True, slots=True)
class AdoptStrays(TellOfIncident):
    """What ``source`` tells by the incident's key belongs to it, though several were declared by that key."""

    source: str = ""


@dataclass(frozen=True, slots=True)
class AssignGap:
    """What ``source`` told by ``key``, and what belongs to no incident, belongs to this one; ``text`` says why.

    ``severity`` is that of what nobody declared (None: the worst that was told, and a P1 where none was), and of
    alarms that named none (None: P1).
    """

    source: str
    key: str
    incident_id: UUID
    text: str
    severity: Severity | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", require_words(self.text, "text"))


class Telling(StrEnum):
    """What can be told of an incident, as doors name it."""

    NOTE = "note"
    TURNING_POINT = "turning_point"
    SEVERITY = "severity"
    TOLD_CUSTOMER = "told_customer"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    MERGED = "merged"
    UNMERGED = "unmerged"
    AFFECTED = "affected"
    OWNER = "owner"


def command_of(
    telling: Telling,
    incident_id: UUID,
    text: str,
    at: datetime | None = None,
    *,
    severity: Severity | None = None,
    into_id: UUID | None = None,
    owner_id: UUID | None = None,
    tenants: tuple[str, ...] | None = None,
    objectives: tuple[str, ...] | None = None,
) -> TellOfIncident:
    """The command of what a door was told. Raises ``InvalidInput`` for what it needs and is not there."""
    match telling:
        case Telling.NOTE:
            return NoteIncident(incident_id, text, at)
        case Telling.TURNING_POINT:
            return NoteIncident(incident_id, text, at, key=True)
        case Telling.SEVERITY:
            if severity is None:
                raise InvalidInput("choose a severity", field="severity")
            return ChangeSeverity(incident_id, text, at, severity=severity)
        case Telling.TOLD_CUSTOMER:
            return TellCustomer(incident_id, text, at)
        case Telling.MITIGATED:
            return MitigateIncident(incident_id, text, at)
        case Telling.RESOLVED:
            return ResolveIncident(incident_id, text, at)
        case Telling.REOPENED:
            return ReopenIncident(incident_id, text, at)
        case Telling.MERGED:
            if into_id is None:
                raise InvalidInput("choose the incident it is the same as", field="into")
            return MergeIncident(incident_id, text, at, into_id=into_id)
        case Telling.UNMERGED:
            return UnmergeIncident(incident_id, text, at)
        case Telling.OWNER:
            if owner_id is None:
                raise InvalidInput("choose who owns it from now on", field="owner")
            return ChangeOwner(incident_id, text, at, owner_id=owner_id)
        case Telling.AFFECTED:
            return SetAffected(incident_id, text, at, tenants=tenants, objectives=objectives)


def one_line(text: str, field: str) -> str:
    """``text`` without what surrounds it; ``InvalidInput`` unless it is readable and fits on one line."""
    line = text.strip()
    if not 1 <= len(line) <= _LONGEST_LINE or not is_readable(line):
        raise InvalidInput(f"write 1 to {_LONGEST_LINE} printable characters on one line", field=field)
    return line


def _some(keys: tuple[str, ...] | None, field: str) -> tuple[str, ...] | None:
    if keys is None:
        return None
    if not keys:
        raise InvalidInput("name at least one, or say that it may be all", field=field)
    return tuple(sorted(set(keys)))


def _require_zone(at: datetime, field: str) -> None:
    if at.tzinfo is None:
        raise InvalidInput("a time needs its offset from UTC", field=field)

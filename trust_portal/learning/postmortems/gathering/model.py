"""Facts near an incident, as a postmortem names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID


class FactKind(StrEnum):
    CHANGE = "change"
    COST = "cost"
    DENIAL = "denial"
    MITIGATION = "mitigation"
    SLA = "sla"
    TIMELINE = "timeline"


class Fact(NamedTuple):
    """``id`` stays the same however often it is gathered. ``sha256`` (hex) is of the event, receipt or
    reading that ``source`` holds; ``fields`` is JSON without floats. ``customer`` is the key of the
    customer it is of; ``None`` for the vendor's own.
    """

    id: str
    kind: FactKind
    source: str
    at: datetime
    sha256: str
    fields: Mapping[str, Any]
    customer: str | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """A source that could not say, or not all; ``customer`` as in ``Fact``."""

    source: str
    why: str
    customer: str | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """One whom the incident touched."""

    id: UUID
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class MergedBrief:
    """What the document says of an incident that goes on in the one it is of."""

    id: UUID
    source: str
    key: str
    title: str
    service: str
    severity: str
    declared_severity: str
    worst_severity: str
    began_at: datetime
    declared_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True)
class IncidentBrief:
    """What the document says of the incident, and of everything that was ``merged`` into it.

    Its times and reach are those of all of them together; what it is called and how severe it is are its own.
    ``customers`` are those that were named; when ``everybody``, those that ``whom`` chose.
    """

    id: UUID
    source: str
    key: str
    title: str
    service: str
    team: str
    owner: str
    severity: str
    declared_severity: str
    worst_severity: str
    began_at: datetime
    detected_at: datetime
    declared_at: datetime
    told_at: datetime | None
    mitigated_at: datetime | None
    resolved_at: datetime | None
    reopened: int
    everybody: bool
    objectives: tuple[str, ...] | None
    customers: tuple[Customer, ...]
    merged: tuple[MergedBrief, ...] = ()

    @property
    def services(self) -> frozenset[str]:
        return frozenset({self.service, *(each.service for each in self.merged)})

    def over_at(self, now: datetime) -> datetime:
        """Until when things are gathered: its end, or now while it goes on."""
        return min(self.resolved_at or now, now)


@dataclass(frozen=True, slots=True)
class Change:
    """A deploy or a step of a flag. ``tenants``: keys of those it reached, ``None``: all."""

    id: str
    kind: str
    name: str
    detail: str
    environment: str | None
    at: datetime
    by: str
    tenants: tuple[str, ...] | None
    source: str
    event_id: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything from every source at one moment."""

    at: datetime
    incident: IncidentBrief
    facts: tuple[Fact, ...]
    changes: tuple[Change, ...]
    missing: tuple[Missing, ...]

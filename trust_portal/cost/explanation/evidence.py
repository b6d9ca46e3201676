"""What may have caused a change of cost, as it was reported: the candidates for a link.

Each carries the reference of its event, so that every statement about it can be opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class EventReference:
    """The event behind a statement, and the receipt it names, if it does."""

    source: str
    event_id: str
    receipt: str | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """When and where cost left its expectation. ``excess`` is by hour: its start → actual − expected.

    ``falls``: less was spent than expected.
    """

    tenant: str
    subsystem: str
    onset: datetime
    peak: datetime
    end: datetime
    excess: Mapping[datetime, Decimal]
    falls: bool = False


@dataclass(frozen=True, slots=True)
class FoundCause:
    """A cause of the attribution, as far as links need it; ``share`` is its part of the delta."""

    where: Mapping[str, str]
    share: float


@dataclass(frozen=True, slots=True)
class Deploy:
    """``tenants`` None: it reached all of them."""

    service: str
    version: str
    previous: str | None
    at: datetime
    tenants: frozenset[str] | None
    reference: EventReference


@dataclass(frozen=True, slots=True)
class FlagStep:
    """One step of a flag: ``percentage`` from ``previous_percentage`` (None: not known)."""

    flag: str
    variant: str
    percentage: float
    previous_percentage: float | None
    at: datetime
    tenants: frozenset[str] | None
    reference: EventReference


@dataclass(frozen=True, slots=True)
class HeavyOperation:
    """An operation that ended ``at``. ``usual`` is the median quantity of its kind before the episode."""

    operation: str
    resource: str
    subsystem: str
    at: datetime
    duration: timedelta
    quantity: Decimal
    unit: str
    usual: Decimal | None
    initiated_by: str
    reference: EventReference


@dataclass(frozen=True, slots=True)
class AdapterBehaviour:
    """An adapter's totals during the episode, and over a comparable time before it."""

    adapter: str
    at: datetime
    calls: int
    errors: int
    retries: int
    volume: int
    calls_before: int
    errors_before: int
    retries_before: int
    volume_before: int
    reference: EventReference


Candidate = Deploy | FlagStep | HeavyOperation | AdapterBehaviour


class LinkKind(StrEnum):
    DEPLOY = "deploy"
    FLAG = "flag"
    OPERATION = "operation"
    ADAPTER = "adapter"


class Strength(StrEnum):
    STRONG = "strong"
    MODERATE = "moderate"
    WEAK = "weak"


@dataclass(frozen=True, slots=True)
class Link:
    """A candidate that fits. ``score`` (0 to 1, two digits) orders; ``reasons`` say what fits and what not."""

    kind: LinkKind
    key: str
    at: datetime
    strength: Strength
    score: float
    reasons: tuple[str, ...]
    reference: EventReference

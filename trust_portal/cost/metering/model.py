"""An hour's cost, and what it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple, Protocol
from uuid import UUID


class Subsystem(StrEnum):
    """What usage is told apart by, in the order in which it is shown."""

    COMPUTE = "compute"
    STORAGE = "storage"
    EGRESS = "egress"
    ADAPTERS = "adapters"


SUBSYSTEMS: Final = tuple(each.value for each in Subsystem)


class Series(NamedTuple):
    """What is watched within a tenant. Amounts of two currencies do not add up, so they are two series."""

    subsystem: str
    currency: str


class Used(Protocol):
    """What facts tell of one hour of one combination of dimensions (``facts.usage.UsageTotal``)."""

    @property
    def hour(self) -> datetime: ...
    @property
    def resource(self) -> str: ...
    @property
    def operation(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def adapter(self) -> str | None: ...
    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def unit(self) -> str: ...
    @property
    def currency(self) -> str: ...
    @property
    def quantity(self) -> Decimal: ...
    @property
    def cost(self) -> Decimal: ...
    @property
    def events(self) -> int: ...


@dataclass(frozen=True, slots=True)
class HourCost:
    """One hour (by its start, UTC) of one series; ``cost`` is exact, in major units."""

    hour: datetime
    series: Series
    cost: Decimal
    events: int


@dataclass(frozen=True, slots=True)
class Part:
    """What one combination of dimensions contributed to an hour.

    ``labels`` are those that explanations ask for (``COST_LABELS``); usage that differs in other
    labels only is one part. ``quantity`` is in ``unit``.
    """

    hour: datetime
    series: Series
    resource: str
    operation: str
    region: str
    adapter: str | None
    unit: str
    labels: Mapping[str, str]
    quantity: Decimal
    cost: Decimal
    events: int


class Spent(Protocol):
    """What was spent at one place: in an hour (``Part``) or over many (``PlaceCost``)."""

    @property
    def resource(self) -> str: ...
    @property
    def operation(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def adapter(self) -> str | None: ...
    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def cost(self) -> Decimal: ...


class PlaceCost(NamedTuple):
    """The cost of one combination of dimensions over some hours of a series, whatever its units."""

    resource: str
    operation: str
    region: str
    adapter: str | None
    labels: Mapping[str, str]
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a tenant is: metered from ``first_hour`` on, closed through ``closed_through``.

    ``dirty_from`` is the earliest closed hour that has changed since. ``revision`` counts roll-ups.
    """

    tenant_id: UUID
    revision: int
    first_hour: datetime
    closed_through: datetime | None
    dirty_from: datetime | None

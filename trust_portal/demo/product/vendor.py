"""The whole product as one stream of events over time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from trust_portal.demo.product import chronicle, metering, plant
from trust_portal.demo.product.events import Line
from trust_portal.demo.scene import CUSTOMERS


@dataclass(frozen=True, slots=True)
class Vendor:
    """``month`` is the one the story's faults happen in."""

    month: str

    @property
    def beginning(self) -> datetime:
        """Where history starts: the month's first minute at the customer where it begins first."""
        return min(customer.month(self.month).start for customer in CUSTOMERS)

    def events(self, start: datetime, end: datetime) -> Iterator[Line]:
        """Everything that happened between ``start`` and ``end``; asked again, the same."""
        faults = plant.faults(self.month)
        for customer in CUSTOMERS:
            for objective in customer.objectives:
                yield from plant.measurements(customer, objective, start, end, faults)
            yield from metering.metered(customer, start, end)
        yield from chronicle.releases(start, end)
        # Maintenance is announced before the month begins; the first stretch takes it along.
        first = start <= self.beginning
        for told in chronicle.story(self.month):
            if (first or start <= told.time) and told.time < end:
                yield told

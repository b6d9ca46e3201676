"""The whole product as one stream of events over time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from trust_portal.demo.product import chronicle, exports, incidents, metering, plant
from trust_portal.demo.product.controls import Controls
from trust_portal.demo.product.events import Line
from trust_portal.demo.scene import CUSTOMERS
from trust_portal.demo.script import Script


@dataclass(frozen=True, slots=True)
class Vendor:
    """What happens by ``script``, unless somebody steps in."""

    script: Script

    def events(self, start: datetime, end: datetime, controls: Controls) -> list[Line]:
        """Everything that happened between ``start`` and ``end``, by time; asked again, the same.

        ``controls`` holds at least what was set up to ``end``; what is set later changes nothing of it.
        """
        return sorted([*self._worked(start, end, controls), *self._told(start, end, controls)])

    def _worked(self, start: datetime, end: datetime, controls: Controls) -> Iterator[Line]:
        month, faults = self.script.month, plant.faults(self.script.month)
        measured_since = min(customer.month(month).start for customer in CUSTOMERS)
        for customer in CUSTOMERS:
            for objective in customer.objectives:
                yield from plant.measurements(customer, objective, max(start, measured_since), end, faults)
            yield from metering.metered(customer, start, end, self.script, controls)
            yield from exports.runs(customer, start, end, self.script, controls)

    def _told(self, start: datetime, end: datetime, controls: Controls) -> Iterator[Line]:
        """What people did and announced; of what was before the beginning, the first stretch tells."""
        yield from chronicle.releases(start, end)
        first = start <= self.script.beginning
        for told in (
            *chronicle.story(self.script.month),
            *chronicle.ramp(self.script, controls),
            *incidents.runaway(self.script, controls),
            chronicle.retagging(self.script),
        ):
            if (first or start <= told.time) and told.time < end:
                yield told

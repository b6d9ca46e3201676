"""Where the cost story is played, and what its steps have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from trust_portal.access.actors import CONSOLE
from trust_portal.access.sign_in.personas import persona_with
from trust_portal.access.tenants.model import Tenant
from trust_portal.cost.anomalies.model import AnomalyFilter, CostAnomaly
from trust_portal.cost.explanation.explanation import Explanation
from trust_portal.demo.scene import Customer
from trust_portal.demo.script import Script
from trust_portal.demo.telling import Telling
from trust_portal.demo.time_lapse import TimeLapse
from trust_portal.house import House
from trust_portal.kernel.actor import SYSTEM, Actor, Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest

HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Place:
    """The house and its portal, the tenants by key, the story with its clock, and who tells it."""

    house: House
    url: str
    tenants: Mapping[str, Tenant]
    script: Script
    time: TimeLapse
    tell: Telling

    async def person(self, role: Role) -> Actor:
        """The persona with ``role``, of the vendor."""
        return (
            await self.house.people.by_email(CONSOLE, persona_with(role).email, tenant_id=VENDOR_ID)
        ).as_actor()

    async def anomalies(self, customer: Customer) -> Sequence[CostAnomaly]:
        """Newest first."""
        wanted = AnomalyFilter(self.tenants[customer.key].id)
        return (await self.house.anomalies.page(SYSTEM, wanted, PageRequest(50))).items

    async def explained(self, anomaly: CostAnomaly) -> Explanation:
        return await self.house.explanations.explain(SYSTEM, anomaly.tenant_id, anomaly.id)

    async def hour(self, customer: Customer, subsystem: str, hour: datetime) -> str:
        """What one closed hour cost, in a line."""
        tenant_id = self.tenants[customer.key].id
        (point,) = await self.house.anomalies.series(
            SYSTEM, tenant_id, subsystem, customer.currency, hour, hour + HOUR
        )
        return f"{hour:%H:%M}  {point.cost:>9.2f} {customer.currency}, expected {point.expected:.2f}"

    def url_of(self, anomaly: CostAnomaly) -> str:
        key = next(key for key, tenant in self.tenants.items() if tenant.id == anomaly.tenant_id)
        return f"{self.url}/t/{key}/cost/anomalies/{anomaly.id}"


def money(anomaly: CostAnomaly) -> str:
    """How far it is from what was expected, on whichever side."""
    return f"{abs(anomaly.figures.excess):,.2f} {anomaly.series.currency}"


def named(where: Mapping[str, str]) -> str:
    """A part of the bill by its dimensions; what has no value there is ``none``."""
    return ", ".join(f"{name} {value or 'none'}" for name, value in where.items())

"""A vendor with a P1 whose postmortem holds prevention actions, brought about through the product's own doors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from support.learning_world import Vendor, declared, step

from trust_portal.access.people.model import Person
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.actions.acts_model import PlanAction
from trust_portal.learning.actions.clocks import begin_clocks
from trust_portal.learning.actions.model import ActionType, PreventionAction
from trust_portal.learning.postmortems.tables import postmortems
from trust_portal.learning.workplaces.calendar import WorkCalendar
from trust_portal.learning.workplaces.model import SetWorkplace
from trust_portal.storage.tenancy import TenantScope

VENDOR = TenantScope(VENDOR_ID)
BERLIN = WorkCalendar("DE", "BY", "Europe/Berlin")
#: A Monday; 4 June 2026 is Corpus Christi, a holiday in Bavaria.
SIGNED = datetime(2026, 6, 1, 12, tzinfo=UTC)


@dataclass
class Promises:
    """``ivo`` owns incidents, ``olga`` an action, whose manager is ``max``; ``petra`` is the PMO."""

    vendor: Vendor
    ivo: Person
    olga: Person
    max: Person
    petra: Person
    incident_id: UUID
    postmortem_id: UUID

    async def plan(self, title: str = "Limit the pool", **more: Any) -> PreventionAction:
        said: dict[str, Any] = {
            "postmortem_id": self.postmortem_id,
            "title": title,
            "type": ActionType.PREVENT,
            "owner_id": self.olga.id,
            "term": 5,
            "link": "https://tracker.example/TP-1",
        }
        return await self.vendor.house.prevention_actions.plan(PlanAction(**said | more), self.ivo.as_actor())

    async def begin(self, resolved_at: datetime | None = SIGNED) -> tuple[PreventionAction, ...]:
        """As the signature of the postmortem does."""
        async with self.vendor.house.storage.write(VENDOR) as session:
            return await begin_clocks(
                session, self.vendor.house.ledger, self.postmortem_id, SIGNED, resolved_at
            )

    async def begun(self, **more: Any) -> PreventionAction:
        planned = await self.plan(**more)
        await self.begin()
        return await self.look(planned.id)

    async def look(self, action_id: UUID) -> PreventionAction:
        return await self.vendor.house.prevention_reader.get(self.ivo.as_actor(), action_id)


async def promises(vendor: Vendor) -> Promises:
    """The incident lasts from 09:00 to 10:00 on 1 June."""
    ivo = await vendor.person("Ivo Owner", Role.INCIDENT_OWNER)
    olga = await vendor.person("Olga Operator", Role.FINOPS_OPERATOR)
    max_ = await vendor.person("Max Manager", Role.SRE_OPERATOR)
    petra = await vendor.person("Petra Office", Role.PMO)
    await vendor.house.workplaces.set(SetWorkplace(olga.id, BERLIN, max_.id), olga.as_actor())
    await vendor.tell(declared("INC-1", team="payments"), step("INC-1", "resolved", minute=60))
    incident = (await vendor.register())["INC-1"]
    async with vendor.house.storage.read(VENDOR) as session:
        postmortem_id = (
            await session.execute(
                select(postmortems.c.id).where(
                    postmortems.c.tenant_id == VENDOR_ID, postmortems.c.incident_id == incident.id
                )
            )
        ).scalar_one()
    return Promises(vendor, ivo, olga, max_, petra, incident.id, postmortem_id)

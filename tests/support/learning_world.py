"""A house over real servers whose vendor has people and customers, and of whose incidents something is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import AddPerson, GrantRole, Person
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.access.tokens.model import Admission, Bounds
from trust_portal.facts.framing import lines
from trust_portal.facts.outcome import Outcome
from trust_portal.house import House
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import ManualClock, rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.incidents import repository
from trust_portal.learning.incidents.model import Incident, IncidentFilter, incident_id
from trust_portal.storage.tenancy import TenantScope

#: When the first thing happens; clocks of tests stand later.
BEGAN = datetime(2026, 6, 1, 9, tzinfo=UTC)
PAGER = "urn:pager"


@dataclass
class Vendor:
    """What a test does to bring its world about, through the product's own doors."""

    house: House
    clock: ManualClock

    async def customer(self, key: str, since: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> UUID:
        command = CreateTenant(key, key.title(), onboarded_at=since)
        return (await self.house.tenants.create(command, CONSOLE)).id

    async def person(self, name: str, *roles: Role, tenant_id: UUID = VENDOR_ID) -> Person:
        email = f"{name.split(maxsplit=1)[0].lower()}@vendor.example"
        person = await self.house.people.add(AddPerson(tenant_id, email, name), CONSOLE)
        for role in roles:
            await self.house.people.grant(GrantRole(tenant_id, person.id, role), CONSOLE)
        return await self.house.people.get(CONSOLE, tenant_id, person.id)

    async def tell(self, *events: dict[str, Any]) -> Outcome:
        outcome = await self.send(*events)
        assert outcome.rejected_count == 0, outcome.rejected
        return outcome

    async def send(self, *events: dict[str, Any]) -> Outcome:
        """Whatever becomes of them."""

        async def parts() -> AsyncIterator[bytes]:
            yield b"\n".join(json.dumps(each).encode() for each in events)

        return await self.house.intake.deliver(lines(parts()), Admission(CONSOLE, Bounds(sources=("*",))))

    async def register(self, *, follow: bool = True) -> dict[str, Incident]:
        """The register's incidents by key, once it has taken everything in."""
        if follow:
            await self.house.incident_following.follow()
        async with self.house.storage.read(TenantScope(VENDOR_ID)) as session:
            page = await repository.incidents_page(session, IncidentFilter(), PageRequest(size=100))
        return {each.key: each for each in page.items}


def declared(key: str, severity: str = "P1", *, minute: int = 0, **data: Any) -> dict[str, Any]:
    began = rfc3339(BEGAN + timedelta(minutes=minute - 10))
    said = {
        "severity": severity,
        "title": f"Trouble {key}",
        "service": "api",
        "began_at": began,
        "detected_at": began,
        "owner": "ivo@vendor.example",
    }
    return _event("declared", key, minute, said | data)


def updated(key: str, kind: str, *, minute: int, **data: Any) -> dict[str, Any]:
    return _event("updated", key, minute, {"kind": kind, "text": f"{kind} of {key}"} | data)


def step(key: str, kind: str, *, minute: int) -> dict[str, Any]:
    at = rfc3339(BEGAN + timedelta(minutes=minute))
    return _event(kind, key, minute, {"at": at, "text": f"{kind} of {key}"})


def by(source: str, *events: dict[str, Any]) -> Iterable[dict[str, Any]]:
    return [event | {"source": source} for event in events]


def named(key: str, source: str = PAGER) -> UUID:
    return incident_id(source, key)


def _event(type_: str, key: str, minute: int, data: dict[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in data.items() if value is not None}
    return {
        "specversion": "1.0",
        "id": f"{key}-{type_}-{data.get('kind', '')}-{minute}",
        "source": PAGER,
        "type": f"trustportal.incident.{type_}.v1",
        "time": rfc3339(BEGAN + timedelta(minutes=minute)),
        "data": {"incident": key} | said,
    }

"""A fresh installation with two tenants, its door for events, and sample events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from trust_portal.access.actors import CONSOLE
from trust_portal.access.denials import Denials
from trust_portal.access.gate import Gate
from trust_portal.access.policy import shipped_policies
from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import insert_tenant
from trust_portal.access.tokens.model import Admission, Bounds
from trust_portal.facts.intake import Intake
from trust_portal.facts.outcome import Outcome
from trust_portal.kernel.clock import Clock
from trust_portal.kernel.ids import new_id
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage

JUNE = datetime(2026, 6, 1, tzinfo=UTC)


def make_intake(storage: Storage, clock: Clock) -> Intake:
    return Intake(storage, Gate(shipped_policies(), Denials(storage)), clock)


async def add_tenant(storage: Storage, key: str) -> UUID:
    tenant = Tenant(new_id(), key, key.title(), "UTC", "eu", JUNE, JUNE, None)
    async with storage.write(TenantScope(tenant.id)) as session:
        await insert_tenant(session, tenant)
    return tenant.id


@dataclass
class Door:
    """The intake of a fresh installation with two tenants, and a look behind it."""

    storage: Storage
    intake: Intake
    acme: UUID
    globex: UUID
    sender: Admission = Admission(CONSOLE, Bounds(sources=("*",)))  # noqa: RUF009 - frozen

    async def deliver(self, *events: Any, chunk: int = 1000, sender: Admission | None = None) -> Outcome:
        """Each event as a dict, or as raw bytes."""
        raws = [event if isinstance(event, bytes) else json.dumps(event).encode() for event in events]

        async def chunks() -> AsyncIterator[list[bytes]]:
            for start in range(0, len(raws), chunk):
                yield raws[start : start + chunk]

        return await self.intake.deliver(chunks(), sender or self.sender)

    async def rows(self, query: str) -> list[Any]:
        async with self.storage.read(StaffScope()) as session:
            return list((await session.execute(text(query))).all())

    async def counts(self) -> tuple[int, int]:
        """(measurements, facts)"""
        [(measurements, facts)] = await self.rows(
            "SELECT (SELECT count(*) FROM measurements), (SELECT count(*) FROM facts)"
        )
        return measurements, facts


def sli(number: int = 0, *, id: str | None = None, time: str | None = None, **data: Any) -> dict[str, Any]:
    """One sound minute of acme's objective ``api``: ``number`` minutes into June 2026."""
    at = JUNE + timedelta(minutes=number)
    return {
        "specversion": "1.0",
        "id": id or f"m-{number}",
        "source": "urn:probe:eu",
        "type": "trustportal.sli.measured.v1",
        "time": time or at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": {"tenant": "acme", "objective": "api", "total": 60, "good": 59, **data},
    }


def slis(numbers: Iterable[int], **data: Any) -> list[dict[str, Any]]:
    return [sli(number, **data) for number in numbers]


def fact(
    kind: str, id: str = "f-1", /, time: str | None = "2026-06-02T10:00:30Z", **data: Any
) -> dict[str, Any]:
    event = {
        "specversion": "1.0",
        "id": id,
        "source": "urn:vendor:ops",
        "type": f"trustportal.{kind}.v1",
        "data": data,
    }
    return event if time is None else {**event, "time": time}

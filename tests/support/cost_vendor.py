"""A vendor whose customers use and pay, through the product's own doors."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant, Tenant
from trust_portal.access.tokens.model import Admission, Bounds
from trust_portal.facts.framing import lines
from trust_portal.facts.outcome import Outcome
from trust_portal.house import House
from trust_portal.kernel.clock import ManualClock, rfc3339

START = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass
class Vendor:
    """What a test does to bring its world about, through the product's own doors."""

    house: House
    clock: ManualClock

    async def tenant(self, key: str) -> Tenant:
        return await self.house.tenants.create(
            CreateTenant(key, key.title(), onboarded_at=datetime(2026, 1, 1, tzinfo=UTC)), CONSOLE
        )

    async def use(
        self,
        tenant: str,
        hours: Sequence[int],
        cost: Callable[[int], str] = lambda _: "10.00",
        *,
        subsystem: str = "compute",
    ) -> None:
        """One event in each of ``hours`` (numbered from ``START``) once they have begun: ``tenant-hour``."""
        self.until(max(self.clock.now(), START + max(hours) * HOUR))
        await self.deliver(
            usage(tenant, f"{tenant}-{n}", START + n * HOUR, cost(n), subsystem=subsystem) for n in hours
        )

    async def deliver(self, events: Iterable[dict[str, object]]) -> Outcome:
        async def parts() -> AsyncIterator[bytes]:
            yield b"\n".join(json.dumps(each).encode() for each in events)

        sender = Admission(CONSOLE, Bounds(sources=("*",)))
        outcome = await self.house.intake.deliver(lines(parts()), sender)
        assert outcome.rejected_count == 0, outcome.rejected
        return outcome

    def until(self, at: datetime) -> None:
        """Let it be ``at``."""
        self.clock.advance(at - self.clock.now())

    async def close(self, hours: int | None = None) -> None:
        """Roll up, close and look at budgets; with ``hours`` as of so many hours after ``START``, grace included."""
        if hours is not None:
            self.until(START + hours * HOUR + timedelta(minutes=15))
        await self.house.metering.follow()
        await self.house.closing.close_due()
        await self.house.budget_alerts.look()


def usage(
    tenant: str,
    id: str,
    at: datetime,
    cost: str | Decimal,
    *,
    subsystem: str = "compute",
    source: str = "//test",
    correction_of: str | None = None,
    **fields: object,
) -> dict[str, object]:
    data: dict[str, object] = {
        "tenant": tenant,
        "subsystem": subsystem,
        "resource": "vm-1",
        "operation": "run",
        "region": "eu-west",
        "quantity": 1,
        "unit": "hour",
        "cost": str(cost),
        "currency": "EUR",
        **fields,
    }
    if correction_of is not None:
        data["correction_of"] = correction_of
    return {
        "specversion": "1.0",
        "type": "trustportal.usage.recorded.v1",
        "source": source,
        "id": id,
        "time": rfc3339(at),
        "data": data,
    }

"""A vendor with customers, contracts and measured minutes, through the product's own doors."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant, Tenant
from trust_portal.access.tokens.model import Admission, Bounds
from trust_portal.facts.framing import lines
from trust_portal.house import House
from trust_portal.kernel.clock import rfc3339
from trust_portal.reliability.contracts.service import ImportContracts
from trust_portal.settings import Settings

#: The last day of June in UTC: a contract that begins here owes 1,440 minutes.
LAST_DAY = datetime(2026, 6, 30, tzinfo=UTC)

CONTRACT = """\
tenant: {tenant}
version: "{version}"
effective_from: 2026-06-30T00:00:00Z
currency: EUR
fee: "1000.00"
slas:
  - objective: api
    target: "99.9"
    denominator: subscribed
    time_zone: {zone}
    tiers:
      - {{from: "99.0", to: "99.9", credit_percent: "10"}}
      - {{to: "99.0", credit_percent: "25"}}
"""


@dataclass
class Vendor:
    """What a test does to bring its world about, through the product's own doors."""

    house: House
    sent: int = 0

    async def tenant(self, key: str, onboarded: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> Tenant:
        return await self.house.tenants.create(
            CreateTenant(key, key.title(), onboarded_at=onboarded), CONSOLE
        )

    async def contract(self, tenant: str, version: str = "1", zone: str = "UTC"):
        text = CONTRACT.format(tenant=tenant, version=version, zone=zone)
        (imported,) = await self.house.contracts.import_file(ImportContracts(text.encode()), CONSOLE)
        return imported

    async def measure(
        self,
        tenant: str,
        *,
        start: datetime = LAST_DAY,
        minutes: int = 1440,
        good: Callable[[int], int] = lambda _: 100,
        total: int = 100,
        objective: str = "api",
    ) -> None:
        """One event a minute for ``objective``; ``good`` of ``total`` by the minute's number."""
        self.sent += 1
        await self.deliver(
            [
                event(
                    "sli.measured",
                    f"{self.sent}-{number}",
                    {"tenant": tenant, "objective": objective, "total": total, "good": good(number)},
                    start + timedelta(minutes=number),
                )
                for number in range(minutes)
            ]
        )

    async def maintain(self, window: str, start: datetime, minutes: int, notice: timedelta) -> None:
        await self.deliver(
            [
                event(
                    "maintenance.scheduled",
                    f"maintenance {window}",
                    {
                        "window": window,
                        "start": rfc3339(start),
                        "end": rfc3339(start + timedelta(minutes=minutes)),
                        "announced_at": rfc3339(start - notice),
                        "reason": "database upgrade",
                    },
                    start - notice,
                )
            ]
        )

    async def deliver(self, events: list[dict[str, object]]) -> None:
        async def parts() -> AsyncIterator[bytes]:
            yield b"\n".join(json.dumps(each).encode() for each in events)

        sender = Admission(CONSOLE, Bounds(sources=("*",)))
        outcome = await self.house.intake.deliver(lines(parts()), sender)
        assert outcome.rejected_count == 0, outcome.rejected


def event(kind: str, id: str, data: dict[str, object], at: datetime) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "type": f"trustportal.{kind}.v1",
        "source": "//test",
        "id": id,
        "time": rfc3339(at),
        "data": data,
    }


def settings_of(database_url: str, redis_url: str, folder: Path) -> Settings:
    return Settings(
        database_url=database_url,
        redis_url=redis_url,
        key_file=folder / "keys.json",
        base_url="https://trust.example",
        vendor_name="Vendor Ltd",
        ingest_events_per_minute=10_000_000,
    )

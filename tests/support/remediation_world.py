"""A runaway export in the middle of its run, a product that takes control calls, and people who approve."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from support.passkeys import Devices

from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import AddPerson, GrantRole
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.access.tokens.model import Admission, Bounds
from trust_portal.cost.anomalies.model import AnomalyFilter, CostAnomaly
from trust_portal.cost.remediation.model import Run, RunFilter, StepKind
from trust_portal.facts.framing import lines
from trust_portal.house import House, build_house
from trust_portal.kernel.actor import SYSTEM, Actor, ActorKind, Role
from trust_portal.kernel.clock import ManualClock, rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.notify.standard_webhooks import Ed25519Public
from trust_portal.notify.tables import notifications
from trust_portal.settings import Settings
from trust_portal.storage.tenancy import TenantScope

START = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
#: The export runs away here and goes on.
ONSET = 240


@dataclass
class ProductProcess:
    """The product and its own record of what it was told and what it did."""

    folder: Path
    process: subprocess.Popen[str]
    url: str

    @property
    def calls(self) -> list[dict[str, Any]]:
        return [each for each in self._read("calls") if not each["dry_run"]]

    @property
    def rehearsals(self) -> list[dict[str, Any]]:
        return [each for each in self._read("calls") if each["dry_run"]]

    @property
    def applied(self) -> list[dict[str, Any]]:
        return self._read("applied")

    def answers(self, manner: str) -> None:
        """``well``, or one of the wrong ways of ``product_process``."""
        (self.folder / "manner").write_text(manner)

    def _read(self, name: str) -> list[dict[str, Any]]:
        path = self.folder / f"{name}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@asynccontextmanager
async def product_process(
    folder: Path, public_key: bytes, *, story: bool = True
) -> AsyncIterator[ProductProcess]:
    folder.mkdir(exist_ok=True)
    script = Path(__file__).with_name("product_process.py")
    command = [sys.executable, str(script), str(folder), Ed25519Public(public_key).text]
    process = subprocess.Popen([*command, "--story"] if story else command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = int((await asyncio.to_thread(process.stdout.readline)).strip())
        yield ProductProcess(folder, process, f"http://127.0.0.1:{port}/control")
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@dataclass
class World:
    """One vendor's house at an hour that tests move on."""

    house: House
    clock: ManualClock
    operator: Actor
    approver: Actor
    payer: Actor
    devices: Devices = field(init=False)

    def __post_init__(self) -> None:
        self.devices = Devices(self.house)

    def until(self, hour: float) -> None:
        """Let it be so many hours after ``START``."""
        self.clock.advance(START + hour * HOUR - self.clock.now())

    async def tenant(self, key: str) -> UUID:
        created = await self.house.tenants.create(
            CreateTenant(key, key.title(), onboarded_at=datetime(2026, 1, 1, tzinfo=UTC)), CONSOLE
        )
        return created.id

    async def deliver(self, events: Iterable[dict[str, object]]) -> None:
        async def parts() -> AsyncIterator[bytes]:
            yield b"\n".join(json.dumps(each).encode() for each in events)

        outcome = await self.house.intake.deliver(lines(parts()), Admission(CONSOLE, Bounds(sources=("*",))))
        assert outcome.rejected_count == 0, outcome.rejected

    async def use(self, key: str, hours: Iterable[int], export: str) -> None:
        """The tenant's usage in each of these hours, with an export that costs so much an hour."""
        hours = list(hours)
        self.until(max((self.clock.now() - START) / HOUR, hours[-1] + 1))
        await self.deliver(event for n in hours for event in hourly(key, n, export))

    async def spend_on_reads(self, key: str, hours: Iterable[int], cost: str) -> None:
        """Beside the usual: what an export no longer does, reads do."""
        await self.deliver(
            usage(key, f"{n}-more", START + n * HOUR, cost, operation="read", region="ap-south")
            for n in hours
        )

    async def minutes(self, count: int) -> None:
        self.clock.advance(timedelta(minutes=count))

    async def close(self, hour: int) -> None:
        """Roll up and close as of so many hours after ``START``, grace included."""
        self.until(max(hour + 0.25, (self.clock.now() - START) / HOUR))
        await self.house.metering.follow()
        await self.house.closing.close_due()

    async def runaway(self, key: str = "acme", hours: int = 3, *, flag: bool = True) -> CostAnomaly:
        """A tenant whose export has been running away for ``hours`` hours: found, explained, on record."""
        tenant_id = await self.tenant(key)
        self.until(max(ONSET + hours, (self.clock.now() - START) / HOUR))
        await self.use(key, range(ONSET), "1.00")
        await self.use(key, range(ONSET, ONSET + hours), "90.00")
        if flag:
            await self.deliver([flag_raised(key)])
        await self.close(ONSET + hours)
        return await self.explained(tenant_id)

    async def explained(self, tenant_id: UUID) -> CostAnomaly:
        """The tenant's newest anomaly, once it is explained on record."""
        found = await self.house.anomalies.page(SYSTEM, AnomalyFilter(tenant_id), PageRequest(1))
        await self.house.explanations.record(SYSTEM, tenant_id, found.items[0].id)
        return await self.house.anomalies.get(SYSTEM, tenant_id, found.items[0].id)

    async def planned(self, anomaly: CostAnomaly, playbook: str = "throttle-exports") -> Run:
        """What the clockwork plans for it; the run of one playbook."""
        await self.house.remediation.plan_by_itself(anomaly.tenant_id, anomaly.id)
        return await self.run_of(anomaly, playbook)

    async def run_of(self, anomaly: CostAnomaly, playbook: str = "throttle-exports") -> Run:
        wanted = RunFilter(anomaly.tenant_id, anomaly.id, playbook)
        return (await self.house.playbook_runs.page(SYSTEM, wanted, PageRequest(1))).items[0]

    async def read(self, run: Run) -> Run:
        return await self.house.playbook_runs.get(SYSTEM, run.tenant_id, run.id)

    async def approve(self, run: Run, *by: Actor) -> None:
        """By both approvers, or by others, in the words of those who have looked."""
        requested = run.step(StepKind.REQUESTED)
        assert requested is not None, run.steps
        assert requested.approval_id is not None
        found = await self.house.approval_inbox.get(self.approver, run.tenant_id, requested.approval_id)
        for each in by or (self.approver, self.payer):
            await self.devices.approve(found.approval.request, each, "It helps.")

    async def advance(self, run: Run) -> Run:
        return await self.house.remediation.advance(run.tenant_id, run.id)

    async def executed(self, run: Run) -> Run:
        """Approved and confirmed by the product."""
        await self.approve(run)
        return await self.advance(run)

    async def told(self, tenant_id: UUID, topic: str) -> list[Row[Any]]:
        """What people were told about in this topic, in order."""
        async with self.house.storage.read(TenantScope(tenant_id)) as session:
            found = await session.execute(
                select(notifications)
                .where(notifications.c.tenant_id == tenant_id, notifications.c.topic == topic)
                .order_by(notifications.c.id)
            )
            return list(found)

    async def receipts(self, tenant_id: UUID) -> list[tuple[str, dict[str, Any]]]:
        """Kind and predicate of the tenant's receipts of playbooks, in order."""
        page = await self.house.archive.receipts(SYSTEM_AS_STAFF, tenant_id, PageRequest(100))
        found = []
        for each in reversed(page.items):
            if each.kind.value.startswith("playbook."):
                filed = await self.house.archive.receipt(SYSTEM_AS_STAFF, tenant_id, each.id)
                found.append((each.kind.value, filed.statement["predicate"]))
        return found


#: Reads what staff may; receipts are nobody's by clockwork.
SYSTEM_AS_STAFF = Actor(
    ActorKind.PERSON, UUID(int=77), "Sam", VENDOR_ID, frozenset({Role.SRE_OPERATOR}), person_id=None
)


async def person(house: House, name: str, role: Role) -> Actor:
    added = await house.people.add(AddPerson(VENDOR_ID, f"{name}@vendor.example", name.title()), CONSOLE)
    await house.people.grant(GrantRole(VENDOR_ID, added.id, role, None), CONSOLE)
    return (await house.people.get(CONSOLE, VENDOR_ID, added.id)).as_actor()


def hourly(key: str, n: int, export: str) -> list[dict[str, object]]:
    at, running = START + n * HOUR, float(export) > 1
    return [
        usage(key, f"{n}-eu", at, f"{5 + (n % 3) / 10:.2f}", operation="read"),
        usage(key, f"{n}-us", at, f"{4 + (n % 2) / 10:.2f}", operation="read", region="us-east"),
        usage(
            key, f"{n}-export", at, export, operation="export", quantity=float(export), unit="GB",
            **({"labels": {"flag": "bulk-export"}} if running else {}),
        ),
    ]  # fmt: skip


def usage(key: str, id: str, at: datetime, cost: str, **fields: object) -> dict[str, object]:
    data: dict[str, object] = {
        "tenant": key, "subsystem": "compute", "resource": "vm-1", "region": "eu-west", "quantity": 1,
        "unit": "hour", "cost": cost, "currency": "EUR", **fields,
    }  # fmt: skip
    return event("usage.recorded", f"{key}-{id}", at, data)


def flag_raised(key: str) -> dict[str, object]:
    data = {"flag": "bulk-export", "variant": "on", "percentage": 100, "tenants": [key], "by": "j.doe"}
    return event("change.flag", f"{key}-flag", START + ONSET * HOUR + timedelta(minutes=2), data)


def measured(key: str, minute: datetime, total: int, good: int) -> dict[str, object]:
    data = {"tenant": key, "objective": "api", "total": total, "good": good}
    return event("sli.measured", f"{key}-{minute.isoformat()}", minute, data)


def event(kind: str, id: str, at: datetime, data: dict[str, object]) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "type": f"trustportal.{kind}.v1",
        "source": "//test",
        "id": id,
        "time": rfc3339(at),
        "data": data,
    }


@dataclass(frozen=True)
class Template:
    database: str
    folder: Path
    operator: Actor
    approver: Actor
    payer: Actor
    anomalies: dict[str, CostAnomaly]


def settings_of(database_url: str, redis_url: str, folder: Path, **more: object) -> Settings:
    return Settings(
        database_url=database_url,
        redis_url=redis_url,
        key_file=folder / "keys.json",
        base_url="https://trust.example",
        vendor_name="Vendor Ltd",
        **more,  # type: ignore[arg-type]
    )


async def build_template(
    database_url: str,
    redis_url: str,
    folder: Path,
    name: str,
    make: Callable[[World], Awaitable[dict[str, CostAnomaly]]],
) -> Template:
    """An installation with an operator, two approvers, and the anomalies that ``make`` leaves in it."""
    clock = ManualClock(START)
    house = build_house(settings_of(database_url, redis_url, folder), clock)
    try:
        await house.open()
        operator = await person(house, "olga", Role.SRE_OPERATOR)
        approver = await person(house, "arne", Role.APPROVER_RELIABILITY)
        payer = await person(house, "petra", Role.APPROVER_FINANCE)
        world = World(house, clock, operator, approver, payer)
        return Template(name, folder, operator, approver, payer, await make(world))
    finally:
        await house.close()

"""A vendor with two customers, everybody in their roles, signed reports and bundles: made once, cloned per test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select

from trust_portal.access.action import TokenScope
from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import AddPerson, GrantRole, Person
from trust_portal.access.sessions.model import Client, Method
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.access.tokens.model import Admission, Bounds, CreateToken
from trust_portal.evidence.sequencer import run_sequencer
from trust_portal.evidence.tables import pending_receipts
from trust_portal.facts.framing import lines
from trust_portal.house import House, build_house
from trust_portal.kernel.actor import CUSTOMER_ROLES, Role
from trust_portal.kernel.clock import ManualClock, rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.incidents.model import incident_id
from trust_portal.learning.incidents.repository import find_incident
from trust_portal.reliability.contracts.service import ImportContracts
from trust_portal.reliability.reports.model import KIND
from trust_portal.reliability.reports.service import IssueReport
from trust_portal.settings import Settings
from trust_portal.storage.outbox import Job, outbox
from trust_portal.storage.tenancy import LedgerScope, StaffScope, TenantScope

NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
BASE_URL = "https://trust.example"
#: The last day of June in UTC; the contract begins here and owes 1,440 minutes.
LAST_DAY = datetime(2026, 6, 30, tzinfo=UTC)
STRANGER = "stranger"
_SOURCE = "//test"

CONTRACT = """\
tenant: {tenant}
version: "2026.1"
effective_from: 2026-06-30T00:00:00Z
currency: EUR
fee: "1000.00"
slas:
  - objective: api
    target: "99.9"
    denominator: subscribed
    time_zone: UTC
    tiers:
      - {{from: "99.0", to: "99.9", credit_percent: "10"}}
      - {{to: "99.0", credit_percent: "25"}}
"""


@dataclass
class Customer:
    """What a test needs to name of one customer's things."""

    id: UUID
    key: str
    report: UUID
    export: UUID
    receipt: UUID
    person: UUID
    token: UUID
    session: UUID


@dataclass
class World:
    """``cookies`` by role (and ``STRANGER``, a viewer of brightside); ``tokens`` by what they may do."""

    aurora: Customer
    brightside: Customer
    cookies: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)


def settings_of(database_url: str, redis_url: str, folder: Path, **more: object) -> Settings:
    values: dict[str, object] = {
        "database_url": database_url,
        "redis_url": redis_url,
        "key_file": folder / "keys.json",
        "base_url": BASE_URL,
        "vendor_name": "Vendor Ltd",
        "log_format": "console",
    }
    return Settings(**(values | more))


async def auroras_incident(house: House) -> str:
    """What Aurora calls its incident: a key in words is the vendor's own."""
    async with house.storage.read(TenantScope(VENDOR_ID)) as session:
        found = await find_incident(session, incident_id(_SOURCE, "INC-aurora"))
    return str(found.shown_id)[:8]


async def build_world(database_url: str, redis_url: str, folder: Path) -> World:
    """Through the product's own services; the sequencer and the bundles are run to their end."""
    house = build_house(settings_of(database_url, redis_url, folder), ManualClock(NOW))
    stop = asyncio.Event()
    sequencer = asyncio.create_task(
        run_sequencer(house.storage, house.keyring, stop, host=house.settings.host)
    )
    try:
        await house.open()
        world = World(await _customer(house, "aurora"), await _customer(house, "brightside"))
        await _people(house, world)
        await _sequenced(house)
        return world
    finally:
        stop.set()
        await sequencer
        await house.close()


async def _sequenced(house: House) -> None:
    """Every receipt so far has its place: what is taken from the inbox is in its log in the same transaction."""
    async with asyncio.timeout(120):
        while True:
            async with house.storage.read(LedgerScope()) as session:
                waiting = await session.execute(select(func.count()).select_from(pending_receipts))
                if not waiting.scalar_one():
                    return
            await asyncio.sleep(0.02)


async def _told(house: House) -> None:
    """What was announced so far reaches nobody: a customer's people come after it."""
    async with house.storage.read(StaffScope()) as session:
        query = select(outbox.c.id, outbox.c.arguments).where(outbox.c.job == Job.DISPATCH_NOTIFICATION.value)
        waiting = (await session.execute(query)).all()
    for row in waiting:
        tenant_id, told = UUID(row.arguments["tenant"]), UUID(row.arguments["notification"])
        await house.dispatcher.dispatch(tenant_id, told, work=row.id)


async def _customer(house: House, key: str) -> Customer:
    tenant = await house.tenants.create(
        CreateTenant(key, key.title(), residency="eu", onboarded_at=datetime(2026, 1, 1, tzinfo=UTC)), CONSOLE
    )
    await house.contracts.import_file(ImportContracts(CONTRACT.format(tenant=key).encode()), CONSOLE)
    events = measured(key, LAST_DAY, 3)
    began = LAST_DAY.isoformat()
    events.append(
        _event(
            "incident.declared",
            f"incident-{key}",
            {
                "incident": f"INC-{key}",
                "severity": "P1",
                "title": f"Secret trouble of {key}",
                "service": "api",
                "tenants": [key],
                "began_at": began,
                "detected_at": began,
                "owner": "ivo@vendor.example",
            },
            LAST_DAY,
        )
    )
    await deliver(house, events)
    await house.incident_following.follow()
    report = await house.reports.issue(IssueReport(tenant.id, "2026-06"), CONSOLE)
    await house.ledger.wait(tenant.id, report.receipt_id)
    assert report.revision is not None
    async with house.storage.write(TenantScope(tenant.id)) as session:
        export = await house.exports.request(
            session,
            kind=KIND,
            tenant_id=tenant.id,
            subject_id=report.id,
            revision=report.revision,
            actor=CONSOLE,
        )
    await house.exports.build(tenant.id, export.id)
    await _told(house)
    viewer = await _person(house, tenant.id, f"viewer@{key}.example", Role.CUSTOMER_VIEWER)
    admin = await _person(house, tenant.id, f"admin@{key}.example", Role.CUSTOMER_ADMIN)
    token = await house.tokens.create(
        CreateToken(tenant.id, "reader", frozenset({TokenScope.READ}), person_id=admin.id), CONSOLE
    )
    session_id, _ = await sign_in(house, viewer)
    return Customer(
        tenant.id, key, report.id, export.id, report.receipt_id, viewer.id, token.token.id, session_id
    )


async def _people(house: House, world: World) -> None:
    for role in Role:
        tenant_id = world.aurora.id if role in CUSTOMER_ROLES else VENDOR_ID
        person = await _person(house, tenant_id, f"{role.value}@everybody.example", role)
        _, world.cookies[role.value] = await sign_in(house, person)
        if role in {Role.CUSTOMER_ADMIN, Role.SRE_OPERATOR}:
            for scope in (TokenScope.READ, TokenScope.OPERATE):
                issued = await house.tokens.create(
                    CreateToken(tenant_id, f"{scope} token", frozenset({scope}), person_id=person.id), CONSOLE
                )
                world.tokens[f"{role.value}:{scope.value}"] = issued.secret
    stranger = await _person(house, world.brightside.id, "stranger@brightside.example", Role.CUSTOMER_ADMIN)
    _, world.cookies[STRANGER] = await sign_in(house, stranger)


async def _person(house: House, tenant_id: UUID, email: str, *roles: Role) -> Person:
    person = await house.people.add(AddPerson(tenant_id, email, email.partition("@")[0].title()), CONSOLE)
    for role in roles:
        until = NOW + timedelta(days=30) if role is Role.AUDITOR else None
        await house.people.grant(GrantRole(tenant_id, person.id, role, until), CONSOLE)
    return person


async def sign_in(house: House, person: Person) -> tuple[UUID, str]:
    """A session of somebody: its id and its cookie."""
    async with house.storage.write(TenantScope(person.tenant_id)) as session:
        signed_in = await house.sessions.open(session, person, Method.LINK, Client("Firefox/1 Linux"))
    assert signed_in.cookie is not None
    return signed_in.session_id, signed_in.cookie


def measured(key: str, day: datetime, bad: int) -> list[dict[str, object]]:
    """A day of minutes for objective ``api``, the first ``bad`` of them down."""
    return [
        _event(
            "sli.measured",
            f"{key}-{minute}",
            {"tenant": key, "objective": "api", "total": 100, "good": 40 if minute < bad else 100},
            day + timedelta(minutes=minute),
        )
        for minute in range(1440)
    ]


async def deliver(house: House, events: list[dict[str, object]]) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"\n".join(json.dumps(each).encode() for each in events)

    outcome = await house.intake.deliver(lines(parts()), Admission(CONSOLE, Bounds(sources=("*",))))
    assert outcome.rejected_count == 0, outcome.rejected


def _event(kind: str, id: str, data: dict[str, object], at: datetime) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "type": f"trustportal.{kind}.v1",
        "source": _SOURCE,
        "id": id,
        "time": rfc3339(at),
        "data": data,
    }

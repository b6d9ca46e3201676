"""A vendor whose customer had a bad June, and the people who make it good."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import yaml
from sqlalchemy import select, text
from support.passkeys import Devices

from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.model import Approval
from trust_portal.access.people.model import AddPerson, GrantRole, Person
from trust_portal.access.tenants.model import CreateTenant, Tenant
from trust_portal.access.tokens.model import Admission, Bounds
from trust_portal.evidence.export import ExportState
from trust_portal.evidence.policy_file import Policy
from trust_portal.evidence.tables import receipts
from trust_portal.facts.framing import lines
from trust_portal.house import House, build_house
from trust_portal.kernel.actor import SYSTEM, Actor, Role
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.reliability.contracts.service import ImportContracts
from trust_portal.reliability.credits.model import ClaimCredit, IssueCredit, ProposeCredit, VoidCredit
from trust_portal.reliability.credits.record import StoredCredit
from trust_portal.reliability.reports.record import StoredReport
from trust_portal.reliability.reports.service import IssueReport
from trust_portal.settings import Settings
from trust_portal.storage.outbox import Job, outbox
from trust_portal.storage.tenancy import TenantScope

#: The last day of June in UTC: a contract that begins here owes 1,440 minutes.
LAST_DAY = datetime(2026, 6, 30, tzinfo=UTC)
JUNE = "2026-06"
JULY = datetime(2026, 7, 1, tzinfo=UTC)

CONTRACT = """\
tenant: {tenant}
version: "2026.1"
effective_from: 2026-06-30T00:00:00Z
currency: EUR
fee: "1000.00"
credit_policy: {policy}
slas:
  - objective: api
    target: "99.9"
    denominator: subscribed
    time_zone: UTC
    claim_window_days: 30
    tiers:
      - {{from: "99.0", to: "99.9", credit_percent: "10"}}
      - {{to: "99.0", credit_percent: "25"}}
"""
PEOPLE: Mapping[str, Role] = {
    "olive": Role.SRE_OPERATOR,
    "fay": Role.APPROVER_FINANCE,
    "rob": Role.APPROVER_RELIABILITY,
    "finn": Role.FINOPS_OPERATOR,
    "cora": Role.CSM,
}
#: The place that each approver fills, in the order of the rule.
PLACES = {"fay": 1, "rob": 2}


@dataclass(frozen=True)
class World:
    acme: Tenant
    people: Mapping[str, Person]


def settings_of(database_url: str, redis_url: str, folder: Path) -> Settings:
    return Settings(
        database_url=database_url,
        redis_url=redis_url,
        key_file=folder / "keys.json",
        base_url="https://trust.example",
        vendor_name="Vendor Ltd",
        ingest_events_per_minute=10_000_000,
        log_format="console",
    )


async def make_world(house: House) -> World:
    """People, a contract that proposes nothing by itself, and ten of June's minutes down; nothing signed."""
    await house.open()
    acme = await house.tenants.create(
        CreateTenant("acme", "Acme GmbH", onboarded_at=datetime(2026, 1, 1, tzinfo=UTC)), CONSOLE
    )
    people = {name: await add_person(house, VENDOR_ID, name, role) for name, role in PEOPLE.items()}
    people["carla"] = await add_person(house, acme.id, "carla", Role.CUSTOMER_ADMIN)
    await measure(house, "acme", lambda minute: 0 if minute < 10 else 100)
    return World(acme, people)


async def add_person(house: House, tenant_id: UUID, name: str, *roles: Role) -> Person:
    person = await house.people.add(
        AddPerson(tenant_id, f"{name}@{tenant_id.hex[-4:]}.example", name.title()), CONSOLE
    )
    for role in roles:
        await house.people.grant(GrantRole(tenant_id, person.id, role, None), CONSOLE)
    return replace(person, roles=frozenset(roles))


async def promise(house: House, tenant: str = "acme", policy: str = "{}", **fields: object) -> None:
    source = yaml.load(CONTRACT.format(tenant=tenant, policy=policy), Loader=yaml.BaseLoader)  # noqa: S506 - text only
    for name, value in fields.items():
        (source if name in {*source, "effective_to", "exclusions"} else source["slas"][0])[name] = value
    await house.contracts.import_file(ImportContracts(json.dumps(source).encode()), CONSOLE)


async def measure(house: House, tenant: str, good: Callable[[int], int], **more: str) -> None:
    await deliver(
        house,
        [
            event(
                "sli.measured",
                f"{tenant}-{number}",
                {"tenant": tenant, "objective": "api", "total": 100, "good": good(number)},
                LAST_DAY + timedelta(minutes=number),
            )
            for number in range(1440)
        ],
    )


async def correct(house: House, minutes: range, good: int, tenant: str = "acme") -> None:
    """Better counts for some minutes."""
    await deliver(
        house,
        [
            event(
                "sli.measured",
                f"{tenant}-{number}-again-{good}",
                {
                    "tenant": tenant,
                    "objective": "api",
                    "total": 100,
                    "good": good,
                    "correction_of": f"{tenant}-{number}",
                },
                LAST_DAY + timedelta(minutes=number),
            )
            for number in minutes
        ],
    )


async def hours(house: House, days: int, bad: dict[int, int]) -> None:
    """``days`` of July measured every five minutes; ``bad`` says how many hours a day began with were down."""
    await deliver(
        house,
        [
            event(
                "sli.measured",
                f"july-{number}",
                {
                    "tenant": "acme",
                    "objective": "api",
                    "total": 100,
                    "good": 0 if number % 288 < 12 * bad.get(number // 288 + 1, 0) else 100,
                },
                JULY + timedelta(minutes=5 * number),
            )
            for number in range(288 * days)
        ],
    )


async def deliver(house: House, events: list[dict[str, object]]) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"\n".join(json.dumps(each).encode() for each in events)

    outcome = await house.intake.deliver(lines(parts()), Admission(CONSOLE, Bounds(sources=("*",))))
    assert outcome.rejected_count == 0, outcome.rejected


def event(kind: str, id: str, data: dict[str, object], at: datetime) -> dict[str, object]:
    frame = {"specversion": "1.0", "type": f"trustportal.{kind}.v1", "source": "//test", "id": id}
    return {**frame, "time": rfc3339(at), "data": data}


@dataclass
class Desk:
    """What people do about acme's June, through the services."""

    house: House
    tenant: Tenant
    people: Mapping[str, Person]
    devices: Devices = field(init=False)

    def __post_init__(self) -> None:
        self.devices = Devices(self.house)

    def by(self, name: str) -> Actor:
        return self.people[name].as_actor()

    async def sign(self, reason: str | None = None, actor: Actor = CONSOLE) -> StoredReport:
        report = await self.house.reports.issue(IssueReport(self.tenant.id, JUNE, reason), actor)
        assert report.revision is not None, report.why
        return report

    async def propose(self, who: str = "olive", **changes: object) -> StoredCredit:
        command = ProposeCredit(self.tenant.id, JUNE, None, "the report says so")
        return await self.house.credit_proposals.propose(replace(command, **changes), self.by(who))

    async def claim(self, who: str = "carla", period: str = JUNE):
        return await self.house.credit_proposals.claim(
            ClaimCredit(self.tenant.id, period, "June was bad"), self.by(who)
        )

    async def approval(self, credit: StoredCredit) -> Approval:
        return await self.house.credits.approval(SYSTEM, credit)

    async def approve(self, credit: StoredCredit, *names: str, settle: bool = True) -> StoredCredit:
        request = (await self.approval(credit)).request
        for name in names or ("fay", "rob"):
            await self.devices.approve(request, self.by(name), f"{name} looked at it")
        if settle:
            await self.house.credit_decisions.approval_settled(self.tenant.id, request.id)
        return await self.look(credit)

    async def issue(self, credit: StoredCredit, who: str = "finn", **changes: object) -> StoredCredit:
        command = IssueCredit(self.tenant.id, credit.id, "CN-2026-0017", credit.amount.decimal)
        return await self.house.credit_issues.issue(replace(command, **changes), self.by(who))

    async def void(self, credit: StoredCredit, who: str = "finn") -> StoredCredit:
        command = VoidCredit(self.tenant.id, credit.id, "booked by mistake")
        return await self.house.credit_decisions.void(command, self.by(who))

    async def look(self, credit: StoredCredit) -> StoredCredit:
        return await self.house.credits.get(SYSTEM, self.tenant.id, credit.id)

    async def consider(self, report: StoredReport) -> StoredCredit | None:
        return await self.house.credit_proposals.consider(self.tenant.id, report.id)

    async def issued(self, **changes: object) -> StoredCredit:
        """From the proposal to the issue, by everybody it takes."""
        return await self.issue(await self.approve(await self.propose()), **changes)

    async def issued_by_others(self, credit: StoredCredit, **changes: object) -> StoredCredit:
        """What is left to do once it is proposed."""
        return await self.issue(await self.approve(credit), **changes)

    async def jobs(self, job: str) -> list[dict[str, str]]:
        """Arguments of the jobs that wait."""
        async with self.house.storage.read(TenantScope(self.tenant.id)) as session:
            query = select(outbox.c.arguments).where(outbox.c.job == job).order_by(outbox.c.id)
            return list((await session.execute(query)).scalars())

    async def work_off(self) -> list[StoredCredit | None]:
        """Do what the signed reports left to do, oldest first, each with its row of the outbox."""
        async with self.house.storage.read(TenantScope(self.tenant.id)) as session:
            query = select(outbox.c.id, outbox.c.arguments).where(outbox.c.job == Job.CONSIDER_CREDIT)
            rows = (await session.execute(query.order_by(outbox.c.id))).all()
        return [
            await self.house.credit_proposals.consider(
                UUID(row.arguments["tenant"]), UUID(row.arguments["report"]), row.id
            )
            for row in rows
        ]

    async def kinds(self, like: str = "credit.%") -> list[str]:
        """Kinds of the tenant's receipts in the order they were made."""
        async with self.house.storage.read(TenantScope(self.tenant.id)) as session:
            query = select(receipts.c.kind).where(
                receipts.c.tenant_id == self.tenant.id, receipts.c.kind.like(like)
            )
            return list((await session.execute(query.order_by(receipts.c.id))).scalars())

    async def stored(self) -> tuple[object, ...]:
        """Everything that could have changed, to compare before and after."""
        tables = (
            "credit_calculations",
            "credits",
            "credit_states",
            "credit_issues",
            "credit_claims",
            "approval_requests",
            "approval_steps",
            "receipts",
            "exports",
        )
        async with self.house.storage.read(TenantScope(self.tenant.id)) as session:
            found = []
            for table in tables:
                rows = await session.execute(
                    text(f"SELECT * FROM {table} WHERE tenant_id = :t"), {"t": self.tenant.id}
                )
                found.append(sorted(repr(row) for row in rows))
        return tuple(found)

    async def statement(self, receipt_id: UUID) -> dict[str, object]:
        filed = await self.house.archive.receipt(self.people["olive"].as_actor(), self.tenant.id, receipt_id)
        return filed.statement["predicate"]


async def memo_bundle(house: House, credit: StoredCredit) -> bytes:
    """The memo's bundle, built now."""
    export = await house.credits.request_bundle(CONSOLE, credit.tenant_id, credit.id)
    built = await house.exports.build(credit.tenant_id, export.id)
    assert built.state is ExportState.READY, built.failure
    async with house.storage.read(TenantScope(credit.tenant_id)) as session:
        return (await house.exports.artefact(session, credit.tenant_id, built.id)).content


async def trust_of(house: House, desk: Desk) -> Policy:
    """The tenant's trust policy, as a customer has it from elsewhere."""
    return Policy.parse((await house.archive.trust_policy(desk.by("olive"), desk.tenant.id)).encode())


def open_house_at(database_url: str, redis_url: str, folder: Path, clock) -> House:
    return build_house(settings_of(database_url, redis_url, folder), clock)

"""What the tests of dual control ask for, and how they look whether anything changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from support.passkeys import Devices

from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals import decision
from trust_portal.access.approvals.decision import ApprovalRefused, require_decidable, slot_to_fill
from trust_portal.access.approvals.model import (
    Approval,
    ApprovalKind,
    ApprovalRequest,
    ApprovalState,
    Approve,
    AskApproval,
    Deny,
    Evidence,
    Intent,
    IntentLine,
    UsedApproval,
    Withdraw,
    person_behind,
)
from trust_portal.access.approvals.tables import approval_requests, approval_steps
from trust_portal.access.people.model import AddPerson, GrantRole, Person
from trust_portal.access.tenants.model import Tenant
from trust_portal.errors import Conflict, Denied, Refused
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.receipt_rows import find_receipt
from trust_portal.evidence.statement import Statement
from trust_portal.evidence.tables import receipts
from trust_portal.house import House
from trust_portal.kernel.actor import Actor, ActorKind, Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.settings import Settings
from trust_portal.storage.outbox import Job, outbox
from trust_portal.storage.tenancy import TenantScope

TABLES = (approval_requests, approval_steps, receipts)


def intent_of(tenant: Tenant, kind: ApprovalKind = ApprovalKind.RETENTION_CHANGE, days: str = "30") -> Intent:
    return Intent(
        kind=kind,
        tenant_key=tenant.key,
        tenant_name=tenant.name,
        title="Keep exports for a shorter time",
        act=(IntentLine("Retention of exports", f"{days} days instead of 365"),),
        effect="About 400.00 EUR less storage a month",
        risk="Exports older than that are gone for good",
        evidence=(Evidence("The anomaly", "/t/acme/cost/anomalies/1", "ab" * 32),),
    )


@dataclass(frozen=True, slots=True)
class Cast:
    acme: Tenant
    globex: Tenant
    people: Mapping[str, Person]


def settings_of(database_url: str, redis_url: str, folder: Path) -> Settings:
    return Settings(
        database_url=database_url,
        redis_url=redis_url,
        key_file=folder / "keys.json",
        base_url="https://trust.example",
        vendor_name="Vendor Ltd",
        log_format="console",
    )


async def add_person(house: House, email: str, *roles: Role, tenant: Tenant | None = None) -> Person:
    """A person with roles as the house then knows them; of the vendor, or of a customer."""
    tenant_id = VENDOR_ID if tenant is None else tenant.id
    person = await house.people.add(AddPerson(tenant_id, email, email.partition("@")[0].title()), CONSOLE)
    for role in roles:
        until = house.clock.now() + timedelta(days=30) if role is Role.AUDITOR else None
        await house.people.grant(GrantRole(tenant_id, person.id, role, until), CONSOLE)
    return replace(person, roles=frozenset(roles))


@dataclass
class Desk:
    """One tenant's requests, through the services."""

    house: House
    tenant: Tenant
    people: Mapping[str, Person]
    stranger: Tenant
    kind: ApprovalKind = ApprovalKind.RETENTION_CHANGE
    devices: Devices = field(init=False)

    def __post_init__(self) -> None:
        self.devices = Devices(self.house)

    @property
    def requester(self) -> Actor:
        return self.by("olive")

    def by(self, name: str) -> Actor:
        return self.people[name].as_actor()

    async def ask(self, actor: Actor | None = None, intent: Intent | None = None) -> ApprovalRequest:
        ask = AskApproval(
            self.tenant.id, intent or intent_of(self.tenant, self.kind), "storage doubled", "exports/7"
        )
        approvals = self.house.approvals
        approvers = await approvals.who_could(ask.kind, self.tenant.id)
        async with self.house.storage.write(TenantScope(self.tenant.id)) as session:
            return await approvals.open(session, ask, actor or self.requester, approvers)

    async def approve(self, request: ApprovalRequest, actor: Actor | str, **changes: object) -> Approval:
        """Signed by whoever may; the others send nothing but the form, and are refused for what they are."""
        person = self._actor(actor)
        command = replace(
            Approve(self.tenant.id, request.id, request.digest, "looked at it, fine"), **changes
        )
        try:
            slot = await self._place(command, person)
        except Refused:
            return await self.house.decisions.approve(command, person)
        signature = await self.devices.sign(request, person, command.reason, slot=slot)
        return await self.house.decisions.approve(replace(command, assertion=signature), person)

    async def _place(self, command: Approve, actor: Actor) -> int:
        """The place that an approval of theirs would fill now."""
        view = await self.house.approval_inbox.get(self.requester, self.tenant.id, command.request_id)
        asked = view.approval
        approvers = await self.house.approvals.who_could(asked.request.kind, self.tenant.id)
        require_decidable(asked, command.digest, person_behind(actor), self.house.clock.now())
        if actor.kind is not ActorKind.PERSON:
            raise Denied("only a person signs")
        return slot_to_fill(asked, approvers.people, actor.id, command.slot)

    async def deny(self, request: ApprovalRequest, actor: Actor | str, **changes: object) -> Approval:
        command = Deny(self.tenant.id, request.id, request.digest, "not this month")
        return await self.house.decisions.deny(replace(command, **changes), self._actor(actor))

    async def withdraw(self, request: ApprovalRequest, actor: Actor | None = None) -> Approval:
        command = Withdraw(self.tenant.id, request.id, "no longer needed")
        return await self.house.decisions.withdraw(command, actor or self.requester)

    async def use(self, request: ApprovalRequest, intent: Intent | None = None) -> UsedApproval:
        approvers = await self.house.approvals.who_could(request.kind, self.tenant.id)
        async with self.house.storage.write(TenantScope(self.tenant.id)) as session:
            return await self.house.approvals.use(
                session, request.id, intent or request.intent, self.requester, approvers
            )

    async def stored(self) -> tuple[object, ...]:
        """Everything that dual control writes, to compare before and after."""
        async with self.house.storage.read(TenantScope(self.tenant.id)) as session:
            rows = [
                (await session.execute(select(table).where(table.c.tenant_id == self.tenant.id))).all()
                for table in TABLES
            ]
            jobs = (await session.execute(select(func.count()).select_from(outbox))).scalar_one()
        return (*[sorted(each, key=repr) for each in rows], jobs)

    async def kinds(self) -> list[str]:
        """Kinds of the tenant's approval receipts in the order they were made."""
        async with self.house.storage.read(TenantScope(self.tenant.id)) as session:
            query = select(receipts.c.kind, receipts.c.id).where(
                receipts.c.tenant_id == self.tenant.id, receipts.c.kind.like("approval.%")
            )
            rows = (await session.execute(query.order_by(receipts.c.id))).all()
        return [row.kind.removeprefix("approval.") for row in rows]

    async def count(self, kind: str) -> int:
        """How many receipts of a kind the tenant has."""
        async with self.house.storage.read(TenantScope(self.tenant.id)) as session:
            query = select(func.count()).where(
                receipts.c.tenant_id == self.tenant.id, receipts.c.kind == kind
            )
            return (await session.execute(query)).scalar_one()

    async def predicates(self, kind: str) -> list[dict[str, Any]]:
        """What the tenant's receipts of a kind say, in the order they were made."""
        async with self.house.storage.read(TenantScope(self.tenant.id)) as session:
            query = (
                select(receipts.c.envelope)
                .where(receipts.c.tenant_id == self.tenant.id, receipts.c.kind == kind)
                .order_by(receipts.c.id)
            )
            found = (await session.execute(query)).scalars().all()
        return [Statement.parse(Envelope.parse(each).payload).predicate for each in found]

    async def predicate(self, receipt_id: UUID | str) -> dict[str, Any]:
        """What a receipt of the tenant's says."""
        async with self.house.storage.read(TenantScope(self.tenant.id)) as session:
            receipt = await find_receipt(session, self.tenant.id, UUID(str(receipt_id)))
        return Statement.parse(Envelope.parse(receipt.envelope).payload).predicate

    async def jobs(self) -> list[tuple[str, dict[str, str]]]:
        """Of dual control itself; what people are told about it has jobs of its own."""
        async with self.house.storage.read(TenantScope(self.tenant.id)) as session:
            query = (
                select(outbox.c.job, outbox.c.arguments, outbox.c.id)
                .where(outbox.c.job.in_([Job.APPROVAL_SETTLED.value, Job.EXPIRE_APPROVAL.value]))
                .order_by(outbox.c.id)
            )
            return [(row.job, row.arguments) for row in await session.execute(query)]

    def _actor(self, actor: Actor | str) -> Actor:
        return self.by(actor) if isinstance(actor, str) else actor


async def refused(desk: Desk, act, kind: type[Refused] = Conflict) -> str:
    """The code with which ``act`` is refused; whatever dual control stores is as it was."""
    before = await desk.stored()
    with pytest.raises(kind) as caught:
        await act
    # What is wrong with an approval is a conflict with a name of its own; nothing else may pass for one.
    assert type(caught.value) is kind or (kind is Conflict and isinstance(caught.value, ApprovalRefused))
    assert await desk.stored() == before
    return caught.value.code


async def statement(desk: Desk, receipt_id) -> Statement:
    async with desk.house.storage.read(TenantScope(desk.tenant.id)) as session:
        receipt = await find_receipt(session, desk.tenant.id, receipt_id)
    return Statement.parse(Envelope.parse(receipt.envelope).payload)


def state(desk: Desk, approval) -> ApprovalState:
    return decision.state_of(approval, desk.house.storage.clock.now())

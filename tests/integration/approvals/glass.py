"""An operator who breaks the glass for a customer, signed in as people are."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from dual_control import Desk, add_person
from sqlalchemy import select

from jobs import approvals as jobs
from jobs.workbench import Workbench
from trust_portal.access.approvals.inbox import ApprovalFilter
from trust_portal.access.approvals.model import Approval, Deny
from trust_portal.access.break_glass.model import CloseBreakGlass, Emergency, OpenBreakGlass
from trust_portal.access.people.model import Person
from trust_portal.access.sessions.model import Client, Method
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.statement import Statement
from trust_portal.evidence.tables import receipts
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.page import PageRequest
from trust_portal.storage.backlog import Backlog
from trust_portal.storage.outbox import DEFAULT_QUEUE, Job
from trust_portal.storage.tenancy import TenantScope

REASON = "exports of acme run away, nobody answers"
DUTIES = {duty.job: duty for duty in jobs.APPROVAL_DUTIES if duty.job is not Job.REMIND_OF_APPROVAL}


@dataclass
class Scene:
    """Iris is on call and no approver; Sam, Sid (security) and Rex, Rita (reliability) review."""

    desk: Desk
    people: dict[str, Person] = field(default_factory=dict)

    async def cast(self) -> Scene:
        house = self.desk.house
        self.people = {
            **self.desk.people,
            "iris": await add_person(house, "iris@vendor.example", Role.INCIDENT_OWNER),
            "rex": await add_person(house, "rex@vendor.example", Role.APPROVER_RELIABILITY),
            "rita": await add_person(
                house, "rita@vendor.example", Role.APPROVER_RELIABILITY, Role.SRE_OPERATOR
            ),
        }
        return self

    async def by(self, name: str) -> Actor:
        """As the next request of their browser finds them."""
        house, person = self.desk.house, self.people[name]
        async with house.storage.write(TenantScope(person.tenant_id)) as session:
            opened = await house.sessions.open(session, person, Method.LINK, Client("test", "::1"))
        signed_in = await house.sessions.authenticate(opened.cookie)
        assert signed_in is not None
        return signed_in.actor

    async def break_glass(self, name: str = "iris", minutes: int = 60) -> Emergency:
        command = OpenBreakGlass(self.desk.tenant.id, REASON, timedelta(minutes=minutes))
        return await self.desk.house.break_glass.open(command, await self.by(name))

    async def close(self, found: Emergency, name: str = "iris") -> Emergency:
        command = CloseBreakGlass(self.desk.tenant.id, found.grant.id, "the exports are stopped")
        return await self.desk.house.break_glass.close(command, await self.by(name))

    async def look(self, found: Emergency) -> Emergency:
        emergency, _ = await self.desk.house.break_glass.get(
            await self.by("sam"), found.grant.tenant_id, found.grant.id
        )
        return emergency

    async def review(self) -> Approval:
        """The newest request for a review."""
        page = await self.desk.house.approval_inbox.page(
            await self.by("sam"), ApprovalFilter(self.desk.tenant.id), PageRequest(1)
        )
        return page.items[0].approval

    async def approve(self, name: str) -> Approval:
        request = (await self.review()).request
        return await self.desk.devices.approve(request, await self.by(name), "looked at all of it")

    async def deny(self, name: str) -> Approval:
        request = (await self.review()).request
        command = Deny(request.tenant_id, request.id, request.digest, "it could have waited")
        return await self.desk.house.decisions.deny(command, await self.by(name))

    async def work(self) -> list[Job]:
        """Do what is due, as the worker does."""
        backlog = Backlog(self.desk.house.storage)
        bench, done = Workbench(self.desk.house, backlog), []
        while tickets := await backlog.hand_over(DEFAULT_QUEUE):
            for ticket in tickets:
                if ticket.job in DUTIES:
                    await bench.attempt(DUTIES[ticket.job], str(ticket.row_id), ticket.attempts)
                    done.append(ticket.job)
        return done

    async def receipts(self, like: str) -> list[tuple[str, dict]]:
        """(kind, predicate) of the tenant's receipts of a kind, in the order they were made."""
        async with self.desk.house.storage.read(TenantScope(self.desk.tenant.id)) as session:
            rows = await session.execute(
                select(receipts.c.kind, receipts.c.envelope)
                .where(receipts.c.tenant_id == self.desk.tenant.id, receipts.c.kind.like(like))
                .order_by(receipts.c.at, receipts.c.id)
            )
            return [
                (row.kind, dict(Statement.parse(Envelope.parse(row.envelope).payload).predicate))
                for row in rows
            ]

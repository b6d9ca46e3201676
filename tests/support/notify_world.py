"""A house whose notifications really leave it: to a mail server and to receivers of webhooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from jobs.relay import QUEUES
from jobs.workbench import Workbench
from jobs.worker import DUTIES
from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import AddPerson, GrantRole, Person
from trust_portal.access.tenants.model import CreateTenant, Tenant
from trust_portal.house import House
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.notify.announcing import announce
from trust_portal.notify.model import Announcement, Audience
from trust_portal.notify.topics import Topic
from trust_portal.settings import Settings
from trust_portal.storage.backlog import Backlog
from trust_portal.storage.tenancy import TenantScope

NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)


@dataclass
class NotifyWorld:
    house: House
    clock: ManualClock

    async def tenant(self, key: str, name: str | None = None) -> Tenant:
        command = CreateTenant(key, name or key.title(), onboarded_at=datetime(2026, 1, 1, tzinfo=UTC))
        return await self.house.tenants.create(command, CONSOLE)

    async def person(self, tenant_id: UUID, email: str, *roles: Role, name: str | None = None) -> Person:
        """Somebody with these roles, as the house then knows them."""
        added = await self.house.people.add(
            AddPerson(tenant_id, email, name or email.partition("@")[0].title()), CONSOLE
        )
        for role in roles:
            until = self.clock.now() + timedelta(days=30) if role is Role.AUDITOR else None
            await self.house.people.grant(GrantRole(tenant_id, added.id, role, until), CONSOLE)
        return await self.house.people.get(CONSOLE, tenant_id, added.id)

    async def staff(self, email: str, *roles: Role, name: str | None = None) -> Person:
        return await self.person(VENDOR_ID, email, *roles, name=name)

    async def announce(self, tenant_id: UUID, announcement: Announcement) -> UUID | None:
        async with self.house.storage.write(TenantScope(tenant_id)) as session:
            return await announce(session, announcement)

    async def take_job(self) -> tuple[UUID, dict[str, str]]:
        """The one job that is due, begun as a worker begins it: the outbox row's id, and the arguments."""
        backlog = Backlog(self.house.storage)
        (ticket,) = [ticket for queue in QUEUES for ticket in await backlog.hand_over(queue)]
        begun = await backlog.start(ticket)
        assert begun is not None
        return ticket.row_id, begun[1]

    async def work(self, queues: Sequence[str] = QUEUES) -> int:
        """Everything that is due now, as workers of these queues do it; how many attempts at jobs that took."""
        backlog = Backlog(self.house.storage)
        bench = Workbench(self.house, backlog)
        duties, made = {duty.job: duty for duty in DUTIES}, 0
        while True:
            tickets = [ticket for queue in queues for ticket in await backlog.hand_over(queue)]
            for ticket in tickets:
                await bench.attempt(duties[ticket.job], str(ticket.row_id), ticket.attempts)
            if not tickets:
                return made
            made += len(tickets)


def spike(*, key: str = "anomaly/1", roles: Iterable[Role] = (Role.FINOPS_OPERATOR,), **more) -> Announcement:
    """An announcement of a cost spike."""
    values = {
        "topic": Topic.ANOMALY_OPENED,
        "key": key,
        "title": "Compute costs four times as much as expected",
        "text": "Since 08:00 UTC. Nobody has looked at it yet.",
        "path": "/t/northwind/cost",
        "facts": {"subsystem": "compute", "excess": "512.00 EUR"},
        "audience": Audience(frozenset(roles)),
    }
    return Announcement(**(values | more))


def notify_settings(database_url: str, redis_url: str, folder: Path, **more: object) -> Settings:
    values: dict[str, object] = {
        "database_url": database_url,
        "redis_url": redis_url,
        "key_file": folder / "keys.json",
        "base_url": "https://trust.example",
        "vendor_name": "Aurora Cloud",
        "log_format": "console",
    }
    return Settings(**(values | more))

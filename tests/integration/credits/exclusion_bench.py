"""What people do about minutes that are to be taken out of acme's months, through the services."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

from credit_desk import LAST_DAY, Desk
from sqlalchemy import text

from jobs.approvals import SETTLED
from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.model import ApprovalKind
from trust_portal.reliability.exclusions.model import ProposeExclusion, StoredExclusion
from trust_portal.reliability.reports.record import StoredReport
from trust_portal.storage.tenancy import TenantScope

#: The ten minutes that acme was down.
TEN = (LAST_DAY, LAST_DAY + timedelta(minutes=10))


class Bench:
    """What people do about a window, through the services."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.house, self.tenant_id = desk, desk.house, desk.tenant.id

    async def propose(
        self, who: str = "olive", start: datetime = TEN[0], end: datetime = TEN[1], **changes: object
    ) -> StoredExclusion:
        command = ProposeExclusion(
            self.tenant_id, start, end, ("api",), "the customer's own network was down", "ticket 4711"
        )
        return await self.house.exclusions.propose(replace(command, **changes), self.desk.by(who))

    async def approve(self, exclusion: StoredExclusion, *names: str) -> StoredExclusion:
        request = (await self.house.exclusions.approval(self.desk.by("olive"), exclusion)).request
        for name in names:
            await self.desk.devices.approve(request, self.desk.by(name), f"{name} looked at it")
        return await self.settle(exclusion)

    async def settle(self, exclusion: StoredExclusion) -> StoredExclusion:
        await SETTLED[ApprovalKind.EXCLUSION](self.house, self.tenant_id, exclusion.request_id)
        return await self.look(exclusion)

    async def look(self, exclusion: StoredExclusion) -> StoredExclusion:
        return await self.house.exclusions.get(self.desk.by("olive"), self.tenant_id, exclusion.id)

    async def objective(self, report: StoredReport) -> dict:
        body = json.loads(await self.house.reports.document(CONSOLE, self.tenant_id, report.id))
        return body["objectives"][0]

    async def stored(self) -> tuple[object, ...]:
        async with self.house.storage.read(TenantScope(self.tenant_id)) as session:
            found = []
            for table in ("exclusions", "exclusion_states"):
                rows = await session.execute(
                    text(f"SELECT * FROM {table} WHERE tenant_id = :t"), {"t": self.tenant_id}
                )
                found.append(sorted(repr(row) for row in rows))
        return (*found, *await self.desk.stored())

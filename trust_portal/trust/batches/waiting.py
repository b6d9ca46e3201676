"""When one customer's part of a batch is done: after the end of the period where they are; and what is waited for.

An assessment that is taken in, or an agreement that is changed, at the turn of a quarter makes everybody's or one
customer's last look one of before; a new look is asked for in that moment and made within minutes. The clockwork
starts a batch once: it waits so long, and not for anything that somebody has to see to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.period import parse_period
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession
from trust_portal.trust.batches import repository
from trust_portal.trust.batches.model import Batch
from trust_portal.trust.compliance.section import ASSESSED_SINCE
from trust_portal.trust.gathering.ids import COMPLIANCE, POSTURE
from trust_portal.trust.posture.model import KEY_SINCE, RESIDENCY_SINCE
from trust_portal.trust.sections.model import Section

#: How long after a customer's report was due a new look is waited for, and how often it is tried meanwhile.
LONGEST: Final = timedelta(hours=1)
EVERY: Final = timedelta(minutes=5)

#: What was changed since it was looked at, by section: whatever changes it has it looked at again.
_SINCE: Final[Mapping[str, frozenset[str]]] = {
    COMPLIANCE: frozenset({ASSESSED_SINCE}),
    POSTURE: frozenset({KEY_SINCE, RESIDENCY_SINCE}),
}


def passes(sections: Sequence[Section]) -> bool:
    """Whether all that keeps ``sections`` from being fresh is a look that is asked for already. Pure."""
    return all(set((each.why or "").split("; ")) <= _SINCE.get(each.id, frozenset()) for each in sections)


async def enqueue(session: WriteSession, batch: Batch, tenant: Tenant, at: datetime) -> None:
    """Have the customer's report published ``at`` that moment; a period is over in some zones before it is in others."""
    await session.enqueue(
        Job.PUBLISH_TRUST_REPORT,
        {"batch_id": str(batch.id), "tenant_id": str(tenant.id)},
        dedupe_key=f"{Job.PUBLISH_TRUST_REPORT}:{batch.id}:{batch.attempt}:{tenant.id}",
        due_at=max(at, _end(batch, tenant)),
    )


async def set_back(storage: Storage, batch: Batch, tenant_id: UUID, job: UUID | None) -> bool:
    """Whether the customer's ``job`` is done again in a while instead of settled; they go on waiting in the batch.

    Only in a batch of the clockwork: whoever starts one is told at once, and may start it again.
    """
    if job is None or batch.requested_by_id != SYSTEM.id:
        return False
    again = storage.clock.now() + EVERY
    async with storage.read(TenantScope(tenant_id)) as session:
        tenant = await find_tenant(session, tenant_id)
        planned_at = await repository.planned_at(session, tenant_id, batch.id)
    if tenant is None or planned_at is None or again > max(planned_at, _end(batch, tenant)) + LONGEST:
        return False
    async with storage.write(TenantScope(tenant_id)) as writing:
        if await writing.complete(job):
            await enqueue(writing, batch, tenant, again)
    return True


def _end(batch: Batch, tenant: Tenant) -> datetime:
    return parse_period(batch.period, tenant.time_zone).end

"""Having a customer's posture looked at again, by whatever changed what was last found.

Asked for within the change's own transaction: either both are there or neither is. Not one of the clockwork's
daily looks, which may have begun before the change: so it has no dedupe key.
"""

from __future__ import annotations

from uuid import UUID

from trust_portal.storage.outbox import Job
from trust_portal.storage.unit_of_work import WriteSession


async def look_again(session: WriteSession, tenant_id: UUID) -> None:
    """A look by a worker, once this transaction has committed."""
    await session.enqueue(Job.CHECK_POSTURE, {"tenant": str(tenant_id)})

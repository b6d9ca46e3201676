"""That every act in a log that takes two is behind an approval for that act and that thing, as the control judges it."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from trust_portal.storage.tenancy import StaffScope
from trust_portal.storage.unit_of_work import Storage
from trust_portal.trust.compliance.facts_repository import read_dual_control
from trust_portal.trust.compliance.judging import judge_dual_control


async def acts_of_two(storage: Storage, tenant_id: UUID) -> list[str]:
    """Their kinds, in order; those that were excepted too. Each is without a gap."""
    async with storage.read(StaffScope()) as session:
        facts = await read_dual_control(session, tenant_id, datetime.min.replace(tzinfo=UTC))
    assert judge_dual_control(facts).gaps == ()
    return [each.kind for each in facts.acts]

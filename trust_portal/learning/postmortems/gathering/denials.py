"""What policy refused while the incident went on: at the vendor, and at each customer it touched."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from trust_portal.access.denial_log import Denial, denials_between
from trust_portal.kernel.canonical import digest
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.postmortems.gathering.model import Fact, FactKind, IncidentBrief, Missing
from trust_portal.storage.unit_of_work import ReadSession

#: Of one tenant; more tell nothing new.
MOST_DENIALS: Final = 100
SOURCE: Final = "policy denials"


async def gather_denials(
    session: ReadSession, incident: IncidentBrief, now: datetime
) -> tuple[tuple[Fact, ...], tuple[Missing, ...]]:
    """By tenant, the vendor first, as they happened. Denials are kept by the minute: one that
    the incident began or ended in counts whole. In the staff scope.
    """
    start = incident.began_at.replace(second=0, microsecond=0)
    tenants: list[tuple[UUID, str | None]] = [(VENDOR_ID, None)]
    tenants += [(each.id, each.key) for each in incident.customers]
    facts: list[Fact] = []
    missing: list[Missing] = []
    found = await denials_between(
        session, [id_ for id_, _ in tenants], start, incident.over_at(now), limit=MOST_DENIALS + 1
    )
    for tenant_id, key in tenants:
        facts += [_fact(each, key) for each in found[tenant_id][:MOST_DENIALS]]
        if len(found[tenant_id]) > MOST_DENIALS:
            missing.append(Missing(SOURCE, f"only the first {MOST_DENIALS} are listed", key))
    return tuple(facts), tuple(missing)


def _fact(denial: Denial, customer: str | None) -> Fact:
    fields = {
        "actor": denial.actor_name,
        "actor_kind": denial.actor_kind.value,
        "action": denial.action,
        "on": denial.resource_kind,
        "resource": denial.resource_id,
        "policies": list(denial.policies),
        "policy_version": denial.policy_version,
    }
    sha256 = digest({"id": str(denial.id), **fields})
    return Fact(str(denial.id), FactKind.DENIAL, "denial log", denial.minute, sha256, fields, customer)

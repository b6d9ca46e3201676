"""Requests about a customer of the portal's world, asked for by its operator."""

from __future__ import annotations

import json
from uuid import UUID

from support.passkeys import Devices

from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.model import (
    ApprovalKind,
    ApprovalRequest,
    AskApproval,
    Evidence,
    Intent,
    IntentLine,
)
from trust_portal.access.people.model import Person
from trust_portal.house import House
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.storage.tenancy import TenantScope


def retention_intent(key: str, days: str = "30") -> Intent:
    return Intent(
        kind=ApprovalKind.RETENTION_CHANGE,
        tenant_key=key,
        tenant_name=key.title(),
        title="Keep exports of the message store for 30 days instead of 365",
        act=(
            IntentLine("Retention of exports", f"{days} days instead of 365"),
            IntentLine("From", "2026-07-11, 00:00 UTC"),
        ),
        effect="About EUR 412.60 less storage a month; 1,184 exports are deleted on the first night",
        risk="Exports older than 30 days are gone for good, also for an audit that asks for them later",
        evidence=(
            Evidence("Why storage cost rose in June", f"/t/{key}/cost", "5c" * 32),
            Evidence("The clause of the contract on retention", f"/t/{key}/contracts/2026.1", "a9" * 32),
        ),
    )


async def ask(
    house: House, tenant_id: UUID, actor: Actor, intent: Intent, reason: str = "Storage doubled since May"
) -> ApprovalRequest:
    """Open a request in a transaction of its own, as the rooms above do in that of their act."""
    approvers = await house.approvals.who_could(intent.kind, tenant_id)
    async with house.storage.write(TenantScope(tenant_id)) as session:
        return await house.approvals.open(
            session, AskApproval(tenant_id, intent, reason, "retention/exports"), actor, approvers
        )


async def signed_form(devices: Devices, request: ApprovalRequest, role: Role, reason: str) -> dict[str, str]:
    """What the decision's page sends once the first person of the vendor with ``role`` has signed."""
    person = await person_with(devices.house, CONSOLE, role, VENDOR_ID)
    slot = request.roles.index(role) + 1
    assertion = await devices.sign(request, person.as_actor(), reason, slot=slot)
    return {
        "digest": request.digest,
        "reason": reason,
        "slot": str(slot),
        "assertion": json.dumps(dict(assertion.json())),
    }


async def person_with(house: House, admin: Actor, role: Role, tenant_id: UUID) -> Person:
    """The first person of a tenant who holds ``role``."""
    people = (await house.people.page(admin, tenant_id, PageRequest(100))).items
    return next(each for each in people if role in each.roles)

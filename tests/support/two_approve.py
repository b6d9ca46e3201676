"""What of an incident takes two: who approves, and all that a refusal must leave as it was."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select
from support.postmortem_desk import Desk

from jobs.approvals import SETTLED
from trust_portal.access.approvals.model import ApprovalKind, ApprovalRequest
from trust_portal.access.approvals.recording import load
from trust_portal.access.rights import actor_with
from trust_portal.facts.tables import facts
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.incidents.model import Incident
from trust_portal.storage.tenancy import TenantScope


async def everything(desk: Desk) -> tuple[dict[str, Incident], int, int]:
    """The register, how many facts there are, and how many receipts of incidents."""
    async with desk.house.storage.read(TenantScope(VENDOR_ID)) as session:
        query = select(func.count()).select_from(facts).where(facts.c.tenant_id == VENDOR_ID)
        count = (await session.execute(query)).scalar_one()
    page = await desk.house.archive.receipts(actor_with(Role.VENDOR_ADMIN), VENDOR_ID, PageRequest(100))
    said = [each for each in page.items if each.kind.value.startswith("incident.")]
    return await desk.vendor.register(), count, len(said)


async def approvers(desk: Desk) -> list[Actor]:
    return [
        (await desk.vendor.person("Rob Reliable", Role.APPROVER_RELIABILITY)).as_actor(),
        (await desk.vendor.person("Sue Secure", Role.APPROVER_SECURITY)).as_actor(),
    ]


async def request_of(desk: Desk, request_id: UUID) -> ApprovalRequest:
    async with desk.house.storage.read(TenantScope(VENDOR_ID)) as session:
        return (await load(session, VENDOR_ID, request_id)).request


async def settle(desk: Desk, request_id: UUID) -> None:
    await SETTLED[ApprovalKind.SEVERITY_DOWNGRADE](desk.house, VENDOR_ID, request_id)

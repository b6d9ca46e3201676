"""What of an incident takes two: who approves, and all that a refusal must leave as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from support.passkeys import Devices
from support.postmortem_desk import Desk

from jobs.approvals import SETTLED
from trust_portal.access.approvals.model import ApprovalKind, ApprovalRequest
from trust_portal.access.approvals.recording import load
from trust_portal.access.rights import actor_with
from trust_portal.errors import Conflict
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.receipt_rows import find_receipt
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.facts.tables import facts
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.incidents.acts_model import SetAffected, UnmergeIncident
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


async def asked_and_approved(
    desk: Desk, command: UnmergeIncident | SetAffected, two: Sequence[Actor]
) -> ApprovalRequest:
    """Asked for once, and approved by one and then by the other: until then nothing of the incident is any other."""
    as_it_was = await everything(desk)
    request_id = await desk.house.lowering.tell_or_ask(command, desk.writer)
    assert request_id is not None
    assert await everything(desk) == as_it_was, "that it was asked changes nothing of it"
    assert await desk.house.retractions.waiting(desk.writer, command.incident_id) == request_id
    with pytest.raises(Conflict) as again:
        await desk.house.lowering.tell_or_ask(command, desk.writer)
    assert again.value.code == "ALREADY_ASKED"
    request, devices = await request_of(desk, request_id), Devices(desk.house)
    await devices.approve(request, two[0])
    await settle(desk, request_id)
    assert await everything(desk) == as_it_was, "one of two"
    await devices.approve(request, two[1])
    await settle(desk, request_id)
    await settle(desk, request_id)
    assert await desk.house.retractions.waiting(desk.writer, command.incident_id) is None
    return request


async def result_by_two(
    desk: Desk, kind: ReceiptKind, request: ApprovalRequest, two: Sequence[Actor]
) -> Mapping[str, Any]:
    """What the one receipt of this kind says came of it: it names the approval, and who approved."""
    page = await desk.house.archive.receipts(actor_with(Role.VENDOR_ADMIN), VENDOR_ID, PageRequest(50))
    [newest] = [each for each in page.items if each.kind is kind]
    async with desk.house.storage.read(TenantScope(VENDOR_ID)) as session:
        receipt = await find_receipt(session, VENDOR_ID, newest.id)
    result: Mapping[str, Any] = Statement.parse(Envelope.parse(receipt.envelope).payload).predicate["result"]
    assert result["approval"] == str(request.id)
    assert {each["person"] for each in result["approvals"]} == {str(each.id) for each in two}
    return result


async def settle(desk: Desk, request_id: UUID) -> None:
    await SETTLED[ApprovalKind.SEVERITY_DOWNGRADE](desk.house, VENDOR_ID, request_id)

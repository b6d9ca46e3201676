"""One who asks for looser thresholds of a tenant, and two who approve them."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from support.cost_vendor import Vendor
from support.passkeys import Devices

from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.inbox import ApprovalView
from trust_portal.access.approvals.model import Approval, ApprovalRequest
from trust_portal.access.people.model import AddPerson, GrantRole
from trust_portal.access.tenants.model import Tenant
from trust_portal.cost.anomalies.thresholds import SetThresholds
from trust_portal.cost.anomalies.thresholds_model import ThresholdRevision
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.ids import VENDOR_ID


async def person(vendor: Vendor, name: str, role: Role) -> Actor:
    house = vendor.house
    added = await house.people.add(AddPerson(VENDOR_ID, f"{name}@vendor.example", name.title()), CONSOLE)
    await house.people.grant(GrantRole(VENDOR_ID, added.id, role, None), CONSOLE)
    return (await house.people.get(CONSOLE, VENDOR_ID, added.id)).as_actor()


@dataclass
class Desk:
    vendor: Vendor
    tenant: Tenant
    olive: Actor
    rex: Actor
    fay: Actor
    devices: Devices = field(init=False)

    def __post_init__(self) -> None:
        self.devices = Devices(self.vendor.house)
        self.command = SetThresholds(self.tenant.id, "compute", {"min_impact": 100_000.0}, "noisy account")

    async def loosen(self, command: SetThresholds | None = None) -> ThresholdRevision:
        """Asked for, approved and set."""
        request = (await self.ask(command)).approval.request
        await self.approve(request)
        revision = await self.settle(request)
        assert revision is not None
        return revision

    async def ask(self, command: SetThresholds | None = None) -> ApprovalView:
        changed = await self.vendor.house.threshold_changes.change(command or self.command, self.olive)
        assert changed.revision is None
        assert changed.approval_id is not None
        return await self.view(changed.approval_id)

    async def view(self, approval_id: UUID) -> ApprovalView:
        return await self.vendor.house.approval_inbox.get(self.rex, self.tenant.id, approval_id)

    async def approve(self, request: ApprovalRequest, *by: Actor) -> Approval:
        """By both, or by others; how the request stands after the last of them."""
        for each in by or (self.rex, self.fay):
            approval = await self.devices.approve(request, each, "looked at the back-test")
        return approval

    async def settle(self, request: ApprovalRequest) -> ThresholdRevision | None:
        return await self.vendor.house.threshold_changes.approval_settled(self.tenant.id, request.id)


async def open_desk(vendor: Vendor, tenant: Tenant) -> Desk:
    """Olive asks, Rex and Fay approve."""
    olive = await person(vendor, "olive", Role.FINOPS_OPERATOR)
    rex = await person(vendor, "rex", Role.APPROVER_RELIABILITY)
    fay = await person(vendor, "fay", Role.APPROVER_FINANCE)
    return Desk(vendor, tenant, olive, rex, fay)

"""People of tests sign with devices in software, which really sign."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from uuid import UUID

from trust_portal.access.approvals.model import Approval, ApprovalRequest, Approve, StepAct
from trust_portal.access.approvals.statement import decision_statement
from trust_portal.access.passkeys.model import FinishEnrolment, NameOfPasskey, Passkey
from trust_portal.access.passkeys.relying_party import relying_party
from trust_portal.access.sessions.model import SignedIn
from trust_portal.demo.authenticator import Authenticator
from trust_portal.evidence.assertion import Assertion, challenge_of
from trust_portal.house import House
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import canonical
from trust_portal.kernel.ids import new_id


def device_of(house: House) -> Authenticator:
    """A new device whose owner looks at this house's pages."""
    party = relying_party(house.settings.base_url, house.settings.passkey_domain)
    return Authenticator(party.id, party.origin)


def just_signed_in(house: House, actor: Actor) -> SignedIn:
    now = house.clock.now()
    return SignedIn(new_id(), actor, now, now)


async def enrol(
    house: House,
    actor: Actor,
    device: Authenticator | None = None,
    *,
    signed_in: SignedIn | None = None,
) -> tuple[Passkey, Authenticator]:
    """A passkey of ``actor``, enrolled as the account's page enrols one."""
    device = device or device_of(house)
    signed_in = signed_in or just_signed_in(house, actor)
    ceremony = await house.passkeys.begin(NameOfPasskey("Test key"), signed_in)
    answer = device.create(json.loads(ceremony.options))
    return await house.passkeys.finish(FinishEnrolment(ceremony.id, answer), signed_in), device


def signed_by(
    device: Authenticator,
    request: ApprovalRequest,
    actor: Actor,
    reason: str,
    *,
    slot: int,
    act: StepAct = StepAct.APPROVE,
) -> Assertion:
    """The signature under a decision, as the page asks the device for it."""
    statement = decision_statement(request, act, slot, actor.id, actor.name, reason)
    return device.sign(challenge_of(canonical(statement)))


@dataclass
class Devices:
    """Each person's device, enrolled the first time they sign."""

    house: House
    held: dict[UUID, Authenticator] = field(default_factory=dict)

    async def of(self, actor: Actor) -> Authenticator:
        if actor.id not in self.held:
            _, self.held[actor.id] = await enrol(self.house, actor)
        return self.held[actor.id]

    async def sign(
        self,
        request: ApprovalRequest,
        actor: Actor,
        reason: str,
        *,
        slot: int,
        act: StepAct = StepAct.APPROVE,
    ) -> Assertion:
        return signed_by(await self.of(actor), request, actor, reason, slot=slot, act=act)

    async def approve(
        self, request: ApprovalRequest, actor: Actor, reason: str = "looked at it, fine"
    ) -> Approval:
        """Sign and approve from the first place of a role that ``actor`` has, or of anybody's."""
        slot = next((at for at, role in enumerate(request.roles, start=1) if role in actor.roles), 1)
        signature = await self.sign(request, actor, reason, slot=slot)
        command = Approve(request.tenant_id, request.id, request.digest, reason, slot, signature)
        return await self.house.decisions.approve(command, actor)

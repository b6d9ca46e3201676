"""Asking that a key be replaced."""

from __future__ import annotations

import strawberry

from schema.context import Info
from schema.ids import encode
from schema.payload import Payload, mutation
from schema.types.key import SigningPurpose
from trust_portal.access.key_rotation.model import AskKeyRotation
from trust_portal.evidence.keyring import KeyPurpose
from trust_portal.kernel.ids import VENDOR_ID


@strawberry.input(description="Which key, and why. The new one is prepared in the key file before.")
class RequestKeyRotationInput:
    purpose: SigningPurpose
    fingerprint: str = strawberry.field(description="Of the prepared key, as it was compared.")
    reason: str = strawberry.field(description="Approvers read it, and it is signed.")


@strawberry.type(description="The request that two people decide on.")
class RequestKeyRotationPayload(Payload):
    approval_request_id: strawberry.ID | None = None


@strawberry.type
class KeyMutations:
    @mutation(
        description="Ask that the prepared key replace the one in force.", arguments={"key_id": "fingerprint"}
    )
    async def request_key_rotation(
        self, info: Info, input: RequestKeyRotationInput
    ) -> RequestKeyRotationPayload:
        house = info.context.house
        command = AskKeyRotation(KeyPurpose(input.purpose.value), input.reason, input.fingerprint)
        made = await house.key_rotations.ask(command, info.context.actor)
        return RequestKeyRotationPayload(approval_request_id=encode("ApprovalRequest", VENDOR_ID, made.id))

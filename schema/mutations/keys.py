"""Asking that a key be replaced."""

from __future__ import annotations

import strawberry

from schema.context import Info
from schema.ids import encode
from schema.payload import OF_THE_REQUEST, UserError, user_error
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
class RequestKeyRotationPayload:
    request_id: strawberry.ID | None
    user_errors: list[UserError]


@strawberry.type
class KeyMutations:
    @strawberry.mutation(description="Ask that the prepared key replace the one in force.")
    async def request_key_rotation(
        self, info: Info, input: RequestKeyRotationInput
    ) -> RequestKeyRotationPayload:
        house = info.context.house
        try:
            command = AskKeyRotation(KeyPurpose(input.purpose.value), input.reason, input.fingerprint)
            made = await house.key_rotations.ask(command, info.context.actor)
        except OF_THE_REQUEST as refusal:
            return RequestKeyRotationPayload(
                request_id=None, user_errors=[user_error(refusal, key_id="fingerprint")]
            )
        return RequestKeyRotationPayload(
            request_id=encode("ApprovalRequest", VENDOR_ID, made.id), user_errors=[]
        )

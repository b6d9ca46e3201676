"""The keys that sign, and where they came from."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from schema.ids import encode
from trust_portal.access.key_rotation.service import Keys
from trust_portal.evidence.keyring import KeyPurpose
from trust_portal.kernel.ids import VENDOR_ID


@strawberry.enum(description="What a key signs.")
class SigningPurpose(Enum):
    CHECKPOINTS = KeyPurpose.CHECKPOINTS.value
    RECEIPTS = KeyPurpose.RECEIPTS.value
    WEBHOOKS = KeyPurpose.WEBHOOKS.value


@strawberry.type(description="An Ed25519 key that signs here, or did.")
class SigningKey:
    fingerprint: str = strawberry.field(description="Hex SHA-256 of the DER SubjectPublicKeyInfo.")
    purpose: SigningPurpose
    pem: str = strawberry.field(description="The public key.")
    since: datetime
    in_force: bool = strawberry.field(description="False once another has taken its place.")
    replaces: str | None = strawberry.field(description="Fingerprint of the key before it.")
    retired_at: datetime | None = strawberry.field(
        description="Since when nothing by it can come into a log; places in each log are in its trust policy."
    )
    receipt_id: strawberry.ID | None = strawberry.field(description="Of the rotation that brought it.")


def signing_keys(keys: Keys) -> list[SigningKey]:
    found = []
    for each in keys.known:
        rotation = keys.rotations.get(each.key.key_id)
        found.append(
            SigningKey(
                fingerprint=each.key.key_id,
                purpose=SigningPurpose(each.purpose.value),
                pem=each.key.pem,
                since=each.since,
                in_force=not each.replaced,
                replaces=each.replaces,
                retired_at=each.retired_at,
                receipt_id=None if rotation is None else encode("Receipt", VENDOR_ID, rotation.receipt_id),
            )
        )
    return found

"""What approvers of a rotation are shown. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from trust_portal.access.approvals.model import ApprovalKind, Intent, IntentLine
from trust_portal.access.tenants.model import Tenant
from trust_portal.evidence.keyring import KeyPurpose
from trust_portal.evidence.signing import VerifyKey
from trust_portal.evidence.strict import encode_base64
from trust_portal.kernel.clock import rfc3339

#: What each signs, in words.
SIGNS: Final = {
    KeyPurpose.RECEIPTS: "receipts and bundles",
    KeyPurpose.CHECKPOINTS: "the logs' checkpoints",
    KeyPurpose.WEBHOOKS: "calls to other systems",
}


def rotation_intent(
    vendor: Tenant, purpose: KeyPurpose, old_key_id: str, since: datetime, new: VerifyKey
) -> Intent:
    """``old_key_id`` has been in force since ``since``; ``new`` is to take its place."""
    return Intent(
        kind=ApprovalKind.KEY_ROTATION,
        tenant_key=vendor.key,
        tenant_name=vendor.name,
        title=f"Another key for {SIGNS[purpose]}",
        act=(
            IntentLine("Signs", SIGNS[purpose]),
            IntentLine("Key in force, fingerprint", old_key_id),
            IntentLine("In force since", rfc3339(since)),
            IntentLine("New key, fingerprint", new.key_id),
            IntentLine("New key, SubjectPublicKeyInfo in base64", encode_base64(new.der)),
        ),
        effect=(
            "The new key signs from then on, the old one nothing any more. Each log says from which place on."
            " What was signed before stays valid"
        ),
        risk=(
            "Customers need the new trust policy to believe bundles made from then on. A process whose key"
            " file lacks the new key records nothing until it has it"
        ),
    )

"""What passkeys leave in logs: enrolled and revoked where their owner belongs, introduced where they sign.

An introduction carries the whole public key into the log of the tenant that is signed for, so that the
tenant's own log holds all it takes to check a signature, and names the enrolment by digest.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from trust_portal.access.passkeys.model import Passkey
from trust_portal.access.policy import Decision
from trust_portal.evidence.act import Act, Input
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.evidence.strict import encode_base64url
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.canonical import Json, digest


def passkey_json(passkey: Passkey) -> dict[str, Json]:
    """Everything a verifier needs of a passkey; its name is its owner's and stays out of logs."""
    return {
        "passkey": str(passkey.id),
        "person": str(passkey.person_id),
        "user_handle": encode_base64url(passkey.person_id.bytes),
        "credential_id": encode_base64url(passkey.key.credential_id),
        "public_key": encode_base64url(passkey.key.public_key),
        "algorithm": str(passkey.algorithm),
        "aaguid": passkey.aaguid,
        "synced": passkey.synced,
        "rp_id": passkey.key.party.id,
        "origin": passkey.key.party.origin,
    }


def enrolment_act(passkey: Passkey, actor: Actor, decision: Decision) -> Act:
    result = {**passkey_json(passkey), "sign_count": str(passkey.sign_count)}
    return _act(
        ReceiptKind.PASSKEY_ENROLLED, passkey.tenant_id, passkey, actor, passkey.enrolled_at, result, decision
    )


def introduction_act(passkey: Passkey, sha256: str, tenant_id: UUID, actor: Actor, at: datetime) -> Act:
    """In the log of ``tenant_id``; ``sha256`` is that of the enrolment's receipt, which says what permitted it."""
    enrolment = {"receipt": str(passkey.receipt_id), "sha256": sha256}
    result = {**passkey_json(passkey), "home": str(passkey.tenant_id), "enrolment": enrolment}
    return Act(
        kind=ReceiptKind.PASSKEY_INTRODUCED,
        tenant_id=tenant_id,
        actor=actor,
        at=at,
        subjects=(Subject(f"passkey/{passkey.id}", digest(result)),),
        predicate=result,
        inputs=(Input(f"enrolment/{passkey.receipt_id}", sha256),),
    )


def revocation_act(passkey: Passkey, actor: Actor, at: datetime, decision: Decision) -> Act:
    result: dict[str, Json] = {"passkey": str(passkey.id), "person": str(passkey.person_id)}
    return _act(ReceiptKind.PASSKEY_REVOKED, passkey.tenant_id, passkey, actor, at, result, decision)


def withdrawal_act(
    passkey: Passkey,
    tenant_id: UUID,
    at: datetime,
    *,
    revocation: tuple[UUID, str],
    introduction: tuple[UUID, str],
) -> Act:
    """The revocation in the log of ``tenant_id``; both receipts by id and SHA-256."""
    (revoked_by, revocation_sha256), (known_by, introduction_sha256) = revocation, introduction
    result: dict[str, Json] = {
        "passkey": str(passkey.id),
        "person": str(passkey.person_id),
        "home": str(passkey.tenant_id),
        "revocation": {"receipt": str(revoked_by), "sha256": revocation_sha256},
    }
    return Act(
        kind=ReceiptKind.PASSKEY_REVOKED,
        tenant_id=tenant_id,
        actor=SYSTEM,
        at=at,
        subjects=(Subject(f"passkey/{passkey.id}", digest(result)),),
        predicate=result,
        inputs=(
            Input(f"receipt/{known_by}", introduction_sha256),
            Input(f"revocation/{revoked_by}", revocation_sha256),
        ),
    )


def _act(
    kind: ReceiptKind,
    tenant_id: UUID,
    passkey: Passkey,
    actor: Actor,
    at: datetime,
    result: dict[str, Json],
    decision: Decision,
) -> Act:
    return Act(
        kind=kind,
        tenant_id=tenant_id,
        actor=actor,
        at=at,
        subjects=(Subject(f"passkey/{passkey.id}", digest(result)),),
        predicate=result,
        policies=decision.policies,
        policy_version=decision.version,
    )

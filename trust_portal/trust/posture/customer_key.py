"""Whether stored bundles are sealed by the customer's key, and whether that key is really there."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from uuid import UUID

from trust_portal.errors import Broken, Refused, Unavailable
from trust_portal.evidence.sealing.key_use import require_use
from trust_portal.evidence.sealing.model import CustomerKey, SealCounts
from trust_portal.evidence.sealing.repository import current_key, newest_sealed_bundle, seal_counts
from trust_portal.evidence.sealing.seal import BUNDLE
from trust_portal.evidence.sealing.vault import Shut, Vault
from trust_portal.evidence.signing import VerifyKey
from trust_portal.kernel.canonical import Json
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.posture.model import Check, Finding, Outcome


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What is on record of a customer's key, and its newest sealed bundle with the digest it should have."""

    tenant_id: UUID
    key: CustomerKey | None
    counts: SealCounts | None
    newest: Shut | None
    digest: bytes


async def read_key_facts(session: ReadSession, vault: Vault, tenant_id: UUID) -> KeyFacts:
    key = await current_key(session, tenant_id)
    if key is None:
        return KeyFacts(tenant_id, None, None, None, b"")
    counts = await seal_counts(session, tenant_id, key.key_id)
    newest = await newest_sealed_bundle(session, tenant_id) if key.in_force else None
    if newest is None:
        return KeyFacts(tenant_id, key, counts, None, b"")
    export_id, content, digest = newest
    shut = await vault.fetch(session, tenant_id, export_id, plain={}, sealed={BUNDLE: content})
    return KeyFacts(tenant_id, key, counts, shut, digest)


async def look_at_key(vault: Vault, facts: KeyFacts, nonce: bytes) -> Finding:
    """By a signature over ``nonce`` (32 random bytes), a data key there and back, and the newest bundle opened.

    In no transaction: the key service is asked.
    """
    key = facts.key
    used: dict[str, Json] = {"nonce": nonce.hex(), "signature": None, "opened": None}
    refusal = ""
    try:
        if key is not None and key.in_force:
            proof = await require_use(vault.service, facts.tenant_id, key.key_id, key.public_key, nonce)
            used["signature"] = base64.b64encode(proof).decode()
            used["opened"] = await _opened(vault, facts)
    except (Refused, Unavailable, Broken) as error:
        refusal = error.message
    return finding(key, facts.counts, refusal, used)


def finding(
    key: CustomerKey | None, counts: SealCounts | None, refusal: str, used: dict[str, Json]
) -> Finding:
    """Pure. ``refusal`` is why the key could not be used, empty where it was."""
    if key is None or counts is None:
        found = "The customer has enabled no key of its own."
        return Finding(Check.CUSTOMER_KEY, Outcome.NOT_APPLICABLE, found, {})
    evidence: dict[str, Json] = {
        "key_id": key.key_id,
        "public_key": VerifyKey(key.public_key).pem,
        "state": key.act.value,
        "ordinal": str(key.ordinal),
        "sealed": str(counts.sealed),
        "under_another_key": str(counts.under_another_key),
        "unsealed": str(counts.unsealed),
        "use": used,
    }
    fault = _fault(key, counts, refusal)
    if fault:
        return Finding(Check.CUSTOMER_KEY, Outcome.FAIL, fault, evidence)
    found = "Every stored bundle is sealed by the customer's key, and its use was proved over a fresh nonce."
    return Finding(Check.CUSTOMER_KEY, Outcome.PASS, found, evidence)


def _fault(key: CustomerKey, counts: SealCounts, refusal: str) -> str:
    if not key.in_force:
        return "The key is withdrawn: what it seals is handed out to nobody."
    if refusal:
        return f"The key cannot be used: {refusal}."
    if counts.unsealed:
        return "A bundle is still stored without a seal."
    if counts.under_another_key:
        return "A bundle is still sealed by the key before this one."
    return ""


async def _opened(vault: Vault, facts: KeyFacts) -> Json:
    if facts.newest is None:
        return None
    opened = (await vault.open(facts.newest))[BUNDLE]
    if hashlib.sha256(opened).digest() != facts.digest:
        raise Broken("what was opened is not the bundle that was finished", code="SEAL_BROKEN")
    return {"export": str(facts.newest.export_id), "sha256": facts.digest.hex()}

"""What an act on an endpoint or a delivery leaves in its tenant's log.

A URL may hold what only its receiver should know, so it is signed as a salted digest and can be
disclosed (RFC 9901). Of a secret there is nothing but a fingerprint.
"""

from __future__ import annotations

from dataclasses import replace

from trust_portal.access.policy import Decision
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.notify.webhooks.model import Endpoint
from trust_portal.storage.unit_of_work import WriteSession


async def with_receipt(
    ledger: Ledger,
    session: WriteSession,
    kind: ReceiptKind,
    endpoint: Endpoint,
    actor: Actor,
    decision: Decision,
) -> Endpoint:
    """The revision with the id of its receipt, which is recorded here."""
    result: dict[str, Json] = {
        "webhook": str(endpoint.id),
        "revision": str(endpoint.revision),
        "label": endpoint.label,
        "url": endpoint.url,
        "topics": sorted(endpoint.topics),
        "enabled": endpoint.enabled,
        "secret": {"generation": str(endpoint.generation), "fingerprint": endpoint.fingerprint},
    }
    receipt = await ledger.record(
        session,
        Act(
            kind=kind,
            tenant_id=endpoint.tenant_id,
            actor=actor,
            at=endpoint.at,
            # Over what is open: a digest over the URL as well could be tried out against guesses.
            subjects=(Subject(f"webhook/{endpoint.id}", digest({**result, "url": None})),),
            predicate=result,
            policies=decision.policies,
            policy_version=decision.version,
            rationale=endpoint.reason or None,
            sensitive=frozenset({"url"}),
        ),
    )
    return replace(endpoint, receipt_id=receipt.id)

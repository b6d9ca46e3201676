"""What an act of administration leaves in its tenant's log.

Receipts are for ever, so they name people by id: the name can be erased where it is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from trust_portal.access.policy import Decision
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.storage.unit_of_work import WriteSession


async def leave_receipt(
    ledger: Ledger,
    session: WriteSession,
    kind: ReceiptKind,
    *,
    tenant_id: UUID,
    actor: Actor,
    decision: Decision,
    subject: str,
    result: Mapping[str, Json],
) -> None:
    """Record the act in the caller's transaction. ``subject`` is ``<noun>/<id>``; its digest is
    that of ``result``, the thing as it now stands.
    """
    await ledger.record(
        session,
        Act(
            kind=kind,
            tenant_id=tenant_id,
            actor=actor,
            at=session.clock.now(),
            subjects=(Subject(subject, digest(dict(result))),),
            predicate=result,
            policies=decision.policies,
            policy_version=decision.version,
        ),
    )

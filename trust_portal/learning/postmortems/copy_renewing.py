"""The bundle of a customer's copy once more, so that it says by which version the copy was superseded.

The vendor's signature of the later version stands in the vendor's log, which a customer's bundle cannot prove
anything of. So a receipt in the customer's own log says it (``postmortem.copy_superseded``), whether or not that
version was released to the customer; the copy, what was disclosed of it and the bundle that came with it stay as
they are. The bundle made anew is an export of its own, whose subject is that receipt.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID, uuid5

from sqlalchemy import text

from trust_portal.access.policy import Decision
from trust_portal.errors import NotFound
from trust_portal.evidence.act import Act, Input
from trust_portal.evidence.export import Export
from trust_portal.evidence.export_rows import exports_of
from trust_portal.evidence.key_register import receipt_keys
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.links import result_of, signed
from trust_portal.evidence.receipt_rows import receipt_digests, receipt_envelopes
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.clock import rfc3339
from trust_portal.learning.postmortems.model import COPY_FILE, COPY_KIND, Version
from trust_portal.learning.postmortems.releases_model import SignedAs, StoredCopy
from trust_portal.learning.postmortems.releases_repository import find_copy
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

#: Name space (RFC 9562 §5.5) of the receipts: one for each copy and version that came to count since.
_SUPERSEDED: Final = UUID("0b8f5f0e-6a0c-5d7b-8c43-2f0d6f0a9e57")
#: Names the advisory locks, beside the one-number locks of the other rooms: a copy's row cannot be locked.
_LOCKS: Final = 0x434F5059


def receipt_of(copy_id: UUID, version: int) -> UUID:
    """The receipt that says of a copy that ``version`` superseded it."""
    return uuid5(_SUPERSEDED, f"{copy_id} {version}")


async def record_superseded(
    ledger: Ledger,
    session: WriteSession,
    copy: StoredCopy,
    later: Version,
    signature_sha256: str,
    actor: Actor,
    decision: Decision,
) -> UUID:
    """In the customer's transaction: the receipt, the one there is or a new one."""
    receipt_id = receipt_of(copy.id, later.number)
    await session.execute(
        text("SELECT pg_advisory_xact_lock(:room, hashtext(:receipt))"),
        {"room": _LOCKS, "receipt": str(receipt_id)},
    )
    if await receipt_digests(session, copy.tenant_id, receipt_id):
        return receipt_id
    behind = await receipt_digests(session, copy.tenant_id, copy.receipt_id)
    act = Act(
        kind=ReceiptKind.POSTMORTEM_COPY_SUPERSEDED,
        tenant_id=copy.tenant_id,
        actor=actor,
        at=session.clock.now(),
        subjects=(Subject(COPY_FILE, copy.sha256),),
        predicate={
            "release": str(copy.id),
            "postmortem": str(copy.postmortem_id),
            "version": str(copy.version),
            "revision": str(copy.revision),
            "copy": copy.sha256,
            "superseded_by": {
                "version": str(later.number),
                "sha256": later.sha256,
                "signed_at": rfc3339(later.signed_at),
            },
            "signed": {"receipt": str(later.receipt_id), "sha256": signature_sha256},
        },
        inputs=(
            *(Input(f"receipt/{id_}", sha256) for id_, sha256 in behind.items()),
            Input(f"vendor-receipt/{later.receipt_id}", signature_sha256),
        ),
        policies=decision.policies,
        policy_version=decision.version,
        rationale="A bundle was asked for that says by what the copy was superseded.",
    )
    await ledger.record(session, act, receipt_id=receipt_id)
    return receipt_id


async def renewed_bundles(
    session: ReadSession,
    tenant_id: UUID,
    copies: Collection[StoredCopy],
    counts: Mapping[UUID, SignedAs],
) -> dict[UUID, Export]:
    """By copy: the bundle that says that the version which counts now superseded it."""
    subjects = {
        receipt_of(each.id, counts[each.postmortem_id].version): each.id
        for each in copies
        if counts[each.postmortem_id].supersedes(each.version)
    }
    if not subjects:
        return {}
    found = await exports_of(session, tenant_id, COPY_KIND, list(subjects))
    return {subjects[each.subject_id]: each for each in found}


async def copy_of(session: ReadSession, export: Export) -> tuple[StoredCopy, UUID | None]:
    """The copy that an export is of, and the receipt because of which it was made anew."""
    envelopes = await receipt_envelopes(session, export.tenant_id, export.subject_id)
    if not envelopes:
        return await find_copy(session, export.tenant_id, export.subject_id), None
    statement = signed(envelopes[export.subject_id], await receipt_keys(session))
    if statement is None or statement.kind is not ReceiptKind.POSTMORTEM_COPY_SUPERSEDED:
        raise NotFound("postmortem")
    copy_id = UUID(str(result_of(statement)["release"]))
    return await find_copy(session, export.tenant_id, copy_id), export.subject_id

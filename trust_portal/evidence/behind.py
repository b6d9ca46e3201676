"""A receipt with every one it rests on, from the rows; and what has been taken back of that since."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from trust_portal.evidence.export import Export
from trust_portal.evidence.key_register import receipt_keys
from trust_portal.evidence.links import rests_on, result_of, signed
from trust_portal.evidence.receipt_rows import envelopes_of_kind, receipt_envelopes
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.storage.unit_of_work import ReadSession


async def signed_behind(session: ReadSession, tenant_id: UUID, receipt_id: UUID) -> dict[UUID, bytes]:
    """The receipt and every one it rests on, all the way down, as far as they are there and we signed them."""
    keys = await receipt_keys(session)
    found: dict[UUID, bytes] = {}
    waiting = {receipt_id}
    while waiting:
        envelopes = await receipt_envelopes(session, tenant_id, *sorted(waiting))
        waiting = set()
        for id_, envelope in envelopes.items():
            statement = signed(envelope, keys)
            if statement is None:
                continue
            found[id_] = envelope
            waiting |= {each for each in _ids(statement) if each not in found}
        waiting -= found.keys()
    return found


async def with_revocations(
    session: ReadSession, export: Export, envelopes: Mapping[UUID, bytes]
) -> dict[UUID, bytes]:
    """``envelopes``, and the revocation of every passkey that one of them introduces, as far as there is one.

    Nothing rests on a revocation, so ``signed_behind`` does not meet it. An export that was rendered
    already keeps those it was rendered with: made once more it gives the same bytes.
    """
    keys = await receipt_keys(session)
    behind = (signed(each, keys) for each in envelopes.values())
    introduced = {
        str(result_of(each).get("passkey"))
        for each in behind
        if each is not None and each.kind is ReceiptKind.PASSKEY_INTRODUCED
    }
    found = dict(envelopes)
    if introduced:
        revocations = await envelopes_of_kind(session, export.tenant_id, ReceiptKind.PASSKEY_REVOKED)
        for id_, envelope in revocations.items():
            if export.file_name is not None and id_ not in export.receipt_ids:
                continue
            if str(result_of(signed(envelope, keys)).get("passkey")) in introduced:
                found[id_] = envelope
    return found


def _ids(statement: Statement) -> list[UUID]:
    try:
        return [UUID(each) for each in rests_on(statement)]
    except (LookupError, TypeError, ValueError):
        return []

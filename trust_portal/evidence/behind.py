"""A receipt with every one it rests on, from the rows."""

from __future__ import annotations

from uuid import UUID

from trust_portal.evidence.links import rests_on, signed
from trust_portal.evidence.receipt_rows import receipt_envelopes
from trust_portal.evidence.signing import VerifyKey
from trust_portal.evidence.statement import Statement
from trust_portal.storage.unit_of_work import ReadSession


async def signed_behind(
    session: ReadSession, tenant_id: UUID, receipt_id: UUID, key: VerifyKey
) -> dict[UUID, bytes]:
    """The receipt and every one it rests on, all the way down, as far as they are there and signed by ``key``."""
    found: dict[UUID, bytes] = {}
    waiting = {receipt_id}
    while waiting:
        envelopes = await receipt_envelopes(session, tenant_id, *sorted(waiting))
        waiting = set()
        for id_, envelope in envelopes.items():
            statement = signed(envelope, key)
            if statement is None:
                continue
            found[id_] = envelope
            waiting |= {each for each in _ids(statement) if each not in found}
        waiting -= found.keys()
    return found


def _ids(statement: Statement) -> list[UUID]:
    try:
        return [UUID(each) for each in rests_on(statement)]
    except (LookupError, TypeError, ValueError):
        return []

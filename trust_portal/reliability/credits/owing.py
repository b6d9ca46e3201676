"""What is due by the newest signed reports and on no way to the customer: for lists, and for trust documents."""

from __future__ import annotations

from uuid import UUID

from trust_portal.reliability.credits.calculations_repository import calculations_of
from trust_portal.reliability.credits.model import Outcome
from trust_portal.reliability.credits.record import StoredCalculation
from trust_portal.reliability.credits.repository import credits_of_period, live_one
from trust_portal.reliability.reports.repository import heads
from trust_portal.storage.unit_of_work import ReadSession


async def due_of(session: ReadSession, tenant_id: UUID) -> tuple[StoredCalculation, ...]:
    """Newest period first. One of which the credit was rejected, voided or expired is due again."""
    newest = {(each.period, each.revision): each for each in await calculations_of(session, tenant_id)}
    found: list[StoredCalculation] = []
    for head in await heads(session, tenant_id):
        made = newest.get((head.period, head.signed_revision or 0))
        if made is None or made.outcome is not Outcome.DUE:
            continue
        known = await credits_of_period(session, tenant_id, head.period)
        if live_one(known, made.revision) is None:
            found.append(made)
    return tuple(found)

"""How a tenant's log stands: how long it is, under which checkpoint, and what waits to be taken in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from trust_portal.evidence.tables import checkpoints, logs, pending_receipts, receipts
from trust_portal.storage.unit_of_work import ReadSession


@dataclass(frozen=True, slots=True)
class LogStanding:
    """``root`` is hex; ``at`` when the checkpoint was signed; ``pending_since`` when the longest waiting receipt
    was made, None where every receipt is in the log.
    """

    origin: str
    size: int
    root: str
    at: datetime
    pending_since: datetime | None


async def log_standing(session: ReadSession, tenant_id: UUID) -> LogStanding | None:
    """None while nothing of the tenant is in its log."""
    heads = checkpoints.c
    query = (
        select(logs.c.origin, heads.tree_size, heads.root, heads.at)
        .join(checkpoints, heads.tenant_id == logs.c.tenant_id)
        .where(logs.c.tenant_id == tenant_id, heads.tenant_id == tenant_id)
        .order_by(heads.tree_size.desc())
        .limit(1)
    )
    row = (await session.execute(query)).first()
    if row is None:
        return None
    waiting = select(func.min(receipts.c.at)).where(
        receipts.c.tenant_id == tenant_id,
        receipts.c.id.in_(
            select(pending_receipts.c.receipt_id).where(pending_receipts.c.tenant_id == tenant_id)
        ),
    )
    since: datetime | None = (await session.execute(waiting)).scalar_one()
    return LogStanding(row.origin, row.tree_size, bytes(row.root).hex(), row.at, since)

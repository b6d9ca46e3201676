"""Where receipts stand in their tenant's log."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select

from trust_portal.evidence.tables import log_entries
from trust_portal.storage.unit_of_work import ReadSession


async def log_positions(
    session: ReadSession, tenant_id: UUID, receipt_ids: Collection[UUID]
) -> dict[UUID, int]:
    """Index by receipt, from 0; one that is not in the log yet is left out."""
    rows = await session.execute(
        select(log_entries.c.receipt_id, log_entries.c.index.label("position")).where(
            log_entries.c.tenant_id == tenant_id, log_entries.c.receipt_id.in_(receipt_ids)
        )
    )
    return {row.receipt_id: row.position for row in rows}

"""Views of the board that people keep for themselves."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.switchboard.model import SavedView
from trust_portal.learning.switchboard.tables import switchboard_views
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def views_of(session: ReadSession, person_id: UUID) -> tuple[SavedView, ...]:
    """By name."""
    columns = switchboard_views.c
    rows = await session.execute(
        select(columns.name, columns.query)
        .where(columns.tenant_id == VENDOR_ID, columns.person_id == person_id)
        .order_by(columns.name)
    )
    return tuple(SavedView(row.name, row.query) for row in rows)


async def keep_view(session: WriteSession, person_id: UUID, view: SavedView) -> None:
    """One of the same name takes the other's place."""
    values = {
        "tenant_id": VENDOR_ID,
        "person_id": person_id,
        "name": view.name,
        "query": view.query,
        "saved_at": session.clock.now(),
    }
    statement = insert(switchboard_views).values(values)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "person_id", "name"],
            set_={"query": statement.excluded.query, "saved_at": statement.excluded.saved_at},
        )
    )


async def forget_view(session: WriteSession, person_id: UUID, name: str) -> None:
    columns = switchboard_views.c
    await session.execute(
        delete(switchboard_views).where(
            columns.tenant_id == VENDOR_ID, columns.person_id == person_id, columns.name == name
        )
    )

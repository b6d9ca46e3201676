"""Suppressions in and out of their table."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update

from trust_portal.cost.anomalies.suppressions_model import Suppression
from trust_portal.cost.anomalies.tables import suppressions
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def suppressions_of(session: ReadSession, tenant_ids: Collection[UUID]) -> tuple[Suppression, ...]:
    """Every suppression of these tenants, over or not."""
    rows = await session.execute(select(suppressions).where(suppressions.c.tenant_id.in_(tenant_ids)))
    return tuple(_suppression(row) for row in rows)


async def suppressions_page(
    session: ReadSession, tenant_id: UUID | None, request: PageRequest
) -> Page[Suppression]:
    """Newest first; without a tenant of all, in the staff scope."""
    query = select(suppressions)
    if tenant_id is not None:
        query = query.where(suppressions.c.tenant_id == tenant_id)
    return await keyset_page(
        session,
        query,
        request,
        order=(suppressions.c.id,),
        parse=(UUID,),
        read=_suppression,
        key=lambda each: (str(each.id),),
        descending=True,
    )


async def find_suppression(
    session: WriteSession, tenant_id: UUID, suppression_id: UUID
) -> Suppression | None:
    """Held until the commit."""
    row = (
        await session.execute(
            select(suppressions)
            .where(suppressions.c.tenant_id == tenant_id, suppressions.c.id == suppression_id)
            .with_for_update()
        )
    ).first()
    return None if row is None else _suppression(row)


async def add_suppression(session: WriteSession, suppression: Suppression, actor: Actor) -> None:
    await session.execute(
        insert(suppressions).values(
            tenant_id=suppression.tenant_id,
            id=suppression.id,
            subsystem=suppression.subsystem,
            reason=suppression.reason,
            starts_at=suppression.starts_at,
            ends_at=suppression.ends_at,
            created_at=suppression.created_at,
            created_by_id=actor.id,
            created_by_name=suppression.created_by,
            receipt_id=suppression.receipt_id,
        )
    )


async def mark_ended(session: WriteSession, suppression: Suppression) -> None:
    await session.execute(
        update(suppressions)
        .where(suppressions.c.tenant_id == suppression.tenant_id, suppressions.c.id == suppression.id)
        .values(
            ended_at=suppression.ended_at,
            end_reason=suppression.end_reason,
            ended_by_name=suppression.ended_by,
            ended_receipt_id=suppression.ended_receipt_id,
        )
    )


def _suppression(row: Row[Any]) -> Suppression:
    return Suppression(
        id=row.id,
        tenant_id=row.tenant_id,
        subsystem=row.subsystem,
        reason=row.reason,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        ended_at=row.ended_at,
        end_reason=row.end_reason,
        created_at=row.created_at,
        created_by=row.created_by_name,
        ended_by=row.ended_by_name,
        receipt_id=row.receipt_id,
        ended_receipt_id=row.ended_receipt_id,
    )

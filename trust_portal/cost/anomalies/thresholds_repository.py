"""Thresholds in and out of their table."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert

from trust_portal.cost.anomalies.tables import thresholds
from trust_portal.cost.anomalies.thresholds_model import ThresholdRevision
from trust_portal.errors import Conflict
from trust_portal.kernel.actor import Actor
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def threshold_revisions(
    session: ReadSession, tenant_ids: Collection[UUID]
) -> tuple[ThresholdRevision, ...]:
    """Every revision set for these tenants (the vendor's hold for all), oldest first."""
    rows = await session.execute(
        select(thresholds)
        .where(thresholds.c.tenant_id.in_(tenant_ids))
        .order_by(thresholds.c.set_at, thresholds.c.revision)
    )
    return tuple(_revision(row) for row in rows)


async def add_thresholds(session: WriteSession, revision: ThresholdRevision, actor: Actor) -> None:
    """``Conflict`` when somebody set the same revision at the same moment."""
    added = await session.execute(
        insert(thresholds)
        .values(
            tenant_id=revision.tenant_id,
            subsystem=revision.subsystem,
            revision=revision.revision,
            figures=dict(revision.figures),
            reason=revision.reason,
            set_at=revision.set_at,
            set_by_id=actor.id,
            set_by_name=revision.set_by,
            receipt_id=revision.receipt_id,
        )
        .on_conflict_do_nothing()
        .returning(thresholds.c.revision)
    )
    if added.first() is None:
        raise Conflict("these thresholds were changed meanwhile", code="STALE")


def _revision(row: Row[Any]) -> ThresholdRevision:
    return ThresholdRevision(
        tenant_id=row.tenant_id,
        subsystem=row.subsystem,
        revision=row.revision,
        figures=row.figures,
        reason=row.reason,
        set_at=row.set_at,
        set_by=row.set_by_name,
        receipt_id=row.receipt_id,
    )

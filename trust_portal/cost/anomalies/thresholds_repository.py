"""Thresholds in and out of their table."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Row, null, select
from sqlalchemy.dialects.postgresql import insert

from trust_portal.cost.anomalies.tables import threshold_requests, thresholds
from trust_portal.cost.anomalies.thresholds_model import AskedThresholds, ThresholdRevision
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
            followed=null() if revision.followed is None else dict(revision.followed),
            reason=revision.reason,
            set_at=revision.set_at,
            set_by_id=actor.id,
            set_by_name=revision.set_by,
            receipt_id=revision.receipt_id,
            approval_id=revision.approval_id,
        )
        .on_conflict_do_nothing()
        .returning(thresholds.c.revision)
    )
    if added.first() is None:
        raise Conflict("these thresholds were changed meanwhile", code="STALE")


async def add_asked(session: WriteSession, asked: AskedThresholds) -> None:
    await session.execute(
        insert(threshold_requests).values(
            tenant_id=asked.tenant_id,
            approval_id=asked.approval_id,
            subsystem=asked.subsystem or "",
            revision=asked.revision,
            figures=dict(asked.figures),
            trial=None if asked.trial is None else dict(asked.trial),
        )
    )


async def find_asked(session: ReadSession, tenant_id: UUID, approval_id: UUID) -> AskedThresholds | None:
    row = (
        await session.execute(
            select(threshold_requests).where(
                threshold_requests.c.tenant_id == tenant_id, threshold_requests.c.approval_id == approval_id
            )
        )
    ).first()
    if row is None:
        return None
    return AskedThresholds(
        row.tenant_id, row.approval_id, row.subsystem or None, row.revision, row.figures, row.trial
    )


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
        approval_id=row.approval_id,
        followed=row.followed,
    )

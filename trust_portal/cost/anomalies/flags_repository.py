"""Detector flags in and out of their table."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert

from trust_portal.cost.anomalies.flags_model import Flag, FlagRevision
from trust_portal.cost.anomalies.tables import detector_flags
from trust_portal.errors import Conflict
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def flag_revisions(session: ReadSession, tenant_ids: Collection[UUID]) -> tuple[FlagRevision, ...]:
    """Every change of every flag set for these tenants (the vendor's hold for all), oldest first."""
    rows = await session.execute(
        select(detector_flags)
        .where(detector_flags.c.tenant_id.in_(tenant_ids))
        .order_by(detector_flags.c.set_at, detector_flags.c.flag, detector_flags.c.revision)
    )
    return tuple(_revision(row) for row in rows)


async def add_flag(session: WriteSession, revision: FlagRevision) -> None:
    """``Conflict`` when somebody set the same revision at the same moment."""
    added = await session.execute(
        insert(detector_flags)
        .values(
            tenant_id=revision.tenant_id,
            flag=revision.flag.value,
            revision=revision.revision,
            enabled=revision.enabled,
            detector=revision.detector,
            back_test_id=revision.back_test_id,
            back_test=dict(revision.back_test),
            reason=revision.reason,
            set_at=revision.set_at,
            set_by_name=revision.set_by,
            receipt_id=revision.receipt_id,
        )
        .on_conflict_do_nothing()
        .returning(detector_flags.c.revision)
    )
    if added.first() is None:
        raise Conflict("this flag was changed meanwhile", code="STALE")


def _revision(row: Row[Any]) -> FlagRevision:
    return FlagRevision(
        tenant_id=row.tenant_id,
        flag=Flag(row.flag),
        revision=row.revision,
        enabled=row.enabled,
        detector=row.detector,
        back_test_id=row.back_test_id,
        back_test=row.back_test,
        reason=row.reason,
        set_at=row.set_at,
        set_by=row.set_by_name,
        receipt_id=row.receipt_id,
    )

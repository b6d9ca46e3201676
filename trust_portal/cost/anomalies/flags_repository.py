"""Detector flags in and out of their table; they live at the vendor."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Row, insert, select

from trust_portal.cost.anomalies.flags_model import FlagRevision
from trust_portal.cost.anomalies.tables import detector_flags
from trust_portal.cost.detection.versions import VERSIONS, Version
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

#: The flag behind which a second detector watches without being acted on.
SHADOW: Final = "shadow_detector"


async def flag_revisions(session: ReadSession, flag: str) -> tuple[FlagRevision, ...]:
    """Every change of a flag, oldest first."""
    rows = await session.execute(
        select(detector_flags)
        .where(detector_flags.c.tenant_id == VENDOR_ID, detector_flags.c.flag == flag)
        .order_by(detector_flags.c.revision)
    )
    return tuple(_revision(row) for row in rows)


async def shadow_version(session: ReadSession) -> Version | None:
    """The detector on trial; ``None`` while there is none, or this release does not know it."""
    revisions = await flag_revisions(session, SHADOW)
    if not revisions or not revisions[-1].enabled:
        return None
    return VERSIONS.get(revisions[-1].detector)


async def add_flag(session: WriteSession, revision: FlagRevision) -> None:
    await session.execute(
        insert(detector_flags).values(
            tenant_id=VENDOR_ID,
            flag=revision.flag,
            revision=revision.revision,
            enabled=revision.enabled,
            detector=revision.detector,
            back_test=dict(revision.back_test),
            reason=revision.reason,
            set_at=revision.set_at,
            set_by_name=revision.set_by,
            receipt_id=revision.receipt_id,
        )
    )


def _revision(row: Row[Any]) -> FlagRevision:
    return FlagRevision(
        flag=row.flag,
        revision=row.revision,
        enabled=row.enabled,
        detector=row.detector,
        back_test=row.back_test,
        reason=row.reason,
        set_at=row.set_at,
        set_by=row.set_by_name,
        receipt_id=row.receipt_id,
    )

"""The forecast's flag in and out of its table."""

from __future__ import annotations

from sqlalchemy import insert, select

from trust_portal.errors import Conflict
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.reliability.forecast.model import FlagRevision
from trust_portal.reliability.forecast.tables import forecast_flags
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def flag_revisions(session: ReadSession) -> tuple[FlagRevision, ...]:
    """Every change, oldest first."""
    rows = await session.execute(
        select(forecast_flags)
        .where(forecast_flags.c.tenant_id == VENDOR_ID)
        .order_by(forecast_flags.c.revision)
    )
    return tuple(
        FlagRevision(
            revision=row.revision,
            enabled=row.enabled,
            reason=row.reason,
            set_at=row.set_at,
            set_by_id=row.set_by_id,
            set_by=row.set_by_name,
            receipt_id=row.receipt_id,
        )
        for row in rows
    )


async def add_flag(session: WriteSession, flag: FlagRevision) -> None:
    """Raises ``Conflict`` where somebody was quicker."""
    meanwhile = Conflict("somebody switched it at the same moment; look at how it stands", code="STALE")
    with duplicates_are(meanwhile, forecast_flags.name):
        await session.execute(
            insert(forecast_flags).values(
                tenant_id=VENDOR_ID,
                revision=flag.revision,
                enabled=flag.enabled,
                reason=flag.reason,
                set_at=flag.set_at,
                set_by_id=flag.set_by_id,
                set_by_name=flag.set_by,
                receipt_id=flag.receipt_id,
            )
        )

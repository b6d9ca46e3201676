"""Imported assessments in and out of their table. All of them are the vendor's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select
from sqlalchemy.dialects.postgresql import distinct_on

from trust_portal.errors import Conflict
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.unit_of_work import ReadSession, WriteSession
from trust_portal.trust.compliance.model import Imported
from trust_portal.trust.compliance.tables import compliance_imports


async def add_import(
    session: WriteSession, imported: Imported, document: bytes, oscal_uuid: UUID, actor: Actor, reason: str
) -> None:
    """``Conflict`` (``ALREADY_IMPORTED``) for bytes that were handed over before."""
    taken = Conflict("these very bytes were imported before", field="document", code="ALREADY_IMPORTED")
    with duplicates_are(taken, compliance_imports.name):
        await session.execute(
            insert(compliance_imports).values(
                tenant_id=VENDOR_ID,
                id=imported.id,
                source=imported.source,
                document=document,
                sha256=imported.sha256,
                oscal_uuid=oscal_uuid,
                oscal_version=imported.oscal_version,
                title=imported.title,
                as_of=imported.as_of,
                max_age_seconds=imported.max_age // timedelta(seconds=1),
                satisfied=imported.satisfied,
                not_satisfied=imported.not_satisfied,
                at=imported.at,
                by_id=actor.id,
                by_name=actor.name,
                reason=reason,
                receipt_id=imported.receipt_id,
            )
        )


async def newest_imports(session: ReadSession) -> tuple[Imported, ...]:
    """Of each source the one that was handed over last, by source."""
    columns = compliance_imports.c
    rows = await session.execute(
        select(
            columns.id,
            columns.source,
            columns.title,
            columns.oscal_version,
            columns.sha256,
            columns.as_of,
            columns.max_age_seconds,
            columns.satisfied,
            columns.not_satisfied,
            columns.at,
            columns.receipt_id,
        )
        .where(columns.tenant_id == VENDOR_ID)
        .order_by(columns.source, columns.at.desc(), columns.id.desc())
        .ext(distinct_on(columns.source))
    )
    return tuple(map(_imported, rows))


def _imported(row: Row[Any]) -> Imported:
    return Imported(
        id=row.id,
        source=row.source,
        title=row.title,
        oscal_version=row.oscal_version,
        sha256=row.sha256,
        as_of=row.as_of,
        max_age=timedelta(seconds=row.max_age_seconds),
        satisfied=row.satisfied,
        not_satisfied=row.not_satisfied,
        at=row.at,
        receipt_id=row.receipt_id,
    )

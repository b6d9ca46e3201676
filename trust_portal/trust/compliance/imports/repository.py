"""Imported assessments in and out of their table. All of them are the vendor's."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, func, insert, select
from sqlalchemy.dialects.postgresql import distinct_on

from trust_portal.access.tables import tenants
from trust_portal.errors import Conflict, NotFound
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.unit_of_work import ReadSession, WriteSession
from trust_portal.trust.compliance.model import AssessmentReaders, Imported, ReadersChange, Withdrawal
from trust_portal.trust.compliance.tables import compliance_import_readers as readers
from trust_portal.trust.compliance.tables import compliance_import_withdrawals as withdrawals
from trust_portal.trust.compliance.tables import compliance_imports


async def lock_assessments(session: WriteSession, *, shared: bool = False) -> None:
    """Until the commit. Whoever changes one takes this before the moment that the change is given, and alone; whoever
    evaluates (``shared``) waits for what is under way, so that whatever commits later is of a later moment, too. For
    the vendor's scope.
    """
    vendor = select(tenants.c.tenant_id).where(tenants.c.tenant_id == VENDOR_ID)
    await session.execute(vendor.with_for_update(read=shared, key_share=not shared))


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
                readers=imported.readers.value,
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
    """Of each source the one that was handed over last, by source; one that was withdrawn says so."""
    columns = compliance_imports.c
    rows = await session.execute(
        _imports()
        .order_by(columns.source, columns.at.desc(), columns.id.desc())
        .ext(distinct_on(columns.source))
    )
    return tuple(map(_imported, rows))


async def find_import(session: ReadSession, import_id: UUID) -> Imported:
    """``NotFound`` where there is none."""
    row = (await session.execute(_imports().where(compliance_imports.c.id == import_id))).first()
    if row is None:
        raise NotFound("assessment")
    return _imported(row)


async def import_bytes(session: ReadSession, import_id: UUID) -> bytes:
    """As they were handed over. ``NotFound`` where there is no such import."""
    columns = compliance_imports.c
    rows = await session.execute(
        select(columns.document).where(columns.tenant_id == VENDOR_ID, columns.id == import_id)
    )
    document = rows.scalar_one_or_none()
    if document is None:
        raise NotFound("assessment")
    return bytes(document)


async def add_withdrawal(
    session: WriteSession, import_id: UUID, withdrawal: Withdrawal, actor: Actor, reason: str
) -> None:
    """``Conflict`` (``ALREADY_WITHDRAWN``) where somebody was quicker."""
    taken = Conflict("this assessment was withdrawn before", code="ALREADY_WITHDRAWN")
    with duplicates_are(taken, withdrawals.name):
        await session.execute(
            insert(withdrawals).values(
                tenant_id=VENDOR_ID,
                import_id=import_id,
                at=withdrawal.at,
                by_id=actor.id,
                by_name=actor.name,
                reason=reason,
                receipt_id=withdrawal.receipt_id,
            )
        )


async def add_readers_change(
    session: WriteSession, import_id: UUID, change: ReadersChange, actor: Actor, reason: str
) -> None:
    """``Conflict`` (``READERS_CHANGED``) where somebody was quicker."""
    taken = Conflict("who may read it was changed meanwhile: look again", code="READERS_CHANGED")
    with duplicates_are(taken, readers.name):
        await session.execute(
            insert(readers).values(
                tenant_id=VENDOR_ID,
                import_id=import_id,
                number=change.number,
                readers=change.readers.value,
                at=change.at,
                by_id=actor.id,
                by_name=actor.name,
                reason=reason,
                receipt_id=change.receipt_id,
            )
        )


async def imports_changed_at(session: ReadSession) -> datetime | None:
    """When an assessment was last taken in or withdrawn, or others may read one; None: never. For the staff scope."""
    taken = select(func.max(compliance_imports.c.at)).where(compliance_imports.c.tenant_id == VENDOR_ID)
    withdrawn = select(func.max(withdrawals.c.at)).where(withdrawals.c.tenant_id == VENDOR_ID)
    changed = select(func.max(readers.c.at)).where(readers.c.tenant_id == VENDOR_ID)
    query = select(
        func.greatest(taken.scalar_subquery(), withdrawn.scalar_subquery(), changed.scalar_subquery())
    )
    latest: datetime | None = (await session.execute(query)).scalar_one()
    return latest


async def assessments_changed_at(session: ReadSession) -> datetime | None:
    """When one was last taken in or withdrawn; None: never. Who may read one changes nothing of what it says. For the staff scope."""
    taken = select(func.max(compliance_imports.c.at)).where(compliance_imports.c.tenant_id == VENDOR_ID)
    withdrawn = select(func.max(withdrawals.c.at)).where(withdrawals.c.tenant_id == VENDOR_ID)
    query = select(func.greatest(taken.scalar_subquery(), withdrawn.scalar_subquery()))
    latest: datetime | None = (await session.execute(query)).scalar_one()
    return latest


def _imports() -> Select[Any]:
    columns = compliance_imports.c
    withdrawn = and_(withdrawals.c.tenant_id == columns.tenant_id, withdrawals.c.import_id == columns.id)
    last = (
        select(readers)
        .where(readers.c.tenant_id == VENDOR_ID)
        .order_by(readers.c.import_id, readers.c.number.desc())
        .ext(distinct_on(readers.c.import_id))
        .subquery()
    )
    changed = and_(last.c.tenant_id == columns.tenant_id, last.c.import_id == columns.id)
    return (
        select(
            columns.id,
            columns.source,
            columns.title,
            columns.oscal_version,
            columns.sha256,
            columns.as_of,
            columns.max_age_seconds,
            columns.readers,
            columns.satisfied,
            columns.not_satisfied,
            columns.at,
            columns.receipt_id,
            withdrawals.c.at.label("withdrawn_at"),
            withdrawals.c.receipt_id.label("withdrawal_receipt_id"),
            last.c.number.label("change_number"),
            last.c.readers.label("changed_readers"),
            last.c.at.label("changed_at"),
            last.c.receipt_id.label("change_receipt_id"),
        )
        .outerjoin(withdrawals, withdrawn)
        .outerjoin(last, changed)
        .where(columns.tenant_id == VENDOR_ID)
    )


def _imported(row: Row[Any]) -> Imported:
    change = (
        None
        if row.change_number is None
        else ReadersChange(
            row.change_number, AssessmentReaders(row.changed_readers), row.changed_at, row.change_receipt_id
        )
    )
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
        withdrawn=None
        if row.withdrawn_at is None
        else Withdrawal(row.withdrawn_at, row.withdrawal_receipt_id),
        readers=AssessmentReaders(row.readers) if change is None else change.readers,
        readers_change=change,
    )

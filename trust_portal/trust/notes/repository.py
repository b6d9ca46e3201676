"""Notes in and out of their table."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select

from trust_portal.errors import Conflict
from trust_portal.kernel.actor import Actor
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.unit_of_work import ReadSession, WriteSession
from trust_portal.trust.notes.model import NoteKind, StoredNote
from trust_portal.trust.notes.tables import trust_notes

_notes = trust_notes.c


async def add_note(session: WriteSession, note: StoredNote, actor: Actor) -> None:
    """``Conflict`` (NOTE_CHANGED) where somebody wrote meanwhile."""
    meanwhile = Conflict("somebody else wrote on this subject meanwhile; look again", code="NOTE_CHANGED")
    with duplicates_are(meanwhile, trust_notes.name):
        await session.execute(
            insert(trust_notes).values(
                tenant_id=note.tenant_id,
                id=note.id,
                kind=note.kind.value,
                subject=note.subject,
                revision=note.revision,
                text=note.text,
                valid_from=note.valid_from,
                valid_to=note.valid_to,
                written_at=note.written_at,
                writer_id=actor.id,
                writer_name=note.written_by,
                receipt_id=note.receipt_id,
            )
        )


async def newest_notes(session: ReadSession, tenant_id: UUID) -> tuple[StoredNote, ...]:
    """The last word on each subject, by kind and subject; those that say nothing any more too."""
    rows = await session.execute(
        select(trust_notes)
        .where(_notes.tenant_id == tenant_id)
        .order_by(_notes.kind.desc(), _notes.subject, _notes.revision)
    )
    newest = {(row.kind, row.subject): _note(row) for row in rows}
    return tuple(newest.values())


def _note(row: Row[Any]) -> StoredNote:
    return StoredNote(
        id=row.id,
        tenant_id=row.tenant_id,
        kind=NoteKind(row.kind),
        subject=row.subject,
        revision=row.revision,
        text=row.text,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        written_at=row.written_at,
        written_by=row.writer_name,
        receipt_id=row.receipt_id,
    )

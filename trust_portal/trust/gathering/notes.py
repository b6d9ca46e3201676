"""Sub-processors, and what else the vendor adds in its own words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.ids import NOTES
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.notes.model import NoteKind, StoredNote
from trust_portal.trust.notes.repository import newest_notes
from trust_portal.trust.sections.freshness import freshness, together
from trust_portal.trust.sections.model import Cell, Column, Figure, Row, Section, Sentence, State, Table, Unit

TITLE: Final = "Sub-processors and notes"
SOURCE: Final = "the vendor's own words"
#: What nobody has said again for a year and a month, nobody has looked at.
MAX_AGE: Final = timedelta(days=400)

_COLUMNS: Final = (
    Column("subject", "Which"),
    Column("text", "What is said"),
    Column("from", "From", Unit.DAY),
    Column("to", "Until"),
    Column("written", "Written", Unit.INSTANT),
)


async def gather(session: ReadSession, ask: Ask) -> Section:
    """What holds for all customers, and for this one."""
    found = [*await newest_notes(session, VENDOR_ID), *await newest_notes(session, ask.tenant.id)]
    return notes_section([each for each in found if each.text is not None], ask)


def notes_section(notes: Sequence[StoredNote], ask: Ask) -> Section:
    """As old as what was said longest ago. Pure."""
    holding = [each for each in notes if each.valid_from <= ask.today]
    as_of = min((each.written_at for each in holding), default=None)
    state, why = freshness(as_of, MAX_AGE, ask.now, missing="")
    over = [each.subject for each in holding if each.is_over(ask.today)]
    if not holding:
        state, why = State.NOT_APPLICABLE, "the vendor has added nothing"
    elif over:
        ended = (State.STALE, f"no longer said to hold: {', '.join(over)}")
        state, why = together(((state, why), ended))
    of_kind = {kind: [each for each in holding if each.kind is kind] for kind in NoteKind}
    return Section(
        id=NOTES,
        title=TITLE,
        state=state,
        why=why,
        source=SOURCE,
        as_of=as_of,
        max_age=MAX_AGE,
        sentences=(Sentence("Sub-processors: {sub-processors}; notes: {notes}."),) if holding else (),
        figures=(
            Figure("sub-processors", "Sub-processors", _count(of_kind[NoteKind.SUB_PROCESSOR])),
            Figure("notes", "Notes", _count(of_kind[NoteKind.NOTE])),
        )
        if holding
        else (),
        tables=(
            _table("sub-processors", "Sub-processors", of_kind[NoteKind.SUB_PROCESSOR], "None is named."),
            _table("notes", "Notes", of_kind[NoteKind.NOTE], "There is none."),
        )
        if holding
        else (),
    )


def _count(notes: Sequence[StoredNote]) -> Cell:
    return Cell(str(len(notes)), Unit.COUNT, href="/trust/notes")


def _table(id_: str, title: str, notes: Sequence[StoredNote], empty: str) -> Table:
    return Table(id_, title, _COLUMNS, tuple(map(_row, notes)), empty)


def _row(each: StoredNote) -> Row:
    # The receipt of a word for all customers lies in the vendor's own log.
    receipt = None if each.tenant_id == VENDOR_ID else str(each.receipt_id)
    return Row(
        str(each.id),
        (
            Cell(each.subject, receipt=receipt),
            Cell(each.text),
            Cell(each.valid_from.isoformat(), Unit.DAY),
            Cell("no end" if each.valid_to is None else each.valid_to.isoformat(), Unit.TEXT),
            Cell(rfc3339(each.written_at.replace(microsecond=0)), Unit.INSTANT),
        ),
    )

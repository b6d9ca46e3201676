"""What was said of recommendations; those that somebody accepted as they stand go out. Pure; loads no server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from trust_portal.kernel.canonical import digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.trust.qbr.ids import PROPOSED, USAGE
from trust_portal.trust.qbr.model import Entry, EntryKind, Verdict, last_of
from trust_portal.trust.sections.document import section_json
from trust_portal.trust.sections.model import Cell, Column, Figure, Row, Section, Sentence, Table, Unit

#: Table of what each rests on.
EVIDENCE: Final = "evidence"
NOT_REVIEWED: Final = "not reviewed"
#: Where there is no usage to apply a rule to.
_NOT_KNOWN: Final = "What would serve better is not known: no usage is."
_BEFORE_REVIEW: Final = 5
_COLUMNS: Final = (
    Column("recommendation", "Recommendation"),
    Column("because", "Because"),
    Column("effect", "Expected effect"),
    Column("amount", "Expected a period", Unit.MONEY),
    Column("confidence", "Confidence"),
    Column("reviewed", "Reviewed by"),
    Column("on", "Reviewed", Unit.INSTANT),
)
_VERDICT: Final = Column("verdict", "Verdict")
_EVIDENCE_COLUMNS: Final = (
    Column("recommendation", "For"),
    Column("measure", "Measured"),
    Column("value", "Value", Unit.NUMBER),
)


def reviewed(section: Section, entries: Sequence[Entry]) -> Section:
    """What goes out: the recommendations that somebody accepted as they stand, with who and when. Pure."""
    rows, kept = [], set()
    for row in section.table(PROPOSED).rows:
        review = last_of(tuple(entries), EntryKind.REVIEW, row.id)
        if review is None or review.verdict is not Verdict.ACCEPTED or review.seen != seen(section, row.id):
            continue
        kept.add(row.id)
        by = (
            Cell(review.by_name, receipt=str(review.receipt_id)),
            Cell(rfc3339(review.at), Unit.INSTANT, receipt=str(review.receipt_id)),
        )
        rows.append(replace(row, cells=(*row.cells[:_BEFORE_REVIEW], *by)))
    evidence = tuple(row for row in section.table(EVIDENCE).rows if proposal_of(row) in kept)
    return with_rows(section, tuple(rows), evidence)


def judged(section: Section, entries: Sequence[Entry]) -> Section:
    """For the vendor's people: every recommendation with what was said of it, accepted or not."""
    said, all_of = section.table(PROPOSED).rows, tuple(entries)
    rows = tuple(
        _judged(row, last_of(all_of, EntryKind.REVIEW, row.id), seen(section, row.id)) for row in said
    )
    if last_of(all_of, EntryKind.OMISSION, USAGE) is not None:
        rows = tuple(_kept_in(row) for row in rows)
    return with_rows(section, rows, section.table(EVIDENCE).rows, (*_COLUMNS, _VERDICT))


def _judged(row: Row, review: Entry | None, stands: str) -> Row:
    before = row.cells[:_BEFORE_REVIEW]
    if review is None or review.verdict is None:
        return replace(row, cells=(*before, Cell(NOT_REVIEWED), Cell(None, Unit.INSTANT), Cell(NOT_REVIEWED)))
    receipt = str(review.receipt_id)
    verdict = f"{review.verdict.value}: {review.text}"
    if review.seen != stands:
        verdict = f"to be reviewed again: other figures were {verdict}"
    by = Cell(review.by_name, receipt=receipt), Cell(rfc3339(review.at), Unit.INSTANT, receipt=receipt)
    return replace(row, cells=(*before, *by, Cell(verdict, receipt=receipt)))


def _kept_in(row: Row) -> Row:
    """The figures it rests on are those of usage, which is left out."""
    *before, verdict = row.cells
    if not (verdict.value or "").startswith(Verdict.ACCEPTED.value):
        return row
    kept = replace(verdict, value=f"{verdict.value} (kept in: usage is left out)")
    return replace(row, cells=(*before, kept))


def seen(section: Section, recommendation: str) -> str:
    """The digest of one recommendation with its evidence, as a reviewer reads it. ``LookupError``."""
    proposed, evidence = section.table(PROPOSED), section.table(EVIDENCE)
    rows = tuple(each for each in proposed.rows if each.id == recommendation)
    if len(rows) != 1:
        raise LookupError(f"there is no recommendation {recommendation}")
    behind = tuple(each for each in evidence.rows if proposal_of(each) == recommendation)
    tables = (replace(proposed, rows=rows), replace(evidence, rows=behind))
    return digest(section_json(replace(section, tables=tables))["tables"])


def proposal_of(evidence: Row) -> str:
    """The recommendation that a row of evidence is for."""
    return evidence.id.rpartition(":")[0]


def before_review(section: Section) -> Section:
    """``section`` with its recommendations as they stood when nobody had reviewed them: as a reviewer reads them."""
    nobody = Cell(NOT_REVIEWED), Cell(None, Unit.INSTANT)
    rows = tuple(
        replace(row, cells=(*row.cells[:_BEFORE_REVIEW], *nobody)) for row in section.table(PROPOSED).rows
    )
    tables = tuple(replace(each, rows=rows) if each.id == PROPOSED else each for each in section.tables)
    return replace(section, tables=tables)


def with_rows(
    section: Section,
    rows: tuple[Row, ...],
    evidence: tuple[Row, ...],
    columns: tuple[Column, ...] = _COLUMNS,
) -> Section:
    """The section with these recommendations and what they rest on, and nothing else."""
    none = "Nothing is recommended for the period." if section.as_of is not None else _NOT_KNOWN
    return replace(
        section,
        sentences=(Sentence("Recommendations: {recommendations}.") if rows else Sentence(none),),
        figures=(
            Figure("recommendations", "Recommendations", Cell(str(len(rows)), Unit.COUNT, href="/qbr")),
        ),
        tables=(
            Table(PROPOSED, "Recommendations", columns, rows, none),
            Table(EVIDENCE, "What they rest on", _EVIDENCE_COLUMNS, evidence, none),
        ),
    )

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
    rows, kept, proposed = [], set(), section.table(PROPOSED)
    for row in proposed.rows:
        review = last_of(tuple(entries), EntryKind.REVIEW, row.id)
        if review is None or review.verdict is not Verdict.ACCEPTED or review.seen != seen(section, row.id):
            continue
        kept.add(row.id)
        rows.append(proposed.with_cells(row, _by(review)))
    evidence = tuple(row for row in section.table(EVIDENCE).rows if proposal_of(row) in kept)
    return with_rows(section, tuple(rows), evidence)


def judged(section: Section, entries: Sequence[Entry]) -> Section:
    """For the vendor's people: every recommendation with what was said of it, accepted or not."""
    proposed, all_of = section.table(PROPOSED), tuple(entries)
    is_usage_left_out = last_of(all_of, EntryKind.OMISSION, USAGE) is not None
    rows = []
    for row in proposed.rows:
        review = last_of(all_of, EntryKind.REVIEW, row.id)
        verdict = _verdict(review, seen(section, row.id))
        if is_usage_left_out and (verdict.value or "").startswith(Verdict.ACCEPTED.value):
            verdict = replace(verdict, value=f"{verdict.value} (kept in: usage is left out)")
        rows.append(replace(row, cells=(*proposed.with_cells(row, _by(review)).cells, verdict)))
    return with_rows(section, tuple(rows), section.table(EVIDENCE).rows, (*_COLUMNS, _VERDICT))


def _by(review: Entry | None) -> dict[str, Cell]:
    """Who reviewed it and when, by column."""
    if review is None or review.verdict is None:
        return {"reviewed": Cell(NOT_REVIEWED), "on": Cell(None, Unit.INSTANT)}
    receipt = str(review.receipt_id)
    return {
        "reviewed": Cell(review.by_name, receipt=receipt),
        "on": Cell(rfc3339(review.at), Unit.INSTANT, receipt=receipt),
    }


def _verdict(review: Entry | None, stands: str) -> Cell:
    """``stands`` is the digest of the recommendation as it is now."""
    if review is None or review.verdict is None:
        return Cell(NOT_REVIEWED)
    verdict = f"{review.verdict.value}: {review.text}"
    if review.seen != stands:
        verdict = f"to be reviewed again: other figures were {verdict}"
    return Cell(verdict, receipt=str(review.receipt_id))


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
    proposed = section.table(PROPOSED)
    rows = tuple(proposed.with_cells(row, _by(None)) for row in proposed.rows)
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

"""What is newer than the documents and promises that a draft was gathered from. Pure.

A review says that a Trust Report is the latest, that an SLA report stands, and what became of each promise. Whoever
verifies one sees its bundle alone, and cannot know better: so it does not go out where any of it is no longer so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trust_portal.documents.formats import period
from trust_portal.reliability.reports.record import Head
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.qbr.gathering.commitments import commitments_section
from trust_portal.trust.qbr.ids import COMMITMENTS, DOCUMENTS, INPUTS
from trust_portal.trust.qbr.model import Commitment, CommitmentState
from trust_portal.trust.report.model import StoredTrustReport
from trust_portal.trust.sections.model import Section, State


def newer_than(
    told: Sequence[Section],
    trust_report: StoredTrustReport | None,
    newest: StoredTrustReport | None,
    heads: Sequence[Head],
) -> Iterator[str]:
    """In words. ``trust_report`` is the draft's, ``newest`` the last of its period or before it, ``heads`` where each period stands.

    Of a report that goes out with no section nothing is said, so nothing can be newer.
    """
    if newest is not None and (trust_report is None or newest.id != trust_report.id):
        yield f"Trust Report for {period(newest.period)}, revision {newest.revision}"
    inputs = next(each for each in told if each.id == INPUTS)
    rows = dict(inputs.table(DOCUMENTS).by_column())
    for head in heads:
        cells = rows.get(f"sla-{head.period}")
        if cells is None or head.signed_revision is None:
            continue
        of, revision, state = period(head.period), cells["revision"].value, cells["state"].value
        if revision != str(head.signed_revision):
            yield f"SLA report for {of}, revision {head.signed_revision}"
        elif state == State.FRESH.value and head.other_figures_since is not None:
            yield f"SLA report for {of}, revision {head.signed_revision} (other figures are known by now)"


def recorded_since(locked: Sequence[Section], commitments: Sequence[Commitment], ask: Ask) -> tuple[str, ...]:
    """In words how many promises were made or settled that a review gathered now would tell of, and ``locked`` does not.

    By their receipts: what was recorded while the draft was gathered is not in it, whatever its time says.
    """
    there = _receipts(next(each for each in locked if each.id == COMMITMENTS))
    new = _receipts(commitments_section(commitments, ask)) - there
    recorded = [each for each in commitments if str(each.receipt_id) in new]
    made = sum(each.state is CommitmentState.OPEN for each in recorded)
    counted = ((made, "promised"), (len(recorded) - made, "settled"))
    said = ", ".join(f"{number} {word}" for number, word in counted if number)
    return (f"commitments recorded since ({said})",) if said else ()


def _receipts(section: Section) -> set[str]:
    """Of the promises that it tells of, each as it stood."""
    cells = (cell for table in section.tables for row in table.rows for cell in row.cells)
    return {cell.receipt for cell in cells if cell.receipt is not None}

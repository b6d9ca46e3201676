"""What is newer than the documents that a draft was gathered from. Pure.

A review says that a Trust Report is the latest, and that an SLA report stands. Whoever verifies one sees its bundle
alone, and cannot know better: so it does not go out where either is no longer so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trust_portal.documents.formats import period
from trust_portal.reliability.reports.record import Head
from trust_portal.trust.qbr.ids import DOCUMENTS, INPUTS
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
    rows = {row.id: row.cells for row in inputs.table(DOCUMENTS).rows}
    for head in heads:
        cells = rows.get(f"sla-{head.period}")
        if cells is None or head.signed_revision is None:
            continue
        of, revision, state = period(head.period), cells[2].value, cells[6].value
        if revision != str(head.signed_revision):
            yield f"SLA report for {of}, revision {head.signed_revision}"
        elif state == State.FRESH.value and (head.overtaken_at is not None or head.contradicted):
            yield f"SLA report for {of}, revision {head.signed_revision} (other figures are known by now)"

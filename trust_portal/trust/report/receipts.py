"""What publishing a Trust Report leaves in its tenant's log. Counters are strings."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from trust_portal.access.policy import Decision
from trust_portal.evidence.act import Act, Input
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.trust.report.model import DOCUMENT_FILE, StoredTrustReport
from trust_portal.trust.report.sources import Source
from trust_portal.trust.sections.model import Cell, Section


def published_act(
    report: StoredTrustReport,
    sections: Sequence[Section],
    sources: Sequence[Source],
    actor: Actor,
    decision: Decision,
    *,
    receipts: Mapping[UUID, str],
) -> Act:
    """It rests on every receipt that a figure names, and on the documents it was read from."""
    return Act(
        kind=ReceiptKind.TRUST_REPORT_PUBLISHED,
        tenant_id=report.tenant_id,
        actor=actor,
        at=report.published_at,
        subjects=(Subject(DOCUMENT_FILE, report.sha256),),
        predicate={
            "report": str(report.id),
            "number": str(report.number),
            "period": report.period,
            "revision": str(report.revision),
            "sections": {each.id: each.state.value for each in sections},
            "acknowledgements": [each.json() for each in report.acknowledged],
        },
        inputs=(
            *(Input(each.file, each.sha256) for each in sources),
            *(Input(f"receipt/{id_}", sha256) for id_, sha256 in sorted(receipts.items())),
        ),
        policies=decision.policies,
        policy_version=decision.version,
        rationale=report.reason,
    )


def receipts_of(sections: Sequence[Section]) -> tuple[UUID, ...]:
    """The receipts that the sections' values name, each once."""
    named = {cell.receipt for section in sections for _, cell in section.cells() if cell.receipt is not None}
    return tuple(UUID(each) for each in sorted(named))


def with_known_receipts(sections: Sequence[Section], known: Container[UUID]) -> tuple[Section, ...]:
    """Values name a receipt only where the tenant's own log holds it: those in the vendor's log are not in the
    bundle, and a mark that leads nowhere proves nothing.
    """

    def kept(cell: Cell) -> Cell:
        return cell if cell.receipt is None or UUID(cell.receipt) in known else replace(cell, receipt=None)

    return tuple(
        replace(
            section,
            figures=tuple(replace(each, cell=kept(each.cell)) for each in section.figures),
            tables=tuple(
                replace(
                    table,
                    rows=tuple(replace(row, cells=tuple(map(kept, row.cells))) for row in table.rows),
                )
                for table in section.tables
            ),
        )
        for section in sections
    )

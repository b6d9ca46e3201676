"""What was promised and what was delivered, month by month over the contract, from signed SLA reports."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from zoneinfo import ZoneInfo

from trust_portal.evidence.strict import parse_json
from trust_portal.kernel.period import parse_period
from trust_portal.reliability.contracts.in_force import length_of
from trust_portal.reliability.contracts.model import percent_text
from trust_portal.reliability.contracts.owing import owed
from trust_portal.reliability.contracts.repository import contract_versions
from trust_portal.reliability.contracts.version import ContractVersion
from trust_portal.reliability.reports.repository import heads, reports_with_documents
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.gathering.sla_section import Owed, SignedReport, sla_section
from trust_portal.trust.sections.model import Section


async def gather(session: ReadSession, ask: Ask) -> Section:
    """Every signed report of the tenant up to the period's end, and all that are owed since the tenant came."""
    versions = await contract_versions(session, ask.tenant.id)
    of_signed = {
        head.signed_id: head
        for head in await heads(session, ask.tenant.id)
        if head.signed_id is not None and not ask.is_after(head.period)
    }
    reports = await reports_with_documents(session, ask.tenant.id, of_signed)
    signed = []
    for id_, head in of_signed.items():
        report, document = reports[id_]
        signed.append(
            SignedReport(
                parse_json(document),
                str(report.id),
                report.sha256,
                str(report.receipt_id),
                report.issued_at,
                head.other_figures_since,
            )
        )
    told = tuple(promised(versions, ask, {each.label for each in signed}))
    return sla_section(told, signed, ask.labels, ask.now)


def promised(versions: Sequence[ContractVersion], ask: Ask, reported: Collection[str]) -> Iterator[Owed]:
    """Since the tenant came up to the end of ``ask.labels``; ``reported`` are the periods with a signed report."""
    for label in (*earlier_labels(ask), *ask.labels):
        came_at, left_at = ask.tenant.onboarded_at, ask.tenant.offboarded_at
        due = owed(versions, label, came_at, left_at, reported=label in reported)
        if due is None:
            continue
        objectives = tuple(
            (sla.objective, percent_text(sla.target)) for sla in due.contract.promises_by(length_of(label))
        )
        yield Owed(label, due.end <= ask.now, objectives)


def earlier_labels(ask: Ask) -> Iterator[str]:
    """Months and quarters since the tenant came that were over when the document's period began, in order.

    ``2026-01``, ``2026-02``, ``2026-03``, ``2026-Q1``, ``2026-04`` for a report of May of who came in January.
    """
    zone = ask.period.time_zone
    came = ask.tenant.onboarded_at.astimezone(ZoneInfo(zone))
    year, month = came.year, came.month
    while parse_period(f"{year}-{month:02d}", zone).end <= ask.period.start:
        yield f"{year}-{month:02d}"
        quarter = f"{year}-Q{(month + 2) // 3}"
        if month % 3 == 0 and parse_period(quarter, zone).end <= ask.period.start:
            yield quarter
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)

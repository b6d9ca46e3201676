"""Credits for the period, or issued in it: what was paid back, by which memo, and what is not decided yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trust_portal.reliability.credits.model import OPEN
from trust_portal.reliability.credits.record import StoredCredit
from trust_portal.reliability.credits.repository import credits_of
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.credits_section import IssuedCredit, WaitingCredit, credits_section
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.sections.model import Section


async def gather(session: ReadSession, ask: Ask) -> Section:
    """Those for a period of the document's, and those issued while it ran."""
    found = await credits_of(session, ask.tenant.id)
    return credits_section(tuple(_issued(found, ask)), tuple(_waiting(found, ask)), ask.now)


def _issued(credits: Sequence[StoredCredit], ask: Ask) -> Iterator[IssuedCredit]:
    for each in credits:
        if each.issue is None:
            continue
        if each.period in ask.labels or ask.period.start <= each.issue.at < ask.until:
            yield IssuedCredit(
                str(each.id),
                each.period,
                each.kind.value,
                each.amount,
                each.issue.reference,
                each.issue.at,
                str(each.calculation.report_id),
                each.issue.sha256,
                str(each.last.receipt_id),
            )


def _waiting(credits: Sequence[StoredCredit], ask: Ask) -> Iterator[WaitingCredit]:
    for each in credits:
        if each.state in OPEN and each.period in ask.labels:
            yield WaitingCredit(
                str(each.id),
                each.period,
                each.kind.value,
                each.amount,
                each.state.value,
                each.last.at,
                str(each.last.receipt_id),
            )

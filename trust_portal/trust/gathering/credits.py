"""Credits for the period, or issued in it: what was paid back, by which memo, what waits, and what is owed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from trust_portal.evidence.strict import parse_json
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.money import Money
from trust_portal.reliability.credits.calculations_repository import calculations_of
from trust_portal.reliability.credits.model import LIVE, OPEN, CreditKind, CreditState
from trust_portal.reliability.credits.owing import Unclaimed, owing_among
from trust_portal.reliability.credits.record import StoredCalculation, StoredCredit
from trust_portal.reliability.credits.repository import credits_of
from trust_portal.reliability.reports.record import Head
from trust_portal.reliability.reports.repository import heads, reports_with_documents
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.credits_section import (
    NOT_CLAIMED,
    DueCredit,
    IssuedCredit,
    SettledCredit,
    Unpaid,
    WaitingCredit,
    credits_section,
)
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.sections.model import Section

#: Of a report that was signed and that no calculation is made of yet.
NOT_CALCULATED: Final = "not calculated yet"
NOT_PROPOSED: Final = "nobody has proposed it"
#: How a proposal ended, as a customer is told: whose words it ended in stands in its receipt.
_ENDS: Final = {
    CreditState.REJECTED: "an approver said no",
    CreditState.EXPIRED: "the time to decide or issue it was over",
    CreditState.VOIDED: "the vendor took it back",
}
_NOBODY_CLAIMED: Final = "nobody claimed it before its window for claims ended"
_RESTATED: Final = "a restated report took its place"


async def gather(session: ReadSession, ask: Ask) -> Section:
    """Those for a period of the document's, those issued while it ran, and what is owed up to its end."""
    found = await credits_of(session, ask.tenant.id)
    made = await calculations_of(session, ask.tenant.id)
    reported = await heads(session, ask.tenant.id)
    owing = await owing_among(session, ask.tenant.id, ask.now, made, reported)
    due = [
        *calculated(owing.due, found, ask),
        *await _uncalculated(session, made, reported, ask),
    ]
    unpaid = Unpaid(due, (*settled(found, made, ask), *forfeited(owing.unclaimed, ask)))
    return credits_section(
        tuple(issued(found, ask)), tuple(waiting(found, ask)), unpaid, ask.now, ask.period.end
    )


def issued(credits: Sequence[StoredCredit], ask: Ask) -> Iterator[IssuedCredit]:
    """Those for a period of the document's, and those issued while it ran: these alone are its sum. Pure."""
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


def waiting(credits: Sequence[StoredCredit], ask: Ask) -> Iterator[WaitingCredit]:
    """Also of periods before the document's, as what is due is: what was proposed leaves no document that owes it. Pure."""
    for each in credits:
        if each.state in OPEN and not ask.is_after(each.period):
            yield WaitingCredit(
                str(each.id),
                each.period,
                each.kind.value,
                each.amount,
                each.state.value,
                each.last.at,
                str(each.last.receipt_id),
            )


def calculated(
    due: Sequence[StoredCalculation], credits: Sequence[StoredCredit], ask: Ask
) -> Iterator[DueCredit]:
    """Also of periods before the document's: what nobody has paid is owed until somebody does. Pure."""
    for each in due:
        if ask.is_after(each.period):
            continue
        ended = [
            one for one in credits if (one.period, one.revision) == (each.period, each.revision)
            and one.state not in LIVE
        ]  # fmt: skip
        last = max(ended, key=lambda one: one.attempt, default=None)
        yield DueCredit(
            str(each.id),
            each.period,
            each.kind.value,
            each.amount,
            NOT_PROPOSED if last is None else f"proposed, and {last.state.value}",
            each.calculated_at if last is None else last.last.at,
            str(each.report_id),
            str(each.receipt_id),
        )


def settled(
    credits: Sequence[StoredCredit], made: Sequence[StoredCalculation], ask: Ask
) -> Iterator[SettledCredit]:
    """Those for a period of the document's, and those that ended while it ran. Pure."""
    for each in credits:
        how = _ENDS.get(each.state)
        if how is None or not (each.period in ask.labels or ask.period.start <= each.last.at < ask.until):
            continue
        newer = any(one.period == each.period and one.revision > each.revision for one in made)
        if each.state is CreditState.VOIDED and each.last.by_id == SYSTEM.id and newer:
            how = _RESTATED
        yield SettledCredit(
            str(each.id),
            each.period,
            each.kind.value,
            each.amount,
            each.state.value,
            how,
            each.last.at,
            str(each.last.receipt_id),
        )


def forfeited(unclaimed: Sequence[Unclaimed], ask: Ask) -> Iterator[SettledCredit]:
    """Those for a period of the document's, and those of which the window to claim them ended while it ran. Pure."""
    for each in unclaimed:
        made = each.calculation
        if made.period in ask.labels or ask.period.start <= each.until < ask.period.end:
            yield SettledCredit(
                str(made.id),
                made.period,
                made.kind.value,
                made.amount,
                NOT_CLAIMED,
                _NOBODY_CLAIMED,
                each.until,
                str(made.receipt_id),
            )


async def _uncalculated(
    session: ReadSession, made: Sequence[StoredCalculation], reported: Sequence[Head], ask: Ask
) -> list[DueCredit]:
    """Reports up to the document's period that earn something, and of which nobody has calculated what."""
    known = {(each.period, each.revision) for each in made}
    unknown = {
        head.signed_id: head
        for head in reported
        if head.signed_id is not None
        and not ask.is_after(head.period)
        and (head.period, head.signed_revision or 0) not in known
    }
    reports = await reports_with_documents(session, ask.tenant.id, unknown)
    found = []
    for id_, head in unknown.items():
        report, document = reports[id_]
        credit = parse_json(document)["credit"]
        if credit is None:
            continue
        amount = Money.parse(credit["amount"], credit["currency"])
        if amount.minor > 0:
            found.append(
                DueCredit(
                    str(report.id),
                    head.period,
                    CreditKind.CREDIT.value,
                    amount,
                    NOT_CALCULATED,
                    report.issued_at,
                    str(report.id),
                    str(report.receipt_id),
                )
            )
    return found

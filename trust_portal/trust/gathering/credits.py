"""Credits for the period, or issued in it: what was paid back, by which memo, and what is not decided yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final

from trust_portal.kernel.clock import rfc3339
from trust_portal.reliability.credits.model import OPEN, CreditKind
from trust_portal.reliability.credits.record import StoredCredit
from trust_portal.reliability.credits.repository import credits_of
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.ids import CREDITS, ISSUED
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.sections.model import Cell, Column, Figure, Row, Section, Sentence, State, Table, Unit

TITLE: Final = "Credits"
SOURCE: Final = "credits and their memos"
MAX_AGE: Final = timedelta(days=1)

_ISSUED_COLUMNS: Final = (
    Column("period", "For"),
    Column("kind", "Kind"),
    Column("amount", "Amount", Unit.MONEY),
    Column("reference", "Reference"),
    Column("issued", "Issued", Unit.INSTANT),
    Column("memo", "Memo", Unit.DIGEST),
)
_OPEN_COLUMNS: Final = (
    Column("period", "For"),
    Column("kind", "Kind"),
    Column("amount", "Amount", Unit.MONEY),
    Column("state", "State"),
    Column("since", "Since", Unit.INSTANT),
)


async def gather(session: ReadSession, ask: Ask) -> Section:
    """Those for a period of the document's, and those issued while it ran."""
    return credits_section(await credits_of(session, ask.tenant.id), ask)


def credits_section(credits: Sequence[StoredCredit], ask: Ask) -> Section:
    """Pure. A reversal takes back, so its amount counts against the sum."""
    issued = [each for each in credits if each.issue is not None and _is_of(each, ask)]
    waiting = [each for each in credits if each.state in OPEN and each.period in ask.labels]
    sums: dict[str, Decimal] = {}
    for each in issued:
        amount = Decimal(each.amount.decimal)
        sign = -1 if each.kind is CreditKind.REVERSAL else 1
        sums[each.amount.currency] = sums.get(each.amount.currency, Decimal(0)) + sign * abs(amount)
    figures = [
        Figure("issued", "Credits issued", Cell(str(len(issued)), Unit.COUNT, href="/credits")),
        *(
            Figure(
                f"sum-{currency.lower()}",
                f"Issued in {currency}",
                Cell(f"{sums[currency]:f}", Unit.MONEY, currency, href="/credits"),
            )
            for currency in sorted(sums)
        ),
        Figure("open", "Not decided yet", Cell(str(len(waiting)), Unit.COUNT, href="/credits")),
    ]
    return Section(
        id=CREDITS,
        title=TITLE,
        state=State.FRESH,
        source=SOURCE,
        as_of=ask.now,
        max_age=MAX_AGE,
        sentences=_sentences(sorted(sums), waiting),
        figures=tuple(figures),
        tables=(_issued_table(issued), _open_table(waiting)),
    )


def _is_of(credit: StoredCredit, ask: Ask) -> bool:
    at = None if credit.issue is None else credit.issue.at
    return credit.period in ask.labels or (at is not None and ask.period.start <= at < ask.until)


def _sentences(currencies: Sequence[str], waiting: Sequence[StoredCredit]) -> tuple[Sentence, ...]:
    found = [Sentence("No credit was issued for the period, and none in it.")]
    if currencies:
        sums = " and ".join(f"{{sum-{each.lower()}}}" for each in currencies)
        found = [Sentence(f"Credits issued: {{issued}}, {sums} in all.")]
    if waiting:
        found.append(Sentence("Not decided yet: {open}."))
    return tuple(found)


def _issued_table(issued: Sequence[StoredCredit]) -> Table:
    rows = []
    for each in issued:
        assert each.issue is not None, "only issued ones are handed over"  # noqa: S101 - narrows the type
        href, receipt = f"/credits/{each.id}", str(each.last.receipt_id)
        rows.append(
            Row(
                str(each.id),
                (
                    Cell(each.period, href=f"/reports/{each.calculation.report_id}"),
                    Cell(each.kind.value),
                    Cell(each.amount.decimal, Unit.MONEY, each.amount.currency, href, receipt),
                    Cell(each.issue.reference),
                    Cell(rfc3339(each.issue.at), Unit.INSTANT),
                    Cell(each.issue.sha256, Unit.DIGEST, href=href, receipt=receipt),
                ),
            )
        )
    return Table(ISSUED, "Issued", _ISSUED_COLUMNS, tuple(rows), "None was issued.")


def _open_table(waiting: Sequence[StoredCredit]) -> Table:
    rows = tuple(
        Row(
            str(each.id),
            (
                Cell(each.period),
                Cell(each.kind.value),
                Cell(
                    each.amount.decimal,
                    Unit.MONEY,
                    each.amount.currency,
                    f"/credits/{each.id}",
                    str(each.last.receipt_id),
                ),
                Cell(each.state.value),
                Cell(rfc3339(each.last.at), Unit.INSTANT),
            ),
        )
        for each in waiting
    )
    return Table("open", "Not decided yet", _OPEN_COLUMNS, rows, "Nothing waits for a decision.")

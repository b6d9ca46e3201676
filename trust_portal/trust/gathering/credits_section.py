"""What credits and their memos come to in a document. Pure: a verifier derives it again from the memos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.money import Money
from trust_portal.trust.gathering.ids import CREDITS, ISSUED, WAITING
from trust_portal.trust.sections.model import Cell, Column, Figure, Row, Section, Sentence, State, Table, Unit

TITLE: Final = "Credits"
SOURCE: Final = "credits and their memos"
MAX_AGE: Final = timedelta(days=1)

_PAGE: Final = "/credits"
#: As ``CreditKind`` spells it: such a one takes back.
_REVERSAL: Final = "reversal"
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


@dataclass(frozen=True, slots=True)
class IssuedCredit:
    """An issued credit as its memo states it; ``memo`` is the memo's SHA-256, ``report`` the SLA report's id."""

    id: str
    period: str
    kind: str
    amount: Money
    reference: str
    issued_at: datetime
    report: str
    memo: str
    receipt: str


@dataclass(frozen=True, slots=True)
class WaitingCredit:
    """A proposed credit that is not issued yet, in the state it reached last."""

    id: str
    period: str
    kind: str
    amount: Money
    state: str
    since: datetime
    receipt: str


def credits_section(
    issued: Sequence[IssuedCredit], waiting: Sequence[WaitingCredit], now: datetime
) -> Section:
    """A reversal takes back, so its amount counts against the sum."""
    sums: dict[str, Decimal] = {}
    for each in issued:
        amount = abs(Decimal(each.amount.decimal))
        signed = -amount if each.kind == _REVERSAL else amount
        sums[each.amount.currency] = sums.get(each.amount.currency, Decimal(0)) + signed
    figures = (
        Figure("issued", "Credits issued", Cell(str(len(issued)), Unit.COUNT, href=_PAGE)),
        *(
            Figure(
                f"sum-{currency.lower()}",
                f"Issued in {currency}",
                Cell(f"{sums[currency]:f}", Unit.MONEY, currency, href=_PAGE),
            )
            for currency in sorted(sums)
        ),
        Figure("open", "Not decided yet", Cell(str(len(waiting)), Unit.COUNT, href=_PAGE)),
    )
    return Section(
        id=CREDITS,
        title=TITLE,
        state=State.FRESH,
        source=SOURCE,
        as_of=now,
        max_age=MAX_AGE,
        sentences=_sentences(sorted(sums), waiting),
        figures=figures,
        tables=(
            Table(ISSUED, "Issued", _ISSUED_COLUMNS, tuple(map(_issued, issued)), "None was issued."),
            Table(
                WAITING,
                "Not decided yet",
                _OPEN_COLUMNS,
                tuple(map(_waiting, waiting)),
                "Nothing waits for a decision.",
            ),
        ),
    )


def _sentences(currencies: Sequence[str], waiting: Sequence[WaitingCredit]) -> tuple[Sentence, ...]:
    found = [Sentence("No credit was issued for the period, and none in it.")]
    if currencies:
        sums = " and ".join(f"{{sum-{each.lower()}}}" for each in currencies)
        found = [Sentence(f"Credits issued: {{issued}}, {sums} in all.")]
    if waiting:
        found.append(Sentence("Not decided yet: {open}."))
    return tuple(found)


def _issued(each: IssuedCredit) -> Row:
    href = f"{_PAGE}/{each.id}"
    return Row(
        each.id,
        (
            Cell(each.period, href=f"/reports/{each.report}"),
            Cell(each.kind),
            Cell(each.amount.decimal, Unit.MONEY, each.amount.currency, href, each.receipt),
            Cell(each.reference),
            Cell(rfc3339(each.issued_at), Unit.INSTANT),
            Cell(each.memo, Unit.DIGEST, href=href, receipt=each.receipt),
        ),
    )


def _waiting(each: WaitingCredit) -> Row:
    href = f"{_PAGE}/{each.id}"
    return Row(
        each.id,
        (
            Cell(each.period),
            Cell(each.kind),
            Cell(each.amount.decimal, Unit.MONEY, each.amount.currency, href, each.receipt),
            Cell(each.state),
            Cell(rfc3339(each.since), Unit.INSTANT),
        ),
    )

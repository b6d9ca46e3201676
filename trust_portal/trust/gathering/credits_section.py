"""What credits and their memos come to in a document. Pure: a verifier derives it again from the memos.

What is owed is said before what was paid: a credit that is due and that nobody has proposed leaves the section missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from trust_portal.documents import formats
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.money import Money
from trust_portal.trust.gathering.ids import CREDITS, DUE, ISSUED, SETTLED, WAITING
from trust_portal.trust.sections.model import Cell, Column, Figure, Row, Section, Sentence, State, Table, Unit

TITLE: Final = "Credits"
SOURCE: Final = "credits and their memos"
MAX_AGE: Final = timedelta(days=1)

_PAGE: Final = "/credits"
#: As ``CreditKind`` spells it: such a one takes back.
_REVERSAL: Final = "reversal"
#: State of what was the customer's to claim, and was not claimed in time.
NOT_CLAIMED: Final = "not claimed"
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
_DUE_COLUMNS: Final = (
    Column("period", "For"),
    Column("kind", "Kind"),
    Column("amount", "Amount", Unit.MONEY),
    Column("state", "Where it stands"),
    Column("since", "Since", Unit.INSTANT),
)
_SETTLED_COLUMNS: Final = (
    Column("period", "For"),
    Column("kind", "Kind"),
    Column("amount", "Amount", Unit.MONEY),
    Column("state", "State"),
    Column("how", "How it ended"),
    Column("at", "When", Unit.INSTANT),
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


@dataclass(frozen=True, slots=True)
class DueCredit:
    """What a signed report earns and nobody has proposed, or what was proposed and not let through.

    ``id`` is the calculation's; of a report that is not calculated yet, its own. ``state`` says in words where it
    stands, ``receipt`` what states the amount.
    """

    id: str
    period: str
    kind: str
    amount: Money
    state: str
    since: datetime
    report: str
    receipt: str


@dataclass(frozen=True, slots=True)
class SettledCredit:
    """A proposal that ended without money, or what nobody claimed in time; ``how`` says in words by whom or what.

    ``id`` is the proposal's; of what was not claimed, the calculation's.
    """

    id: str
    period: str
    kind: str
    amount: Money
    state: str
    how: str
    at: datetime
    receipt: str


@dataclass(frozen=True, slots=True)
class Unpaid:
    """What was not issued and does not wait for a decision either."""

    due: Sequence[DueCredit] = ()
    settled: Sequence[SettledCredit] = ()


def credits_section(
    issued: Sequence[IssuedCredit],
    waiting: Sequence[WaitingCredit],
    unpaid: Unpaid | None,
    now: datetime,
    end: datetime | None = None,
) -> Section:
    """A reversal takes back, so its amount counts against the sum, and nothing of it is owed.

    A credit counts in the period in which it was issued, whichever it is for, so that those of consecutive documents add
    up. What was issued for the period after its ``end`` is told beside it. Before format 5 all were one sum (None).
    ``unpaid`` is None in documents of format 1, which said nothing of it.
    """
    counted = [each for each in issued if end is None or each.issued_at < end]
    later = [each for each in issued if each not in counted]
    figures = (
        _count("issued", "Credits issued", len(counted)),
        *_sums("sum", "Issued in", counted),
        *([_count("later", "For the period, issued after it", len(later))] if later else []),
        *_sums("later", "Issued after the period in", later),
        _count("open", "Not decided yet", len(waiting)),
    )
    sentences = _sentences(figures, is_parted=end is not None)
    tables: tuple[Table, ...] = ()
    owed: list[DueCredit] = []
    if unpaid is not None:
        owed = [each for each in unpaid.due if each.kind != _REVERSAL]
        more = tuple(_unpaid_figures(owed, unpaid))
        figures, sentences = (*figures, *more), (*sentences, *_unpaid_sentences(more))
        tables = _unpaid_tables(unpaid)
    return Section(
        id=CREDITS,
        title=TITLE,
        state=State.MISSING if owed else State.FRESH,
        why=f"due, and not on its way: {'; '.join(map(_named, owed))}" if owed else None,
        source=SOURCE,
        as_of=now,
        max_age=MAX_AGE,
        sentences=sentences,
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
            *tables,
        ),
    )


def _count(id_: str, label: str, number: int) -> Figure:
    return Figure(id_, label, Cell(str(number), Unit.COUNT, href=_PAGE))


def _sums(name: str, label: str, issued: Sequence[IssuedCredit]) -> Iterator[Figure]:
    """An amount a currency."""
    sums: dict[str, Decimal] = {}
    for each in issued:
        amount = abs(Decimal(each.amount.decimal))
        signed = -amount if each.kind == _REVERSAL else amount
        sums[each.amount.currency] = sums.get(each.amount.currency, Decimal(0)) + signed
    for currency in sorted(sums):
        cell = Cell(f"{sums[currency]:f}", Unit.MONEY, currency, href=_PAGE)
        yield Figure(f"{name}-{currency.lower()}", f"{label} {currency}", cell)


def _unpaid_figures(owed: Sequence[DueCredit], unpaid: Unpaid) -> Iterator[Figure]:
    sums: dict[str, Decimal] = {}
    for each in owed:
        sums[each.amount.currency] = sums.get(each.amount.currency, Decimal(0)) + Decimal(each.amount.decimal)
    yield _count("due", "Due, and not on its way", len(owed))
    for currency in sorted(sums):
        cell = Cell(f"{sums[currency]:f}", Unit.MONEY, currency, href=_PAGE)
        yield Figure(f"due-{currency.lower()}", f"Due in {currency}", cell)
    unclaimed = sum(each.state == NOT_CLAIMED for each in unpaid.settled)
    proposals = len(unpaid.settled) - unclaimed
    yield _count("settled", "Ended without a credit", proposals)
    if unclaimed:
        yield _count("unclaimed", "Not claimed in time", unclaimed)


def _unpaid_sentences(figures: Sequence[Figure]) -> Iterator[Sentence]:
    """Of ``_unpaid_figures``."""
    counts = {each.id: each.cell.value for each in figures}
    if counts["due"] != "0":
        sums = " and ".join(f"{{{each.id}}}" for each in figures if each.cell.unit is Unit.MONEY)
        yield Sentence(f"Due by signed reports, and not on its way: {{due}}, {sums} in all.")
    if counts["settled"] != "0":
        yield Sentence("Proposals that ended without a credit: {settled}.")
    if "unclaimed" in counts:
        yield Sentence("Due to whoever claimed it, and not claimed in time: {unclaimed}.")


def _unpaid_tables(unpaid: Unpaid) -> tuple[Table, ...]:
    return (
        Table(
            DUE,
            "Due, and not on its way",
            _DUE_COLUMNS,
            tuple(map(_due, unpaid.due)),
            "Whatever signed reports earn was issued, or is being decided.",
        ),
        Table(
            SETTLED,
            "Ended without a credit",
            _SETTLED_COLUMNS,
            tuple(map(_settled, unpaid.settled)),
            "No proposal was rejected, taken back or left undecided.",
        ),
    )


def _named(each: DueCredit) -> str:
    money = formats.money(each.amount.decimal, each.amount.currency)
    return f"{money} for {formats.period(each.period)}"


def _sentences(figures: Sequence[Figure], *, is_parted: bool) -> tuple[Sentence, ...]:
    counts = {each.id: each.cell.value for each in figures}

    def sums(name: str) -> str:
        return " and ".join(f"{{{each}}}" for each in counts if each.startswith(f"{name}-"))

    found = [Sentence("No credit was issued for the period, and none in it.")]
    if counts["issued"] != "0":
        when = " in the period" if is_parted else ""
        found = [Sentence(f"Credits issued{when}: {{issued}}, {sums('sum')} in all.")]
    elif "later" in counts:
        found = [Sentence("No credit was issued in the period.")]
    if "later" in counts:
        found.append(Sentence(f"Issued for the period after it: {{later}}, {sums('later')} in all."))
    if counts["open"] != "0":
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


def _due(each: DueCredit) -> Row:
    report = f"/reports/{each.report}"
    return Row(
        each.id,
        (
            Cell(each.period, href=report),
            Cell(each.kind),
            Cell(each.amount.decimal, Unit.MONEY, each.amount.currency, _PAGE, each.receipt),
            Cell(each.state),
            Cell(rfc3339(each.since), Unit.INSTANT, href=report),
        ),
    )


def _settled(each: SettledCredit) -> Row:
    href = _PAGE if each.state == NOT_CLAIMED else f"{_PAGE}/{each.id}"
    return Row(
        each.id,
        (
            Cell(each.period),
            Cell(each.kind),
            Cell(each.amount.decimal, Unit.MONEY, each.amount.currency, href, each.receipt),
            Cell(each.state),
            Cell(each.how),
            Cell(rfc3339(each.at), Unit.INSTANT, href=href),
        ),
    )

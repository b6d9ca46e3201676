"""What usage cost, month by month, against the quarter before, and what moved it; how much it was is ``quantities``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from trust_portal.cost.metering.model import SUBSYSTEMS, HourCost, Part, Progress
from trust_portal.documents.formats import period as period_name
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.money import exponent
from trust_portal.kernel.period import Period, parse_period
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.cost import MAX_AGE
from trust_portal.trust.gathering.model import Ask, labels_of
from trust_portal.trust.qbr.gathering.known_usage import Used, closed_until, read_usage, usage_stands
from trust_portal.trust.qbr.gathering.quantities import consumed
from trust_portal.trust.qbr.ids import USAGE
from trust_portal.trust.sections.model import (
    Cell,
    Chart,
    ChartKind,
    Column,
    Figure,
    Row,
    Section,
    Sentence,
    State,
    Table,
    Unit,
)

TITLE: Final = "Usage and cost"
SOURCE: Final = "closed hours of usage"

_PAGE: Final = "/cost"
_MOVERS: Final = 5


async def gather(session: ReadSession, ask: Ask) -> Section:
    progress, used = await read_usage(session, ask)
    return usage_section(progress, used, ask)


def usage_section(progress: Progress | None, used: Used, ask: Ask) -> Section:
    """Pure. Amounts are rounded half to even to the currency's smallest unit, each for itself."""
    as_of, state, why = usage_stands(progress, ask, used.waiting_since)
    currencies = sorted({each.series.currency for each in used.now})
    figures: list[Figure] = []
    for id_, label, at in (
        ("metered-since", "Metered since", used.metered_since),
        ("closed-until", "Hours are closed until", used.closed_until),
    ):
        if at is not None:
            figures.append(Figure(id_, label, Cell(rfc3339(at), Unit.INSTANT, href=_PAGE)))
    tables: list[Table] = []
    charts: list[Chart] = []
    said = [] if state is State.NOT_APPLICABLE else _said(currencies, used, ask, as_of)
    for currency in currencies:
        figures += _figures(currency, used)
        months, movers = _months(currency, used.now, ask, progress), _movers(currency, used)
        tables += [months, movers]
        left = len(_places(currency, used)) - len(movers.rows) if used.is_compared else 0
        if left:
            low = currency.lower()
            for name, label, number in (("named", "named", len(movers.rows)), ("unnamed", "not named", left)):
                cell = Cell(str(number), Unit.COUNT, href=_PAGE)
                figures.append(Figure(f"movers-{name}-{low}", f"What moved it, {label} ({currency})", cell))
            said.append(
                Sentence(
                    f"What moved it most is named below: {{movers-named-{low}}}; what moved it less and is not named "
                    f"({currency}): {{movers-unnamed-{low}}}."
                )
            )
        charts.append(
            Chart(
                f"months-{currency.lower()}",
                f"Cost by month, {currency}",
                ChartKind.BAR,
                months.id,
                "month",
                ("total",),
            )
        )
    if progress is not None and currencies:
        quantities = consumed(used.parts_now, used.parts_then, compared=used.is_compared)
        figures += quantities.figures
        said += quantities.sentences
        tables.append(quantities.table)
    return Section(
        id=USAGE,
        title=TITLE,
        state=state,
        why=why,
        source=SOURCE,
        as_of=as_of,
        max_age=MAX_AGE,
        sentences=tuple(said),
        figures=tuple(figures),
        tables=tuple(tables),
        charts=tuple(charts),
    )


def total(hours: Iterable[HourCost], currency: str, subsystem: str | None = None) -> Decimal:
    """Exact, in major units; of one subsystem or all."""
    return sum(
        (
            each.cost
            for each in hours
            if each.series.currency == currency and subsystem in {None, each.series.subsystem}
        ),
        Decimal(0),
    )


def money(value: Decimal, currency: str, href: str = _PAGE) -> Cell:
    """Rounded to what can be paid."""
    rounded = value.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_EVEN)
    return Cell(f"{rounded:f}", Unit.MONEY, currency, href)


def share(part: Decimal, whole: Decimal) -> Cell:
    """In percent with one digit; not known of nothing."""
    if not whole:
        return Cell(None, Unit.PERCENT)
    return Cell(
        f"{(100 * part / whole).quantize(Decimal('0.1'), ROUND_HALF_EVEN):f}", Unit.PERCENT, href=_PAGE
    )


def _figures(currency: str, used: Used) -> list[Figure]:
    low = currency.lower()
    now, then = total(used.now, currency), total(used.then, currency)

    def known(cell: Cell) -> Cell:
        return cell if used.is_compared else Cell(None, Unit.MONEY, currency)

    dearest = max(SUBSYSTEMS, key=lambda each: total(used.now, currency, each))
    return [
        Figure(f"total-{low}", f"Cost in the period ({currency})", money(now, currency)),
        Figure(f"before-{low}", f"The period before ({currency})", known(money(then, currency))),
        Figure(f"change-{low}", f"Change ({currency})", known(money(now - then, currency))),
        Figure(f"growth-{low}", f"Change in percent ({currency})", share(now - then, then)),
        Figure(f"dearest-{low}", f"Dearest part ({currency})", Cell(dearest, href=_PAGE)),
        Figure(
            f"dearest-share-{low}", f"Its share ({currency})", share(total(used.now, currency, dearest), now)
        ),
    ]


def _said(currencies: Sequence[str], used: Used, ask: Ask, as_of: datetime | None) -> list[Sentence]:
    if as_of is None or as_of <= ask.period.start:
        return [Sentence("What was used is not known.")]
    if not currencies:
        begun = used.metered_since is None or used.metered_since <= ask.period.start
        whole = "the period" if begun and used.closed_until is None else "what is known of the period"
        return [Sentence(f"Nothing was used in {whole}.{_in_part(used)}")]
    found = []
    for each in currencies:
        low = each.lower()
        now, then = total(used.now, each), total(used.then, each)
        if not used.is_compared:
            found.append(Sentence(f"Usage cost {{total-{low}}}.{_in_part(used)}"))
        elif not then:
            found.append(Sentence(f"Usage cost {{total-{low}}}; nothing was used in the period before."))
        else:
            found.append(Sentence(_compared(now, then).format(low=low)))
        found.append(Sentence(f"The dearest part was {{dearest-{low}}} with {{dearest-share-{low}}} of it."))
    if ask.until < ask.period.end and used.is_compared:
        found.append(Sentence("The period is not over; it is compared with a whole one."))
    return found


def _in_part(used: Used) -> str:
    """What is known of neither this period nor the one before, and what that keeps from being compared."""
    known = ""
    if used.closed_until is not None:
        known = " Hours are closed until {closed-until} only; what was used since is not known."
    if used.metered_since is not None:
        known += " It is metered since {metered-since} only."
    if known:
        known += " So nothing is compared with the period before."
    return known


def _compared(now: Decimal, then: Decimal) -> str:
    """A change downwards has its minus sign already: it is not said to be less by a negative amount."""
    if now == then:
        return "Usage cost {{total-{low}}}, as much as in the period before."
    if now > then:
        return (
            "Usage cost {{total-{low}}}, {{change-{low}}} or {{growth-{low}}} more than in the period before with "
            "{{before-{low}}}."
        )
    return (
        "Usage cost {{total-{low}}}, after {{before-{low}}} in the period before: a change of {{change-{low}}}, "
        "or {{growth-{low}}}."
    )


#: In place of what a month cost that lies ahead, or lay before usage was metered.
NOT_BEGUN: Final = "not begun yet"
NOT_METERED: Final = "not metered yet"


def _months(currency: str, hours: Sequence[HourCost], ask: Ask, progress: Progress | None) -> Table:
    labels = [each for each in labels_of(ask.period.label) if "Q" not in each]
    present = [each for each in SUBSYSTEMS if any(hour.series == (each, currency) for hour in hours)]
    rows = []
    for label in labels:
        month = parse_period(label, ask.period.time_zone)
        own = [each for each in hours if month.start <= each.hour < month.end]
        unknown = _unknown(month, currency, ask, progress)

        def amount(
            subsystem: str | None, own: Sequence[HourCost] = own, unknown: Cell | None = unknown
        ) -> Cell:
            return money(total(own, currency, subsystem), currency) if unknown is None else unknown

        rows.append(
            Row(
                label,
                (Cell(period_name(label), href=_PAGE), *(amount(each) for each in present), amount(None)),
            )
        )
    return Table(
        f"months-{currency.lower()}",
        f"Month by month, {currency}",
        (
            Column("month", "Month"),
            *(Column(each, each.capitalize(), Unit.MONEY) for each in present),
            Column("total", "Together", Unit.MONEY),
        ),
        tuple(rows),
        "Nothing was used.",
    )


def _unknown(month: Period, currency: str, ask: Ask, progress: Progress | None) -> Cell | None:
    """What stands in place of what a month cost that no hour is known of."""
    if month.start >= ask.until:
        return Cell(NOT_BEGUN)
    if progress is None:
        return None
    if month.end <= progress.first_hour:
        return Cell(NOT_METERED)
    closed = closed_until(progress)
    return Cell(None, Unit.MONEY, currency) if closed is None or closed <= month.start else None


def _places(currency: str, used: Used) -> set[tuple[str, str, str]]:
    return {*_by_place(used.parts_now, currency), *_by_place(used.parts_then, currency)}


def _movers(currency: str, used: Used) -> Table:
    """What changed most against the period before, by subsystem, resource and operation."""
    now, then = _by_place(used.parts_now, currency), _by_place(used.parts_then, currency)
    if not used.is_compared:
        now = {}
    places = sorted(
        now.keys() | then.keys(),
        key=lambda each: (-abs(now.get(each, Decimal(0)) - then.get(each, Decimal(0))), each),
    )
    rows = []
    for place in places[:_MOVERS]:
        a, b = now.get(place, Decimal(0)), then.get(place, Decimal(0))
        subsystem, resource, operation = place
        rows.append(
            Row(
                ":".join(place),
                (
                    Cell(subsystem, href=_PAGE),
                    Cell(resource),
                    Cell(operation),
                    money(a, currency),
                    money(b, currency),
                    money(a - b, currency),
                ),
            )
        )
    return Table(
        f"movers-{currency.lower()}",
        f"What moved it most, {currency}",
        (
            Column("subsystem", "Part"),
            Column("resource", "Resource"),
            Column("operation", "Operation"),
            Column("now", "In the period", Unit.MONEY),
            Column("before", "Period before", Unit.MONEY),
            Column("change", "Change", Unit.MONEY),
        ),
        tuple(rows),
        "Nothing was used." if used.is_compared else "There are no two whole periods to compare.",
    )


def _by_place(parts: Sequence[Part], currency: str) -> Mapping[tuple[str, str, str], Decimal]:
    found: dict[tuple[str, str, str], Decimal] = {}
    for each in parts:
        if each.series.currency == currency:
            place = (each.series.subsystem, each.resource, each.operation)
            found[place] = found.get(place, Decimal(0)) + each.cost
    return found

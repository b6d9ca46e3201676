"""What usage cost, month by month, against the quarter before, and what moved it; how much it was is ``quantities``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from trust_portal.cost.metering.model import SUBSYSTEMS, HourCost, Part, Progress
from trust_portal.cost.metering.repository import find_progress, read_hours, read_part_sums
from trust_portal.documents.formats import period as period_name
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.money import exponent
from trust_portal.kernel.period import Period, parse_period, previous_label
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.cost import MAX_AGE
from trust_portal.trust.gathering.model import Ask, labels_of
from trust_portal.trust.qbr.gathering.quantities import consumed
from trust_portal.trust.qbr.ids import USAGE
from trust_portal.trust.sections.freshness import freshness
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
_HOUR: Final = timedelta(hours=1)
_MOVERS: Final = 5


@dataclass(frozen=True, slots=True)
class Used:
    """The hours and parts of a period (``now``) and of the one before it (``then``).

    ``metered_since`` is set where metering began within the one before: ``then`` is empty, for a part of a period
    is not compared with a whole one.
    """

    now: Sequence[HourCost]
    then: Sequence[HourCost]
    parts_now: Sequence[Part]
    parts_then: Sequence[Part]
    metered_since: datetime | None = None


async def gather(session: ReadSession, ask: Ask) -> Section:
    progress, used = await read_usage(session, ask)
    return usage_section(progress, used, ask)


async def read_usage(session: ReadSession, ask: Ask) -> tuple[Progress | None, Used]:
    """What the usage section and the recommendations are made of."""
    before, id_ = period_before(ask), ask.tenant.id
    progress = await find_progress(session, id_)
    used = Used(
        await read_hours(session, id_, ask.period.start, ask.until),
        await read_hours(session, id_, before.start, before.end),
        await read_part_sums(session, id_, ask.period.start, ask.until),
        await read_part_sums(session, id_, before.start, before.end),
    )
    return progress, used if progress is None else comparable(used, progress, before)


def comparable(used: Used, progress: Progress, before: Period) -> Used:
    """``used`` without the period before it, where that was not metered from its start on. Pure."""
    if not before.start < progress.first_hour < before.end:
        return used
    return replace(used, then=(), parts_then=(), metered_since=progress.first_hour)


def period_before(ask: Ask) -> Period:
    return parse_period(previous_label(ask.period.label), ask.period.time_zone)


def usage_stands(progress: Progress | None, ask: Ask) -> tuple[datetime | None, State, str | None]:
    """Until when usage is known, and what that makes of whatever is told from it: its state, and why. Pure."""
    if progress is None:
        return None, State.NOT_APPLICABLE, "no usage of this customer is metered"
    closed = progress.closed_through
    as_of = None if closed is None else closed + _HOUR
    # What happens after the period can make nothing of it older.
    return as_of, *freshness(as_of, MAX_AGE, ask.until, missing="no hour of usage is closed yet")


def usage_section(progress: Progress | None, used: Used, ask: Ask) -> Section:
    """Pure. Amounts are rounded half to even to the currency's smallest unit, each for itself."""
    as_of, state, why = usage_stands(progress, ask)
    currencies = sorted({each.series.currency for each in used.now})
    figures: list[Figure] = []
    if used.metered_since is not None:
        since = Cell(rfc3339(used.metered_since), Unit.INSTANT, href=_PAGE)
        figures.append(Figure("metered-since", "Metered since", since))
    tables: list[Table] = []
    charts: list[Chart] = []
    said: list[Sentence] = [] if progress is None else _said(currencies, used, ask)
    for currency in currencies:
        figures += _figures(currency, used)
        months, movers = _months(currency, used.now, ask), _movers(currency, used)
        tables += [months, movers]
        left = 0 if used.metered_since is not None else len(_places(currency, used)) - len(movers.rows)
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
        quantities = consumed(used.parts_now, used.parts_then, compared=used.metered_since is None)
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
        return cell if used.metered_since is None else Cell(None, Unit.MONEY, currency)

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


def _said(currencies: Sequence[str], used: Used, ask: Ask) -> list[Sentence]:
    if not currencies:
        return [Sentence("Nothing was used in the period.")]
    found = []
    for each in currencies:
        low = each.lower()
        now, then = total(used.now, each), total(used.then, each)
        if used.metered_since is not None:
            found.append(
                Sentence(
                    f"Usage cost {{total-{low}}}. It is metered since {{metered-since}} only, so nothing is compared "
                    "with the period before."
                )
            )
        elif not then:
            found.append(
                Sentence(f"Usage cost {{total-{low}}}; there is no period before to compare it with.")
            )
        else:
            found.append(Sentence(_compared(now, then).format(low=low)))
        found.append(Sentence(f"The dearest part was {{dearest-{low}}} with {{dearest-share-{low}}} of it."))
    if ask.until < ask.period.end and used.metered_since is None:
        found.append(Sentence("The period is not over; it is compared with a whole one."))
    return found


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


#: In place of what a month cost that lies ahead.
NOT_BEGUN: Final = "not begun yet"


def _months(currency: str, hours: Sequence[HourCost], ask: Ask) -> Table:
    labels = [each for each in labels_of(ask.period.label) if "Q" not in each]
    present = [each for each in SUBSYSTEMS if any(hour.series == (each, currency) for hour in hours)]
    rows = []
    for label in labels:
        month = parse_period(label, ask.period.time_zone)
        own = [each for each in hours if month.start <= each.hour < month.end]
        known = month.start < ask.until

        def amount(subsystem: str | None, own: Sequence[HourCost] = own, known: bool = known) -> Cell:
            if not known:
                return Cell(NOT_BEGUN)
            return money(total(own, currency, subsystem), currency)

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


def _places(currency: str, used: Used) -> set[tuple[str, str, str]]:
    return {*_by_place(used.parts_now, currency), *_by_place(used.parts_then, currency)}


def _movers(currency: str, used: Used) -> Table:
    """What changed most against the period before, by subsystem, resource and operation."""
    now, then = _by_place(used.parts_now, currency), _by_place(used.parts_then, currency)
    if used.metered_since is not None:
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
        "Nothing was used."
        if used.metered_since is None
        else "There is no whole period before to compare with.",
    )


def _by_place(parts: Sequence[Part], currency: str) -> Mapping[tuple[str, str, str], Decimal]:
    found: dict[tuple[str, str, str], Decimal] = {}
    for each in parts:
        if each.series.currency == currency:
            place = (each.series.subsystem, each.resource, each.operation)
            found[place] = found.get(place, Decimal(0)) + each.cost
    return found

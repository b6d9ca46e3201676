"""What the rows of usage and recommendations must say of each other. Pure.

The hours of usage are the vendor's word: no bundle holds them. But a month is the sum of its parts, a period that of its
months, and a change what lies between two values beside it. Quantities are exact, and so is what follows from them.
Amounts and shares are rounded each for itself: what follows from several of them is known up to their rounding, and
a value that lies beyond that is replaced by one that does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from trust_portal.cost.metering.model import SUBSYSTEMS
from trust_portal.evidence.verdict import Mismatch
from trust_portal.reliability.comparison import mismatches
from trust_portal.trust.qbr.expected import CACHE_SAVES, POOL_SAVES, TIER_SAVES
from trust_portal.trust.qbr.gathering.quantities import growth, quantity
from trust_portal.trust.qbr.ids import PROPOSED, RECOMMENDATIONS, USAGE
from trust_portal.trust.qbr.reviewing import EVIDENCE
from trust_portal.trust.qbr.rounded import NOTHING, Span, percent, sum_of, within
from trust_portal.trust.report.derivation import figures_of
from trust_portal.trust.sections.model import Cell, Section, Table, Unit

_MONTHS: Final = "months-"
#: Columns of a table of months that are not a part of what was used.
_NO_PARTS: Final = frozenset({"month", "total"})


def usage_differs(file: str, sections: Sequence[Section]) -> Iterator[Mismatch]:
    """Every value of usage and of recommendations that does not follow from those beside it."""
    usage = next((each for each in sections if each.id == USAGE), None)
    for number, stated in enumerate(sections):
        if stated.id == USAGE:
            derived = _usage(stated)
        elif stated.id == RECOMMENDATIONS:
            derived = _recommendations(stated, usage)
        else:
            continue
        yield from mismatches(file, figures_of(stated), figures_of(derived), f"$.sections[{number}]")


def _usage(stated: Section) -> Section:
    """By the order of what follows from what: months, the period, what moved, quantities."""
    tables = {each.id: _table(each) for each in stated.tables}
    figures = {each.id: each.cell for each in stated.figures}
    for name, months in tables.items():
        if name.startswith(_MONTHS):
            figures |= _period(name.removeprefix(_MONTHS), months, figures)
            movers = tables.get(f"movers-{name.removeprefix(_MONTHS)}")
            named = f"movers-named-{name.removeprefix(_MONTHS)}"
            if movers is not None and named in figures:
                figures[named] = replace(figures[named], value=str(len(movers.rows)))
    if "quantities" in tables:
        figures |= _moved(tables["quantities"], figures)
    return replace(
        stated,
        tables=tuple(tables[each.id] for each in stated.tables),
        figures=tuple(replace(each, cell=figures[each.id]) for each in stated.figures),
    )


def _table(table: Table) -> Table:
    derive: Callable[[Mapping[str, Cell]], dict[str, Cell]]
    if table.id.startswith(_MONTHS):
        derive = _month
    elif table.id.startswith("movers-"):
        derive = _mover
    elif table.id == "quantities":
        derive = _quantity
    else:
        return table
    rows = tuple(table.with_cells(row, derive(table.cells_of(row))) for row in table.rows)
    return replace(table, rows=rows)


def _month(cells: Mapping[str, Cell]) -> dict[str, Cell]:
    parts = [cell for name, cell in cells.items() if name not in _NO_PARTS]
    if not all(map(_is_known, (*parts, cells["total"]))):
        return {}  # it lies ahead
    if len(parts) == 1:
        return {"total": replace(cells["total"], value=parts[0].value)}
    return {"total": within(cells["total"], sum_of(parts))}


def _mover(cells: Mapping[str, Cell]) -> dict[str, Cell]:
    if None in {cells["now"].value, cells["before"].value}:
        return {"change": replace(cells["change"], value=None)}
    return {
        "change": within(cells["change"], Span.around(cells["now"]) - Span.around(cells["before"])),
    }


def _quantity(cells: Mapping[str, Cell]) -> dict[str, Cell]:
    now, then = cells["now"].value, cells["before"].value
    if now is None or then is None:
        return {name: replace(cells[name], value=None) for name in ("change", "growth")}
    return _changed(cells, Decimal(now), Decimal(then))


def _changed(cells: Mapping[str, Cell], now: Decimal, then: Decimal) -> dict[str, Cell]:
    return {
        "change": replace(cells["change"], value=quantity(now - then).value),
        "growth": replace(cells["growth"], value=growth(now, then).value),
    }


def _sums(months: Table) -> dict[str, Span]:
    """What each part came to over the months that have begun."""
    rows = [cells for _, cells in months.by_column()]
    return {
        each.id: sum_of(cells[each.id] for cells in rows if _is_known(cells[each.id]))
        for each in months.columns
        if each.id not in _NO_PARTS
    }


def _is_known(cell: Cell) -> bool:
    """Of a month that lies ahead there are words, or nothing."""
    return cell.unit is Unit.MONEY and cell.value is not None


def _period(low: str, months: Table, figures: Mapping[str, Cell]) -> dict[str, Cell]:
    known = [cells["total"] for _, cells in months.by_column() if _is_known(cells["total"])]
    total, before = figures[f"total-{low}"], figures[f"before-{low}"]
    alone = known[0] if len(known) == 1 else None
    total = within(total, sum_of(known)) if alone is None else replace(total, value=alone.value)
    found = {f"total-{low}": total}
    now = Span.around(total)
    if before.value is not None:
        change = now - Span.around(before)
        found[f"change-{low}"] = within(figures[f"change-{low}"], change)
        found[f"growth-{low}"] = _growth(figures[f"growth-{low}"], now, Span.around(before))
    else:
        # With what is not known nothing is compared.
        found |= {name: replace(figures[name], value=None) for name in (f"change-{low}", f"growth-{low}")}
    dearest = figures[f"dearest-{low}"]
    parts = _parts(_sums(months))
    most = max(parts, key=lambda each: parts[each].low)
    stated = parts.get(str(dearest.value))
    if stated is None or stated.high < parts[most].low:
        dearest = replace(dearest, value=most)
    found[f"dearest-{low}"] = dearest
    share = figures[f"dearest-share-{low}"]
    found[f"dearest-share-{low}"] = percent(share, parts[str(dearest.value)], now)
    return found


def _parts(sums: Mapping[str, Span]) -> dict[str, Span]:
    """What may be the dearest. Of a part that nothing was used of there is no column: it cost nothing, as much as every
    other such one, and of parts that cost the same the first is named.
    """
    unused = next((each for each in SUBSYSTEMS if each not in sums), None)
    return {each: sums.get(each, NOTHING) for each in SUBSYSTEMS if each in sums or each == unused}


def _growth(cell: Cell, now: Span, then: Span) -> Cell:
    """In percent of ``then``: of the whole less a hundred, so that no rounding counts twice."""
    return percent(cell, now, then, less=Decimal(100))


def _moved(quantities: Table, figures: Mapping[str, Cell]) -> dict[str, Cell]:
    """The quantities that are told are those of the table, where it lists them."""
    rows = {
        f"{cells['subsystem'].value} {cells['operation'].value}, {cells['unit'].value}": cells
        for _, cells in quantities.by_column()
    }
    found: dict[str, Cell] = {}
    for id_, name in figures.items():
        if f"{id_}-now" not in figures or not id_.startswith("volume-"):
            continue
        own = {part: figures[f"{id_}-{part}"] for part in ("now", "before", "change")}
        own["growth"] = figures.get(f"{id_}-growth", Cell(None, Unit.PERCENT))
        listed = rows.get(str(name.value))
        if listed is not None:
            own |= {part: replace(own[part], value=listed[part].value) for part in ("now", "before")}
        own |= _changed(own, Decimal(str(own["now"].value)), Decimal(str(own["before"].value)))
        found |= {f"{id_}-{part}": cell for part, cell in own.items() if f"{id_}-{part}" in figures}
    return found


def _recommendations(stated: Section, usage: Section | None) -> Section:
    """What each is expected to bring follows from what it rests on, and that from usage."""
    evidence = _by_row(stated.table(EVIDENCE), "value")
    proposed = _by_row(stated.table(PROPOSED), "amount")
    for id_, amount in tuple(proposed.items()):
        kind, _, low = id_.rpartition("-")
        own = {
            name.removeprefix(f"{id_}:"): cell
            for name, cell in evidence.items()
            if name.startswith(f"{id_}:")
        }
        spans = _spans_of(usage, low)
        own, proposed[id_] = _RULES[kind](own, amount, spans)
        evidence |= {f"{id_}:{name}": cell for name, cell in own.items()}
    return replace(
        stated,
        tables=tuple(
            _with(each, "value", evidence)
            if each.id == EVIDENCE
            else _with(each, "amount", proposed)
            if each.id == PROPOSED
            else each
            for each in stated.tables
        ),
    )


def _by_row(table: Table, column: str) -> dict[str, Cell]:
    return {id_: cells[column] for id_, cells in table.by_column()}


def _with(table: Table, column: str, by_row: Mapping[str, Cell]) -> Table:
    rows = tuple(table.with_cells(row, {column: by_row[row.id]}) for row in table.rows)
    return replace(table, rows=rows)


def _spans_of(usage: Section | None, low: str) -> dict[str, Span]:
    """What usage says the period cost in ``low``: by part, ``total``, and ``before``."""
    months = None if usage is None else next((t for t in usage.tables if t.id == f"{_MONTHS}{low}"), None)
    if usage is None or months is None:
        return {}
    found = _sums(months)
    for name in ("total", "before"):
        cell = usage.figure(f"{name}-{low}").cell
        if cell.value is not None:
            found[name] = Span.around(cell)
    return found


_Own = dict[str, Cell]


def _pool(own: _Own, amount: Cell, spans: Mapping[str, Span]) -> tuple[_Own, Cell]:
    compute, everything = spans.get("compute"), spans.get("total")
    if compute is None or everything is None:
        return own, amount
    own["share"] = within(own["share"], compute.percent_of(everything))
    return own, within(amount, compute.times(POOL_SAVES))


def _tier(own: _Own, amount: Cell, spans: Mapping[str, Span]) -> tuple[_Own, Cell]:
    own["now"] = within(own["now"], spans.get("storage"))
    return _grown(own), within(
        amount, (Span.around(own["now"]) - Span.around(own["before"])).times(TIER_SAVES)
    )


def _cache(own: _Own, amount: Cell, spans: Mapping[str, Span]) -> tuple[_Own, Cell]:
    cost, adapters = Span.around(own["cost"]), spans.get("adapters")
    if adapters is not None:
        own["share"] = within(own["share"], cost.percent_of(adapters))
    return own, within(amount, cost.times(CACHE_SAVES))


def _volume(own: _Own, amount: Cell, spans: Mapping[str, Span]) -> tuple[_Own, Cell]:
    own["now"] = within(own["now"], spans.get("total"))
    own["before"] = within(own["before"], spans.get("before"))
    return _grown(own), replace(amount, value=None)


def _grown(own: _Own) -> _Own:
    return own | {"growth": _growth(own["growth"], Span.around(own["now"]), Span.around(own["before"]))}


_RULES: Final[Mapping[str, Callable[[_Own, Cell, Mapping[str, Span]], tuple[_Own, Cell]]]] = {
    "caching": _cache,
    "dedicated-pool": _pool,
    "retention-tier": _tier,
    "volume-tier": _volume,
}

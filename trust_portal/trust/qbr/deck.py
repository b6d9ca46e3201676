"""A QBR as a deck, from its canonical JSON alone: a topic for each section, figures as everywhere. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from trust_portal.documents.formats import instant
from trust_portal.documents.formats import period as period_name
from trust_portal.documents.slides.fitting import sheets
from trust_portal.documents.slides.model import (
    Block,
    Column,
    Deck,
    Figures,
    Grid,
    Heading,
    Notice,
    Plot,
    PlotKind,
    Tone,
    Topic,
    Words,
)
from trust_portal.kernel.canonical import digest
from trust_portal.trust.qbr.document import commentary_of, title_of
from trust_portal.trust.qbr.prose import plain
from trust_portal.trust.report.acknowledged import acknowledged_of
from trust_portal.trust.report.model import Acknowledged
from trust_portal.trust.sections.absent import left_out, table_shown
from trust_portal.trust.sections.display import display, quantity, sentences
from trust_portal.trust.sections.document import sections_of
from trust_portal.trust.sections.model import Chart, ChartKind, Section, State, Unit
from trust_portal.trust.sections.words import STATES, sourced, span, still_runs

_NUMBERS: Final = frozenset({Unit.COUNT, Unit.MINUTES, Unit.MONEY, Unit.NUMBER, Unit.PERCENT})
#: In place of a comment that nobody wrote: room to be written into below data that stay as they are.
_SLOT: Final = Words((), free=True)
#: What stands above the title of a section that is fresh.
KICKER: Final = "Business review"
_FORMATS: Final = {Unit.PERCENT: "0.00####", Unit.MONEY: "#,##0.00", Unit.COUNT: "#,##0"}
#: Along an axis nobody reads a hundredth of what is counted in hundreds.
_AXES: Final = {Unit.PERCENT: "0.0#", Unit.MONEY: "#,##0"}
_LARGE: Final = 100


def qbr_deck(body: Mapping[str, Any]) -> Deck:
    """The whole review: what was promised first."""
    acknowledged, commentary = acknowledged_of(body), commentary_of(body)
    sections = sections_of(body)
    told = [
        _topic(each, acknowledged.get(each.id), [commentary[each.id]] if each.id in commentary else [])
        for each in sections
    ]
    topics = _merged(
        (topic, None if each.id in commentary else each)
        for each, (topic, _) in zip(sections, told, strict=True)
    )
    if body["omissions"]:
        topics.append(_omissions(body["omissions"]))
    topics += _appendix(zip(sections, (left for _, left in told), strict=True), KICKER)
    tenant, vendor, period = body["tenant"]["name"], body["vendor"], body["period"]
    end, as_of = (datetime.fromisoformat(each) for each in (period["end"], body["as_of"]))
    runs = still_runs(end, as_of, period["time_zone"])
    return Deck(
        title=str(tenant),
        subtitle=title_of(body),
        imprint=(
            f"{vendor}, revision {body['revision']}, data as of {_moment(body['as_of'])}",
            f"SHA-256 of the document these slides were drawn from: {digest(dict(body))}",
            "Every figure is in qbr.json of the same signed bundle, with its source and its receipt.",
            *((runs,) if runs else ()),
        ),
        author=str(vendor),
        created=datetime.fromisoformat(body["as_of"]),
        identifier=digest(dict(body)),
        topics=topics,
    )


def deck_of_draft(
    sections: Sequence[Section],
    comments: Mapping[str, Sequence[Mapping[str, str]]],
    omissions: Sequence[Mapping[str, str]],
    newer: Sequence[str],
    *,
    tenant: str,
    vendor: str,
    period: str,
    as_of: datetime,
    sha256: str,
    runs: str | None = None,
) -> Deck:
    """The internal rendering: everything, with every comment and omission, and marked as nobody else's.

    ``newer`` names what took the place of documents that it rests on; ``runs`` is said of a period that is not over.
    """
    left_out = {each["section"]: each for each in omissions}
    told, tables = [], []
    for each in sections:
        topic, left = _topic(each, None, comments.get(each.id, ()))
        tables.append((each, left))
        if each.id in left_out:
            topic = replace(
                topic,
                kicker=f"Left out. {topic.kicker}",
                blocks=[_left_out(left_out[each.id]), *topic.blocks],
            )
        spoken_of = each.id in comments or each.id in left_out
        told.append((replace(topic, kicker=f"Internal. {topic.kicker}"), None if spoken_of else each))
    topics = _merged(told)
    if omissions:
        topics.append(replace(_omissions(omissions), kicker="Internal. Recorded"))
    topics += _appendix(tables, f"Internal. {KICKER}")
    superseded = (f"It rests on what was superseded: {'; '.join(newer)}.",) if newer else ()
    return Deck(
        title=tenant,
        subtitle=f"{KICKER}, {period_name(period)}: internal draft",
        imprint=(
            f"{vendor}, data as of {_moment(as_of.isoformat())}. Internal: not for the customer, and not signed.",
            f"SHA-256 of the snapshot: {sha256}",
            *((runs,) if runs else ()),
            *superseded,
        ),
        author=vendor,
        created=as_of,
        identifier=sha256,
        topics=topics,
    )


def _topic(
    section: Section,
    acknowledged: Acknowledged | None,
    comments: Sequence[Mapping[str, str]],
) -> tuple[Topic, list[Grid]]:
    """A section's slides, and its tables that would need another one: those stand in the appendix.

    Above its title, one that is not fresh says what it is.
    """
    blocks: list[Block] = [*_state(section, acknowledged)]
    if said := sentences(section):
        blocks.append(Words(said))
    if section.figures:
        blocks.append(Figures(tuple((each.label, display(each.cell)) for each in section.figures)))
    blocks += map(_comment, comments)
    blocks += [_plot(section, each) for each in section.charts if _is_drawn(section, each)]
    slot: list[Block] = [] if comments else [_SLOT]
    above = KICKER if section.state is State.FRESH else STATES[section.state][1]
    topic = Topic(section.title, above, _source(section), blocks, _notes(section, comments))
    slides, left = len(sheets(replace(topic, blocks=[*blocks, *slot]))), []
    for number in range(len(section.tables)):
        grid = _grid(section, number)
        for each in (grid, replace(grid, small=True)):
            if len(sheets(replace(topic, blocks=[*topic.blocks, each, *slot]))) == slides:
                topic = replace(topic, blocks=[*topic.blocks, each])
                break
        else:
            left.append(grid)
    return replace(topic, blocks=[*topic.blocks, *slot]), left


def _merged(told: Iterable[tuple[Topic, Section | None]]) -> list[Topic]:
    """Whose slide would have its state alone to show stands below the topic before it, or the one behind, where that has
    room. The section is None where somebody said something of it.
    """
    left = list(told)
    for at, (topic, section) in reversed(list(enumerate(left))):
        if section is None or not _says_nothing(section):
            continue
        for beside in (at - 1, at + 1):
            if 0 <= beside < len(left) and (more := _below(left[beside][0], topic, section)) is not None:
                left[beside] = (more, left[beside][1])
                del left[at]
                break
    return [topic for topic, _ in left]


def _below(topic: Topic, other: Topic, section: Section) -> Topic | None:
    """The topic with ``other`` at its end. None where it would need one more slide."""
    said: list[Block] = [Heading(section.title, _source(section)), *_state(section, None)]
    slot = [each for each in topic.blocks if each is _SLOT]
    data = [each for each in topic.blocks if each is not _SLOT]
    more = replace(
        topic, blocks=[*data, *said, *slot], notes=f"{topic.notes}\n{section.title}: {other.notes}"
    )
    return more if len(sheets(more)) == len(sheets(topic)) else None


def _says_nothing(section: Section) -> bool:
    return section.state is State.NOT_APPLICABLE and not (section.figures or section.charts or section.tables)


def _appendix(tables: Iterable[tuple[Section, Sequence[Grid]]], kicker: str) -> Iterator[Topic]:
    """One topic of all tables that found no room beside what is said of them, each below its section and source."""
    blocks: list[Block] = []
    for section, grids in tables:
        if grids:
            blocks += [
                Heading(section.title, _source(section)),
                *(replace(each, small=True) for each in grids),
            ]
    if blocks:
        yield Topic("Appendix: tables", kicker, "Each section names its source.", blocks)


def _state(section: Section, acknowledged: Acknowledged | None) -> Iterator[Notice]:
    if section.state is State.FRESH:
        return
    tone = Tone.WARN if section.state.blocks else Tone.MUTE
    text = f"{STATES[section.state][1]}: {section.why}."
    if acknowledged is not None:
        text = (
            f"Issued although {acknowledged.state.value}: {acknowledged.why}. Reason: {acknowledged.reason}"
        )
    yield Notice(text, tone)


def _left_out(omission: Mapping[str, str]) -> Notice:
    said = f"{omission['text']} ({omission['by']}, {_moment(omission['at'])})"
    return Notice(f"Left out of what the customer gets: {said}", Tone.WARN)


def _source(section: Section) -> str:
    """Where it comes from and of when it is; what is too old, or missing, is said above what it is about."""
    as_of = "" if section.as_of is None else f", as of {instant(section.as_of.replace(microsecond=0))}"
    return f"Source: {sourced(section)}{as_of}"


def _notes(section: Section, comments: Sequence[Mapping[str, str]]) -> str:
    """What a speaker needs at hand: what is said, whose word it is, where it comes from."""
    lines = [*sentences(section), _source(section)]
    if section.why is not None:
        lines.insert(0, f"{STATES[section.state][1]}: {section.why}")
    lines += [f"Commentary by {each['by']}: {plain(each['text'])}" for each in comments]
    receipts = {cell.receipt for _, cell in section.cells() if cell.receipt is not None}
    if receipts:
        lines.append("The receipts behind these figures are named in qbr.csv and in the bundle.")
    return "\n".join(lines)


def _comment(comment: Mapping[str, str]) -> Words:
    paragraphs = tuple(each for each in plain(comment["text"]).split("\n") if each.strip())
    return Words(paragraphs or ("",), strong=f"{comment['by']}, {_moment(comment['at'])}", free=True)


def _is_drawn(section: Section, chart: Chart) -> bool:
    """One value alone says something beside what was promised."""
    return len(section.table(chart.table).rows) > (0 if chart.target is not None else 1)


def _plot(section: Section, chart: Chart) -> Plot:
    table = section.table(chart.table)
    rows = [cells for _, cells in table.by_column()]
    unit = table.column(chart.series[0]).unit
    drawn = [quantity(cells[name]) for cells in rows for name in chart.series]
    target = None if chart.kind is ChartKind.BAR or chart.target is None else Decimal(chart.target)
    large = (
        unit is not Unit.MONEY or max((abs(each) for each in drawn if each is not None), default=0) >= _LARGE
    )
    return Plot(
        title=chart.title,
        kind=PlotKind.LINE if chart.kind is ChartKind.LINE else PlotKind.BAR,
        categories=tuple(display(cells[chart.category]) for cells in rows),
        series=tuple(
            (table.column(name).label, tuple(quantity(cells[name]) for cells in rows))
            for name in chart.series
        ),
        target=target,
        number_format=_FORMATS.get(unit, "General"),
        axis_format=_AXES.get(unit) if large else None,
        span=span([*drawn, target], percent=unit is Unit.PERCENT) if chart.kind is ChartKind.LINE else None,
    )


def _grid(section: Section, number: int) -> Grid:
    stated = section.tables[number]
    table, missing = table_shown(stated), left_out(stated)
    return Grid(
        title=f"{table.title}, {missing}" if missing else table.title,
        columns=tuple(Column(each.label, each.unit in _NUMBERS) for each in table.columns),
        rows=tuple(tuple(display(cell) for cell in row.cells) for row in table.rows),
        empty=table.empty,
    )


def _omissions(omissions: Sequence[Mapping[str, str]]) -> Topic:
    rows = tuple((each["title"], each["text"], each["by"], _moment(each["at"])) for each in omissions)
    columns = tuple(map(Column, ("Section", "Why", "By", "When")))
    grid = Grid("Sections that were left out", columns, rows, "None.")
    return Topic("What is left out", "Recorded", "Source: omissions recorded with a receipt", [grid])


def _moment(text: str) -> str:
    return instant(datetime.fromisoformat(text).replace(microsecond=0))

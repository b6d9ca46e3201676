"""Which blocks share a slide, and how much room each has. Pure; in inches and points.

A slide is never overfull: tables and long words go on on a further one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from trust_portal.documents.slides.measuring import line_height, text_width, wrapped
from trust_portal.documents.slides.model import Block, Figures, Grid, Heading, Notice, Plot, Topic, Words

WIDTH: Final = 11.93
HEIGHT: Final = 4.95
GAP: Final = 0.22
BODY: Final = 14
CELL: Final = 11
#: In a table of many columns, whose words would be broken or stand one below the other.
SMALL_CELL: Final = 9
#: Headings of columns are bold, and so take more room than the same words below them.
BOLD: Final = 1.15
#: What the first column, which names the row, has before letters get smaller.
_NAME: Final = 1.7
#: Largest and smallest size of their values; one size for all of a block.
_FIGURE: Final = (20, 12)
#: Between figures, and below a row of them.
FIGURE_GAP: Final = 0.3
FIGURE_PAD: Final = 0.15
_PLOT: Final = (2.1, 3.2)
#: Least and most of an empty slot.
_SLOT: Final = (0.5, 1.1)
#: As many rows of a table that goes on stand on its last slide at least.
_LAST: Final = 3
#: Above and below a cell's text; left and right of it.
CELL_PAD: Final = (0.055, 0.1)


@dataclass(frozen=True, slots=True)
class Placed:
    """A block with its top and height, inches below the top of the content."""

    block: Block
    top: float
    height: float
    widths: tuple[float, ...] = ()
    rows: tuple[float, ...] = ()
    points: float = CELL


@dataclass(frozen=True, slots=True)
class Sheet:
    """One slide's worth of a topic; ``part`` counts from 1."""

    topic: Topic
    part: int
    placed: tuple[Placed, ...]


def sheets(topic: Topic) -> list[Sheet]:
    """The topic's blocks on as few slides as they need, in order; an empty slot at the end of the first."""
    pages: list[list[Placed]] = [[]]
    top = 0.0
    waiting: list[Block] = [each for each in topic.blocks if not is_empty_slot(each)]
    slots = [each for each in topic.blocks if is_empty_slot(each)]
    kept = len(slots) * (_SLOT[0] + GAP)
    heading: Heading | None = None
    while waiting:
        block = waiting.pop(0)
        fitted = _fit(block, HEIGHT - top - kept, *waiting[:1])
        if fitted is None and kept and not pages[-1]:
            kept = 0.0
            waiting.insert(0, block)
            continue
        if fitted is None:
            alone = not pages[-1] or (len(pages[-1]) == 1 and pages[-1][0].block is heading)
            if alone and not kept:
                raise ValueError(f"a {type(block).__name__} that no slide can hold")
            rest: Block | None = block
        else:
            placed, rest = fitted
            pages[-1].append(replace(placed, top=top))
            top += placed.height + GAP
            if isinstance(block, Heading):
                heading = block
        if rest is not None:
            pages.append([])
            top = kept = 0.0
            waiting.insert(0, rest)
            if heading is not None and not isinstance(rest, Heading):
                waiting.insert(0, heading)
    for slot in slots:
        _place_slot(slot, pages)
    return [Sheet(topic, number, tuple(page)) for number, page in enumerate(pages, 1) if page or number == 1]


def _place_slot(slot: Block, pages: list[list[Placed]]) -> None:
    """At the end of the first slide that has room for it, or of one more."""
    low, high = _SLOT
    pages.append([])
    for page in pages:
        top = max((each.top + each.height + GAP for each in page), default=0.0)
        if HEIGHT - top >= low:
            page.append(Placed(slot, top, min(HEIGHT - top, high)))
            break
    if not pages[-1]:
        pages.pop()


def is_empty_slot(block: Block) -> bool:
    return isinstance(block, Words) and block.free and not block.paragraphs


def _fit(block: Block, left: float, *behind: Block) -> tuple[Placed, Block | None] | None:
    """The block, or as much of it as goes into ``left`` inches, and the rest. None: not here.

    A heading stays with what comes ``behind`` it.
    """
    match block:
        case Heading():
            height = line_height(BODY) + line_height(SMALL_CELL)
            room = left - height - GAP
            fits = room > 0 and (left >= HEIGHT or all(_fit(each, room) is not None for each in behind))
            return (Placed(block, 0, height), None) if fits else None
        case Words():
            return _fit_words(block, left)
        case Notice():
            height = len(wrapped(block.text, CELL + 1, WIDTH - 0.5)) * line_height(CELL + 1) + 0.2
            return (Placed(block, 0, height), None) if height <= left else None
        case Figures():
            return _fit_figures(block, left)
        case Plot():
            low, high = _PLOT
            return (Placed(block, 0, min(left, high)), None) if left >= low else None
        case Grid():
            return _fit_grid(block, left)


def _fit_words(block: Words, left: float) -> tuple[Placed, Block | None] | None:
    """Whole paragraphs as long as they fit; one that no slide holds is cut between lines."""
    height, taken = (line_height(BODY) if block.strong else 0.0), 0
    for paragraph in block.paragraphs:
        more = len(wrapped(paragraph, BODY, WIDTH)) * line_height(BODY) + 0.1
        if height + more > left:
            break
        height += more
        taken += 1
    if taken == len(block.paragraphs):
        return Placed(block, 0, height), None
    if taken:
        first, rest = block.paragraphs[:taken], block.paragraphs[taken:]
        return Placed(replace(block, paragraphs=first), 0, height), replace(block, paragraphs=rest)
    if left < HEIGHT:
        return None
    lines = wrapped(block.paragraphs[0], BODY, WIDTH)
    room = int((left - height - 0.1) / line_height(BODY))
    head, tail = " ".join(lines[:room]), " ".join(lines[room:])
    return (
        Placed(replace(block, paragraphs=(head,)), 0, left),
        replace(block, paragraphs=(tail, *block.paragraphs[1:])),
    )


def figure_setting(block: Figures) -> tuple[int, int]:
    """How many in a row (four, or five where a last row would hold one or two), and the points of their values.

    One size for all of them, in which no word is broken and no value needs more than two lines.
    """
    if block.setting is not None:
        return block.setting
    count = len(block.items)
    row = 5 if count % 4 in {1, 2} and count > 4 else 4
    width = figure_width(min(count, row))
    for points in range(_FIGURE[0], _FIGURE[1], -1):
        if all(
            text_width(max(value.split(" "), key=len), points) <= width
            and len(wrapped(value, points, width)) <= 2
            for _, value in block.items
        ):
            return row, points
    return row, _FIGURE[1]


def figure_width(row: int) -> float:
    """Of each of so many in a row: as wide as one of three at most, so that rows stand below each other."""
    return WIDTH / max(row, 3) - FIGURE_GAP


def figure_rows(block: Figures) -> list[tuple[Figures, float, float, float]]:
    """Rows with the width of each figure, and the heights of their labels and values."""
    each_row, points = figure_setting(block)
    width, rows = figure_width(each_row if block.setting else min(len(block.items), each_row)), []
    for start in range(0, len(block.items), each_row):
        row = Figures(block.items[start : start + each_row], (each_row, points))
        labels = max(len(wrapped(label, CELL, width)) for label, _ in row.items)
        values = max(len(wrapped(value, points, width)) for _, value in row.items)
        rows.append((row, width, labels * line_height(CELL), values * line_height(points)))
    return rows


def _fit_figures(block: Figures, left: float) -> tuple[Placed, Block | None] | None:
    height, taken = 0.0, 0
    for row, _, labels, values in figure_rows(block):
        if height + labels + values + FIGURE_PAD > left:
            break
        height += labels + values + FIGURE_PAD
        taken += len(row.items)
    if not taken:
        return None
    if taken == len(block.items):
        return Placed(block, 0, height), None
    first, rest = (
        Figures(each, figure_setting(block)) for each in (block.items[:taken], block.items[taken:])
    )
    return Placed(first, 0, height), rest


def _fit_grid(block: Grid, left: float) -> tuple[Placed, Block | None] | None:
    title = line_height(CELL + 1) + 0.1 if block.title else 0.0
    if not block.rows:
        height = title + len(wrapped(block.empty, CELL + 1, WIDTH)) * line_height(CELL + 1) + 0.1
        return (Placed(block, 0, height), None) if height <= left else None
    points = cell_points(block)
    widths = column_widths(block, points)
    head = _row_height(tuple(each.label for each in block.columns), widths, points, bold=True)
    heights: list[float] = []
    whole = list(_in_pieces(block, widths, points, HEIGHT - title - head))
    block = replace(block, rows=tuple(whole))
    used = title + head
    for row in block.rows:
        height = _row_height(row, widths, points)
        if used + height > left:
            break
        used += height
        heights.append(height)
    taken = len(heights)
    if len(block.rows) > taken > len(block.rows) - _LAST:
        taken = max(len(block.rows) - _LAST, min(taken, 1))
        used -= sum(heights[taken:])
        del heights[taken:]
    # A heading with one lonely row below it reads worse than a table that begins on the next slide.
    if not taken or (left < HEIGHT and taken < min(3, len(block.rows))):
        return None
    placed = Placed(replace(block, rows=block.rows[:taken]), 0, used, widths, (head, *heights), points)
    rest = replace(block, rows=block.rows[taken:])
    return placed, (rest if rest.rows else None)


def cell_points(block: Grid) -> float:
    """The size of a table's letters: the larger, if every word has room in it, and the row's name a little more."""
    if block.small:
        return SMALL_CELL
    needs, wants = _columns(block, CELL)
    names = max(needs[0], min(wants[0], _NAME)) - needs[0]
    return CELL if sum(needs) + names <= WIDTH else SMALL_CELL


def _columns(block: Grid, points: float) -> tuple[list[float], list[float]]:
    """Inches by column: what its longest word needs, and what its longest text wants."""
    pad = 2 * CELL_PAD[1] + 0.05
    wants, needs = [], []
    for at, column in enumerate(block.columns):
        texts = [row[at] for row in block.rows]
        said = [(column.label, points * BOLD), *((each, points) for each in texts)]
        want = max(text_width(text, size) for text, size in said) + pad
        word = max(text_width(word, size) for text, size in said for word in text.split(" "))
        wants.append(want)
        needs.append(min(want, word + pad, WIDTH / 4))
    return needs, wants


def column_widths(block: Grid, points: float = CELL) -> tuple[float, ...]:
    """Inches, together ``WIDTH``: what each column needs, words being the ones that give way."""
    needs, wants = _columns(block, points)
    spare = WIDTH - sum(needs)
    if spare < 0:
        return tuple(each * WIDTH / sum(needs) for each in needs)
    hunger = [want - need for want, need in zip(wants, needs, strict=True)]
    total = sum(hunger)
    if total <= spare:
        share = (spare - total) / len(wants)
        return tuple(each + share for each in wants)
    return tuple(need + spare * each / total for need, each in zip(needs, hunger, strict=True))


def _row_height(cells: Sequence[str], widths: Sequence[float], points: float, *, bold: bool = False) -> float:
    """Bold words run wider; a line is as high as any other."""
    size = points * BOLD if bold else points
    lines = max(
        len(wrapped(cell, size, width - 2 * CELL_PAD[1])) for cell, width in zip(cells, widths, strict=True)
    )
    return lines * line_height(points) + 2 * CELL_PAD[0]


def _in_pieces(block: Grid, widths: Sequence[float], points: float, most: float) -> Iterator[tuple[str, ...]]:
    """The rows, one that is taller than a slide as several."""
    room = max(int((most - 2 * CELL_PAD[0]) / line_height(points)), 1)
    for row in block.rows:
        lines = [
            wrapped(cell, points, width - 2 * CELL_PAD[1]) for cell, width in zip(row, widths, strict=True)
        ]
        if max(map(len, lines)) <= room:
            yield row
            continue
        for at in range(0, max(map(len, lines)), room):
            yield tuple(" ".join(each[at : at + room]) for each in lines)

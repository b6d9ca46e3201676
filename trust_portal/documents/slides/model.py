"""A deck before it is drawn: topics, each of blocks that are shared out over as many slides as they need. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Tone(StrEnum):
    """What a notice is about; a colour confirms it, the words say it."""

    GOOD = "good"
    WARN = "warn"
    MUTE = "mute"


class PlotKind(StrEnum):
    LINE = "line"
    BAR = "bar"


@dataclass(frozen=True, slots=True)
class Words:
    """Paragraphs, each a plain text; ``strong`` is said before it where it has a name.

    ``free``: a slot for whoever holds the deck to write into; without paragraphs it shows a prompt to who edits the deck,
    and nothing when it is shown or printed. All else is data, and locked.
    """

    paragraphs: tuple[str, ...]
    strong: str = ""
    free: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing a reader must know before the rest: how old it is, what is missing."""

    text: str
    tone: Tone = Tone.MUTE


@dataclass(frozen=True, slots=True)
class Heading:
    """What the blocks behind it are of, where a topic has several; said again on every further slide they need."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Large values with what they are: ``(label, value)``, the value as it is to be read.

    ``setting``: how many stand in a row, and the points of their values, where they are a part of more.
    """

    items: tuple[tuple[str, str], ...]
    setting: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """``numeric`` columns stand to the right."""

    label: str
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; values as they are to be read. ``empty`` stands where there are no rows; ``small`` is to look up, not to show."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    empty: str
    small: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """A native chart: one value a category and series, ``None`` a gap. ``target`` is a line to compare with.

    ``span`` is where its axis begins and ends, ``axis_format`` how it is lettered, where that is not left to the office.
    """

    title: str
    kind: PlotKind
    categories: tuple[str, ...]
    series: tuple[tuple[str, tuple[Decimal | None, ...]], ...]
    target: Decimal | None = None
    number_format: str = "General"
    axis_format: str | None = None
    span: tuple[Decimal, Decimal] | None = None


Block = Words | Notice | Heading | Figures | Grid | Plot


@dataclass(frozen=True, slots=True)
class Topic:
    """What begins a slide of its own. ``source`` is its foot, ``notes`` what the speaker reads."""

    title: str
    kicker: str
    source: str
    blocks: Sequence[Block]
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Deck:
    """``created`` is the document's own time; ``identifier`` names it for good (its digest)."""

    title: str
    subtitle: str
    imprint: tuple[str, ...]
    author: str
    created: datetime
    identifier: str
    topics: Sequence[Topic]

"""Tables of many columns, made ready to be read as a card a row where a screen is narrow. Pure.

A table on a phone either is moved sideways, where what is out of sight makes rows tall and empty, or names each
value itself. ``components.css`` does the latter to ``table-cards`` below 40rem; what it needs is the name of its column
beside each value. Everywhere else the table is as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape, unescape
from itertools import count
from typing import Final

from markupsafe import Markup

#: With fewer columns a table is narrow enough to stay one.
FEWEST: Final = 4
#: Tables below one another whose columns are the same: they are compared down the column, and are narrow.
_KEPT: Final = "table-even"
# Our own templates escape what they are given, so no attribute's value has a ">" in it.
_TABLE: Final = re.compile(r'<table class="(table[^"]*)">(.*?)</table>', re.DOTALL)
_HEAD: Final = re.compile(r"<thead>(.*?)</thead>", re.DOTALL)
_ROW: Final = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
_CELL: Final = re.compile(r"<(td|th)\b([^>]*)>(.*?)</\1>", re.DOTALL)
_TAG: Final = re.compile(r"<[^>]*>")


def cards(markup: str) -> Markup:
    """The markup with each table of ``FEWEST`` columns or more marked ``table-cards``, and its cells labelled."""
    return Markup(_TABLE.sub(_marked, str(markup)))  # noqa: S704 - what came in was markup of our templates


def _marked(table: re.Match[str]) -> str:
    classes, inside = table.groups()
    head = _HEAD.search(inside)
    labels = list(_labels(head[1])) if head else []
    if head is None or len(labels) < FEWEST or _KEPT in classes.split():
        return table[0]
    before, rows = inside[: head.end()], inside[head.end() :]
    return f'<table class="{classes} table-cards">{before}{_ROW.sub(lambda row: _row(row[0], labels), rows)}</table>'


def _labels(head: str) -> Iterator[str]:
    for cell in _CELL.finditer(head):
        yield " ".join(unescape(_TAG.sub("", cell[3])).split())


def _row(row: str, labels: list[str]) -> str:
    """A cell with nothing in it gets no label: in a card it is left out."""
    at = count()

    def cell(found: re.Match[str]) -> str:
        tag, attributes, inside = found.groups()
        label = labels[place] if (place := next(at)) < len(labels) else ""
        if tag == "th" or "colspan" in attributes or not label or not inside.strip():
            return found[0]
        return f'<td{attributes} data-label="{escape(label)}">{inside}</td>'

    return _CELL.sub(cell, row)

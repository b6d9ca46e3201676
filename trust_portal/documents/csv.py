"""Tables as RFC 4180 CSV that no spreadsheet will take for a program."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

#: What makes Excel, LibreOffice or Google Sheets read a cell as a formula.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_QUOTED = re.compile(r'[",\r\n]')

#: The same behind what another spreadsheet may take for the end of a cell: where the comma is the decimal sign, ``;`` is.
_BEHIND_A_SEPARATOR = re.compile("([;\t\r\n][ \t]*)(?=[=+\\-@＝＋－＠])")

Cell = str | int | None


def write_csv(header: Sequence[str], rows: Iterable[Sequence[Cell]], *, any_separator: bool = False) -> bytes:
    """``header`` and ``rows`` as UTF-8 with CRLF line ends, fields quoted only where needed.

    Absent values are empty. A text that a spreadsheet would run gets a leading apostrophe; signed
    numbers stay numbers. ``any_separator``: so does what begins behind a ``;``, a tab or a line end within a text, where
    a spreadsheet that separates by these would begin a cell. ``ValueError`` for a row of another length than the header.
    """
    lines = [_line(header)]
    for at, row in enumerate(rows):
        if len(row) != len(header):
            raise ValueError(f"row {at} has {len(row)} cells, the header {len(header)}")
        lines.append(_line([_guarded(each) for each in row] if any_separator else row))
    return "".join(lines).encode()


def _guarded(value: Cell) -> Cell:
    return _BEHIND_A_SEPARATOR.sub(r"\1'", value) if isinstance(value, str) else value


def _line(cells: Sequence[Cell]) -> str:
    return ",".join(_cell(cell) for cell in cells) + "\r\n"


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    text = str(value)
    if text.startswith(_DANGEROUS) and not _NUMBER.fullmatch(text):
        text = f"'{text}"
    if _QUOTED.search(text) or text != text.strip():
        text = '"' + text.replace('"', '""') + '"'
    return text

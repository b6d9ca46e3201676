"""Whether a file is a table at all: its encoding, its header, and as many cells in each row as columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import numpy as np

from trust_portal.reliability.findings import Unusable, refusal

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_COMMA, _NEWLINE = ord(","), ord("\n")


def check_shape(data: bytes) -> None:
    """Raises ``Unusable`` naming the first row or column that is not right, and what is wrong with it."""
    if data.startswith(_UTF16) or b"\0" in data[:512]:
        raise _refused("MEASUREMENTS_ENCODING", "the file is UTF-16 or binary; save it as UTF-8", "$")
    _decodes(data)
    header = [name.strip() for name in next(csv.reader(io.StringIO(data.split(b"\n", 1)[0].decode())), [])]
    for name in header:
        if header.count(name) > 1:
            raise _refused("COLUMN_TWICE", f"the header names {name!r} {header.count(name)} times", name)
    for row, cells in _ragged(data, len(header)):
        what = "is empty" if cells == 0 else f"has {cells} cell{'' if cells == 1 else 's'}"
        raise _refused("ROW_RAGGED", f"this row {what}, the header names {len(header)} columns", f"row {row}")


def _decodes(data: bytes) -> None:
    if data.isascii():
        return
    try:
        data.decode()
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise _refused("MEASUREMENTS_ENCODING", "this row is not UTF-8", f"row {row}") from error


def _ragged(data: bytes, columns: int) -> Iterator[tuple[int, int]]:
    """Rows (the header is row 1) with another number of cells; 0 cells for an empty line."""
    text = data.rstrip(b"\r\n")
    if b'"' in text:
        try:
            for row, cells in enumerate(csv.reader(io.StringIO(text.decode(), newline="")), 1):
                if len(cells) != columns:
                    yield row, len(cells)
        except csv.Error as error:
            raise _refused("MEASUREMENTS_MALFORMED", f"not CSV: {error}", "$") from error
        return
    # Without quotes a row is a line and a comma a seam: counted for all rows at once.
    content = np.frombuffer(text, np.uint8)
    ends = np.append(np.flatnonzero(content == _NEWLINE), content.size)
    commas = np.diff(np.searchsorted(np.flatnonzero(content == _COMMA), ends), prepend=0)
    for index in np.flatnonzero(commas + 1 != columns):
        start = 0 if index == 0 else int(ends[index - 1]) + 1
        yield int(index) + 1, int(commas[index]) + 1 if text[start : ends[index]].strip() else 0


def _refused(code: str, message: str, where: str) -> Unusable:
    return Unusable("measurements", [refusal(code, f"{where}: {message}", where)])

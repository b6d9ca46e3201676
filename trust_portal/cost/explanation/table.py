"""Tables for attribution: built from columns, or read from a CSV file, without a float on the way."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.exceptions import PolarsError

from trust_portal.cost.explanation.model import Table
from trust_portal.errors import InvalidInput

_AMOUNTS = ("expected", "actual")
#: Plain notation. The lengths are far beyond money, and what a double can still compare.
_PLAIN = r"^[+-]?(?:[0-9]{1,151}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})$"
_SCIENTIFIC = re.compile(r"[+-]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})[eE][+-]?[0-9]{1,3}")
#: Sums of ``int64`` amounts stay exact while (largest amount × rows) is below this.
_SAFE_SUM = 1 << 62


def build_table(
    dimensions: Mapping[str, Sequence[str | None]],
    expected: Sequence[int],
    actual: Sequence[int],
    *,
    digits: int,
) -> Table:
    """A table from columns of equal length; amounts are whole numbers of ``10 ** -digits``.

    A missing value (``None``) is the value "": a cost without an adapter can be a cause, too.
    """
    series = [pl.Series(name, values, dtype=pl.String) for name, values in dimensions.items()]
    return _table(series, expected, actual, digits)


def read_table(data: bytes) -> Table:
    """A CSV file with a header: any dimension columns, and ``expected`` and ``actual``.

    Amounts are decimal numbers, with exponent or without. Raises ``InvalidInput`` naming column and row.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("the file is not UTF-8 text", field="series") from error
    header = next(csv.reader(io.StringIO(text)), [])
    if missing := [name for name in _AMOUNTS if name not in header]:
        raise InvalidInput(f"the file has no column {' and no column '.join(missing)}", field="series")
    if len(set(header)) != len(header):
        raise InvalidInput("two columns of the file bear the same name", field="series")
    try:
        frame = pl.read_csv(io.StringIO(text), infer_schema=False)
    except PolarsError as error:
        raise InvalidInput(f"the file is no CSV: {str(error).splitlines()[0]}", field="series") from error
    texts = [_amounts(frame[name]) for name in _AMOUNTS]
    digits = max(_digits(text) for text in texts)
    expected, actual = (_units(text, digits) for text in texts)
    return _table([frame[name] for name in header if name not in _AMOUNTS], expected, actual, digits)


def _table(series: Sequence[pl.Series], expected: Sequence[int], actual: Sequence[int], digits: int) -> Table:
    values, codes = zip(*(encode(each.to_list()) for each in series), strict=True) if series else ((), ())
    exact = exact_type(len(expected), expected, actual)
    return Table(
        tuple(column.name for column in series),
        values,
        np.array(codes, dtype=np.int64).reshape(len(series), len(expected)),
        np.array(expected, dtype=exact),
        np.array(actual, dtype=exact),
        digits,
    )


def encode(column: Sequence[str | None]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The distinct values of a column of text, and for each row the place of its own among them.

    Sorted, so that the order of rows never decides between two equally good causes.
    """
    distinct = sorted({value or "" for value in set(column)})
    place: dict[str | None, int] = {value: number for number, value in enumerate(distinct)}
    if None in column:
        place[None] = place[""]
    return tuple(distinct), np.fromiter(map(place.__getitem__, column), np.int64, len(column))


def exact_type(rows: int, *columns: Sequence[int]) -> type:
    """``int64`` where sums over ``rows`` amounts and their differences fit, else Python integers."""
    extremes = [end(amounts, default=0) for amounts in columns for end in (min, max)]
    return np.int64 if 2 * max(map(abs, extremes)) * max(1, rows) < _SAFE_SUM else object


def _amounts(column: pl.Series) -> pl.Series:
    """The cells in plain notation; whatever is no decimal number is refused."""
    text = column.fill_null("").str.strip_chars()
    if text.str.contains("[eE]").any():
        text = pl.Series(column.name, [_spelled_out(cell) for cell in text.to_list()], dtype=pl.String)
    wrong = (~text.str.contains(_PLAIN)).arg_true()
    if len(wrong):
        row = int(wrong[0])
        shown = str(column[row] or "")[:40]
        raise InvalidInput(
            f"{shown!r} is no decimal number that money could be", field=f"{column.name}, row {row + 1}"
        )
    return text


def _spelled_out(cell: str) -> str:
    return f"{Decimal(cell):f}" if _SCIENTIFIC.fullmatch(cell) else cell


def _digits(text: pl.Series) -> int:
    """The most digits behind a point."""
    fractions = text.str.extract(r"\.([0-9]*)$").str.strip_chars_end("0").str.len_bytes()
    return int(fractions.max() or 0)  # type: ignore[arg-type]  # polars types max() for every dtype at once


def _units(text: pl.Series, digits: int) -> list[int]:
    """Plain numbers as whole units of ``10 ** -digits``: the point moved by text, not by arithmetic."""
    whole = text.str.extract(r"^([+-]?[0-9]*)").fill_null("")
    behind = text.str.extract(r"\.([0-9]*)$").fill_null("").str.slice(0, digits).str.pad_end(digits, "0")
    return [int(number) for number in (whole + behind).to_list()] if digits else [int(n) for n in whole]

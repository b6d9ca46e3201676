"""Rows of a FOCUS export, CSV or Parquet, one after the other; nothing is held but the part at hand."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from trust_portal.errors import InvalidInput

#: Column → value: text from CSV; text, numbers, instants and maps from Parquet. Nulls are left out.
Row = Mapping[str, Any]

_PARQUET_MAGIC: Final = b"PAR1"
_ROWS_AT_A_TIME: Final = 10_000
#: How exports write that there is no value.
_NULLS: Final = frozenset({"", "NULL", "null"})
_LONGEST_FIELD: Final = 1 << 20

#: What Polars raises over a damaged Parquet file beside its own errors; it is no ``Exception``.
_PANIC: Final = pl.exceptions.PanicException

#: Without these no row can be read (FOCUS 1.0 to 1.3 demand all of them).
REQUIRED: Final = ("BillingCurrency", "ChargePeriodStart", "ServiceCategory")


def read_rows(path: Path) -> Iterator[Row]:
    """The rows in file order. ``InvalidInput`` for a file that is no FOCUS export."""
    try:
        with path.open("rb") as file:
            is_parquet = file.read(4) == _PARQUET_MAGIC
        yield from _parquet(path) if is_parquet else _csv(path)
    except (OSError, UnicodeDecodeError, csv.Error, pl.exceptions.PolarsError, _PANIC) as error:
        raise InvalidInput(f"this file cannot be read: {error}", field="file") from error


def _csv(path: Path) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST_FIELD)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        _require_columns(reader.fieldnames or ())
        for row in reader:
            yield {
                name: value
                for name, value in row.items()
                if name is not None and value is not None and value.strip() not in _NULLS
            }


def _parquet(path: Path) -> Iterator[Row]:
    frame = pl.scan_parquet(path)
    _require_columns(frame.collect_schema().names())
    start = 0
    while True:
        part = frame.slice(start, _ROWS_AT_A_TIME).collect()
        for row in part.iter_rows(named=True):
            yield {name: value for name, value in row.items() if value is not None and value != ""}
        if part.height < _ROWS_AT_A_TIME:
            return
        start += part.height


def _require_columns(names: object) -> None:
    have = set(names)  # type: ignore[call-overload]  # names of columns, whatever holds them
    if missing := [name for name in REQUIRED if name not in have]:
        raise InvalidInput(
            f"no FOCUS export: there is no column {', '.join(missing)}", field="file", code="NOT_FOCUS"
        )

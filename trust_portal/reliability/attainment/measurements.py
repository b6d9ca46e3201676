"""Measurement files: ``objective,time,total,good[,le_0.25,…]`` as CSV or Parquet, and the canonical CSV.

Every column is read as text and turned into integers here, so a count is never a float. The
canonical form (sorted, UTC, shortest bounds) is what bundles carry and digests are taken of.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from polars.exceptions import PanicException, PolarsError

from trust_portal.reliability.attainment.csv_shape import check_shape
from trust_portal.reliability.attainment.model import ABSENT, Counts, Samples
from trust_portal.reliability.contracts.document import bound_key, canonical_bound
from trust_portal.reliability.contracts.fields import instant
from trust_portal.reliability.findings import Unusable, refusal

_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_MINUTE = timedelta(minutes=1)
_REQUIRED = ("objective", "time", "total", "good")
_MICROSECONDS_A_MINUTE = 60_000_000


def read_measurements(data: bytes) -> dict[str, Samples]:
    """Samples by objective, in the file's order. Raises ``Unusable`` naming column and row."""
    frame = _parquet(data) if is_parquet(data) else _csv(data)
    buckets = _columns(frame)
    minutes = _times(frame)
    total = _counts(frame, "total", required=True)
    good = _counts(frame, "good", required=not buckets)
    counts = {bound: _counts(frame, column, required=False) for bound, column in buckets.items()}
    objective = frame["objective"].cast(pl.String).fill_null("").str.strip_chars()
    if (row := _first(objective == "")) is not None:
        raise _refused("MEASUREMENT_OBJECTIVE", "the cell is empty", f"row {row}, objective")
    names = objective.unique(maintain_order=True).to_list()
    if len(names) == 1:
        return {names[0]: _samples(minutes, total, good, counts, None)}
    result = {}
    for name in names:
        index = np.flatnonzero((objective == name).to_numpy())
        result[name] = _samples(minutes, total, good, counts, index)
    return result


def is_parquet(data: bytes) -> bool:
    """Whether ``data`` says that it is Parquet."""
    return data[:4] == b"PAR1"


def write_measurements(measurements: Mapping[str, Samples]) -> bytes:
    """The canonical CSV: by objective and time, empty cells where an objective has no such bucket."""
    bounds = sorted({bound for samples in measurements.values() for bound in samples.buckets}, key=bound_key)
    frames = []
    for objective in sorted(measurements):
        samples = measurements[objective]
        columns: dict[str, pl.Series] = {
            "objective": pl.repeat(objective, samples.minutes.size, dtype=pl.String, eager=True),
            "time": pl.Series(samples.minutes * _MICROSECONDS_A_MINUTE).cast(pl.Datetime("us")),
            "total": pl.Series(samples.total),
            "good": _given(samples.good),
        }
        for bound in bounds:
            counts = samples.buckets.get(bound)
            empty = pl.repeat(None, samples.minutes.size, dtype=pl.Int64, eager=True)
            columns[f"le_{bound}"] = empty if counts is None else _given(counts)
        frame = pl.DataFrame(columns)
        # All columns order the rows, so that repeated samples in any order give the same bytes.
        rest = [name for name in frame.columns if name != "objective"]
        frames.append(frame if _in_order(samples.minutes) else frame.sort(rest))
    if not frames:
        return b"objective,time,total,good\n"
    text = pl.concat(frames).write_csv(datetime_format="%Y-%m-%dT%H:%M:%SZ")
    return text.encode()


def _given(counts: Counts) -> pl.Series:
    """A column whose absent cells are empty again."""
    column = pl.Series(counts)
    return column.set(column == ABSENT, None) if (counts == ABSENT).any() else column


def _in_order(minutes: Counts) -> bool:
    return bool((np.diff(minutes) > 0).all())


def _samples(
    minutes: Counts, total: Counts, good: Counts, counts: Mapping[str, Counts], index: Counts | None
) -> Samples:
    """One objective's rows; buckets that are empty in all of them are not its buckets."""

    def take(column: Counts) -> Counts:
        return column if index is None else column[index]

    taken = {bound: take(column) for bound, column in counts.items()}
    return Samples(
        take(minutes),
        take(total),
        take(good),
        {bound: column for bound, column in taken.items() if not (column == ABSENT).all()},
    )


def _csv(data: bytes) -> pl.DataFrame:
    if not data.strip():
        raise _refused("MEASUREMENTS_MALFORMED", "the file is empty", "$")
    data = data.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")  # empty lines at the end are no rows
    check_shape(data)
    try:
        return pl.read_csv(io.BytesIO(data), infer_schema=False)
    except (PolarsError, ValueError) as error:
        raise _refused("MEASUREMENTS_MALFORMED", f"not CSV: {_short(error)}", "$") from error


def _parquet(data: bytes) -> pl.DataFrame:
    try:
        return pl.read_parquet(io.BytesIO(data))
    except (PolarsError, PanicException, ValueError, OSError) as error:
        # A damaged file makes the reader panic, and that is no Exception: nobody else would catch it.
        raise _refused("MEASUREMENTS_MALFORMED", f"not Parquet: {_short(error)}", "$") from error


def _columns(frame: pl.DataFrame) -> dict[str, str]:
    """Bucket columns by bound; unknown and missing columns are refused by name."""
    names = {name: name.strip() for name in frame.columns}
    if any(name != stripped for name, stripped in names.items()):
        frame.columns = [name.strip() for name in frame.columns]
    for name in _REQUIRED:
        if name not in frame.columns and not (
            name == "good" and any(c.startswith("le_") for c in frame.columns)
        ):
            raise _refused("COLUMN_MISSING", f"no column {name!r}", name)
    buckets: dict[str, str] = {}
    for name in frame.columns:
        if name in _REQUIRED:
            continue
        try:
            bound = canonical_bound(name.removeprefix("le_")) if name.startswith("le_") else None
        except ValueError:
            bound = None
        if bound is None or bound in buckets:
            raise _refused(
                "COLUMN_UNKNOWN", f"column {name!r} is neither known nor a bucket of its own", name
            )
        buckets[bound] = name
    return buckets


def _times(frame: pl.DataFrame) -> Counts:
    """Whole minutes since 1970; RFC 3339 text, or a timestamp column of Parquet (UTC if it has no zone)."""
    column = frame["time"]
    if column.dtype == pl.Datetime:
        micros = column.dt.epoch("us")
    else:
        text = column.cast(pl.String).str.strip_chars()
        # Nearly every file writes UTC with Z: one format for the whole column, the slow way for others.
        plain = text.str.strptime(pl.Datetime("us"), "%Y-%m-%dT%H:%M:%SZ", strict=False)
        micros = plain.dt.epoch("us")
        if micros.null_count():
            micros = pl.Series(
                [
                    known if known is not None else _microseconds(value)
                    for known, value in zip(micros.to_list(), text.to_list(), strict=True)
                ],
                dtype=pl.Int64,
            )
    if (row := _first(micros.is_null())) is not None:
        given = column[row - 2]
        if given is None or given == "":
            cause = "the cell is empty"
        elif given == "time":
            cause = "the header stands here again; join files without their headers"
        else:
            cause = f"{given!r} is no RFC 3339 time with a zone"
        raise _refused("MEASUREMENT_TIME", cause, f"row {row}, time")
    values = micros.to_numpy().astype(np.int64)
    if (row := _first(pl.Series(values % _MICROSECONDS_A_MINUTE != 0))) is not None:
        raise _refused(
            "MEASUREMENT_TIME", f"{column[row - 2]} is not the start of a minute", f"row {row}, time"
        )
    return values // _MICROSECONDS_A_MINUTE


def _microseconds(text: str | None) -> int | None:
    value = None if text is None else instant(text)
    return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)


def _counts(frame: pl.DataFrame, name: str, *, required: bool) -> Counts:
    if name not in frame.columns:
        return np.full(frame.height, ABSENT, np.int64)
    column = frame[name]
    if column.dtype == pl.String:
        column = column.str.strip_chars()
        column = column.set(column == "", None)
    given = column.is_not_null()
    whole = column.cast(pl.Int64, strict=False)
    unread = given & whole.is_null()
    if column.dtype == pl.String and unread.any():
        # ``1000.0`` is a whole number too; 1000.5 is not, and nothing is rounded to make it one.
        bare = column.str.replace(r"\.0+$", "")
        whole, unread = (again := bare.cast(pl.Int64, strict=False)), given & again.is_null()
    if column.dtype.is_float():
        unread |= given & (column != column.floor())
    if required:
        unread |= ~given
    if (row := _first(unread)) is not None:
        given_here = column[row - 2]
        cause = "the cell is empty" if given_here is None else f"{given_here!r} is no whole number below 2^63"
        raise _refused("MEASUREMENT_VALUE", cause, f"row {row}, {name}")
    return whole.fill_null(ABSENT).to_numpy().astype(np.int64)


def _first(flags: pl.Series) -> int | None:
    """The line of the file (its header is line 1) of the first true flag."""
    index = flags.fill_null(False).arg_max() if flags.len() and flags.any() else None
    return None if index is None else index + 2


def _short(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _refused(code: str, message: str, where: str) -> Unusable:
    return Unusable("measurements", [refusal(code, f"{where}: {message}", where)])

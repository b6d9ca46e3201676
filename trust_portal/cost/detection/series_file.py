"""Series in a CSV file: ``time,value`` or ``tenant,subsystem,time,value``."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from datetime import UTC, datetime

from trust_portal.errors import InvalidInput

#: Other names under which public series carry the same columns.
_ALIASES = {"timestamp": "time"}
_LONGEST_FIELD = 200


@dataclass(frozen=True, slots=True)
class NamedSeries:
    """One series of the file; tenant and subsystem are None where the file names none."""

    tenant: str | None
    subsystem: str | None
    samples: tuple[tuple[datetime, float], ...]


def read_series(data: bytes) -> list[NamedSeries]:
    """The series of a file in order of first appearance, each in ascending order of time.

    A time without zone is UTC; an empty value is a missing sample. Anything else that cannot be
    read is refused with the number of its line.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput("the file is not UTF-8", field="series") from None
    rows = csv.reader(io.StringIO(text), strict=True)
    names = [_ALIASES.get(name.strip().lower(), name.strip().lower()) for name in next(rows, [])]
    if sorted(names) not in (["time", "value"], ["subsystem", "tenant", "time", "value"]):
        raise InvalidInput("the columns are time,value or tenant,subsystem,time,value", field="line 1")
    found: dict[tuple[str | None, str | None], list[tuple[datetime, float]]] = {}
    try:
        for cells in rows:
            if not cells:
                continue
            where = f"line {rows.line_num}"
            if len(cells) != len(names) or any(len(cell) > _LONGEST_FIELD for cell in cells):
                raise InvalidInput(f"{len(names)} short fields are expected", field=where)
            row = dict(zip(names, (cell.strip() for cell in cells), strict=True))
            samples = found.setdefault((row.get("tenant"), row.get("subsystem")), [])
            if row["value"]:
                samples.append((_time(row["time"], where), _value(row["value"], where)))
    except csv.Error as error:
        raise InvalidInput(f"not a CSV file: {error}", field=f"line {rows.line_num}") from None
    return [
        NamedSeries(tenant, subsystem, tuple(sorted(samples, key=lambda sample: sample[0])))
        for (tenant, subsystem), samples in found.items()
    ]


def _time(text: str, where: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(f"{text!r} is no time (RFC 3339)", field=where) from None


def _value(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is no number", field=where) from None
    if not math.isfinite(value):
        raise InvalidInput("a value is a finite number, or empty where there is none", field=where)
    return value

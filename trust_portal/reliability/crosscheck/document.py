"""What second sources said, as the file that a report is computed from and its bundle carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from trust_portal.errors import InvalidInput
from trust_portal.evidence.strict import parse_json
from trust_portal.kernel.canonical import Json, canonical
from trust_portal.kernel.clock import rfc3339
from trust_portal.reliability.contracts.fields import instant
from trust_portal.reliability.crosscheck.model import (
    CounterReading,
    Failure,
    Resets,
    SourceDefinition,
    SourceReading,
    Span,
    Window,
)


def write_readings(readings: Sequence[SourceReading]) -> bytes:
    """Readings by objective, as RFC 8785 bytes."""
    return canonical([_reading_json(each) for each in sorted(readings, key=lambda each: each.objective)])


def read_readings(data: bytes) -> tuple[SourceReading, ...]:
    """What ``write_readings`` wrote. Raises ``InvalidInput``, ``LookupError`` or ``ValueError`` for anything else."""
    return tuple(_reading(entry) for entry in parse_json(data))


def substance(readings: Sequence[SourceReading]) -> Json:
    """Everything of the readings but when they were made: equal where a source says the same again."""
    return [
        {name: value for name, value in _reading_json(each).items() if name != "asked_at"}
        for each in sorted(readings, key=lambda each: each.objective)
    ]


def _reading_json(reading: SourceReading) -> Mapping[str, Json]:
    return {
        "objective": reading.objective,
        "source": reading.definition.as_json(),
        "settings": str(reading.revision),
        "receipt": str(reading.receipt_id),
        "span": reading.span.as_json(),
        "asked_at": rfc3339(reading.asked_at),
        "counters": [
            {
                "counter": each.counter,
                "uneven": [
                    {"end": rfc3339(at.end), "samples": str(at.samples), "expected": str(at.expected)}
                    for at in each.uneven
                ],
                "resets": [{"end": rfc3339(at.end), "count": str(at.count)} for at in each.resets],
                "difference": None if each.difference is None else str(each.difference),
            }
            for each in reading.counters
        ],
        "failure": None
        if reading.failure is None
        else {"code": reading.failure.code, "message": reading.failure.message},
    }


def _reading(entry: Mapping[str, Any]) -> SourceReading:
    failure = entry["failure"]
    return SourceReading(
        objective=entry["objective"],
        definition=SourceDefinition.from_json(entry["source"]),
        revision=int(entry["settings"]),
        receipt_id=UUID(entry["receipt"]),
        span=Span(_at(entry["span"]["start"]), _at(entry["span"]["end"])),
        asked_at=_at(entry["asked_at"]),
        counters=tuple(
            CounterReading(
                each["counter"],
                tuple(
                    Window(_at(at["end"]), int(at["samples"]), int(at["expected"])) for at in each["uneven"]
                ),
                tuple(Resets(_at(at["end"]), int(at["count"])) for at in each["resets"]),
                None if each["difference"] is None else int(each["difference"]),
            )
            for each in entry["counters"]
        ),
        failure=None if failure is None else Failure(failure["code"], failure["message"]),
    )


def _at(text: str) -> Any:
    value = instant(text)
    if value is None:
        raise InvalidInput(f"{text!r} is no RFC 3339 time with a zone", field="crosscheck")
    return value

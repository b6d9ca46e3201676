"""Reads what a Prometheus answers (https://prometheus.io/docs/prometheus/latest/querying/api/), or refuses it.

Whatever answers may be anything: an answer is bounded before it comes here, decoded into exactly the
shape the API documents, and every value must be a whole number of one series at an instant that was
asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from trust_portal.kernel.clock import rfc3339
from trust_portal.reliability.crosscheck.model import (
    LARGEST_COUNT,
    CounterReading,
    Failure,
    Resets,
    Window,
)
from trust_portal.reliability.crosscheck.promql import DIFFERENCE, RESETS, SAMPLES, Query

UNREACHABLE: Final = "CROSS_CHECK_UNREACHABLE"
REFUSED: Final = "CROSS_CHECK_REFUSED"
MALFORMED: Final = "CROSS_CHECK_MALFORMED"
NO_SERIES: Final = "CROSS_CHECK_NO_SERIES"
AMBIGUOUS: Final = "CROSS_CHECK_AMBIGUOUS"

_WHOLE = re.compile(r"-?[0-9]{1,17}")
_SHOWN: Final = 200

Sample = tuple[int | float, str]


class _Series(msgspec.Struct):
    metric: dict[str, str]
    value: Sample | None = None
    values: list[Sample] | None = None


class _Data(msgspec.Struct, rename="camel"):
    result_type: str
    result: list[_Series]


class _Answer(msgspec.Struct, rename="camel"):
    status: str
    data: _Data | None = None
    error: str = ""


_decoder = msgspec.json.Decoder(_Answer)


class Unreadable(Exception):
    """An answer that cannot be used; ``failure`` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.failure = Failure(code, message)


def read_answer(query: Query, status: int, body: bytes) -> dict[datetime, int]:
    """Whole numbers by instant, as one series has them; empty where there is no series.

    Raises ``Unreadable`` for anything else.
    """
    try:
        answer = _decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        if status != 200:
            raise Unreadable(REFUSED, f"it answered HTTP {status}") from error
        raise Unreadable(MALFORMED, f"not an answer of a Prometheus: {shown(str(error))}") from error
    if status != 200 or answer.status != "success":
        raise Unreadable(REFUSED, f"it answered HTTP {status}: {shown(answer.error) or 'no reason given'}")
    wanted = "vector" if len(query.ends) == 1 else "matrix"
    if answer.data is None or answer.data.result_type != wanted:
        raise Unreadable(MALFORMED, f"the answer is no {wanted}")
    series = answer.data.result
    if not series:
        return {}
    if len(series) > 1:
        found = "; ".join(_labels(each.metric) for each in series[:3])
        raise Unreadable(
            AMBIGUOUS, f"{len(series)} series match where one must: {found}{'; …' if len(series) > 3 else ''}"
        )
    samples = [series[0].value] if wanted == "vector" else series[0].values
    return _by_instant(query, [each for each in samples or [] if each is not None])


def read_counter(counter: str, answers: Sequence[tuple[Query, dict[datetime, int]]]) -> CounterReading:
    """The reading of one counter from all its answers. Raises ``Unreadable`` where there is no series."""
    samples = [
        (query.expected, end, values.get(end, 0))
        for query, values in answers
        if query.asks == SAMPLES
        for end in query.ends
    ]
    if not any(count for _, _, count in samples):
        raise Unreadable(NO_SERIES, f"no series matches {_selector(answers)} in the span")
    uneven = tuple(Window(end, count, expected) for expected, end, count in samples if count != expected)
    resets = tuple(
        Resets(end, count)
        for query, values in answers
        if query.asks == RESETS
        for end, count in sorted(values.items())
        if count
    )
    (difference,) = (values for query, values in answers if query.asks == DIFFERENCE)
    if not difference and not uneven:
        raise Unreadable(NO_SERIES, f"{_selector(answers)} has no value at the start or at the end")
    return CounterReading(counter, uneven, resets, next(iter(difference.values()), None))


def _by_instant(query: Query, samples: Sequence[Sample]) -> dict[datetime, int]:
    asked = {end.timestamp(): end for end in query.ends}
    found: dict[datetime, int] = {}
    for at, text in samples:
        end = asked.get(float(at))
        if end is None:
            raise Unreadable(MALFORMED, f"a value at {at}, which was not asked for")
        if end in found:
            raise Unreadable(MALFORMED, f"two values at {rfc3339(end)}")
        if not _WHOLE.fullmatch(text) or abs(int(text)) > LARGEST_COUNT:
            raise Unreadable(
                MALFORMED, f"{shown(text)!r} at {rfc3339(end)} is no whole number up to 2^53 ({query.asks})"
            )
        found[end] = int(text)
    return found


def _labels(metric: dict[str, str]) -> str:
    return shown("{" + ", ".join(f'{name}="{value}"' for name, value in sorted(metric.items())) + "}")


def _selector(answers: Sequence[tuple[Query, dict[datetime, int]]]) -> str:
    return answers[-1][0].expression.split(" @ ", 1)[0]


def shown(text: str) -> str:
    """Foreign text, made fit to be printed and signed: one line, visible characters, not long."""
    plain = "".join(each if each.isprintable() else " " for each in text)
    plain = " ".join(plain.split())
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]}…"

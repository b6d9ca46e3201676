"""The queries that a cross-check asks (https://prometheus.io/docs/prometheus/latest/querying/basics/).

Counts first: every hour must hold exactly the samples that the source's interval makes, and the one
before it, so that neighbouring windows share a sample and no gap hides between them. Then nothing may
have fallen (``resets``). Only then does the difference of two values count, and it is a whole number:
``increase()`` extrapolates, and is never asked. No query returns samples.

A window is a millisecond shorter than its samples are apart from the one that must stay out. So it
holds the same samples where a range includes its left end (Prometheus 2) and where it does not (3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from trust_portal.kernel.canonical import Json
from trust_portal.kernel.clock import rfc3339
from trust_portal.reliability.crosscheck.model import INFINITE, Counter, SourceDefinition, Span

HOUR: Final = timedelta(hours=1)
_MINUTES: Final = 60

SAMPLES, RESETS, DIFFERENCE = "samples", "resets", "difference"


@dataclass(frozen=True, slots=True)
class Query:
    """One question: ``asks`` is samples, resets or difference; ``ends`` are the instants it is evaluated at.

    Of samples there must be ``expected`` at each of them.
    """

    asks: str
    counter: str
    expression: str
    ends: tuple[datetime, ...]
    expected: int = 0

    @property
    def parameters(self) -> dict[str, str]:
        """For ``/api/v1/query_range`` where there are several instants, else for ``/api/v1/query``."""
        if len(self.ends) == 1:
            return {"query": self.expression, "time": _unix(self.ends[0])}
        return {
            "query": self.expression,
            "start": _unix(self.ends[0]),
            "end": _unix(self.ends[-1]),
            "step": str(HOUR // timedelta(seconds=1)),
        }

    @property
    def path(self) -> str:
        return "/api/v1/query" if len(self.ends) == 1 else "/api/v1/query_range"

    def as_json(self) -> Json:
        """As reports print it: what was asked, and for which instants."""
        return {
            "asks": self.asks,
            "counter": self.counter,
            "query": self.expression,
            "from": rfc3339(self.ends[0]),
            "to": rfc3339(self.ends[-1]),
            "step_seconds": str(HOUR // timedelta(seconds=1)) if len(self.ends) > 1 else None,
        }


def queries_of(definition: SourceDefinition, counter: Counter, span: Span) -> tuple[Query, ...]:
    """Samples and resets by the hour and of the rest, then the difference over the whole span."""
    found: list[Query] = []
    series = selector(counter, dict(definition.labels))
    hours, rest = divmod(span.minutes, _MINUTES)
    windows = [(_MINUTES, tuple(span.start + HOUR * each for each in range(1, hours + 1)))] if hours else []
    if rest:
        windows.append((rest, (span.end,)))
    for minutes, ends in windows:
        window = f"{series}[{_range(minutes, definition.interval)}]"
        expected = minutes * 60 // definition.interval + 1
        found.append(Query(SAMPLES, counter.name, f"count_over_time({window})", ends, expected))
        found.append(Query(RESETS, counter.name, f"resets({window}) > 0", ends))
    at = f"{series} @ {_unix(span.end)} - {series} @ {_unix(span.start)}"
    found.append(Query(DIFFERENCE, counter.name, at, (span.end,)))
    return tuple(found)


def selector(counter: Counter, labels: Mapping[str, str]) -> str:
    """``requests_total{tenant="northwind"}``; a bucket's bound in every spelling that exporters use."""
    matchers = [f'{name}="{_escaped(value)}"' for name, value in sorted(labels.items())]
    if counter.bound == INFINITE:
        matchers.append('le="+Inf"')
    elif counter.bound is not None:
        # Some write 1, some 1.0; Prometheus 3 stores 1.0 whatever it is sent.
        plain = counter.bound.replace(".", "\\\\.")
        spellings = plain if "." in counter.bound else f"{plain}|{plain}\\\\.0"
        matchers.append(f'le=~"{spellings}"')
    return f"{counter.metric}{{{','.join(matchers)}}}"


def _range(minutes: int, interval: int) -> str:
    """A window of whole minutes and one interval less a millisecond, as PromQL spells durations."""
    whole = "1h" if minutes == _MINUTES else f"{minutes}m"
    seconds = f"{interval - 1}s" if interval > 1 else ""
    return f"{whole}{seconds}999ms"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _unix(at: datetime) -> str:
    return str(int(at.timestamp()))

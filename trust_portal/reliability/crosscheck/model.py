"""Where a second source is found, what it is asked for, and what it said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from trust_portal.errors import InvalidInput
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.names import is_readable, require_words
from trust_portal.reliability.contracts.document import bound_key
from trust_portal.reliability.contracts.model import Sla

#: Prometheus data model: names of metrics, and of labels (those with two underscores are its own).
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,199}")
_LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]{0,99}")
_CREDENTIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RESERVED: Final = frozenset({"le"})
_MOST_LABELS: Final = 20
#: Seconds between two samples of a source. Each divides a minute, so that whole minutes hold a known number.
INTERVALS: Final = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60)
#: Counters are doubles there: beyond 2^53 not every whole number can be told from the next.
LARGEST_COUNT: Final = 2**53
INFINITE: Final = "+Inf"
#: Hours; a month of 31 days.
LONGEST_TRIAL: Final = 744


@dataclass(frozen=True, slots=True)
class SourceDefinition:
    """How one objective's counters are found in a Prometheus.

    ``total`` and ``good`` name counters of requests; ``buckets`` a histogram's cumulative buckets, for
    objectives that count by latency (its ``+Inf`` is the total where ``total`` is absent). ``labels``
    must leave one series of each. Samples lie ``interval`` seconds apart. Figures may differ by
    ``tolerance`` requests. ``credential`` refers to an entry of the installation's own file.
    """

    url: str
    total: str | None = None
    good: str | None = None
    buckets: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    interval: int = 60
    tolerance: int = 0
    credential: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", _address(self.url))
        object.__setattr__(self, "labels", tuple(sorted(self.labels)))
        for name in ("total", "good", "buckets"):
            metric = getattr(self, name)
            if metric is not None and not _METRIC.fullmatch(metric):
                raise InvalidInput(f"{metric!r} is no name of a Prometheus metric", field=name)
        if self.total is None and self.buckets is None:
            raise InvalidInput(
                "name the counter of all requests, or the buckets of a histogram", field="total"
            )
        if self.good is None and self.buckets is None:
            raise InvalidInput(
                "name the counter of good requests, or the buckets of a histogram", field="good"
            )
        if self.good is not None and self.total is None:
            raise InvalidInput("a counter of good requests needs one of all requests", field="total")
        _check_labels(self.labels)
        if self.interval not in INTERVALS:
            choices = ", ".join(str(each) for each in INTERVALS)
            raise InvalidInput(f"seconds between two samples: one of {choices}", field="interval")
        if not 0 <= self.tolerance <= LARGEST_COUNT:
            raise InvalidInput("a whole number of requests, zero or more", field="tolerance")
        if self.credential is not None and not _CREDENTIAL.fullmatch(self.credential):
            raise InvalidInput(
                "the name of a credential: 1 to 64 letters, digits, dots, dashes and underscores",
                field="credential",
            )

    def counters(self, sla: Sla) -> tuple[Counter, ...]:
        """What to ask for to check ``sla``: the total, and good requests or the buckets they are told from.

        Raises ``InvalidInput`` where the definition names no series for one of them.
        """
        bounds = [weight.le for weight in sla.weights]
        if sla.latency_threshold is not None:
            bounds = [sla.latency_threshold]
        total = (
            Counter("total", self.total or "")
            if self.total
            else Counter("total", self.buckets or "", INFINITE)
        )
        if not bounds:
            if self.good is None:
                raise InvalidInput("the second source names no counter of good requests", field="good")
            return total, Counter("good", self.good)
        if self.buckets is None:
            raise InvalidInput("the second source names no buckets of a histogram", field="buckets")
        rising = sorted(bounds, key=bound_key)
        return total, *(Counter(f"le_{bound}", self.buckets, bound) for bound in rising)

    def as_json(self) -> dict[str, Json]:
        """Strings only, as receipts and bundles carry it."""
        return {
            "kind": "prometheus",
            "url": self.url,
            "total": self.total,
            "good": self.good,
            "buckets": self.buckets,
            "labels": dict(self.labels),
            "interval_seconds": str(self.interval),
            "tolerance": str(self.tolerance),
            "credential": self.credential,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> SourceDefinition:
        """What ``as_json`` gave. Raises ``InvalidInput`` or ``LookupError`` for anything else."""
        return cls(
            url=value["url"],
            total=value["total"],
            good=value["good"],
            buckets=value["buckets"],
            labels=tuple(value["labels"].items()),
            interval=int(value["interval_seconds"]),
            tolerance=int(value["tolerance"]),
            credential=value["credential"],
        )

    @property
    def digest(self) -> str:
        return digest(self.as_json())


@dataclass(frozen=True, slots=True)
class Counter:
    """One of a source's counters: what it counts in our words, its metric, and its bucket's bound."""

    name: str
    metric: str
    bound: str | None = None


@dataclass(frozen=True, slots=True)
class SetSource:
    """Command: from now on ``objective`` of a tenant is cross-checked so; without a definition, not at all.

    ``expected_revision``, if given, is that of the settings the person saw.
    """

    tenant_id: UUID
    objective: str
    definition: SourceDefinition | None
    reason: str
    expected_revision: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class TrySource:
    """Question: what would ``definition`` say of the last ``hours``? Nothing is set by asking."""

    tenant_id: UUID
    objective: str
    definition: SourceDefinition
    hours: int = 24

    def __post_init__(self) -> None:
        if not 1 <= self.hours <= LONGEST_TRIAL:
            raise InvalidInput(f"between 1 and {LONGEST_TRIAL} hours", field="hours")


@dataclass(frozen=True, slots=True)
class SourceRevision:
    """Settings as they were recorded; ``definition`` is absent where the source was withdrawn."""

    tenant_id: UUID
    objective: str
    revision: int
    definition: SourceDefinition | None
    reason: str
    set_at: datetime
    set_by: str
    receipt_id: UUID


@dataclass(frozen=True, slots=True)
class Span:
    """From ``start`` to ``end``, both whole minutes in UTC."""

    start: datetime
    end: datetime

    @property
    def minutes(self) -> int:
        return (self.end - self.start) // timedelta(minutes=1)

    def as_json(self) -> dict[str, Json]:
        return {"start": rfc3339(self.start), "end": rfc3339(self.end)}


@dataclass(frozen=True, slots=True)
class Window:
    """The samples found in a window that ends at ``end``, where they are not as many as there should be."""

    end: datetime
    samples: int
    expected: int


@dataclass(frozen=True, slots=True)
class Resets:
    """How often a counter fell within a window that ends at ``end``."""

    end: datetime
    count: int


@dataclass(frozen=True, slots=True)
class CounterReading:
    """What a source said of one counter over a span.

    ``uneven`` are the windows with another number of samples than the interval makes, ``resets`` those
    in which it fell; ``difference`` is its value at the end less that at the start, absent where it has none.
    """

    counter: str
    uneven: tuple[Window, ...]
    resets: tuple[Resets, ...]
    difference: int | None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a source could not be read: a stable code, and words."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class SourceReading:
    """One objective's answer, or why there is none. ``asked_at`` is when the last of it had come."""

    objective: str
    definition: SourceDefinition
    revision: int
    receipt_id: UUID
    span: Span
    asked_at: datetime
    counters: tuple[CounterReading, ...] = ()
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a source for one objective: these counters over this span."""

    objective: str
    definition: SourceDefinition
    revision: int
    receipt_id: UUID
    span: Span
    counters: tuple[Counter, ...]

    def answered(
        self, at: datetime, counters: tuple[CounterReading, ...] = (), failure: Failure | None = None
    ) -> SourceReading:
        return SourceReading(
            self.objective, self.definition, self.revision, self.receipt_id, self.span, at, counters, failure
        )


def _address(text: str) -> str:
    """An http(s) address without what could carry a secret or lead elsewhere."""
    url = text.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInput(f"no address of a web server: {error}", field="url") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise InvalidInput("an address such as https://prometheus.example:9090", field="url")
    if parts.username is not None or parts.password is not None:
        raise InvalidInput("leave name and password out of the address; refer to a credential", field="url")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise InvalidInput("an address without ? and #", field="url")
    if len(url) > 500 or not url.isascii() or not is_readable(url) or " " in url:
        raise InvalidInput("an address of at most 500 plain characters", field="url")
    return url


def _check_labels(labels: tuple[tuple[str, str], ...]) -> None:
    names = [name for name, _ in labels]
    if len(names) > _MOST_LABELS:
        raise InvalidInput(f"{_MOST_LABELS} labels are the most", field="labels")
    for name, value in labels:
        if not _LABEL.fullmatch(name) or name in _RESERVED:
            raise InvalidInput(f"{name!r} is no name of a label that may be set here", field="labels")
        if names.count(name) > 1:
            raise InvalidInput(f"{name} stands twice", field="labels")
        if not value or len(value) > 200 or not is_readable(value):
            raise InvalidInput(f"{name} needs a value of 1 to 200 readable characters", field="labels")


def parse_labels(text: str) -> tuple[tuple[str, str], ...]:
    """``tenant=northwind``, one on each line, as a form has it. Raises ``InvalidInput``."""
    found = []
    for part in text.splitlines():
        if not part.strip():
            continue
        name, sign, value = part.partition("=")
        if not sign:
            raise InvalidInput(f"{part.strip()!r}: write name=value, one on each line", field="labels")
        found.append((name.strip(), value.strip().strip('"')))
    return tuple(found)

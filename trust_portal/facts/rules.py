"""What an event's type alone cannot say. Pure; every finding is a ``BadEvent`` with its path."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from trust_portal.errors import InvalidInput
from trust_portal.facts import events
from trust_portal.facts.fields import bound_label
from trust_portal.facts.outcome import RejectionCode
from trust_portal.facts.refusal import BadEvent
from trust_portal.kernel.money import exponent
from trust_portal.kernel.names import is_readable

#: Producers' clocks run ahead a little; more is a mistake that would hide in a later report.
FUTURE_TOLERANCE: Final = timedelta(minutes=5)
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
#: What PostgreSQL reads back from the stored body; places on earth end at +14:00.
WIDEST_OFFSET: Final = timedelta(hours=15, minutes=59)
LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)


def check_time(event: events.Event, now: datetime) -> None:
    """``time`` lies between the year 2000 and five minutes from ``now``."""
    time = event.time
    if time is None:
        return
    if time > now and time > now + FUTURE_TOLERANCE:  # the sum is made for the few only
        raise BadEvent(
            RejectionCode.TIME_IN_FUTURE,
            f"more than {FUTURE_TOLERANCE // timedelta(minutes=1)} minutes ahead of the portal's clock",
            "$.time",
        )
    if time < EARLIEST:
        raise _invalid("before the year 2000", "$.time")


def check_ahead(event: events.Event, now: datetime) -> None:
    """What happened to an incident lies no more than five minutes after ``now``: no later word could mend its end."""
    for name in _HAPPENED.get(type(event), ()):
        if getattr(event.data, name) > now + FUTURE_TOLERANCE:
            raise BadEvent(RejectionCode.TIME_IN_FUTURE, "it lies in the future", f"$.data.{name}")


def check_rules(event: events.Event) -> None:
    """The rules of the event's own type."""
    rule = _RULES.get(type(event))
    if rule is not None:
        rule(event)


@lru_cache(maxsize=4096)
def bucket_order(bounds: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """``(as sent, canonical labels)``, both in rising order of the bound; ``+Inf`` is last.

    One producer sends the same bounds for years, hence the cache. Bounds that are the same number
    twice, or lack ``+Inf``, are refused.
    """
    if "+Inf" not in bounds:
        raise _invalid("the bucket `+Inf` is missing", "$.data.buckets")
    finite = sorted((bound for bound in bounds if bound != "+Inf"), key=Decimal)
    labels = tuple(bound_label(bound) for bound in finite)
    for index, label in enumerate(labels[1:], start=1):
        if label == labels[index - 1]:
            raise _invalid(f"the bound {label} is given twice", f"$.data.buckets.{finite[index]}")
    return (*finite, "+Inf"), (*labels, "+Inf")


def _check_sli(event: events.SliMeasured) -> None:
    _check_minute(event.time)
    data = event.data
    good = data.good
    if good is None:
        if data.buckets is None:
            raise _invalid("`good` may be left out only where `buckets` are given", "$.data.good")
    elif good > data.total:
        raise _invalid(f"good ({good}) exceeds total ({data.total})", "$.data.good")
    if data.buckets is not None:
        _check_buckets(data.buckets, data.total)


def _check_buckets(buckets: dict[str, int], total: int) -> None:
    bounds, _ = bucket_order(tuple(buckets))
    below = 0
    for bound in bounds:
        count = buckets[bound]
        if count < below:
            raise _invalid("cumulative counts never fall as the bound rises", f"$.data.buckets.{bound}")
        below = count
    if below != total:
        raise _invalid(f"`+Inf` ({below}) is not total ({total})", "$.data.buckets.+Inf")


def _check_adapter(event: events.AdapterObserved) -> None:
    _check_minute(event.time)


def _check_usage(event: events.UsageRecorded) -> None:
    try:
        exponent(event.data.currency)
    except InvalidInput as error:
        raise _invalid(error.message, "$.data.currency") from error


def _check_declared(event: events.IncidentDeclared) -> None:
    _check_instant(event.data.began_at, "$.data.began_at")
    _check_instant(event.data.detected_at, "$.data.detected_at")
    if event.data.detected_at < event.data.began_at:
        raise _invalid("it was detected before it began", "$.data.detected_at")
    # What an incident is called stands in documents that are signed, as one line.
    for name, text in (("title", event.data.title), ("service", event.data.service)):
        if not is_readable(text):
            raise _invalid("one line, without invisible or control characters", f"$.data.{name}")


def _check_updated(event: events.IncidentUpdated) -> None:
    if event.data.kind == "severity" and event.data.severity is None:
        raise _invalid("an update of the severity names the new one", "$.data.severity")
    if event.data.kind == "merged" and event.data.into is None:
        raise _invalid("a merger names the incident it goes into", "$.data.into")


def _check_step(event: events.IncidentMitigated | events.IncidentResolved) -> None:
    _check_instant(event.data.at, "$.data.at")


def _check_window(event: events.MaintenanceScheduled) -> None:
    data = event.data
    _check_instant(data.start, "$.data.start")
    _check_instant(data.end, "$.data.end")
    _check_instant(data.announced_at, "$.data.announced_at")
    if data.end <= data.start:
        raise _invalid("a window ends after it starts", "$.data.end")


def _check_minute(time: datetime) -> None:
    if time.second or time.microsecond:
        raise _invalid("the start of a minute has no seconds", "$.time")


def _check_instant(at: datetime, path: str) -> None:
    if abs(at.utcoffset() or timedelta()) > WIDEST_OFFSET:
        raise _invalid("an offset from UTC of more than 15:59, which no place on earth has", path)
    if not EARLIEST <= at < LATEST:
        raise _invalid("outside the years 2000 to 8999", path)


def _invalid(message: str, path: str) -> BadEvent:
    return BadEvent(RejectionCode.INVALID, message, path)


#: Times that tell what happened, and not what is planned.
_HAPPENED: Final[dict[type[events.Event], tuple[str, ...]]] = {
    events.IncidentDeclared: ("began_at", "detected_at"),
    events.IncidentMitigated: ("at",),
    events.IncidentResolved: ("at",),
}

_RULES: Final[dict[type[events.Event], Callable[[Any], None]]] = {
    events.AdapterObserved: _check_adapter,
    events.IncidentDeclared: _check_declared,
    events.IncidentMitigated: _check_step,
    events.IncidentResolved: _check_step,
    events.IncidentUpdated: _check_updated,
    events.MaintenanceScheduled: _check_window,
    events.SliMeasured: _check_sli,
    events.UsageRecorded: _check_usage,
}

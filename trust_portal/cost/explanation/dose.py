"""Did more of it cost more? The dose and the response, for flags, operations and adapters.

Each function gives a score from 0 to 1 and the finding in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from trust_portal.cost.explanation.evidence import AdapterBehaviour, Episode, FlagStep, HeavyOperation

_HOUR = timedelta(hours=1)


def flag_dose(step: FlagStep, steps: Sequence[FlagStep], episode: Episode) -> tuple[float, str]:
    """A ramp in several steps is judged by its steps; a single one by how far it went.

    With steps: the share of consecutive steps after which the mean excess went the way of the
    percentage (up with up, down with down).
    """
    ramp = sorted((each for each in steps if each.flag == step.flag), key=lambda each: each.at)
    levels = _responses(ramp, episode)
    agreeing = total = 0
    for (dose, response), (next_dose, next_response) in pairwise(levels):
        if dose != next_dose:
            total += 1
            agreeing += (next_dose > dose) == (next_response > response)
    if total:
        words = f"the excess followed the percentage in {agreeing} of {total} steps"
        return agreeing / total, words
    before = step.previous_percentage
    risen = step.percentage - (before or 0.0)
    origin = "" if before is None else f"from {before:g} "
    if risen > 0:
        return min(1.0, risen / 50), f"the flag went {origin}to {step.percentage:g} %"
    # Less of it may cost less, and does not cost more.
    return min(1.0, -risen / 50) if episode.falls else 0.0, f"the flag went down to {step.percentage:g} %"


def _responses(ramp: Sequence[FlagStep], episode: Episode) -> list[tuple[float, Decimal]]:
    """(percentage, mean hourly excess while it held) for each step that held for an hour or more."""
    found: list[tuple[float, Decimal]] = []
    if ramp and ramp[0].previous_percentage is not None:
        found += _level(ramp[0].previous_percentage, None, ramp[0].at, episode)
    for index, step in enumerate(ramp):
        until = ramp[index + 1].at if index + 1 < len(ramp) else None
        found += _level(step.percentage, step.at, until, episode)
    return found


def _level(
    dose: float, start: datetime | None, until: datetime | None, episode: Episode
) -> list[tuple[float, Decimal]]:
    hours = [
        excess
        for hour, excess in episode.excess.items()
        if (start is None or hour >= start) and (until is None or hour + _HOUR <= until)
    ]
    return [(dose, sum(hours, Decimal(0)) / len(hours))] if hours else []


def operation_dose(operation: HeavyOperation) -> tuple[float, str]:
    """How much more than its kind usually does."""
    quantity = f"{operation.quantity.normalize():f} {operation.unit}"
    if operation.usual is None:
        return 1.0, f"{quantity}; nothing of the kind ran before"
    if operation.usual <= 0:
        return 0.5, quantity
    times = operation.quantity / operation.usual
    if times <= 1:
        return 0.0, f"{quantity}, not more than usual"
    return min(1.0, float(times - 1) / 4), f"{quantity}, {times:.1f} times the usual"


def adapter_dose(adapter: AdapterBehaviour, *, falls: bool = False) -> tuple[float, str]:
    """The worst of retries a call, errors a call, calls and bytes, against the time before.

    Where cost ``falls``, fewer calls and bytes may be why.
    """
    course = _shrinkage if falls else _growth
    findings = [
        _rise("retries a call", adapter.retries, adapter.calls, adapter.retries_before, adapter.calls_before),
        _rise("errors a call", adapter.errors, adapter.calls, adapter.errors_before, adapter.calls_before),
        course("calls", adapter.calls, adapter.calls_before),
        course("bytes", adapter.volume, adapter.volume_before),
    ]
    notable = [each for each in findings if each[0] > 0]
    if not notable:
        return 0.0, ""
    return max(score for score, _ in notable), "; ".join(words for _, words in notable)


def _rise(name: str, count: int, calls: int, count_before: int, calls_before: int) -> tuple[float, str]:
    """A ratio per call, risen by more than one in a hundred and to half as much again."""
    now = count / calls if calls else 0.0
    before = count_before / calls_before if calls_before else 0.0
    if now - before < 0.01 or now < 1.5 * before:
        return 0.0, ""
    return min(1.0, (now - before) / 0.2), f"{name} rose from {before:.3f} to {now:.3f}"


def _growth(name: str, now: int, before: int) -> tuple[float, str]:
    """At least half as much again."""
    if now <= 1.5 * before:
        return 0.0, ""
    if before == 0:
        return 0.5, f"{now} {name}, none before"
    return min(1.0, (now / before - 1) / 4), f"{now / before:.1f} times the {name}"


def _shrinkage(name: str, now: int, before: int) -> tuple[float, str]:
    """To two thirds or less."""
    if 1.5 * now >= before:
        return 0.0, ""
    return 1 - now / before, f"{now / before:.0%} of the {name} before"

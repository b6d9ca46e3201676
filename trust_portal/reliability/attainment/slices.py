"""Lays samples on the period's minutes, checks them, and judges each slice up or down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import lcm

import numpy as np

from trust_portal.kernel.clock import rfc3339
from trust_portal.reliability.attainment.model import ABSENT, Counts, Mask, Samples
from trust_portal.reliability.contracts.document import bound_key
from trust_portal.reliability.contracts.model import Sla, SliceRule
from trust_portal.reliability.findings import Finding, Severity, Unusable, refusal

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
INT64_MAX = 2**63 - 1
#: More events than a minute can hold; below it five minutes of counts add up within 64 bits.
_LARGEST_COUNT = 2**53
_SHOWN = 3


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The samples of one objective on the minutes [first, first + size) of a period.

    Arrays have one entry a minute. ``total`` and ``good`` are multiplied by ``scale`` where weights
    make a request count as a fraction; a source that measures once per slice has its counts on the
    slice's first minute and ``every`` is the slice's length. ``missing`` are minutes owed and not there.
    """

    first: int
    size: int
    every: int
    scale: int
    total: Counts
    good: Counts
    missing: Mask
    findings: tuple[Finding, ...]


def instant_of(minute: int) -> datetime:
    return EPOCH + minute * MINUTE


def minute_of(at: datetime) -> int:
    """The minute an instant lies in; of a period's start, which is a whole minute, exactly it."""
    return (at - EPOCH) // MINUTE


def lay_out(samples: Samples, sla: Sla, first: int, last: int, owed: range) -> Grid:
    """Samples on the minutes [first, last); ``owed`` are those the subscription covers.

    Raises ``Unusable`` if the latency threshold is no bucket bound.
    """
    findings: list[Finding] = []
    samples = _inside(samples, sla, range(first, last), owed, findings)
    samples = _without_repeats(samples, sla.objective, findings)
    total, good, scale = _good_and_total(samples, sla)
    findings += _impossible(samples, sla)
    every = _interval(samples.minutes, first, sla.slice_minutes)
    at = samples.minutes - first
    size = last - first
    on_total, on_good = np.zeros(size, np.int64), np.zeros(size, np.int64)
    on_total[at], on_good[at] = total, good
    missing = np.zeros(size, np.bool_)
    missing[owed.start - first : owed.stop - first] = True
    for offset in range(every):
        missing[np.minimum(at + offset, size - 1) if offset else at] = False
    return Grid(first, size, every, scale, on_total, on_good, missing, tuple(findings))


def _take(samples: Samples, index: Counts | Mask) -> Samples:
    return Samples(
        samples.minutes[index],
        samples.total[index],
        samples.good[index],
        {bound: counts[index] for bound, counts in samples.buckets.items()},
    )


def _inside(samples: Samples, sla: Sla, period: range, owed: range, findings: list[Finding]) -> Samples:
    """The samples of the subscribed minutes. What is left out is counted: first beyond the period, then in it."""
    subscribed = (samples.minutes >= owed.start) & (samples.minutes < owed.stop)
    if subscribed.all():
        return samples
    in_period = (samples.minutes >= period.start) & (samples.minutes < period.stop)
    if beyond := int((~in_period).sum()):
        findings.append(
            Finding(
                "SAMPLE_OUTSIDE_PERIOD", f"{beyond} samples outside the period are ignored", sla.objective
            )
        )
    unsubscribed = in_period & ~subscribed
    if count := int(unsubscribed.sum()):
        failed = int((samples.good < samples.total)[unsubscribed].sum())
        known = "" if _by_bucket(sla) else f"; {failed} of them have requests that failed"
        findings.append(
            Finding(
                "SAMPLE_OUTSIDE_SUBSCRIPTION",
                f"{count} samples of the period lie outside the subscription ({_subscribed_words(period, owed)}) "
                f"and are not judged{known}",
                sla.objective,
            )
        )
    return _take(samples, subscribed)


def _subscribed_words(period: range, owed: range) -> str:
    if not owed:
        return "never subscribed in it"
    begins = "" if owed.start == period.start else f"from {rfc3339(instant_of(owed.start))}"
    ends = "" if owed.stop == period.stop else f"until {rfc3339(instant_of(owed.stop))}"
    return " ".join(part for part in (begins, ends) if part)


def _without_repeats(samples: Samples, objective: str, findings: list[Finding]) -> Samples:
    """In order of time, each minute once. Equal repeats collapse; unequal ones are disputed."""
    steps = np.diff(samples.minutes)
    if steps.size and steps.min() <= 0:
        samples = _take(samples, np.argsort(samples.minutes, kind="stable"))
        steps = np.diff(samples.minutes)
    repeated = np.flatnonzero(steps == 0)
    if not repeated.size:
        return samples
    columns = (samples.total, samples.good, *samples.buckets.values())
    unequal = np.zeros(repeated.size, np.bool_)
    for column in columns:
        unequal |= column[repeated] != column[repeated + 1]
    equal = int(repeated.size - unequal.sum())
    if equal:
        findings.append(
            Finding("SAMPLE_DUPLICATE", f"{equal} samples came twice with the same value", objective)
        )
    if unequal.any():
        minutes = np.unique(samples.minutes[repeated[unequal]])
        findings.append(
            Finding(
                "SAMPLE_CONFLICT",
                f"{minutes.size} minutes were measured twice with different values: {_listed(minutes)}",
                objective,
                Severity.DISPUTED,
            )
        )
    keep = np.ones(samples.minutes.size, np.bool_)
    keep[repeated + 1] = False
    return _take(samples, keep)


def _good_and_total(samples: Samples, sla: Sla) -> tuple[Counts, Counts, int]:
    if sla.latency_threshold is not None:
        return samples.total, _bucket(samples, sla.latency_threshold, sla), 1
    if not sla.weights:
        return samples.total, samples.good, 1
    scale = lcm(*(weight.weight.denominator for weight in sla.weights))
    if samples.total.size and int(samples.total.max()) * scale > INT64_MAX:
        raise Unusable("measurements", [refusal("COUNT_TOO_LARGE", "a count beyond 2^63", sla.objective)])
    good = np.zeros(samples.total.size, np.int64)
    slower = np.zeros(samples.total.size, np.int64)
    for weight in sla.weights:
        bucket = _bucket(samples, weight.le, sla)
        good += (bucket - slower) * int(weight.weight * scale)
        slower = bucket
    return samples.total * scale, good, scale


def _bucket(samples: Samples, bound: str, sla: Sla) -> Counts:
    if bound in samples.buckets:
        return samples.buckets[bound]
    if not samples.minutes.size:
        return samples.good
    known = ", ".join(sorted(samples.buckets, key=bound_key)) or "none"
    raise Unusable(
        "measurements",
        [
            refusal(
                "THRESHOLD_NOT_A_BOUND",
                f"objective {sla.objective!r} needs the bucket {bound} s; measured bounds are {known}, "
                "and a count between two bounds is not known",
                sla.objective,
            )
        ],
    )


def _by_bucket(sla: Sla) -> bool:
    """Whether good requests are told from buckets; then nobody need send ``good``."""
    return sla.latency_threshold is not None or bool(sla.weights)


def _impossible(samples: Samples, sla: Sla) -> list[Finding]:
    """Counts no counter can have, a finding for each way to be wrong."""
    return [
        Finding(
            "COUNTS_IMPOSSIBLE",
            f"{int(wrong.sum())} samples {words}: {_listed(samples.minutes[wrong])}",
            sla.objective,
            Severity.DISPUTED,
        )
        for words, wrong in _impossibilities(samples, sla)
        if wrong.any()
    ]


def _impossibilities(samples: Samples, sla: Sla) -> Iterator[tuple[str, Mask]]:
    """Each cause in words, and where it holds."""
    total = samples.total
    yield "have a negative total", total < 0
    yield "have a total beyond 2^53", total > _LARGEST_COUNT
    if not _by_bucket(sla):
        good, absent = samples.good, samples.good == ABSENT
        yield "do not count good requests (good is empty)", absent
        yield "have a negative good", (good < 0) & ~absent
        yield "have more good than total", good > total
    below: tuple[str, Counts] | None = None
    for bound in sorted(samples.buckets, key=bound_key):
        counts = samples.buckets[bound]
        absent = counts == ABSENT
        yield f"have no count in le_{bound}", absent
        yield f"have a negative count in le_{bound}", (counts < 0) & ~absent
        yield f"have more in le_{bound} than in total", counts > total
        if below is not None:
            yield f"have less in le_{bound} than in the narrower le_{below[0]}", (counts < below[1]) & ~absent
        below = bound, counts


def _interval(minutes: Counts, first: int, slice_minutes: int) -> int:
    """Minutes one sample stands for: the slice's length if all samples sit on slice starts, else one."""
    if slice_minutes > 1 and minutes.size and not ((minutes - first) % slice_minutes).any():
        return slice_minutes
    return 1


def _listed(minutes: Counts) -> str:
    shown = ", ".join(rfc3339(instant_of(int(minute))) for minute in minutes[:_SHOWN])
    return shown if minutes.size <= _SHOWN else f"{shown}, …"


def missing_finding(
    grid: Grid, wanted: Mask, objective: str, *, code: str, severity: Severity
) -> Finding | None:
    """Names the missing minutes among ``wanted``: how many, and the first few stretches."""
    missing = grid.missing & wanted
    count = int(missing.sum())
    if not count:
        return None
    stretches = runs_of(missing)
    shown = ", ".join(
        f"{rfc3339(instant_of(grid.first + start))} to {rfc3339(instant_of(grid.first + end))}"
        for start, end in stretches[:_SHOWN].tolist()
    )
    more = ", …" if len(stretches) > _SHOWN else ""
    return Finding(code, f"{count} minutes without a sample: {shown}{more}", objective, severity)


def runs_of(mask: Mask) -> Counts:
    """Contiguous true stretches as rows of [start, end)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return edges.reshape(-1, 2).astype(np.int64)


def per_slice(values: Counts, slice_minutes: int) -> Counts:
    """Sums over slices; the last slice may be shorter."""
    if slice_minutes == 1:
        return values
    return np.add.reduceat(values, np.arange(0, values.size, slice_minutes))


def judge(grid: Grid, sla: Sla) -> tuple[Mask, Mask]:
    """(down, idle) per minute. A slice with fewer than the minimum of events is not down.

    Down slices in runs shorter than ``min_run`` are not down either: what does not last does not count.
    """
    total, good = per_slice(grid.total, sla.slice_minutes), per_slice(grid.good, sla.slice_minutes)
    lacking = per_slice(grid.missing.astype(np.int64), sla.slice_minutes)
    down = _fails(total - good, total, sla.slice_rule)
    down &= (total > 0) & (total >= sla.min_events_per_slice * grid.scale)
    if sla.missing_data == "down":
        down |= lacking > 0
    if sla.min_run > 1:
        for start, end in runs_of(down):
            if end - start < sla.min_run:
                down[start:end] = False
    idle = (total == 0) & (lacking == 0)
    return _per_minute(down, grid, sla), _per_minute(idle, grid, sla)


def _per_minute(flags: Mask, grid: Grid, sla: Sla) -> Mask:
    minutes: Mask = np.repeat(flags, sla.slice_minutes)[: grid.size]
    return minutes


def _fails(bad: Counts, total: Counts, rule: SliceRule) -> Mask:
    """Compared by cross-multiplication; in Python integers where 64 bits would not hold the product."""
    if rule.threshold is None:
        return np.equal(bad, total)
    threshold: Fraction = rule.threshold
    largest = max(int(np.abs(bad).max(initial=0)), int(np.abs(total).max(initial=0)))
    wide = largest * max(threshold.numerator, threshold.denominator) > INT64_MAX
    left = (bad.astype(object) if wide else bad) * threshold.denominator
    right = (total.astype(object) if wide else total) * threshold.numerator
    failed: Mask = np.asarray(left >= right if rule.inclusive else left > right, dtype=np.bool_)
    return failed


def exact_sum(values: Counts) -> int:
    """A sum that cannot overflow."""
    if values.size and int(np.abs(values).max()) > INT64_MAX // values.size:
        return sum(values.tolist())
    return int(values.sum())

"""Attainment of one SLA in one period: exact, pure, over columns of minutes.

What is down is judged on everything that was measured; exclusions then take minutes away. So an
incident partly inside maintenance counts outside it only, and raw and adjusted differ by exclusions
alone. Denominators ``calendar``, ``subscribed`` and ``add_back`` keep excluded time (and count it as
up); ``minus_exclusions`` takes it away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import lcm

import numpy as np

from trust_portal.kernel.period import Period, zone
from trust_portal.reliability.attainment.exclusions import excluded_minutes
from trust_portal.reliability.attainment.model import (
    Attainment,
    Counts,
    Day,
    DownRun,
    Exclusion,
    Figure,
    Mask,
    Ratio,
    Rule,
    Samples,
)
from trust_portal.reliability.attainment.rules import rules_of
from trust_portal.reliability.attainment.slices import (
    INT64_MAX,
    Grid,
    exact_sum,
    instant_of,
    judge,
    lay_out,
    minute_of,
    missing_finding,
    per_slice,
    runs_of,
)
from trust_portal.reliability.attainment.substance import sampled, substance
from trust_portal.reliability.contracts.model import (
    Aggregate,
    Boundary,
    Denominator,
    ExclusionTerms,
    MissingData,
    Sla,
    ZeroTraffic,
)
from trust_portal.reliability.findings import Finding, Severity, State, state_of

#: Denominators brought to a common one at a time.
_GROUP = 64
_NO_SAMPLES = Samples(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64))


def attain(
    sla: Sla,
    samples: Samples | None,
    exclusions: Sequence[Exclusion],
    period: Period,
    *,
    terms: ExclusionTerms,
    subscribed_from: Boundary | None = None,
    subscribed_to: Boundary | None = None,
) -> Attainment:
    """The attained value with and without exclusions, and everything that explains it.

    Time outside the subscription owes no samples: it is up in a calendar denominator and absent from
    a ``subscribed`` one. Raises ``Unusable`` if the latency threshold is no bucket bound.
    """
    first, last = minute_of(period.start), minute_of(period.end)
    owed = subscription(period, subscribed_from, subscribed_to)
    grid = lay_out(samples or _NO_SAMPLES, sla, first, last, owed)
    excluded, outcomes = excluded_minutes(exclusions, sla.objective, terms, period.start, period.end)
    down, idle = judge(grid, sla)
    month = _Month(grid, sla, down, idle, excluded, _base(sla, grid, owed))
    findings = [
        *grid.findings,
        *_missing(grid, sla, excluded),
        *_part_of_period(sla, grid, owed),
        *substance(sla, grid, idle=idle, excluded=excluded, owed=owed),
    ]
    usable = state_of(findings) is State.OK
    raw = month.figure(adjusted=False) if usable else None
    return Attainment(
        objective=sla.objective,
        period=period,
        raw=raw,
        adjusted=month.figure(adjusted=True) if usable and excluded.any() else raw,
        excluded_minutes=int(excluded.sum()),
        runs=tuple(month.runs()),
        days=tuple(month.days(period)) if usable else (),
        exclusions=outcomes,
        findings=tuple(findings),
        rules=rules_of(sla, grid, outcomes, len(owed)) + _empty_rules(findings),
    )


def _empty_rules(findings: Sequence[Finding]) -> tuple[Rule, ...]:
    if not any(finding.code == "NO_TRAFFIC" for finding in findings):
        return ()
    return (
        Rule("no_traffic", "no request in the period; nothing over nothing counts as up, shown as 1 / 1"),
    )


def subscription(period: Period, start: Boundary | None, end: Boundary | None) -> range:
    """The minutes since 1970 of ``period`` that lie between ``start`` and ``end``."""
    first, last = minute_of(period.start), minute_of(period.end)
    begins = first if start is None else minute_of(start.instant(period.time_zone))
    ends = last if end is None else minute_of(end.instant(period.time_zone))
    begins = min(max(begins, first), last)
    return range(begins, max(min(ends, last), begins))


def _base(sla: Sla, grid: Grid, owed: range) -> Mask:
    """The minutes a percentage is taken of, before exclusions."""
    base = np.ones(grid.size, np.bool_)
    if sla.denominator is Denominator.SUBSCRIBED:
        base[: owed.start - grid.first] = False
        base[owed.stop - grid.first :] = False
    return base


def _missing(grid: Grid, sla: Sla, excluded: Mask) -> list[Finding]:
    """Missing samples are not "no requests". Inside excluded time nobody needs them for the result."""
    if sla.missing_data is MissingData.FAIL:
        code, severity = "MISSING_DATA", Severity.INCOMPLETE
    elif sla.missing_data is MissingData.DOWN and sla.aggregate is Aggregate.RATIO_OF_SUMS:
        # Down requests that nobody counted cannot be added to a sum of requests.
        code, severity = "MISSING_DATA_UNCOUNTABLE", Severity.INCOMPLETE
    else:
        code, severity = f"MISSING_DATA_{sla.missing_data.upper()}", Severity.NOTE
    found = (
        missing_finding(grid, ~excluded, sla.objective, code=code, severity=severity),
        missing_finding(grid, excluded, sla.objective, code="MISSING_DATA_EXCLUDED", severity=Severity.NOTE),
    )
    return [finding for finding in found if finding is not None]


def _part_of_period(sla: Sla, grid: Grid, owed: range) -> list[Finding]:
    """Time nobody was subscribed and that counts as up is never passed over in silence."""
    rest = grid.size - len(owed)
    if not rest or sla.denominator is Denominator.SUBSCRIBED:
        return []
    return [
        Finding(
            "SUBSCRIBED_PART_OF_PERIOD",
            f"subscribed for {len(owed)} of {grid.size} minutes; the other {rest} were not measured and count as "
            f"up, because the contract takes the percentage of the whole period (denominator {sla.denominator})",
            sla.objective,
        )
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Month:
    """One judged period; everything below is a view on these columns."""

    grid: Grid
    sla: Sla
    down: Mask
    idle: Mask
    excluded: Mask
    base: Mask

    def figure(self, *, adjusted: bool, first: int = 0, last: int | None = None) -> Figure:
        """The figure over minutes [first, last) of the period, which start and end with slices."""
        span = slice(first, self.grid.size if last is None else last)
        without = self.excluded[span] if adjusted else np.zeros(self.base[span].size, np.bool_)
        counted = self.base[span]
        if self.sla.denominator is Denominator.MINUS_EXCLUSIONS:
            counted = counted & ~without
        if self.sla.zero_traffic is ZeroTraffic.EXCLUDE:
            counted = counted & ~self.idle[span]
        down_minutes = int((self.down[span] & ~without & self.base[span]).sum())
        match self.sla.aggregate:
            case Aggregate.SLICES:
                minutes = int(counted.sum())
                attained = Ratio(minutes - int((self.down[span] & ~without & counted).sum()), minutes)
            case Aggregate.RATIO_OF_SUMS:
                attained = self._ratio_of_sums(span, without)
            case Aggregate.MEAN_OF_RATIOS:
                attained = self._mean_of_ratios(span, counted, without)
        return Figure(attained, down_minutes)

    def _ratio_of_sums(self, span: slice, without: Mask) -> Ratio:
        total, bad = self.grid.total[span], self.grid.total[span] - self.grid.good[span]
        without = sampled(self.grid, without)
        if self.sla.denominator is Denominator.MINUS_EXCLUSIONS:
            total = total[~without]
        whole = exact_sum(total)
        return Ratio(whole - exact_sum(bad[~without]), whole)

    def _mean_of_ratios(self, span: slice, counted: Mask, without: Mask) -> Ratio:
        """The mean over slices of good / total. Only slices with errors are added up, by their total."""
        minutes = self.sla.slice_minutes
        kept = ~sampled(self.grid, without)
        total = per_slice(self.grid.total[span] * kept, minutes)
        bad = per_slice((self.grid.total[span] - self.grid.good[span]) * kept, minutes)
        slices = per_slice(counted.astype(np.int64), minutes) > 0
        failed = slices & (bad > 0) & (total >= self.sla.min_events_per_slice * self.grid.scale)
        errors = mean_terms(bad[failed], total[failed])
        if self.sla.missing_data is MissingData.DOWN:
            owed = self.grid.missing[span] & kept
            errors += int((slices & (total == 0) & (per_slice(owed.astype(np.int64), minutes) > 0)).sum())
        count = int(slices.sum())
        value = 1 - errors / count if count else Fraction(1)
        return Ratio(value.numerator, value.denominator)

    def runs(self) -> list[DownRun]:
        """Stretches of down minutes in order of time, each with the worst good/total inside."""
        total = per_slice(self.grid.total, self.sla.slice_minutes)
        good = per_slice(self.grid.good, self.sla.slice_minutes)
        return [
            DownRun(
                start=instant_of(self.grid.first + start),
                end=instant_of(self.grid.first + end),
                minutes=end - start,
                excluded_minutes=int(self.excluded[start:end].sum()),
                worst=self._worst(
                    total[start // self.sla.slice_minutes : -(-end // self.sla.slice_minutes)],
                    good[start // self.sla.slice_minutes : -(-end // self.sla.slice_minutes)],
                ),
            )
            for start, end in runs_of(self.down & self.base).tolist()
        ]

    def _worst(self, total: Counts, good: Counts) -> Ratio:
        scale = self.grid.scale
        ratios = (
            (Fraction(passed, counted), passed, counted)
            for counted, passed in zip(total.tolist(), good.tolist(), strict=True)
            if counted
        )
        worst = min(ratios, default=None)
        if worst is None:
            return Ratio(0, 0)
        return Ratio(worst[1], worst[2]) if scale == 1 else Ratio(worst[0].numerator, worst[0].denominator)

    def days(self, period: Period) -> list[Day]:
        """Local calendar days between the period's start and end."""
        local = zone(period.time_zone)
        days: list[Day] = []
        day: date = period.start.astimezone(local).date()
        while (
            begin := datetime(day.year, day.month, day.day, tzinfo=local).astimezone(period.start.tzinfo)
        ) < period.end:
            following = day + timedelta(days=1)
            end = datetime(following.year, following.month, following.day, tzinfo=local)
            first = minute_of(begin) - self.grid.first
            last = min(minute_of(end), minute_of(period.end)) - self.grid.first
            adjusted = self.figure(adjusted=True, first=first, last=last)
            raw = int((self.down[first:last] & self.base[first:last]).sum())
            days.append(Day(day.isoformat(), adjusted, raw))
            day = following
        return days


def mean_terms(bad: Counts, total: Counts) -> Fraction:
    """Σ bad/total, exact. Terms of one denominator first, then groups of them over their own, then pairwise.

    The common denominator of very many different totals has thousands of digits; adding equals of
    size to each other keeps most of the work on small numbers.
    """
    if not bad.size:
        return Fraction(0)
    order = np.argsort(total, kind="stable")
    totals, starts = np.unique(total[order], return_index=True)
    wide = int(bad.max()) > INT64_MAX // bad.size
    sums = np.add.reduceat(bad[order].astype(object) if wide else bad[order], starts).tolist()
    wholes = totals.tolist()
    terms = [
        _over_common(sums[at : at + _GROUP], wholes[at : at + _GROUP]) for at in range(0, len(wholes), _GROUP)
    ]
    while len(terms) > 1:
        odd = terms[-1:] if len(terms) % 2 else []
        terms = [left + right for left, right in zip(terms[::2], terms[1::2], strict=False)] + odd
    return terms[0]


def _over_common(parts: list[int], wholes: list[int]) -> Fraction:
    common = lcm(*wholes)
    return Fraction(sum(part * (common // whole) for part, whole in zip(parts, wholes, strict=True)), common)

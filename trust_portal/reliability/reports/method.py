"""The method of one SLA in sentences a customer can read: the contract's terms, and where the record begins."""

from __future__ import annotations

from fractions import Fraction

from trust_portal.kernel.clock import rfc3339
from trust_portal.reliability.attainment.model import Attainment
from trust_portal.reliability.contracts.model import (
    Aggregate,
    Denominator,
    ExclusionTerms,
    MissingData,
    RoundingMode,
    Sla,
    ZeroTraffic,
    decimal_text,
    percent_text,
)

_ROUNDED = {
    RoundingMode.DOWN: "cut",
    RoundingMode.UP: "rounded up",
    RoundingMode.HALF_UP: "rounded half up",
    RoundingMode.HALF_EVEN: "rounded half to even",
}


def method_statement(sla: Sla, terms: ExclusionTerms, attainment: Attainment) -> list[str]:
    """Sentences in the order of the calculation: period, good requests, slices, figure, exclusions."""
    period = attainment.period
    sentences = [
        (
            f"The period {period.label} lasts from {rfc3339(period.start)} to {rfc3339(period.end)}, "
            f"{period.minutes:,} minutes between midnights in {period.time_zone}."
        ),
        *_requests(sla),
        *_slices(sla),
        *_gaps(sla),
        _figure(sla),
        *_exclusions(sla, terms),
        *_announcements(attainment),
    ]
    if sla.rounding is not None:
        sentences.append(
            f"The percentage is {_ROUNDED[sla.rounding.mode]} to {sla.rounding.digits} digits before it is compared."
        )
    sentences.append(
        f"The target is met when the result is at least {percent_text(sla.target)} %. "
        "Results are compared as exact fractions; printed percentages are cut, never rounded up."
    )
    return sentences


def _requests(sla: Sla) -> list[str]:
    if sla.latency_threshold is not None:
        return [f"A request is good when it was answered within {sla.latency_threshold} seconds."]
    sentences = [
        f"A successful request answered within {weight.le} seconds counts as {percent_text(weight.weight)} % good."
        for weight in sla.weights
        if weight.le != "+Inf"
    ]
    if sentences:
        last = sla.weights[-1]
        rest = last.weight if last.le == "+Inf" else Fraction(0)
        sentences.append(f"The narrowest bound decides; slower ones count as {percent_text(rest)} % good.")
    return sentences


def _slices(sla: Sla) -> list[str]:
    length = "one minute" if sla.slice_minutes == 1 else f"{sla.slice_minutes} minutes"
    threshold = sla.slice_rule.threshold
    if threshold is None:
        rule = "every one of its requests failed"
    else:
        sign = "at least" if sla.slice_rule.inclusive else "more than"
        rule = f"{sign} {percent_text(threshold)} % of its requests were not good"
    sentences = [f"Time is judged in slices of {length}: a slice is down when {rule}."]
    if sla.min_run > 1:
        sentences.append(f"Fewer than {sla.min_run} down slices in a row do not count as down.")
    if sla.min_events_per_slice:
        sentences.append(f"A slice with fewer than {sla.min_events_per_slice:,} requests is not down.")
    return sentences


def _gaps(sla: Sla) -> list[str]:
    idle = "counts as up" if sla.zero_traffic is ZeroTraffic.UP else "is left out of the calculation"
    missing = {
        MissingData.FAIL: "leaves the result incomplete, and no credit is calculated",
        MissingData.UP: "counts as up",
        MissingData.DOWN: "counts as down",
    }[sla.missing_data]
    return [
        f"A slice in which nothing was requested {idle}.",
        f"A minute for which no measurement arrived is not the same as one without requests: it {missing}.",
    ]


def _figure(sla: Sla) -> str:
    match sla.aggregate:
        case Aggregate.SLICES:
            whole = {
                Denominator.CALENDAR: "all minutes of the period",
                Denominator.SUBSCRIBED: "the minutes of the period in which the service was subscribed",
                Denominator.MINUS_EXCLUSIONS: "the minutes of the period less the excluded ones",
                Denominator.ADD_BACK: "all minutes of the period, excluded ones counted as up",
            }[sla.denominator]
            return f"The result is the share of minutes that were not down among {whole}."
        case Aggregate.MEAN_OF_RATIOS:
            return (
                "The result is the mean, over all slices, of the share of good requests in the slice; "
                "a slice without failed requests counts as 100 %."
            )
        case Aggregate.RATIO_OF_SUMS:
            return "The result is the number of good requests of the period divided by the number of all requests."


def _exclusions(sla: Sla, terms: ExclusionTerms) -> list[str]:
    notice = (
        f" announced at least {decimal_text(terms.notice_hours)} hours ahead"
        if terms.notice_hours
        else " announced ahead"
    )
    effect = (
        "is taken out of the calculation altogether"
        if sla.denominator is Denominator.MINUS_EXCLUSIONS
        else "stays in the calculation and counts as up"
    )
    sentences = [
        (
            f"Excluded time{notice} {effect}; overlapping windows count once, only whole minutes are excluded, "
            "and the figure without any exclusion stands beside."
        ),
        (
            "Notice is judged by when a window was announced or, if that was later, when this portal received it. "
            "A window recorded after its start counts only with the approval of two persons."
        ),
    ]
    if terms.cap_hours is not None:
        sentences.append(
            f"At most {decimal_text(terms.cap_hours)} hours of a period are excluded, the earliest first."
        )
    return sentences


def _announcements(attainment: Attainment) -> list[str]:
    """Says of which windows the vendor's own word is all there is."""
    stated = [item.exclusion for item in attainment.exclusions if item.exclusion.witnessed is False]
    began = {item.record_began_at for item in stated if item.record_began_at is not None}
    return [
        f"This portal has kept the customer's record since {rfc3339(at)}; of windows that began before, "
        f"the announcement is as the vendor states it: "
        f"{', '.join(item.window for item in stated if item.record_began_at == at)}."
        for at in sorted(began)
    ]

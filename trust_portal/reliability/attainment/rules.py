"""The rules that decided an attained value, as stable ids and words."""

from __future__ import annotations

from collections.abc import Sequence

from trust_portal.reliability.attainment.model import ExclusionOutcome, Rule
from trust_portal.reliability.attainment.slices import Grid
from trust_portal.reliability.contracts.model import (
    Aggregate,
    Denominator,
    MissingData,
    Sla,
    ZeroTraffic,
    percent_text,
)

_DENOMINATORS = {
    Denominator.CALENDAR: "of all minutes of the period; excluded time counts as up",
    Denominator.SUBSCRIBED: "of the minutes subscribed in the period; excluded time counts as up",
    Denominator.MINUS_EXCLUSIONS: "of all minutes of the period less the excluded ones",
    Denominator.ADD_BACK: "of all minutes of the period; excluded time is added back as up",
}
_AGGREGATES = {
    Aggregate.SLICES: "the share of time whose slices are not down",
    Aggregate.MEAN_OF_RATIOS: "the mean over all slices of good requests among all requests",
    Aggregate.RATIO_OF_SUMS: "all good requests of the period among all requests of the period",
}


def rules_of(
    sla: Sla, grid: Grid, exclusions: Sequence[ExclusionOutcome], subscribed_minutes: int
) -> tuple[Rule, ...]:
    """The rules in the order they are applied; each that could change a figure is named."""
    rules = [
        Rule("period", f"{sla.period} in {sla.time_zone}, {grid.size} minutes between its local midnights"),
        Rule("aggregate", f"{sla.aggregate}: {_AGGREGATES[sla.aggregate]}"),
        Rule("denominator", f"{sla.denominator}: {_DENOMINATORS[sla.denominator]}"),
        Rule("slice", f"slices of {sla.slice_minutes} min; a slice is down when {_slice_words(sla)}"),
    ]
    if sla.min_run > 1:
        rules.append(Rule("min_run", f"fewer than {sla.min_run} down slices in a row do not count"))
    if sla.min_events_per_slice:
        rules.append(
            Rule("min_events", f"a slice with fewer than {sla.min_events_per_slice} events is not down")
        )
    idle = "is up" if sla.zero_traffic is ZeroTraffic.UP else "is left out of the denominator"
    rules.append(Rule("zero_traffic", f"a slice without requests {idle}"))
    rules.append(Rule("missing_data", _missing_words(sla.missing_data)))
    if grid.every > 1:
        rules.append(Rule("interval", f"each sample stands for {grid.every} minutes"))
    if subscribed_minutes < grid.size:
        rest = (
            "left out of the denominator"
            if sla.denominator is Denominator.SUBSCRIBED
            else f"not measured; it counts as up, because the denominator is {sla.denominator}"
        )
        rules.append(
            Rule(
                "subscription",
                f"subscribed for {subscribed_minutes} of {grid.size} minutes; the rest is {rest}",
            )
        )
    if sla.latency_threshold is not None:
        rules.append(
            Rule("latency", f"good requests are those within {sla.latency_threshold} s (a measured bound)")
        )
    rules += [
        Rule("weight", f"a request within {weight.le} s counts {percent_text(weight.weight)} %")
        for weight in sla.weights
    ]
    rules += [
        Rule(
            "exclusion.counted" if outcome.counted else "exclusion.not_counted",
            f"{outcome.exclusion.window}: {outcome.why} ({outcome.minutes} min)",
        )
        for outcome in exclusions
    ]
    return tuple(rules)


def _slice_words(sla: Sla) -> str:
    threshold = sla.slice_rule.threshold
    if threshold is None:
        return "every request in it failed"
    sign = "at least" if sla.slice_rule.inclusive else "more than"
    return f"{sign} {percent_text(threshold)} % of its requests failed"


def _missing_words(policy: MissingData) -> str:
    match policy:
        case MissingData.FAIL:
            return "a minute without a sample leaves the result incomplete"
        case MissingData.UP:
            return "a minute without a sample is up"
        case MissingData.DOWN:
            return "a minute without a sample is down"

"""The figures of the loop as Prometheus gauges: the same names for one tenant and for all together."""

from __future__ import annotations

import math

from prometheus_client import CollectorRegistry, Gauge

from trust_portal.cost.kpis.model import CostKpis


class Gauges:
    """In ``registry``. Amounts in major units, times in seconds; NaN where there is nothing to tell."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, says: str, *labels: str) -> Gauge:
            return Gauge(f"trust_portal_cost_{name}", says, labels, registry=registry)

        self._unexplained = gauge(
            "unexplained_spend", "Unexplained spend of four weeks in major units.", "currency", "window"
        )
        self._change = gauge(
            "unexplained_spend_change_ratio", "Against the four weeks before; -0.5 is halved.", "currency"
        )
        self._median = gauge(
            "time_seconds", "Median time to detect (to the opening), explain and recover.", "step"
        )
        self._mean = gauge(
            "time_mean_seconds", "Mean time to detect (to the opening), explain and recover.", "step"
        )
        self._count = gauge("time_anomalies", "How many anomalies those times are of.", "step")
        self._found = gauge("anomalies", "Anomalies that began in the last four weeks.")
        self._open = gauge("anomalies_open", "Of those, how many are open.")
        self._judged = gauge("anomalies_judged", "Of those, how many people have judged.")
        self._false = gauge("false_positives", "Of the judged, how many were called false.")
        self._rate = gauge("false_positive_ratio", "Anomalies judged false, of those judged.")
        self._at = gauge("figures_timestamp_seconds", "As of when these figures are, Unix time.")

    def show(self, figures: CostKpis) -> None:
        for each in (self._unexplained, self._change):
            each.clear()
        for currency, amounts in figures.unexplained.items():
            self._unexplained.labels(currency, "current").set(float(amounts.current))
            self._unexplained.labels(currency, "baseline").set(float(amounts.baseline))
            self._change.labels(currency).set(_number(amounts.change))
        for step, durations in (
            ("detect", figures.to_detect),
            ("explain", figures.to_explain),
            ("recover", figures.to_recover),
        ):
            self._count.labels(step).set(durations.count)
            for shown, span in ((self._median, durations.median), (self._mean, durations.mean)):
                shown.labels(step).set(math.nan if span is None else span.total_seconds())
        self._found.set(figures.anomalies)
        self._open.set(figures.open)
        self._judged.set(figures.judged)
        self._false.set(figures.false_positives)
        self._rate.set(_number(figures.false_positive_rate))
        self._at.set(figures.at.timestamp())


def _number(value: object) -> float:
    return math.nan if value is None else float(str(value))

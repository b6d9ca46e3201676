"""An explanation in words and as a drawing. Pure; every amount with all of its digits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode

from markupsafe import Markup

from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.explanation.evidence import Link
from trust_portal.cost.explanation.explanation import Explanation
from trust_portal.cost.explanation.origins import Figure, FindOrigins
from trust_portal.documents.amounts import rounded
from trust_portal.documents.course_chart import Hour, Mark, course_chart
from trust_portal.documents.formats import clock_time, duration, instant, short_day

_HOUR = timedelta(hours=1)


def headline(anomaly: CostAnomaly) -> str:
    """What happened, in one sentence: when, how much instead of how much, and what of it nothing explains."""
    figures, currency = anomaly.figures, anomaly.series.currency
    end = anomaly.last_at + _HOUR
    when = (
        f"Since {instant(anomaly.started_at)}"
        if anomaly.is_open
        else f"From {instant(anomaly.started_at)} to {instant(end)} ({duration(end - anomaly.started_at)})"
    )
    difference = f"{rounded(abs(figures.excess), currency)} {'more' if figures.excess >= 0 else 'less'}"
    rest = (
        f"{rounded(anomaly.unexplained, currency)} of that nothing explains yet."
        if anomaly.unexplained
        else "All of that is explained."
    )
    return (
        f"{when}, {anomaly.series.subsystem} cost {rounded(figures.actual, currency)} where"
        f" {rounded(figures.expected, currency)} was expected: {difference}, farthest off in the hour from"
        f" {instant(anomaly.peak_at)}. {rest}"
    )


def digits_of(amounts: Iterable[Decimal]) -> int:
    """The most digits behind the point that any of them needs, so that columns line up and add up by eye."""
    needed = 0
    for each in amounts:
        fraction = f"{each:f}".partition(".")[2].rstrip("0")
        needed = max(needed, len(fraction))
    return needed


def where_words(where: Mapping[str, str]) -> str:
    """``operation export, region eu``; a part without a name is everything."""
    named = ((name.removeprefix("label:"), value) for name, value in where.items())
    return (
        ", ".join(f"{name} {value}" if value else f"no {name}" for name, value in named) or "everything alike"
    )


def events_path(figure: str, where: Mapping[str, str], hours: str | None = None) -> str:
    """The address of a figure's events below the anomaly's; ``hours``: ``comparable``, or one hour's start."""
    path = f"/events/{figure}{f'/{hours}' if hours else ''}"
    return f"{path}?{urlencode(dict(where))}" if where else path


def reported_path(link: Link) -> str:
    """The address of what a link refers to, below the anomaly's."""
    return "/reported?" + urlencode({"source": link.reference.source, "id": link.reference.event_id})


def figure_words(query: FindOrigins) -> str:
    """Whose events a page lists."""
    if query.hour is not None:
        return f"The hour from {instant(query.hour)}"
    if query.figure is Figure.UNEXPLAINED:
        return "What no cause explains"
    return where_words(query.where) if query.where else "The whole anomaly"


def course(explanation: Explanation, marks: Sequence[Mark]) -> Markup:
    """The anomaly's hours with what lay around them, and what happened meanwhile."""
    anomaly, currency = explanation.anomaly, explanation.anomaly.series.currency
    hours = hours_of(explanation)
    peak = next((each for each in hours if each.at == anomaly.peak_at), None)
    said = (
        f"At its peak, {instant(anomaly.peak_at)}, the hour cost {rounded(peak.actual, currency)}"
        f" where {rounded(peak.expected, currency)} was expected."
        if peak is not None and peak.actual is not None and peak.expected is not None
        else "The table has every hour."
    )
    return course_chart(
        hours,
        title=f"{anomaly.series.subsystem.capitalize()} cost per hour in {anomaly.series.currency}",
        description=f"{said} The shaded hours are the anomaly.",
        span=(anomaly.started_at, explanation.end),
        marks=marks,
    )


def hours_of(explanation: Explanation) -> list[Hour]:
    """Consecutive hours; one without a sample is there, and empty."""
    known = {each.hour: each for each in explanation.timeline}
    if not known:
        return [Hour(explanation.anomaly.started_at, "", None, None)]
    first, last = min(known), max(known)
    found = []
    for number in range(int((last - first) / _HOUR) + 1):
        at = first + number * _HOUR
        point = known.get(at)
        found.append(Hour(at, _label(at), point.cost if point else None, point.expected if point else None))
    return found


def _label(at: datetime) -> str:
    return f"{short_day(at)}, {clock_time(at)}"

"""From anomalies to the figures of the loop. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median

from trust_portal.cost.anomalies.model import Verdict
from trust_portal.cost.kpis.model import WINDOW, CostKpis, Durations, Episode, Unexplained

_HOUR = timedelta(hours=1)


def kpis(episodes: Iterable[Episode], at: datetime) -> CostKpis:
    """The figures of the four weeks up to ``at``. An anomaly belongs to when it began.

    Detected: from its first hour's start to when it was opened here, so waiting for late usage and
    downtime count; what was found in history that was brought in later has no such time. Explained: from
    when it was opened to its first explanation, however often its figures changed since. Recovered:
    from its first hour's start to the hour from which on a playbook was verified to have brought cost
    down, or to the end of its last, once it is over, whichever came first. Of drops nothing is unexplained spend,
    and nothing recovers. What people called planned
    or false is explained by that. Causes that account for more than the excess of one anomaly explain
    nothing of another's.
    """
    everything = list(episodes)
    current = [each for each in everything if at - WINDOW <= each.started_at < at]
    before = [each for each in everything if at - 2 * WINDOW <= each.started_at < at - WINDOW]
    currencies = sorted({each.currency for each in (*current, *before)})
    judged = [each.verdict for each in current if each.verdict is not None]
    return CostKpis(
        at=at,
        anomalies=len(current),
        open=sum(each.is_open for each in current),
        unexplained={name: _unexplained(name, current, before) for name in currencies},
        to_detect=_durations([each.opened_at - each.started_at for each in current if each.is_live]),
        to_explain=_durations(
            [each.first_explained_at - each.opened_at for each in current if each.first_explained_at]
        ),
        to_recover=_durations(
            [
                end - each.started_at
                for each in current
                if not each.is_drop and (end := _recovered(each)) is not None
            ]
        ),
        judged=len(judged),
        false_positives=sum(verdict is Verdict.FALSE for verdict in judged),
    )


def _recovered(episode: Episode) -> datetime | None:
    ends = [] if episode.is_open else [episode.last_at + _HOUR]
    if episode.recovered_at is not None:
        ends.append(episode.recovered_at)
    return min(ends, default=None)


def _unexplained(currency: str, current: Sequence[Episode], before: Sequence[Episode]) -> Unexplained:
    now, then = (
        sum(
            (
                max(each.unexplained, Decimal(0))
                for each in episodes
                if each.currency == currency and not each.is_drop and each.verdict in {None, Verdict.REAL}
            ),
            Decimal(0),
        )
        for episodes in (current, before)
    )
    change = ((now - then) / then).quantize(Decimal("0.001")) if then else None
    return Unexplained(now, then, change)


def _durations(spans: Sequence[timedelta]) -> Durations:
    if not spans:
        return Durations(0, None, None)
    seconds = [span.total_seconds() for span in spans]
    return Durations(
        len(spans),
        timedelta(seconds=median(seconds)),
        timedelta(seconds=sum(seconds) / len(seconds)),
    )

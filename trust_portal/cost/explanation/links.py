"""How well a reported change, operation or adapter fits an episode of cost, and why.

A link is no proof: it says that something happened at the right time (*timing*), to the right ones
(*scope*), where the figures moved (*match*), and to a matching degree (*dose*): the questions that
Bradford Hill (1965) asks of an association. Without timing nothing counts, so it multiplies the sum
of the others. All four are in the reasons, in words, with their figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from trust_portal.cost.explanation.dose import adapter_dose, flag_dose, operation_dose
from trust_portal.cost.explanation.evidence import (
    AdapterBehaviour,
    Candidate,
    Deploy,
    Episode,
    FlagStep,
    FoundCause,
    HeavyOperation,
    Link,
    LinkKind,
    Strength,
)

#: Cost is counted by the hour: what happened within the first hour may have started it.
_HOUR = timedelta(hours=1)
#: Half as likely for every six hours between a change and the onset.
_HALF_LIFE = timedelta(hours=6)
#: What came after the onset cannot have caused it, but may have made it worse until the peak.
_MADE_WORSE = 0.35
_BASE, _MATCH, _SCOPE, _DOSE = 0.2, 0.35, 0.2, 0.25
_STRONG, _MODERATE, _WEAK = 0.6, 0.35, 0.15


@dataclass(frozen=True, slots=True)
class Aspect:
    """One question answered: 0 to 1, and the answer in words ("" where there is nothing to say)."""

    score: float
    words: str


def find_links(episode: Episode, causes: Sequence[FoundCause], candidates: Iterable[Candidate]) -> list[Link]:
    """The candidates that fit, the best first. Those that fit hardly at all are left out."""
    everything = list(candidates)
    steps = [each for each in everything if isinstance(each, FlagStep)]
    links = [link for each in everything if (link := _link(episode, causes, each, steps)) is not None]
    return sorted(links, key=lambda link: (-link.score, link.at, link.kind, link.key))


def _link(
    episode: Episode, causes: Sequence[FoundCause], candidate: Candidate, steps: Sequence[FlagStep]
) -> Link | None:
    match candidate:
        case Deploy():
            kind, key = LinkKind.DEPLOY, f"{candidate.service} {candidate.version}"
            timing = _since(candidate.at, episode)
            scope = _reach(candidate.tenants, episode)
            fits = _match(causes, {candidate.service, candidate.version, key})
            dose = Aspect(0.0, "")
        case FlagStep():
            kind, key = LinkKind.FLAG, candidate.flag
            timing = _since(candidate.at, episode)
            scope = _reach(candidate.tenants, episode)
            fits = _match(causes, {candidate.flag, f"{candidate.flag}={candidate.variant}"})
            dose = Aspect(*flag_dose(candidate, steps, episode))
        case HeavyOperation():
            if episode.falls:
                return None  # work that was done does not make less of it
            kind, key = LinkKind.OPERATION, f"{candidate.operation} on {candidate.resource}"
            timing = _during(candidate.at - candidate.duration, candidate.at, episode)
            same = candidate.subsystem == episode.subsystem
            scope = Aspect(
                1.0 if same else 0.0,
                f"it ran in {candidate.subsystem}"
                + ("" if same else f", the cost arose in {episode.subsystem}"),
            )
            fits = _match(causes, {candidate.operation, candidate.resource})
            dose = Aspect(*operation_dose(candidate))
        case AdapterBehaviour():
            kind, key = LinkKind.ADAPTER, candidate.adapter
            timing = Aspect(1.0, "observed during the episode")
            scope = Aspect(0.5, "")
            fits = _match(causes, {candidate.adapter})
            dose = Aspect(*adapter_dose(candidate, falls=episode.falls))
            if dose.score == 0.0:
                return None  # an adapter that behaved as always explains nothing
    if timing.score == 0.0 or (scope.score == 0.0 and kind in {LinkKind.DEPLOY, LinkKind.FLAG}):
        return None
    score = timing.score * (_BASE + _MATCH * fits.score + _SCOPE * scope.score + _DOSE * dose.score)
    strength = _strength(score)
    if strength is None:
        return None
    reasons = tuple(each.words for each in (timing, scope, fits, dose) if each.words)
    return Link(kind, key, candidate.at, strength, round(score, 2), reasons, candidate.reference)


def _strength(score: float) -> Strength | None:
    if score >= _STRONG:
        return Strength.STRONG
    if score >= _MODERATE:
        return Strength.MODERATE
    return Strength.WEAK if score >= _WEAK else None


def _since(at: datetime, episode: Episode) -> Aspect:
    """A change: before the onset, the nearer the better."""
    lag, way = episode.onset - at, "fall" if episode.falls else "rise"
    if lag > timedelta(0):
        late = max(lag - _HOUR, timedelta(0))
        return Aspect(0.5 ** (late / _HALF_LIFE), f"{_span(lag)} before cost began to {way}")
    if lag > -_HOUR:
        return Aspect(1.0, f"in the hour in which cost began to {way}")
    if at <= episode.peak:
        return Aspect(_MADE_WORSE, f"{_span(-lag)} after the {way} began, before its peak")
    return Aspect(0.0, "")


def _during(began: datetime, ended: datetime, episode: Episode) -> Aspect:
    """Work: at least partly while cost was high."""
    close = episode.end + _HOUR
    overlap = min(ended, close) - max(began, episode.onset)
    if overlap >= timedelta(0) and ended >= episode.onset and began <= close:
        return Aspect(1.0, f"ran for {_span(ended - began)}, while cost was high")
    return _since(ended, episode) if ended < episode.onset else Aspect(0.0, "")


def _reach(tenants: frozenset[str] | None, episode: Episode) -> Aspect:
    if tenants is None:
        return Aspect(0.5, "reached all tenants")
    if episode.tenant not in tenants:
        return Aspect(0.0, "")
    others = len(tenants) - 1
    return Aspect(1.0, "made for this tenant" + (f" and {others} more" if others else " alone"))


def _match(causes: Sequence[FoundCause], names: set[str]) -> Aspect:
    """The causes that bear one of the candidate's names, by their part of the delta."""
    wanted = {name.casefold() for name in names}
    named = [
        (column, value, cause.share)
        for cause in causes
        for column, value in cause.where.items()
        if value.casefold() in wanted
    ]
    if not named:
        return Aspect(0.0, "")
    column, value, share = max(named, key=lambda each: abs(each[2]))
    return Aspect(min(1.0, abs(share)), f"{abs(share):.0%} of the difference lies where {column} is {value}")


def _span(length: timedelta) -> str:
    minutes = round(length / timedelta(minutes=1))
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes / 60:.0f} h" if minutes < 72 * 60 else f"{minutes / 1440:.0f} days"

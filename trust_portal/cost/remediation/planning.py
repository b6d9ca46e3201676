"""Whether a playbook fits an anomaly, why, and what it would save. Pure; amounts exact, rounded down where they must be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Context, Decimal
from typing import Final

from trust_portal.cost.anomalies.model import CostAnomaly, Lane, Verdict
from trust_portal.cost.detection.model import Severity
from trust_portal.cost.remediation.model import Saving
from trust_portal.cost.remediation.playbooks import Playbook
from trust_portal.cost.remediation.targets import Known, Target, find_target

_HOUR: Final = timedelta(hours=1)
_SEVERITIES: Final = tuple(Severity)
_MILLIONTH: Final = Decimal("0.000001")
#: Wide enough for any amount the product takes; the default of 28 digits is not.
_EXACT: Final = Context(prec=80)


@dataclass(frozen=True, slots=True)
class Fit:
    """A playbook that fits: its target, what speaks for it in words, and what it would save."""

    playbook_id: str
    playbook: Playbook
    target: Target
    reasons: tuple[str, ...]
    saving: Saving


@dataclass(frozen=True, slots=True)
class Misfit:
    """A playbook that does not, and why not, in words."""

    playbook_id: str
    playbook: Playbook
    reason: str


def fit(
    playbook_id: str, playbook: Playbook, anomaly: CostAnomaly, known: Known, *, by_hand: bool
) -> Fit | Misfit:
    """Whether ``playbook`` can be planned for ``anomaly``. By hand its trigger need not be met, its target must."""

    def misfit(reason: str) -> Misfit:
        return Misfit(playbook_id, playbook, reason)

    if (reason := hindrance(playbook, anomaly, by_hand=by_hand)) is not None:
        return misfit(reason)
    target = find_target(playbook, known)
    if target is None:
        return misfit("the explanation names nothing that it could act upon")
    share = target.part.contribution / anomaly.figures.excess
    if not by_hand and share < playbook.trigger.share:
        return misfit(
            f"what it could act upon is {share:.0%} of the excess, under {playbook.trigger.share:.0%}"
        )
    return Fit(
        playbook_id,
        playbook,
        target,
        _reasons(playbook, anomaly, target, share),
        _saving(playbook, anomaly, target),
    )


def hindrance(playbook: Playbook, anomaly: CostAnomaly, *, by_hand: bool) -> str | None:
    """Why it cannot be planned whatever the explanation says; ``None`` if that alone decides."""
    reason = _unfit(playbook, anomaly)
    return reason if reason is not None or by_hand else _untriggered(playbook, anomaly)


def standing(anomaly: CostAnomaly, planned_at: datetime) -> str:
    """Whether acting upon it is still wanted: ``stands``, or what people or the portal made of it since.

    ``over``: it was closed after it was planned for. Who plans for one that is closed knows that.
    """
    if "merged_into" in anomaly.evidence:
        return "merged"
    if anomaly.suppression_id is not None:
        return "suppressed"
    if anomaly.verdict in {Verdict.PLANNED, Verdict.FALSE}:
        return anomaly.verdict.value
    if anomaly.closed_at is not None and anomaly.closed_at > planned_at:
        return "over"
    return "stands"


def hours_of(anomaly: CostAnomaly) -> int:
    """From its first hour to its last so far."""
    return int((anomaly.last_at - anomaly.started_at) / _HOUR) + 1


def _unfit(playbook: Playbook, anomaly: CostAnomaly) -> str | None:
    """What no hand can lift."""
    if anomaly.lane is not Lane.LIVE:
        return "a detector on trial found it"
    if "merged_into" in anomaly.evidence:
        return "it is part of another anomaly"
    if anomaly.suppression_id is not None:
        return "the anomaly is suppressed"
    if anomaly.verdict in {Verdict.PLANNED, Verdict.FALSE}:
        return f"people called it {anomaly.verdict.value}"
    if anomaly.is_drop:
        return "it is a drop: less was spent than expected"
    if anomaly.figures.excess <= 0:
        return "it cost no more than expected"
    if playbook.match.subsystems and anomaly.series.subsystem not in playbook.match.subsystems:
        return f"it is for {' and '.join(playbook.match.subsystems)}"
    return None


def _untriggered(playbook: Playbook, anomaly: CostAnomaly) -> str | None:
    trigger, figures = playbook.trigger, anomaly.figures
    if playbook.by_hand:
        return "it is planned by hand only"
    if not anomaly.is_open:
        return "the anomaly is over"
    if anomaly.kind not in trigger.kinds:
        return f"it is not for anomalies of the kind {anomaly.kind.value}"
    if _SEVERITIES.index(anomaly.severity) < _SEVERITIES.index(trigger.severity):
        return f"it is for severity {trigger.severity.value} or worse"
    if figures.excess < trigger.excess:
        return f"it is for an excess of {trigger.excess:f} {anomaly.series.currency} or more"
    if figures.actual < trigger.burn_rate * figures.expected:
        return f"it is for {trigger.burn_rate:f} times what was expected or more"
    return None


def _reasons(playbook: Playbook, anomaly: CostAnomaly, target: Target, share: Decimal) -> tuple[str, ...]:
    figures, where = anomaly.figures, target.part.where
    named = ", ".join(f"{name.removeprefix('label:')} {value or 'none'}" for name, value in where.items())
    reasons = [f"{share:.0%} of the excess lies in {named}"]
    if figures.expected > 0:
        reasons.append(
            f"{anomaly.series.subsystem} burns {figures.actual / figures.expected:.1f} times what was expected"
        )
    if target.link is not None:
        link = target.link
        reasons.append(
            f"{link.kind.value} {link.key} is a {link.strength.value} link: {'; '.join(link.reasons)}"
        )
    if playbook.saves < 1:
        reasons.append(f"{playbook.saves:.0%} of that part is expected to go")
    return tuple(reasons)


def _saving(playbook: Playbook, anomaly: CostAnomaly, target: Target) -> Saving:
    whole = _EXACT.multiply(target.part.contribution, playbook.saves)
    hours = hours_of(anomaly)

    def over(ahead: int) -> Decimal:
        exact = _EXACT.divide(_EXACT.multiply(whole, Decimal(ahead)), Decimal(hours))
        return exact.quantize(_MILLIONTH, ROUND_DOWN, _EXACT)

    return Saving(per_hour=over(1), hours=playbook.horizon_hours, total=over(playbook.horizon_hours))

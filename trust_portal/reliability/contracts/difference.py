"""What one version of a contract says otherwise than another: term by term, defaults spelled out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from trust_portal.reliability.contracts.model import Contract, Sla, decimal_text, percent_text

_NONE: Final = "none"


@dataclass(frozen=True, slots=True)
class Change:
    """``where`` is an objective, or empty for the contract as a whole. ``None``: the side does not have it."""

    where: str
    term: str
    before: str | None
    after: str | None


def difference(before: Contract, after: Contract) -> tuple[Change, ...]:
    """Every term that differs: of the whole first, then by objective in the order of ``after``."""
    old, new = terms(before), terms(after)
    return tuple(
        Change(where, term, old.get((where, term)), new.get((where, term)))
        for where, term in [*new, *(key for key in old if key not in new)]
        if old.get((where, term)) != new.get((where, term))
    )


def terms(contract: Contract) -> Mapping[tuple[str, str], str]:
    """Every term in words, by (objective, term)."""
    policy = contract.credit_policy
    whole = {
        "in force from": str(contract.effective_from or "its recording"),
        "in force until": str(contract.effective_to or "further notice"),
        "fee": str(contract.fee),
        "several promises missed": contract.combine.value,
        "notice of maintenance": f"{decimal_text(contract.exclusions.notice_hours)} hours",
        "most that is excluded": _hours(contract),
        "cross-check": contract.cross_check.value,
        "credits are proposed": "by themselves" if policy.auto_propose else "by a person",
        "who approves credits": ", ".join(policy.approvers) or "as the house's rule says",
        "most that credits come to": _cap(contract),
        "a restated report that comes to less": policy.lower_restatement.value,
    }
    found = {("", term): value for term, value in whole.items()}
    for sla in contract.slas:
        found |= {(sla.objective, term): value for term, value in _of_sla(sla).items()}
    return found


def _of_sla(sla: Sla) -> dict[str, str]:
    return {
        "target": f"{percent_text(sla.target)} %",
        "period": f"{sla.period.value}, {sla.time_zone}",
        "what is measured": _measure(sla),
        "percentage of": sla.denominator.value,
        "down is": f"a slice of {sla.slice_minutes} min with {sla.slice_rule}, {sla.min_run} in a row",
        "adds up by": sla.aggregate.value,
        "no traffic": sla.zero_traffic.value,
        "fewest events of a slice": str(sla.min_events_per_slice),
        "missing data": sla.missing_data.value,
        "rounding": _NONE
        if sla.rounding is None
        else f"{sla.rounding.mode.value}, {sla.rounding.digits} digits",
        "credit": _credit(sla),
        "smallest credit": str(sla.minimum_credit or _NONE),
        "largest credit": _NONE if sla.cap is None else f"{percent_text(sla.cap)} %",
        "claimed within": _NONE if sla.claim_window_days is None else f"{sla.claim_window_days} days",
    }


def _measure(sla: Sla) -> str:
    if sla.weights:
        return "; ".join(f"within {each.le} s counts {percent_text(each.weight)} %" for each in sla.weights)
    return "good requests" if sla.latency_threshold is None else f"answered within {sla.latency_threshold} s"


def _credit(sla: Sla) -> str:
    if sla.formula is not None:
        return str(sla.formula)
    return "; ".join(f"{each}: {percent_text(each.credit)} %" for each in sla.tiers) or _NONE


def _hours(contract: Contract) -> str:
    cap = contract.exclusions.cap_hours
    return "without limit" if cap is None else f"{decimal_text(cap)} hours a period"


def _cap(contract: Contract) -> str:
    policy = contract.credit_policy
    parts = [
        *([] if policy.cap is None else [f"{percent_text(policy.cap)} %"]),
        *([] if policy.cap_amount is None else [str(policy.cap_amount)]),
    ]
    return " and ".join(parts) or "the whole fee"

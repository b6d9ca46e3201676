"""What approvers of looser thresholds are shown: what holds, what would, and what that would have found. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from trust_portal.access.approvals.model import ApprovalKind, Evidence, Intent, IntentLine
from trust_portal.access.tenants.model import Tenant
from trust_portal.cost.anomalies.thresholds_shift import Shift
from trust_portal.kernel.canonical import Json, digest

_NAMES: Final = {
    "min_impact": "least impact",
    "min_day_share": "least share of a day",
    "sensitivity": "sensitivity",
    "burn_rate": "burn rate",
    "drop_impact": "impact of a drop",
}
_BACK: Final = "back to what lies above"


def threshold_intent(
    tenant: Tenant,
    subsystem: str | None,
    figures: Mapping[str, float],
    revision: int,
    shifted: Sequence[Shift],
    trial: Mapping[str, Json] | None,
) -> Intent:
    """``revision`` is the one it becomes; ``trial``: the back-test as it is kept with the request; ``None`` where none
    was made: for every customer at once, or on the way back to what lies above.
    """
    scope = subsystem or "every subsystem"
    where = "every customer" if tenant.is_vendor else tenant.name
    lines = [
        IntentLine("Scope", f"{where}, {scope}, revision {revision}"),
        IntentLine("To be set", ", ".join(_figure(*each) for each in sorted(figures.items())) or _BACK),
        *(
            IntentLine(
                f"{each.subsystem.capitalize()}, {_NAMES[each.figure]}",
                f"{each.after:g} instead of {each.before:g}{', finds less' if each.looser else ''}",
            )
            for each in shifted
        ),
    ]
    evidence: tuple[Evidence, ...] = ()
    if trial is None:
        effect = f"Holds from the next close on, for {where}. No back-test was made"
    else:
        now, tried = _count(trial["now"]), _count(trial["tried"])
        lines.append(
            IntentLine(
                "Back-test", f"{trial['hours']} hours from {trial['start']} to {trial['end']}: "
                f"{tried} anomalies found with this, {now} with what holds now"
            )
        )  # fmt: skip
        effect = f"Of {now} anomalies in the back-test {max(now - tried, 0)} fewer would have been raised"
        query = {"try": "1", "subsystem": subsystem or ""} | {n: f"{v:g}" for n, v in sorted(figures.items())}
        path = f"/t/{tenant.key}/cost/thresholds?{urlencode(query)}"
        evidence = (Evidence("Back-test, made again on the page", path, digest(dict(trial))),)
    return Intent(
        kind=ApprovalKind.THRESHOLD_CHANGE,
        tenant_key=tenant.key,
        tenant_name=tenant.name,
        title=f"Looser thresholds for {where}, {scope}"[:200].strip(),
        act=tuple(lines),
        effect=effect,
        risk="What costs too much and stays below these is raised to nobody, and nothing is done about it",
        evidence=evidence,
    )


def threshold_words(thresholds: Mapping[str, str]) -> str:
    """``least impact 10, sensitivity 1``; empty for none."""
    return ", ".join(f"{_NAMES.get(name, name)} {value}" for name, value in thresholds.items())


def _figure(name: str, value: float) -> str:
    return f"{_NAMES[name]} {value:g}"


def _count(found: Json) -> int:
    return len(found) if isinstance(found, list) else 0

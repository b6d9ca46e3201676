"""The simulated vendor: what its world reported, and how it obeys control calls, as the demo's product does.

A throttle caps all that its target covers, the usual and the runaway alike, in proportion. A paused ramp
ends what the ramp added, not the pilot before it. A cache keeps four of five calls from the adapter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulator.closing import Tenant
from benchmarks.simulator.explaining import HOUR, PRICE, Usages, part
from benchmarks.simulator.model import Event, Kind, World
from benchmarks.simulator.usage import Usage
from benchmarks.simulator.world import START
from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.explanation.evidence import (
    AdapterBehaviour,
    Candidate,
    Deploy,
    EventReference,
    FlagStep,
)
from trust_portal.cost.metering.model import Part, Series
from trust_portal.cost.remediation.playbooks import ControlAction
from trust_portal.cost.remediation.targets import reaches

_DAYS = 7
#: Of an adapter's calls so many are retries when all is well, and of those that a storm adds.
_RETRIES, _RETRIES_IN_A_STORM = 0.01, 0.9
_CACHED = Decimal("0.8")


@dataclass(slots=True)
class Setting:
    """One control call that was applied: it holds in the hours ``start`` ≤ hour < ``end``."""

    action: ControlAction
    target: Mapping[str, str]
    parameters: Mapping[str, str]
    start: int
    end: int | None = None

    def holds(self, hour: int) -> bool:
        return self.start <= hour and (self.end is None or hour < self.end)


def obey(
    tenant: Tenant, usages: Usages, hour: int, settings: Iterable[Setting]
) -> Mapping[ControlAction, int]:
    """Change what the tenant uses in an hour that has not been told yet.

    Answers what of its usual usage went by each action, in millionths: work held back, or calls spared.
    """
    gone: dict[ControlAction, int] = {}
    for setting in settings:
        before = usual_of(tenant, usages, hour)
        covered = [
            (used, np.array([_is_reached(setting, series, used, leaf) for leaf in range(len(used.leaves))]))
            for series in tenant.columns
            for used in (usages.of(tenant, series),)
        ]
        match setting.action:
            case ControlAction.THROTTLE_EXPORTS:
                limit = float(Decimal(setting.parameters["limit_per_hour"]) * PRICE)
                spent = sum(float(used.spent(hour, hour + 1)[0, inside].sum()) for used, inside in covered)
                for used, inside in covered:
                    _scale(used, hour, inside, min(1.0, limit / spent) if spent else 1.0)
            case ControlAction.PAUSE_RAMP:
                for used, inside in covered:
                    _scale(used, hour, inside, 0.0, usual=False)
            case ControlAction.ENABLE_CACHE:
                for used, inside in covered:
                    _scale(used, hour, inside, float(1 - _CACHED))
            case _:
                raise AssertionError(f"nobody asked for {setting.action} in this simulation")
        gone[setting.action] = gone.get(setting.action, 0) + before - usual_of(tenant, usages, hour)
    return gone


def usual_of(tenant: Tenant, usages: Usages, hour: int) -> int:
    """What a tenant uses in an hour besides what happens, in millionths."""
    return sum(int(usages.of(tenant, series).usual[hour].sum()) for series in tenant.columns)


def _is_reached(setting: Setting, series: Series, used: Usage, leaf: int) -> bool:
    return reaches(setting.target, part(series, START, used.leaves[leaf], 1))


def _scale(used: Usage, hour: int, inside: NDArray[np.bool_], factor: float, *, usual: bool = True) -> None:
    rows = [used.usual[hour]] if usual else []
    rows += [
        extra[hour - event.start]
        for number, extra in used.extra.items()
        for event in (used.events[number],)
        if event.start <= hour < event.end
    ]
    for row in rows:
        row[inside] = np.floor(row[inside] * factor).astype(np.int64)


def changes(world: World) -> Mapping[str, tuple[Candidate, ...]]:
    """By tenant: the flags and deploys behind what happened, and as many again that did nothing."""
    random = np.random.default_rng([world.seed, 4])
    hours = world.actual.shape[0]
    found: dict[str, list[Candidate]] = {tenant: [] for tenant, _ in world.names}
    for number, event in enumerate(world.events):
        tenant = world.names[event.series][0]
        if (candidate := _change(event, tenant, f"{number}", random.uniform(0, 60))) is not None:
            found[tenant].append(candidate)
    for tenant, candidates in found.items():
        for number in range(hours // (24 * _DAYS)):
            at = START + HOUR * float(random.uniform(0, hours))
            reference = EventReference("changes", f"{tenant}/{number}")
            if number % 2:
                candidates.append(Deploy("billing", f"1.{number}", None, at, None, reference))
            else:
                candidates.append(
                    FlagStep(f"layout-{number}", "on", 100.0, 0.0, at, frozenset({tenant}), reference)
                )
    return {tenant: tuple(each) for tenant, each in found.items()}


def _change(event: Event, tenant: str, id_: str, minutes: float) -> Candidate | None:
    at = START + HOUR * event.start - timedelta(minutes=minutes)
    reference = EventReference("changes", id_)
    if "flag" in event.cause:
        return FlagStep(event.cause["flag"], "on", 100.0, 0.0, at, frozenset({tenant}), reference)
    if event.kind is Kind.STEP:
        return Deploy("api", event.cause["version"], None, at, frozenset({tenant}), reference)
    return None


def adapters(
    used: Usage, anomaly: CostAnomaly, window: Iterable[Part], before: Iterable[Part], spans: int
) -> list[AdapterBehaviour]:
    """What was observed of the series' adapters in the anomaly's hours, and on average before."""
    first = int((anomaly.started_at - START) / HOUR)
    last = int((anomaly.last_at - START) / HOUR) + 1
    storms: dict[str, int] = {}
    for number, event in enumerate(used.events):
        low, high = max(first, event.start), min(last, event.end)
        if event.kind is Kind.RETRY_STORM and low < high:
            added = int(used.extra[number][low - event.start : high - event.start].sum())
            storms[event.cause["adapter"]] = storms.get(event.cause["adapter"], 0) + added // PRICE
    now, then = _calls(window), _calls(before)
    found = []
    for adapter, calls in sorted(now.items()):
        storm = min(storms.get(adapter, 0), calls)
        retries = round((calls - storm) * _RETRIES + storm * _RETRIES_IN_A_STORM)
        usual = then.get(adapter, 0) // max(spans, 1)
        found.append(
            AdapterBehaviour(
                adapter, anomaly.started_at,
                calls=calls, errors=retries, retries=retries, volume=calls * 2048,
                calls_before=usual, errors_before=round(usual * _RETRIES),
                retries_before=round(usual * _RETRIES), volume_before=usual * 2048,
                reference=EventReference("adapters", f"{adapter}/{first}"),
            )
        )  # fmt: skip
    return found


def _calls(usage: Iterable[Part]) -> dict[str, int]:
    """A call is a unit."""
    sums: dict[str, Decimal] = {}
    for each in usage:
        if each.adapter:
            sums[each.adapter] = sums.get(each.adapter, Decimal(0)) + each.quantity
    return {adapter: int(quantity) for adapter, quantity in sums.items()}

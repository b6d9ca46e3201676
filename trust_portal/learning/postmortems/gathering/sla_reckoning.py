"""The figures of one promise in one period: minutes down, and of the period's budget. Pure.

The minutes are those the contract counts (its slices, its rule), over the whole period so far, clipped to
the incident. The budget is what the target leaves of the period's minutes, rounded down.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor
from typing import Any, Final

import numpy as np

from trust_portal.access.tenants.model import Tenant
from trust_portal.kernel.canonical import digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.period import Period
from trust_portal.learning.postmortems.gathering.model import (
    Customer,
    Fact,
    FactKind,
    IncidentBrief,
    Missing,
)
from trust_portal.reliability.attainment.calculation import attain
from trust_portal.reliability.attainment.model import Attainment, DownRun, Exclusion, Samples
from trust_portal.reliability.contracts.model import Boundary, Contract, Sla, percent_text
from trust_portal.reliability.findings import Severity

SLA_SOURCE: Final = "SLA attainment"
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """One promise in one period that the incident touched, measured up to ``until``."""

    customer: Customer
    tenant: Tenant
    contract: Contract
    sla: Sla
    period: Period
    until: datetime


@dataclass(frozen=True, slots=True)
class Promise:
    """What was measured of it, and what was agreed not to count."""

    asked: Asked
    samples: Samples
    windows: tuple[Exclusion, ...]


def reckon(promise: Promise, incident: IncidentBrief, now: datetime) -> Fact | Missing:
    """A fact, or why there is no figure."""
    sla, period = promise.asked.sla, promise.asked.period
    attained = attain(
        sla,
        promise.samples,
        promise.windows,
        period,
        terms=promise.asked.contract.exclusions,
        subscribed_from=promise.asked.contract.effective_from,
        subscribed_to=_served_until(promise),
    )
    if attained.adjusted is None:
        return Missing(f"{SLA_SOURCE}, {sla.objective}", _why(attained), promise.asked.customer.key)
    start, end = incident.began_at, incident.over_at(now)
    down = sum(_within(run, start, end) for run in attained.runs)
    budget = floor((1 - sla.target) * period.minutes)
    fields: dict[str, Any] = {
        "objective": sla.objective,
        "period": period.label,
        "time_zone": period.time_zone,
        "target": percent_text(sla.target),
        "down_minutes": str(down),
        "period_down_minutes": str(attained.adjusted.down_minutes),
        "excluded_minutes": str(attained.excluded_minutes),
        "budget_minutes": str(budget),
        "until": rfc3339(promise.asked.until),
        "contract": promise.asked.contract.version,
    }
    name = f"{promise.asked.customer.key}/{sla.objective}/{period.label}"
    return Fact(
        name,
        FactKind.SLA,
        SLA_SOURCE,
        promise.asked.until,
        _digest(promise),
        fields,
        promise.asked.customer.key,
    )


def _digest(promise: Promise) -> str:
    """Of what the figures follow from: the contract's file, every measurement of the period, what was agreed not to count.

    As ``docs/postmortems.md`` says; who has these can derive the figures, and this.
    """
    return digest(
        {
            "contract": promise.asked.contract.digest,
            "objective": promise.asked.sla.objective,
            "from": rfc3339(promise.asked.period.start),
            "until": rfc3339(promise.asked.until),
            "measurements": _measured(promise.samples),
            "windows": [
                {"window": each.window, "start": rfc3339(each.start), "end": rfc3339(each.end)}
                for each in sorted(promise.windows, key=lambda each: (each.start, each.end, each.window))
            ],
        }
    )


def _measured(samples: Samples) -> str:
    """Hex SHA-256 of the columns one after another, in the order of their rows: 64-bit integers, little-endian."""
    bounds = sorted(samples.buckets)
    columns = [samples.minutes, samples.total, samples.good, *(samples.buckets[each] for each in bounds)]
    columns = [np.asarray(each, dtype="<i8") for each in columns]
    rows = np.lexsort(columns[::-1])
    found = hashlib.sha256(",".join(bounds).encode())
    for column in columns:
        found.update(np.ascontiguousarray(column[rows]).tobytes())
    return found.hexdigest()


def _served_until(promise: Promise) -> Boundary | None:
    """The contract's end, or the last minute that could be measured yet, whichever is first."""
    ends = promise.asked.contract.effective_to
    if promise.asked.until == promise.asked.period.end:
        return ends
    if ends is not None and ends.instant(promise.asked.sla.time_zone) < promise.asked.until:
        return ends
    return Boundary(promise.asked.until)


def _within(run: DownRun, start: datetime, end: datetime) -> int:
    """Whole minutes of a run that lie in the incident; a minute that it touches counts."""
    first = max(run.start, start.replace(second=0, microsecond=0))
    last = min(run.end, -(-(end - run.start) // _MINUTE) * _MINUTE + run.start)
    return max(0, (last - first) // _MINUTE)


def _why(attained: Attainment) -> str:
    found = [each.message for each in attained.findings if each.severity is not Severity.NOTE]
    return "; ".join(found) or "there is no figure for it"

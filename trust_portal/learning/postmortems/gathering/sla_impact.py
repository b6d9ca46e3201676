"""What the incident cost each customer of what it was promised: minutes down, and of the period's budget.

The minutes are those the contract counts (its slices, its rule), over the whole period so far, clipped to
the incident. The budget is what the target leaves of the period's minutes, rounded down.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor
from typing import Any, Final

import numpy as np

from trust_portal.access.tenants.repository import find_tenant
from trust_portal.kernel.canonical import digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.period import Period, month_label, parse_period, quarter_label, zone
from trust_portal.learning.postmortems.gathering.model import (
    Customer,
    Fact,
    FactKind,
    IncidentBrief,
    Missing,
)
from trust_portal.reliability.attainment.calculation import attain
from trust_portal.reliability.attainment.model import Attainment, DownRun, Exclusion, Samples
from trust_portal.reliability.contracts.in_force import in_force
from trust_portal.reliability.contracts.model import Boundary, Contract, PeriodLength, Sla, percent_text
from trust_portal.reliability.contracts.repository import contract_versions
from trust_portal.reliability.findings import Severity
from trust_portal.reliability.measured import read_samples
from trust_portal.reliability.reports.inputs import read_windows
from trust_portal.storage.unit_of_work import ReadSession

SOURCE: Final = "SLA attainment"
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Promise:
    """One promise in one period that the incident touched, and what was measured of it up to ``until``."""

    customer: Customer
    contract: Contract
    sla: Sla
    period: Period
    until: datetime
    samples: Samples
    windows: tuple[Exclusion, ...]


async def gather_sla_impact(
    session: ReadSession, incident: IncidentBrief, now: datetime
) -> tuple[tuple[Fact, ...], tuple[Missing, ...]]:
    """A fact for each promise and period; a missing source where a customer has no figure. In the staff scope."""
    promises: list[_Promise] = []
    missing: list[Missing] = []
    for customer in incident.customers:
        versions = [each.contract for each in await contract_versions(session, customer.id)]
        if not versions:
            missing.append(Missing(SOURCE, "no contract is on record", customer.key))
            continue
        found = [each async for each in _promises(session, customer, versions, incident, now)]
        if not found:
            missing.append(
                Missing(SOURCE, "the contract promises nothing of what was affected", customer.key)
            )
        promises += found
    facts: list[Fact] = []
    for fact in await asyncio.to_thread(lambda: [_fact(each, incident, now) for each in promises]):
        (facts if isinstance(fact, Fact) else missing).append(fact)  # type: ignore[arg-type]
    return tuple(facts), tuple(missing)


async def _promises(
    session: ReadSession,
    customer: Customer,
    versions: Sequence[Contract],
    incident: IncidentBrief,
    now: datetime,
) -> AsyncIterator[_Promise]:
    until = now.replace(second=0, microsecond=0)
    tenant = await find_tenant(session, customer.id)
    for length in PeriodLength:
        zones = sorted({sla.time_zone for each in versions for sla in each.slas if sla.period is length})
        for label in sorted({each for name in zones for each in _labels(length, name, incident, now)}):
            contract = in_force(versions, label)
            if contract is None or tenant is None:
                continue
            for sla in contract.slas:
                if sla.period is not length or not _affected(sla, incident):
                    continue
                period = parse_period(label, sla.time_zone)
                end = min(period.end, until)
                if end <= max(period.start, incident.began_at):
                    continue
                samples = await read_samples(session, customer.id, sla, period.start, end)
                windows = await read_windows(session, tenant, label, period.start, end, {sla.objective})
                yield _Promise(
                    customer,
                    contract,
                    sla,
                    period,
                    end,
                    samples,
                    tuple(each.exclusion for each in windows),
                )


def _affected(sla: Sla, incident: IncidentBrief) -> bool:
    return incident.objectives is None or sla.objective in incident.objectives


def _labels(length: PeriodLength, time_zone: str, incident: IncidentBrief, now: datetime) -> Iterator[str]:
    """The periods that the incident was under way in."""
    local = zone(time_zone)
    at, end = incident.began_at.astimezone(local), incident.over_at(now).astimezone(local)
    while (at.year, at.month) <= (end.year, end.month):
        yield month_label(at) if length is PeriodLength.MONTH else quarter_label(at)
        at = (at.replace(day=1, hour=12) + timedelta(days=32)).replace(day=1)


def _fact(promise: _Promise, incident: IncidentBrief, now: datetime) -> Fact | Missing:
    sla, period = promise.sla, promise.period
    attained = attain(
        sla,
        promise.samples,
        promise.windows,
        period,
        terms=promise.contract.exclusions,
        subscribed_from=promise.contract.effective_from,
        subscribed_to=_served_until(promise),
    )
    if attained.adjusted is None:
        return Missing(f"{SOURCE}, {sla.objective}", _why(attained), promise.customer.key)
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
        "until": rfc3339(promise.until),
        "contract": promise.contract.version,
    }
    name = f"{promise.customer.key}/{sla.objective}/{period.label}"
    return Fact(name, FactKind.SLA, SOURCE, promise.until, _digest(promise), fields, promise.customer.key)


def _digest(promise: _Promise) -> str:
    """Of what the figures follow from: the contract's file, every measurement of the period, what was agreed not to count.

    As ``docs/postmortems.md`` says; who has these can derive the figures, and this.
    """
    return digest(
        {
            "contract": promise.contract.digest,
            "objective": promise.sla.objective,
            "from": rfc3339(promise.period.start),
            "until": rfc3339(promise.until),
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


def _served_until(promise: _Promise) -> Boundary | None:
    """The contract's end, or the last minute that could be measured yet, whichever is first."""
    ends = promise.contract.effective_to
    if promise.until == promise.period.end:
        return ends
    if ends is not None and ends.instant(promise.sla.time_zone) < promise.until:
        return ends
    return Boundary(promise.until)


def _within(run: DownRun, start: datetime, end: datetime) -> int:
    """Whole minutes of a run that lie in the incident; a minute that it touches counts."""
    first = max(run.start, start.replace(second=0, microsecond=0))
    last = min(run.end, -(-(end - run.start) // _MINUTE) * _MINUTE + run.start)
    return max(0, (last - first) // _MINUTE)


def _why(attained: Attainment) -> str:
    found = [each.message for each in attained.findings if each.severity is not Severity.NOTE]
    return "; ".join(found) or "there is no figure for it"

"""A runaway export among steady reads: usage with one known cause, and what was reported around it."""

from __future__ import annotations

from datetime import datetime, timedelta

from support.portal_world import deliver

from trust_portal.cost.anomalies.model import AnomalyFilter, CostAnomaly
from trust_portal.house import House
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.page import PageRequest

HOUR = timedelta(hours=1)
#: Hours of history, and which of them the export runs away in.
HOURS, SPIKE = 260, range(240, 246)


def runaway(key: str, start: datetime) -> list[dict[str, object]]:
    """Everything that ``key`` used in ``HOURS`` hours from ``start``, and the flag and export behind its spike."""
    onset = start + SPIKE.start * HOUR
    events = [event for n in range(HOURS) for event in _hour(key, n, start + n * HOUR)]
    return [
        *events,
        _event("change.flag", f"{key}-flag", onset + timedelta(minutes=2),
               {"flag": "bulk-export", "variant": "on", "percentage": 100, "tenants": [key], "by": "j.doe"}),
        _event("change.deployed", f"{key}-deploy", onset - HOUR,
               {"service": "web", "version": "7.1", "environment": "production", "by": "ci"}),
        _event("operation.completed", f"{key}-op", onset + 5 * HOUR,
               {"tenant": key, "operation": "export", "resource": "vm-1", "subsystem": "compute", "quantity": 900,
                "unit": "GB", "duration_s": 18000, "initiated_by": "u-7", "receipt": "r-9"}),
    ]  # fmt: skip


async def spike(house: House, key: str, now: datetime) -> CostAnomaly:
    """Bring it about as of ``now`` and close its hours: the anomaly, not yet explained on record."""
    return await _closed(house, key, runaway(key, now - HOURS * HOUR))


async def calm(house: House, key: str, since: datetime) -> None:
    """Thirty hours from ``since`` in which all is as usual, after ``spike``; they are closed, which ends it."""
    start = since - HOURS * HOUR
    await deliver(
        house, [event for n in range(HOURS, HOURS + 30) for event in _hour(key, n, start + n * HOUR)]
    )
    await house.metering.follow()
    await house.closing.close_due()


async def drop(house: House, key: str, now: datetime) -> CostAnomaly:
    """A customer whose reads stay away for a day, after twenty days of them."""
    start, usual = now - 500 * HOUR, "9.00"
    return await _closed(
        house,
        key,
        [
            _usage(key, f"reads-{n}", start + n * HOUR, "0.50" if 470 <= n < 494 else usual, operation="read")
            for n in range(500)
        ],
    )


async def _closed(house: House, key: str, events: list[dict[str, object]]) -> CostAnomaly:
    await deliver(house, events)
    await house.metering.follow()
    await house.closing.close_due()
    tenant_id = (await house.tenants.by_key(SYSTEM, key)).id
    (found,) = (await house.anomalies.page(SYSTEM, AnomalyFilter(tenant_id), PageRequest(10))).items
    return found


def _hour(key: str, n: int, at: datetime) -> list[dict[str, object]]:
    runs_away = n in SPIKE
    return [
        _usage(key, f"{n}-eu", at, f"{5 + (n % 3) / 10:.2f}", operation="read"),
        _usage(key, f"{n}-us", at, f"{4 + (n % 2) / 10:.2f}", operation="read", region="us-east"),
        _usage(key, f"{n}-export", at, "90.00" if runs_away else "1.00", operation="export",
               **({"labels": {"flag": "bulk-export"}} if runs_away else {})),
    ]  # fmt: skip


def _usage(key: str, id: str, at: datetime, cost: str, **fields: object) -> dict[str, object]:
    data = {"tenant": key, "subsystem": "compute", "resource": "vm-1", "region": "eu-west", "quantity": 1,
            "unit": "hour", "cost": cost, "currency": "EUR", **fields}  # fmt: skip
    return _event("usage.recorded", f"{key}-{id}", at, data)


def _event(kind: str, id: str, at: datetime, data: dict[str, object]) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "type": f"trustportal.{kind}.v1",
        "source": "//test",
        "id": id,
        "time": rfc3339(at),
        "data": data,
    }

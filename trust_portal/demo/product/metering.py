"""What customers use and what it costs, by the hour; the adapters' calls; the nightly exports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from trust_portal.demo.product import episodes, exports
from trust_portal.demo.product.controls import Controls, Knob
from trust_portal.demo.product.events import Line, line, rfc3339
from trust_portal.demo.product.tariff import Use, charged
from trust_portal.demo.product.workload import noise, requests
from trust_portal.demo.scene import AVAILABILITY, Customer
from trust_portal.demo.script import Script

ADAPTER: Final = "erp-sync"

#: subsystem, resource, operation, thousandths of a unit per request
_USES: Final = (
    ("compute", "worker-pool", "run", 680),
    ("compute", "search-pool", "query", 140),
    ("storage", "object-store", "keep", 40),
    ("egress", "edge", "send", 4),
)
_CALLS: Final = 120
#: What a tier costs of the usual price, and what a cache keeps away from an adapter, in percent.
_TIERS: Final = {None: 100, "hot": 100, "cold": 60, "archive": 25}
_CACHED: Final = 80
_HOUR: Final = timedelta(hours=1)
_LAST_MINUTE: Final = timedelta(minutes=59)


def metered(
    customer: Customer, start: datetime, end: datetime, script: Script, controls: Controls
) -> Iterator[Line]:
    """Usage of every hour whose last minute begins in ``start`` .. ``end``, and what ran in it."""
    hour = start.replace(minute=0, second=0, microsecond=0)
    while hour + _LAST_MINUTE < end:
        if hour + _LAST_MINUTE >= start and hour >= script.usage_since:
            demand = 60 * requests(customer, AVAILABILITY, hour)
            demand = demand * episodes.demand_percent(customer, hour, script) // 100
            for use in _uses(customer, hour, demand, script, controls):
                yield charged(customer, use, hour)
            yield _observed(customer, hour, script)
            if hour.hour == 1:
                yield _export(customer, hour)
        hour += _HOUR


def _uses(
    customer: Customer, hour: datetime, demand: int, script: Script, controls: Controls
) -> Iterator[Use]:
    ordinary = [
        Use(subsystem, resource, operation, demand * per_request)
        for subsystem, resource, operation, per_request in _USES
    ]
    for use in (*ordinary, *episodes.uses(customer, hour, script)):
        yield _tiered(customer, use, hour, controls) if use.subsystem == "storage" else use
    yield from exports.hourly(customer, hour, demand, controls)
    calls = demand * _CALLS
    cached = controls.minutes(customer.key, Knob.CACHE, ADAPTER, hour)
    let_through = 100 - _CACHED * (60 - cached[None]) // 60
    again = calls * episodes.retries_percent(customer, hour, script) // 100
    for operation, made in (("call", calls), ("retry", again)):
        if made:
            yield Use("adapters", ADAPTER, operation, made * let_through // 100, adapter=ADAPTER)


def _tiered(customer: Customer, use: Use, hour: datetime, controls: Controls) -> Use:
    """At the price of the tier that its resource is in, by the minute."""
    tiers = controls.minutes(customer.key, Knob.TIER, use.resource, hour)
    return replace(use, price_percent=sum(_TIERS[tier] * count for tier, count in tiers.items()) // 60)


def _observed(customer: Customer, hour: datetime, script: Script) -> Line:
    """The first minute of each hour stands for it: the ERP adapter syncs on the hour."""
    calls = requests(customer, ADAPTER, hour)
    retries = noise(customer, "erp-retries", hour) % 3
    again = calls * episodes.retries_percent(customer, hour, script) // 100
    data = {
        "tenant": customer.key,
        "adapter": ADAPTER,
        "calls": calls + again,
        "errors": retries // 2 + again * 9 // 10,
        "retries": retries + again,
        "p95_ms": 180 + noise(customer, "erp-p95", hour) % 90 + (29_000 if again else 0),
        "bytes": (calls + again) * 2048,
    }
    return line("adapters", f"{customer.key}/{ADAPTER}/{rfc3339(hour)}", "adapter.observed", hour, data)


def _export(customer: Customer, hour: datetime) -> Line:
    rows = 20_000 + noise(customer, "export", hour) % 9_000
    at = hour + timedelta(minutes=17)
    data = {
        "tenant": customer.key,
        "operation": "nightly-export",
        "resource": "orders",
        "subsystem": "egress",
        "quantity": rows,
        "unit": "rows",
        "duration_s": rows // 50,
        "initiated_by": "schedule",
    }
    return line("operations", f"{customer.key}/export/{hour:%Y-%m-%d}", "operation.completed", at, data)

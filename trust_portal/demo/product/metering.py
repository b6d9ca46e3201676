"""What customers use and what it costs, by the hour; the adapters' calls; the nightly exports."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from trust_portal.demo.product.events import Line, line, rfc3339
from trust_portal.demo.product.workload import noise, requests
from trust_portal.demo.scene import AVAILABILITY, Customer

#: subsystem → resource, operation, unit, quantity per request (in thousandths), price of a unit (in
#: thousandths of the currency's major unit)
_TARIFF: Final = {
    "compute": ("worker-pool", "run", "core-seconds", 900, 4),
    "storage": ("object-store", "keep", "gigabyte-hours", 40, 30),
    "egress": ("edge", "send", "gigabytes", 6, 80),
    "adapters": ("erp-sync", "call", "calls", 120, 2),
}
#: Yen have no smaller unit worth a price of thousandths; the tariff is per hundred there.
_PRICE_FACTOR: Final = {"JPY": 150, "NOK": 11}
_HOUR: Final = timedelta(hours=1)


def metered(customer: Customer, start: datetime, end: datetime) -> Iterator[Line]:
    """Usage of every full hour that begins between ``start`` and ``end``, and what ran in it."""
    hour = start.replace(minute=0, second=0, microsecond=0)
    hour = hour if hour == start else hour + _HOUR
    while hour < end:
        yield from _usage(customer, hour)
        yield _adapter(customer, hour)
        if hour.hour == 1:
            yield _export(customer, hour)
        hour += _HOUR


def _usage(customer: Customer, hour: datetime) -> Iterator[Line]:
    demand = 60 * requests(customer, AVAILABILITY, hour)
    for subsystem, (resource, operation, unit, per_request, price) in _TARIFF.items():
        quantity = demand * per_request // 1000
        thousandths = quantity * price * _PRICE_FACTOR.get(customer.currency, 1)
        data = {
            "tenant": customer.key,
            "subsystem": subsystem,
            "resource": resource,
            "operation": operation,
            "region": _REGION[customer.residency],
            "quantity": quantity,
            "unit": unit,
            "cost": f"{thousandths // 1000}.{thousandths % 1000:03d}",
            "currency": customer.currency,
        }
        if subsystem == "adapters":
            data["adapter"] = resource
        yield line("metering", f"{customer.key}/{subsystem}/{rfc3339(hour)}", "usage.recorded", hour, data)


def _adapter(customer: Customer, hour: datetime) -> Line:
    """The first minute of each hour stands for it: the ERP adapter syncs on the hour."""
    calls = requests(customer, "erp-sync", hour)
    retries = noise(customer, "erp-retries", hour) % 3
    data = {
        "tenant": customer.key,
        "adapter": "erp-sync",
        "calls": calls,
        "errors": retries // 2,
        "retries": retries,
        "p95_ms": 180 + noise(customer, "erp-p95", hour) % 90,
        "bytes": calls * 2048,
    }
    return line("adapters", f"{customer.key}/erp-sync/{rfc3339(hour)}", "adapter.observed", hour, data)


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


_REGION: Final = {
    "Germany": "eu-central",
    "United States": "us-west",
    "Japan": "ap-northeast",
    "Australia": "ap-southeast",
    "Norway": "eu-north",
}

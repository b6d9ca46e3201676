"""What the product charges: units, prices, and a usage event as it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from trust_portal.demo.product.events import Line, line, rfc3339
from trust_portal.demo.scene import Customer

#: subsystem → unit, price of a unit in thousandths of the currency's major unit
_TARIFF: Final = {
    "compute": ("core-seconds", 4),
    "storage": ("gigabyte-hours", 30),
    "egress": ("gigabytes", 80),
    "adapters": ("calls", 2),
}
#: Yen have no smaller unit worth a price of thousandths; the tariff is per hundred there.
_PRICE_FACTOR: Final = {"JPY": 150}


@dataclass(frozen=True, slots=True)
class Use:
    """``thousandths`` of the subsystem's unit; ``labels`` are the product's own marks."""

    subsystem: str
    resource: str
    operation: str
    thousandths: int
    labels: Mapping[str, str] = field(default_factory=dict)
    adapter: str | None = None
    price_percent: int = 100


def charged(customer: Customer, use: Use, time: datetime) -> Line:
    """The usage event; what a customer uses of the same kind at the same ``time`` is one event."""
    unit, price = _TARIFF[use.subsystem]
    millionths = use.thousandths * price * _PRICE_FACTOR.get(customer.currency, 1) * use.price_percent // 100
    data: dict[str, Any] = {
        "tenant": customer.key,
        "subsystem": use.subsystem,
        "resource": use.resource,
        "operation": use.operation,
        "region": customer.region,
        "quantity": use.thousandths // 1000 if use.thousandths % 1000 == 0 else use.thousandths / 1000,
        "unit": unit,
        "cost": f"{millionths // 1_000_000}.{millionths % 1_000_000:06d}",
        "currency": customer.currency,
    }
    if use.adapter is not None:
        data["adapter"] = use.adapter
    if use.labels:
        data["labels"] = dict(use.labels)
    mark = use.labels.get("flag", "")
    key = f"{customer.key}/{use.subsystem}/{use.resource}/{use.operation}/{mark}/{rfc3339(time)}"
    return line("metering", key, "usage.recorded", time, data)

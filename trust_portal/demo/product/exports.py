"""Exports by two engines. The new one stands behind a flag: fine with small archives, a runaway with large ones.

Its fault: an export of a large archive is cut off by the load balancer and begins anew, whole, each
time. The pilot's archives are small; with the ramp the large ones come.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from trust_portal.demo.product.controls import MINUTE, Controls, Knob
from trust_portal.demo.product.events import Line, line, rfc3339
from trust_portal.demo.product.tariff import Use, charged
from trust_portal.demo.product.workload import noise, requests
from trust_portal.demo.scene import AVAILABILITY, BRIGHTWATER, Customer
from trust_portal.demo.script import Script

FLAG: Final = "export-v2"
PILOT: Final = 5
#: Hours after the curtain, and how many percent of the exports go through the new engine from then on.
RAMP: Final = ((-14 * 24.0, PILOT), (0.1, 25), (1.1, 50), (2.1, 100))

_OPERATION: Final = "export"
_RUNS_AN_HOUR: Final = 4
_EVERY: Final = timedelta(minutes=15)
CUT_OFF_MINUTES: Final = 14
_TAKES: Final = timedelta(minutes=CUT_OFF_MINUTES)
#: What a run sends of the large archives at 100 %, in thousandths of a gigabyte.
_LARGE: Final = 600_000
#: Core-seconds that packing a gigabyte takes.
_PACKING: Final = 12
_NEW: Final = {"feature": "exports", "flag": FLAG, "version": "2.0"}
_OLD: Final = {"feature": "exports", "version": "1.4"}
#: Previews of what an export would hold have been on the new version for long, without a flag.
_PREVIEWS: Final = {"feature": "exports", "version": "2.0"}


def planned(script: Script, at: datetime) -> int:
    """How far the flag's ramp is by plan, in percent."""
    return max((share for hours, share in RAMP if script.at(hours) <= at), default=0)


def percentage(script: Script, controls: Controls, at: datetime) -> int:
    """How far it really is."""
    held = controls.value(BRIGHTWATER.key, Knob.PERCENTAGE, FLAG, at)
    return planned(script, at) if held is None else int(Decimal(held))


def hourly(customer: Customer, hour: datetime, demand: int, controls: Controls) -> Iterator[Use]:
    """What the old engine and the previews use in an hour with ``demand`` requests."""
    limits = [_limit(customer, hour + n * MINUTE, controls) for n in range(60)]
    sent = sum(demand if limit is None else min(demand, limit) for limit in limits) // 60
    for operation, gigabytes, labels in ((_OPERATION, sent, _OLD), ("preview", demand, _PREVIEWS)):
        yield Use("egress", "edge", operation, gigabytes, labels)
        yield Use("compute", "worker-pool", operation, gigabytes * _PACKING, labels)


def runs(
    customer: Customer, start: datetime, end: datetime, script: Script, controls: Controls
) -> Iterator[Line]:
    """The runs of the new engine that end in ``start`` .. ``end``, and what they used."""
    if customer is not BRIGHTWATER:
        return
    began = max(start - _EVERY, script.at(RAMP[0][0])).replace(second=0, microsecond=0)
    began -= timedelta(minutes=began.minute % 15)
    while began + _TAKES < end:
        if began + _TAKES >= start:
            yield from _run(customer, began, script, controls)
        began += _EVERY


def _run(customer: Customer, began: datetime, script: Script, controls: Controls) -> Iterator[Line]:
    sent, ended = _sent(customer, began, script, controls), began + _TAKES
    if not sent:
        return
    yield charged(customer, Use("egress", "edge", _OPERATION, sent, _NEW), ended)
    yield charged(customer, Use("compute", "worker-pool", _OPERATION, sent * _PACKING, _NEW), ended)
    data = {
        "tenant": customer.key,
        "operation": _OPERATION,
        "resource": "orders-archive",
        "subsystem": "egress",
        "quantity": sent / 1000,
        "unit": "gigabytes",
        "duration_s": int(_TAKES.total_seconds()),
        "initiated_by": f"flag {FLAG}",
    }
    yield line("operations", f"{customer.key}/{FLAG}/{rfc3339(began)}", "operation.completed", ended, data)


def _sent(customer: Customer, began: datetime, script: Script, controls: Controls) -> int:
    """Thousandths of a gigabyte. A run obeys what is set when it begins; what began before runs on."""
    share = percentage(script, controls, began)
    demand = 60 * requests(customer, AVAILABILITY, began)
    large = _LARGE * max(0, share - PILOT) // (100 - PILOT)
    sent = demand * share // 100 // _RUNS_AN_HOUR + large + large * (noise(customer, FLAG, began) % 9) // 100
    limit = _limit(customer, began, controls)
    return sent if limit is None else min(sent, max(0, limit - demand) // _RUNS_AN_HOUR)


def _limit(customer: Customer, at: datetime, controls: Controls) -> int | None:
    """What a customer's exports may send in an hour, in thousandths of a gigabyte."""
    if not controls.settings:
        return None
    values = {
        per_gigabyte: controls.value(customer.key, Knob.LIMIT, _OPERATION, at, unit)
        for unit, per_gigabyte in (("gigabytes", 1), ("core-seconds", _PACKING))
    }
    return min(
        (int(Decimal(value) * 1000 / per) for per, value in values.items() if value is not None), default=None
    )

"""How the product's systems answer, minute by minute: mostly well, and as the story's faults have it.

A fault is what really happens in the plant; what people notice and announce is in ``chronicle``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from trust_portal.demo.product.events import Line, line, rfc3339
from trust_portal.demo.product.workload import noise, requests
from trust_portal.demo.scene import (
    AVAILABILITY,
    BRIGHTWATER,
    HOSHINO,
    KESTREL,
    SEARCH,
    WATTLE,
    Customer,
    local,
)

MINUTE: Final = timedelta(minutes=1)


class Harm(StrEnum):
    """What a fault does to its stream."""

    ERRORS = "errors"
    """Most requests fail."""
    SLOW = "slow"
    """Nearly half of the requests take longer than half a second."""
    UNSEEN = "unseen"
    """The product works, but nobody measures it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """``start`` (a whole minute) and length of a harm to one customer's stream."""

    customer: Customer
    objective: str
    harm: Harm
    start: datetime
    minutes: int

    @property
    def end(self) -> datetime:
        return self.start + self.minutes * MINUTE


def faults(month: str) -> tuple[Fault, ...]:
    """What goes wrong in the month the story is about."""
    return (
        Fault(BRIGHTWATER, AVAILABILITY, Harm.ERRORS, local(month, 12, "02:35", BRIGHTWATER), 95),
        Fault(KESTREL, AVAILABILITY, Harm.ERRORS, local(month, 8, "11:20", KESTREL), 9),
        Fault(HOSHINO, SEARCH, Harm.SLOW, local(month, 17, "13:00", HOSHINO), 180),
        Fault(WATTLE, AVAILABILITY, Harm.UNSEEN, local(month, 19, "22:11", WATTLE), 37),
    )


def measurements(
    customer: Customer, objective: str, start: datetime, end: datetime, story: Sequence[Fault]
) -> Iterator[Line]:
    """One event for each measured minute of ``start`` .. ``end``."""
    ours = [fault for fault in story if fault.customer is customer and fault.objective == objective]
    measure = _searches if objective == SEARCH else _requests
    time = start
    while time < end:
        harm = next((fault.harm for fault in ours if fault.start <= time < fault.end), None)
        if harm is not Harm.UNSEEN:
            counts = measure(customer, objective, time, harm)
            data = {"tenant": customer.key, "objective": objective, **counts}
            yield line("telemetry", f"{customer.key}/{objective}/{rfc3339(time)}", "sli.measured", time, data)
        time += MINUTE


def _requests(customer: Customer, objective: str, time: datetime, harm: Harm | None) -> dict[str, Any]:
    total = requests(customer, objective, time)
    # One failure in some minutes, never the twentieth part of a minute's requests.
    failed = total * 62 // 100 if harm is Harm.ERRORS else int(noise(customer, "failures", time) % 40 == 0)
    return {"total": total, "good": total - failed}


def _searches(customer: Customer, objective: str, time: datetime, harm: Harm | None) -> dict[str, Any]:
    total = requests(customer, objective, time)
    slow = (
        total * 45 // 100 if harm is Harm.SLOW else total * (8 + noise(customer, "slow", time) % 20) // 1000
    )
    buckets = {"0.25": (total - slow) * 9 // 10, "0.5": total - slow, "1": total - slow // 4, "+Inf": total}
    return {"total": total, "buckets": buckets}

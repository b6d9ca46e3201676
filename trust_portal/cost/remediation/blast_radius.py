"""What the target of a playbook reaches besides what it is meant for, in figures of the roll-ups. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Final

from trust_portal.cost.metering.model import Part as UsagePart
from trust_portal.cost.metering.model import Series
from trust_portal.cost.remediation.model import BlastRadius, Touched
from trust_portal.cost.remediation.targets import covers, reaches
from trust_portal.kernel.money import exponent

#: Of the things touched so many are named, the dearest.
MOST_NAMED: Final = 20
_DAY: Final = 24


def blast_radius(
    usage: Iterable[UsagePart],
    *,
    target: Mapping[str, str],
    acted_upon: Mapping[str, str],
    series: Series,
    hours: int,
) -> BlastRadius:
    """``usage`` is all of the tenant's in ``hours`` hours.

    ``acted_upon`` names the part of ``series`` that the playbook is meant for; it is within reach whatever
    the target calls it. What is within reach in other currencies is summed up by currency, beside the rest.
    """
    things: dict[tuple[str, str, str, str | None], Decimal] = {}
    elsewhere: dict[str, Decimal] = {}
    cost = of_tenant = beside = Decimal(0)
    for part in usage:
        meant = part.series == series and covers(acted_upon, part)
        reached = meant or reaches(target, part)
        currency = part.series.currency
        if currency != series.currency:
            if reached:
                elsewhere[currency] = elsewhere.get(currency, Decimal(0)) + part.cost
            continue
        of_tenant += part.cost
        if not reached:
            continue
        cost += part.cost
        if not meant:
            beside += part.cost
        place = (part.series.subsystem, part.resource, part.operation, part.adapter)
        things[place] = things.get(place, Decimal(0)) + part.cost
    dearest = sorted(things.items(), key=lambda item: (-item[1], item[0][:3], item[0][3] or ""))
    return BlastRadius(
        hours=hours,
        things=tuple(
            Touched(subsystem=place[0], resource=place[1], operation=place[2], adapter=place[3], cost=amount)
            for place, amount in dearest[:MOST_NAMED]
        ),
        count=len(things),
        cost=cost,
        of_tenant=of_tenant,
        beside=beside,
        # Credits beside the part lower what is reached, never what limits count.
        per_day=_per_day(max(cost, cost - beside), hours, series.currency),
        elsewhere=dict(sorted(elsewhere.items())),
    )


def _per_day(cost: Decimal, hours: int, currency: str) -> int:
    minor = max(cost, Decimal(0)) * _DAY / hours * 10 ** exponent(currency)
    return int(minor.to_integral_value(ROUND_CEILING))

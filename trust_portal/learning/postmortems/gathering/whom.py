"""Which customers are looked at, where an incident may have touched everybody and those are many.

Whoever had failed calls or a cost anomaly while it went on comes first: these have something to be told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from trust_portal.access.tenants.model import Tenant
from trust_portal.cost.anomalies.overlapping import tenants_with_anomalies
from trust_portal.facts.measurements import failed_calls
from trust_portal.storage.unit_of_work import ReadSession

#: So many are looked at, where so many have nothing to be told.
MOST_CUSTOMERS: Final = 50
#: Of those who have, so many: each costs reading its contract and its period.
MOST_HURT: Final = 200


async def customers_to_look_at(
    session: ReadSession, everybody: Sequence[Tenant], start: datetime, end: datetime
) -> tuple[Tenant, ...]:
    """By key. In the staff scope."""
    if len(everybody) <= MOST_CUSTOMERS:
        return tuple(everybody)
    ids = [each.id for each in everybody]
    failed = await failed_calls(session, ids, start.replace(second=0, microsecond=0), end)
    costly = await tenants_with_anomalies(session, ids, start, end)
    hurt = [each for each in everybody if each.id in failed or each.id in costly]
    chosen = sorted(hurt, key=lambda each: (-failed.get(each.id, 0), each.key))[:MOST_HURT]
    others = [each for each in everybody if each.id not in failed and each.id not in costly]
    chosen += others[: max(0, MOST_CUSTOMERS - len(chosen))]
    return tuple(sorted(chosen, key=lambda each: each.key))

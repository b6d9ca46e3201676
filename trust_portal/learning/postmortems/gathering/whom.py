"""Which customers are looked at, where an incident may have touched everybody and those are many.

Whoever had calls that failed, or were answered too late, or a cost anomaly while it went on comes first: these have something to be told. While it is
written, so many are looked at as a page can wait for. What is submitted, and so what is signed, looks at everybody
but those of whom nothing can have failed: whoever was touched has minutes of its own in it, however many they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from trust_portal.access.tenants.model import Tenant
from trust_portal.cost.anomalies.overlapping import tenants_with_anomalies
from trust_portal.facts.measurements import ToldOf, told_of
from trust_portal.reliability.objectives.repository import latency_bounds
from trust_portal.storage.unit_of_work import ReadSession

#: So many are looked at, where so many have nothing to be told.
MOST_CUSTOMERS: Final = 50
#: Of those who have, so many while it is written: each costs reading its contract and its period.
MOST_HURT: Final = 200
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class LookedAt:
    """By key. ``left_out`` says why the others are not among them; ``None`` where there are no others."""

    tenants: tuple[Tenant, ...]
    left_out: str | None


async def customers_to_look_at(
    session: ReadSession, everybody: Sequence[Tenant], start: datetime, end: datetime, *, whole: bool
) -> LookedAt:
    """``whole``: nobody is left out who may have been hurt. In the staff scope."""
    if len(everybody) <= MOST_CUSTOMERS:
        return LookedAt(tuple(everybody), None)
    ids = [each.id for each in everybody]
    start = start.replace(second=0, microsecond=0)
    told = await told_of(session, ids, start, end, await latency_bounds(session, frozenset(ids)))
    costly = await tenants_with_anomalies(session, ids, start, end)
    if whole:
        minutes = -(-(end - start) // _MINUTE)
        chosen = [each for each in everybody if each.id in costly or not _unhurt(told.get(each.id), minutes)]
        # How many there are is nobody's business who reads a copy.
        why = "it may have touched every one; who is not named was measured in every minute of it, without a failed call or a cost anomaly"
    else:
        failed = {id_: each.failed for id_, each in told.items() if each.failed or each.unsaid}
        hurt = [each for each in everybody if each.id in failed or each.id in costly]
        chosen = sorted(hurt, key=lambda each: (-failed.get(each.id, 0), each.key))[:MOST_HURT]
        others = [each for each in everybody if each.id not in failed and each.id not in costly]
        chosen += others[: max(0, MOST_CUSTOMERS - len(chosen))]
        why = "it may have touched every one; some are looked at, first those with failed calls or cost anomalies"
    tenants = tuple(sorted(chosen, key=lambda each: each.key))
    return LookedAt(tenants, why if len(tenants) < len(everybody) else None)


def _unhurt(told: ToldOf | None, minutes: int) -> bool:
    """Whether no contract can call a minute of it down: all were measured, and every call was good and soon answered."""
    return told is not None and not (told.failed or told.unsaid or told.slow) and told.fewest >= minutes

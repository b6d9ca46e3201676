"""Which customers are looked at, where an incident may have touched everybody and those are many.

Whoever had calls that failed, or were answered too late, or a cost anomaly while it went on comes first: these have something to be told. Then
come those of whom something was not measured: nobody knows. While it is written, so many are looked at as a page can
wait for. What is submitted, and so what is signed, looks at everybody but those of whom nothing can have failed: whoever
was touched has minutes of its own in it, however many they are, and an objective of which nothing was measured is said
to be missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from trust_portal.access.tenants.model import Tenant
from trust_portal.cost.anomalies.overlapping import tenants_with_anomalies
from trust_portal.facts.measurements import ToldOf, told_of
from trust_portal.learning.postmortems.gathering.model import IncidentBrief
from trust_portal.learning.postmortems.gathering.sla_impact import promised_to
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
    session: ReadSession, everybody: Sequence[Tenant], incident: IncidentBrief, now: datetime, *, whole: bool
) -> LookedAt:
    """Of ``everybody``, whom ``incident`` may have touched. ``whole``: nobody is left out who may have been hurt. In the
    staff scope.
    """
    if len(everybody) <= MOST_CUSTOMERS:
        return LookedAt(tuple(everybody), None)
    ids = [each.id for each in everybody]
    start, end = incident.began_at.replace(second=0, microsecond=0), incident.over_at(now)
    told = await told_of(session, ids, start, end, await latency_bounds(session, frozenset(ids)))
    costly = await tenants_with_anomalies(session, ids, start, end)
    minutes = -(-(end - start) // _MINUTE)
    if whole:
        unhurt = {
            each.id: each
            for each in everybody
            if each.id not in costly and _unhurt(told.get(each.id), minutes)
        }
        promised = await promised_to(session, unhurt, incident, now)
        left = {id_ for id_ in unhurt if promised.get(id_, frozenset()) <= told[id_].objectives}
        chosen = [each for each in everybody if each.id not in left]
        # How many there are is nobody's business who reads a copy.
        why = "it may have touched every one; who is not named was measured in every minute of it, without a failed call or a cost anomaly"
    else:
        failed = {id_: each.failed for id_, each in told.items() if each.failed or each.unsaid}
        hurt = [each for each in everybody if each.id in failed or each.id in costly]
        chosen = sorted(hurt, key=lambda each: (-failed.get(each.id, 0), each.key))[:MOST_HURT]
        others = [each for each in everybody if each.id not in failed and each.id not in costly]
        others.sort(key=lambda each: _looks_whole(told.get(each.id), minutes))
        chosen += others[: max(0, MOST_CUSTOMERS - len(chosen))]
        why = (
            "it may have touched every one; some are looked at, first those with failed calls or cost anomalies, then "
            "those that were not measured in every minute"
        )
    tenants = tuple(sorted(chosen, key=lambda each: each.key))
    return LookedAt(tenants, why if len(tenants) < len(everybody) else None)


def _looks_whole(told: ToldOf | None, minutes: int) -> int:
    """0 where measuring fell silent, 1 where nothing is measured at all, 2 where nothing is missing."""
    if told is None:
        return 1
    return 0 if told.fewest < minutes else 2


def _unhurt(told: ToldOf | None, minutes: int) -> bool:
    """Whether no contract can call a minute of it down: all were measured, and every call was good and soon answered.

    As far as measurements say which objectives there are.
    """
    return told is not None and not (told.failed or told.unsaid or told.slow) and told.fewest >= minutes

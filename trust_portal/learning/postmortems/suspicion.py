"""Whether a deploy or flag step near an incident is suspect or cleared, and why. Pure.

In this order; the first that fits decides. A person may judge otherwise, with a reason.

    AFTER_BEGINNING   it came after the incident began                          cleared
    NOT_PRODUCTION    it reached an environment that serves no customer         cleared
    OTHER_CUSTOMERS   it reached none of the customers affected                 cleared
    SAME_SERVICE      a service of the incident, in the 24 hours before        suspect
    SHORTLY_BEFORE    anything else in the 2 hours before                       suspect
    LONG_BEFORE       the rest                                                  cleared
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from trust_portal.learning.postmortems.gathering.model import Change
from trust_portal.learning.postmortems.model import Verdict

#: How far back changes are looked at.
LOOKBACK: Final = timedelta(hours=24)
SHORTLY: Final = timedelta(hours=2)
#: Names by which teams call what no customer uses.
_ELSEWHERE: Final = frozenset(
    {"ci", "dev", "development", "integration", "preview", "qa", "sandbox", "stage", "staging", "test"}
)


@dataclass(frozen=True, slots=True)
class Suspicion:
    verdict: Verdict
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What of an incident the rule looks at. ``services``: its own, and of what was merged into it.

    ``customers`` ``None``: everybody may have been affected.
    """

    services: frozenset[str]
    began_at: datetime
    customers: frozenset[str] | None


def suspicion(change: Change, scope: Scope) -> Suspicion:
    """The verdict of the rule, which needs nothing but what the document says."""
    lead = scope.began_at - change.at
    if lead < timedelta(0):
        return _cleared("AFTER_BEGINNING", f"{span(-lead)} after the incident began, so it did not begin it")
    if change.environment is not None and change.environment.casefold() in _ELSEWHERE:
        return _cleared("NOT_PRODUCTION", f"it reached {change.environment}, which serves no customer")
    if (
        change.tenants is not None
        and scope.customers is not None
        and not scope.customers & set(change.tenants)
    ):
        return _cleared("OTHER_CUSTOMERS", "it reached none of the customers affected")
    if change.kind == "deploy" and change.name in scope.services and lead <= LOOKBACK:
        return _suspect(
            "SAME_SERVICE",
            f"{span(lead)} before the incident began, on the service it is of, {change.name}",
        )
    if lead <= SHORTLY:
        return _suspect("SHORTLY_BEFORE", f"{span(lead)} before the incident began")
    return _cleared("LONG_BEFORE", f"{span(lead)} before the incident began, and not on the service it is of")


def span(length: timedelta) -> str:
    """``42 min``, ``3 h 05 min``; rounded down to the minute."""
    minutes = length // timedelta(minutes=1)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def _suspect(rule: str, reason: str) -> Suspicion:
    return Suspicion(Verdict.SUSPECT, rule, reason)


def _cleared(rule: str, reason: str) -> Suspicion:
    return Suspicion(Verdict.CLEARED, rule, reason)

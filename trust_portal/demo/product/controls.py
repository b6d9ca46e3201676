"""What the product was told to do and since when: the state that its usage depends on. Pure.

A knob of a customer's is set at a moment and holds until it is taken back; of several that hold, the
last one counts. Nothing is changed in hindsight, so what was used up to a moment depends only on what
was set up to it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

MINUTE: Final = timedelta(minutes=1)


class Knob(StrEnum):
    """What can be set, named as the parameter that carries the value."""

    LIMIT = "limit_per_hour"
    PERCENTAGE = "percentage"
    TIER = "tier"
    CACHE = "ttl_seconds"


@dataclass(frozen=True, slots=True)
class Setting:
    """``key`` is the call that did it. ``unit`` is what a limit counts in, else empty."""

    key: str
    at: datetime
    tenant: str
    knob: Knob
    subject: str
    unit: str
    value: str
    ended: datetime | None = None

    def holds(self, at: datetime) -> bool:
        return self.at <= at and (self.ended is None or at < self.ended)


@dataclass(frozen=True, slots=True)
class Controls:
    """All settings there ever were, in the order in which they were made."""

    settings: tuple[Setting, ...] = ()

    def with_setting(self, setting: Setting) -> Controls:
        return Controls((*self.settings, setting))

    def without(self, key: str, at: datetime) -> Controls:
        """The same, with what ``key`` set taken back at ``at``."""
        return Controls(tuple(replace(each, ended=at) if each.key == key else each for each in self.settings))

    def of(self, tenant: str, knob: Knob, subject: str, unit: str = "") -> tuple[Setting, ...]:
        return tuple(
            each
            for each in self.settings
            if (each.tenant, each.knob, each.subject, each.unit) == (tenant, knob, subject, unit)
        )

    def value(self, tenant: str, knob: Knob, subject: str, at: datetime, unit: str = "") -> str | None:
        """What counts at ``at``; ``None`` where nothing is set."""
        holding = [each.value for each in self.of(tenant, knob, subject, unit) if each.holds(at)]
        return holding[-1] if holding else None

    def minutes(self, tenant: str, knob: Knob, subject: str, hour: datetime) -> Counter[str | None]:
        """An hour's 60 minutes by what counts when each begins."""
        if not self.of(tenant, knob, subject):
            return Counter({None: 60})
        return Counter(self.value(tenant, knob, subject, hour + n * MINUTE) for n in range(60))

"""A tenant as others see it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from trust_portal.errors import InvalidInput
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.names import is_readable, require_words
from trust_portal.kernel.period import parse_period, quarter_before, quarter_label, zone

_MOST_RESIDENCY: Final = 200
_KEY: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Tenant:
    """``key`` is its name in events and contracts; ``time_zone`` an IANA name."""

    id: UUID
    key: str
    name: str
    time_zone: str
    residency: str
    created_at: datetime
    onboarded_at: datetime
    offboarded_at: datetime | None

    @property
    def is_vendor(self) -> bool:
        return self.id == VENDOR_ID

    @property
    def active(self) -> bool:
        return self.offboarded_at is None

    def newest_quarter(self, now: datetime) -> str:
        """The last quarter that was over at ``now``, or when the customer left: of one that came since, the quarter it came in."""
        local = zone(self.time_zone)
        until = now if self.offboarded_at is None else min(now, self.offboarded_at)
        label = quarter_before(until.astimezone(local))
        newest = max(until, self.onboarded_at).astimezone(local)
        return quarter_label(newest) if self.came_after(label) else label

    def came_after(self, label: str) -> bool:
        """Whether the period of that name was over, in the customer's zone, when it came: nothing is told of it then."""
        return parse_period(label, self.time_zone).end <= self.onboarded_at

    def left_before(self, label: str) -> bool:
        """Whether it had left when the period of that name began, in its zone: nothing is told of it either."""
        return (
            self.offboarded_at is not None and parse_period(label, self.time_zone).start >= self.offboarded_at
        )


@dataclass(frozen=True, slots=True)
class CreateTenant:
    """Command. ``onboarded_at`` None: now. Raises ``InvalidInput`` for a field that cannot be."""

    key: str
    name: str
    time_zone: str = "UTC"
    residency: str = ""
    onboarded_at: datetime | None = None

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.key):
            raise InvalidInput(
                "a key is 1 to 64 lower-case letters, digits, dots, dashes and underscores, "
                "with a letter or digit at both ends",
                field="key",
            )
        if not self.name.strip() or len(self.name) > 200 or not is_readable(self.name):
            raise InvalidInput("a name has 1 to 200 printable characters", field="name")
        _require_residency(self.residency)
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, ValueError, OSError) as error:
            raise InvalidInput(f"{self.time_zone!r} is no IANA time zone", field="time_zone") from error
        if self.onboarded_at is not None and self.onboarded_at.tzinfo is None:
            raise InvalidInput("an instant needs a time zone", field="onboarded_at")


@dataclass(frozen=True, slots=True)
class SetResidency:
    """Command: what is agreed from now on about where the customer's data stays, empty where nothing is any more.
    ``reason`` is signed with the act. Raises ``InvalidInput`` for a field that cannot be.
    """

    tenant_id: UUID
    residency: str
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "residency", self.residency.strip())
        _require_residency(self.residency)
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


def _require_residency(residency: str) -> None:
    if len(residency) > _MOST_RESIDENCY:
        raise InvalidInput(f"a residency has at most {_MOST_RESIDENCY} characters", field="residency")
    if residency and not is_readable(residency):
        raise InvalidInput("a residency has printable characters only", field="residency")

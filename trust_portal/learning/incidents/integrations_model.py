"""Pagers whose alarms become incidents, and what became of a delivery."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from trust_portal.errors import InvalidInput
from trust_portal.facts.events import AlarmSource
from trust_portal.kernel.names import require_words
from trust_portal.learning.incidents.mapping import parse_mapping
from trust_portal.learning.incidents.model import Incident, IncidentGap, Severity

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_LONGEST_SECRET: Final = 200


@dataclass(frozen=True, slots=True)
class Integration:
    """A pager as it is set up; ``version`` counts its changes, ``sealed`` is the secret that it made."""

    kind: AlarmSource
    name: str
    version: int
    rules: str
    enabled: bool
    generation: int
    sealed: bytes | None = field(repr=False)
    at: datetime
    by: str
    reason: str
    receipt_id: UUID

    @property
    def source(self) -> str:
        return f"{self.kind.value}/{self.name}"


@dataclass(frozen=True, slots=True)
class SetIntegration:
    """Command: a pager is set up or changed. ``version`` is the one it was read at; 0: a new one.

    ``secret``: what PagerDuty shows when the subscription is made; None keeps the one before.
    ``renew``: another token, for Alertmanager; the one before is worth nothing from then on.
    Raises ``InvalidInput`` by field.
    """

    kind: AlarmSource
    name: str
    rules: str
    reason: str
    enabled: bool = True
    version: int = 0
    secret: str | None = field(default=None, repr=False)
    renew: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))
        if not _NAME.fullmatch(self.name):
            raise InvalidInput("lower-case letters, digits and hyphens, at most 40", field="name")
        object.__setattr__(self, "rules", self.rules.replace("\r\n", "\n"))
        parse_mapping(self.rules)
        secret = (self.secret or "").strip() or None
        object.__setattr__(self, "secret", secret)
        if self.kind.signs and self.version == 0 and secret is None:
            raise InvalidInput("paste the secret by which the pager signs", field="secret")
        if secret is not None and len(secret) > _LONGEST_SECRET:
            raise InvalidInput(f"at most {_LONGEST_SECRET} characters", field="secret")

    @property
    def source(self) -> str:
        return f"{self.kind.value}/{self.name}"


@dataclass(frozen=True, slots=True)
class UnmatchedAlarm:
    """An alarm that became no incident, and why. ``severity``: what a rule read from it, as far as one fitted.

    ``settled``: later rules make no P1 or P2 of it, or took it as it came again, or somebody said of which incident it was.
    """

    alarm_id: str
    kind: str
    key: str
    why: str
    version: int
    fields: Mapping[str, str]
    received_at: datetime
    severity: Severity | None = None
    settled: bool = False


@dataclass(frozen=True, slots=True)
class OpenGap:
    """What ``source`` told by ``key`` and belongs to no incident: steps in the register's ``gap``, or ``alarms``.

    ``candidates``: where several incidents were declared by the key, those. None: any may be what it belongs to.
    """

    source: str
    key: str
    gap: IncidentGap | None
    alarms: tuple[UnmatchedAlarm, ...]
    candidates: tuple[Incident, ...] = ()

    @property
    def first_at(self) -> datetime:
        """When it was first told of."""
        times = [each.received_at for each in self.alarms] + ([] if self.gap is None else [self.gap.first_at])
        return min(times)

    @property
    def worst_severity(self) -> Severity | None:
        """The worst that is named; None: none is."""
        named = [each.severity for each in self.alarms] + [
            None if self.gap is None else self.gap.worst_severity
        ]
        return min((each for each in named if each is not None), default=None)

    @property
    def assumed_severity(self) -> Severity | None:
        """What it counts as until somebody says better: of what was told without a severity, the P1 that it may have been."""
        return Severity.P1 if self.wants_severity else self.worst_severity

    @property
    def wants_severity(self) -> bool:
        """Something was told without one, and may have been a P1 unless somebody says what it was."""
        told = self.gap is not None and not self.candidates and self.gap.worst_severity is None
        return told or any(each.severity is None for each in self.alarms)


class RefusedDelivery(StrEnum):
    """Why a delivery to a pager that is known was turned away. Each may have been the news of a P1."""

    OFF = "off"
    UNPROVED = "unproved"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Deliveries to a pager as it is set up now were turned away since ``first_at``: a gap until it is set anew."""

    why: RefusedDelivery
    first_at: datetime


class Reception(StrEnum):
    """What became of a delivery."""

    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    PONG = "pong"
    TOLD = "told"
    UNMATCHED = "unmatched"

"""Runs of playbooks: the plan, the steps, and where a run stands.

A run is its plan and a chain of steps; both are only ever added to. Where it stands is what its last
step says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from trust_portal.cost.remediation.playbooks import Playbook
from trust_portal.kernel.canonical import digest
from trust_portal.kernel.names import require_words


class RunState(StrEnum):
    PLANNED = "planned"
    WAITING = "waiting"  #: for approval
    EXECUTING = "executing"  #: permitted; the product has not confirmed yet
    EXECUTED = "executed"  #: the product confirmed; not verified in the data yet
    VERIFIED = "verified"  #: cost came down
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    DENIED = "denied"  #: policy said no
    DECLINED = "declined"  #: people said no, or nothing in time
    FAILED = "failed"  #: the product refused or did not confirm
    LAPSED = "lapsed"  #: nobody acted upon the plan, or there is no more reason to

    @property
    def is_over(self) -> bool:
        """Whether nothing happens any more by itself."""
        return self in OVER


OVER: Final = frozenset(
    {
        RunState.VERIFIED,
        RunState.ROLLED_BACK,
        RunState.DENIED,
        RunState.DECLINED,
        RunState.FAILED,
        RunState.LAPSED,
    }
)
#: States in which a run has time to keep: the clockwork looks at them.
MOVING: Final = frozenset(set(RunState) - OVER)


class StepKind(StrEnum):
    """What happened, in the order in which it usually does."""

    PLANNED = "planned"
    REQUESTED = "requested"
    APPROVED = "approved"
    SENT = "sent"
    UNCONFIRMED = "unconfirmed"
    EXECUTED = "executed"
    VERIFIED = "verified"
    ROLLBACK_STARTED = "rollback_started"
    HELD = "held"
    ROLLED_BACK = "rolled_back"
    DENIED = "denied"
    DECLINED = "declined"
    FAILED = "failed"
    LAPSED = "lapsed"


class Part(Struct, frozen=True, kw_only=True):
    """The part of the anomaly that is acted upon, over the anomaly's hours, in its currency."""

    where: Mapping[str, str]
    expected: Decimal
    actual: Decimal

    @property
    def contribution(self) -> Decimal:
        return self.actual - self.expected


class Saving(Struct, frozen=True, kw_only=True):
    """What is expected to be saved: per hour, and over the hours looked ahead. Rounded down."""

    per_hour: Decimal
    hours: int
    total: Decimal


class Touched(Struct, frozen=True, kw_only=True):
    """A thing that the target reaches, and what it cost in the hours looked at."""

    subsystem: str
    resource: str
    operation: str
    adapter: str | None
    cost: Decimal


class BlastRadius(Struct, frozen=True, kw_only=True):
    """What else the target reaches, in figures of ``hours`` hours.

    ``things``: the dearest of ``count``. ``cost`` is what all of them cost, ``of_tenant`` what
    the tenant did in all, ``beside`` what of ``cost`` lies outside the part that is acted upon. ``per_day``
    is ``cost``, at least that of the part, scaled to a day, in minor units, rounded up: the money that
    limits count. ``elsewhere`` is what else is reached, by other currencies; it is in none of the others.
    """

    hours: int
    things: tuple[Touched, ...]
    count: int
    cost: Decimal
    of_tenant: Decimal
    beside: Decimal
    per_day: int
    elsewhere: Mapping[str, Decimal] = msgspec.field(default_factory=dict)


class Evidence(Struct, frozen=True, kw_only=True):
    """A receipt that the plan rests on, with the SHA-256 of its envelope."""

    label: str
    receipt: UUID
    sha256: str


class DryRun(Struct, frozen=True, kw_only=True):
    """What the product said it would do. ``state`` is the answer's, ``no_answer`` or ``not_asked``."""

    state: str
    asked_at: datetime
    effect: Mapping[str, Any]
    previous: Mapping[str, Any]
    reason: str | None = None


class Plan(Struct, frozen=True, kw_only=True):
    """What is to be done, why, and what comes of it.

    ``expected`` and ``actual`` are the anomaly's, from ``started_at`` to ``ended_at``. ``playbook`` is
    the playbook as it was then.
    """

    tenant: str
    tenant_name: str
    anomaly: UUID
    anomaly_revision: int
    subsystem: str
    currency: str
    started_at: datetime
    ended_at: datetime
    expected: Decimal
    actual: Decimal
    playbook_id: str
    playbook: Playbook
    playbooks_digest: str
    target: Mapping[str, str]
    parameters: Mapping[str, str]
    part: Part
    reasons: tuple[str, ...]
    saving: Saving
    blast_radius: BlastRadius
    evidence: tuple[Evidence, ...]
    dry_run: DryRun | None = None

    @property
    def hours(self) -> int:
        """How many hours of the anomaly the figures are of."""
        return round((self.ended_at - self.started_at).total_seconds() / 3600)

    @property
    def act(self) -> str:
        """Hex SHA-256 over what is done to what: the same act on another tenant has the same."""
        return digest([self.playbook_id, dict(self.target)])

    def same_act(self, other: Plan) -> bool:
        """Whether both ask the product for the same."""
        return (self.playbook, self.target, self.parameters) == (
            other.playbook,
            other.target,
            other.parameters,
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened. ``detail`` holds texts and numbers for people and for the next step.

    ``allowed_by``: the policies that permitted a run without approval.
    """

    ordinal: int
    kind: StepKind
    state: RunState
    at: datetime
    actor_name: str
    detail: Mapping[str, Any]
    receipt_id: UUID | None
    approval_id: UUID | None
    allowed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A plan and all that became of it."""

    id: UUID
    tenant_id: UUID
    plan: Plan
    planned_at: datetime
    planned_by_id: UUID
    planned_by: str
    steps: tuple[Step, ...]

    @property
    def last(self) -> Step:
        return self.steps[-1]

    @property
    def state(self) -> RunState:
        return self.last.state

    @property
    def receipt_id(self) -> UUID | None:
        """Of the plan."""
        return self.steps[0].receipt_id

    def step(self, kind: StepKind) -> Step | None:
        """The latest of a kind."""
        return next((each for each in reversed(self.steps) if each.kind is kind), None)

    @property
    def saved_per_hour(self) -> Decimal | None:
        """What an hour of the part costs less since the act than it did, as it was verified; expected is the plan's."""
        step = self.step(StepKind.VERIFIED)
        found = {} if step is None else step.detail.get("verification", {})
        if self.state is not RunState.VERIFIED or "before" not in found:
            return None
        return Decimal(found["before"]) - Decimal(found["after"])

    @property
    def is_rehearsed(self) -> bool:
        """The product said that it would do it."""
        rehearsal = self.plan.dry_run
        return rehearsal is not None and rehearsal.state in {"applied", "pending"}

    @property
    def emergency(self) -> str | None:
        """The id of the emergency access under which it was permitted without approval."""
        permitted = self.step(StepKind.APPROVED)
        return None if permitted is None else permitted.detail.get("break_glass")

    @property
    def lapses_at(self) -> datetime:
        """Until when somebody may act upon the plan."""
        return self.planned_at + timedelta(hours=self.plan.playbook.plan_lasts_hours)

    @property
    def acted_at(self) -> datetime | None:
        """Since when the product may have done it: the first attempt, confirmed or not."""
        sent = (e.at for e in self.steps if e.kind is StepKind.SENT and e.detail["key"] == self.apply_key)
        return next(sent, None)

    def sent(self, key: str) -> int:
        """How many attempts were made at the call with this key."""
        return sum(each.kind is StepKind.SENT and each.detail["key"] == key for each in self.steps)

    @property
    def apply_key(self) -> str:
        """The idempotency key of doing it: one for the run, however often it is sent."""
        return f"{self.id}:apply"

    @property
    def reverse_key(self) -> str:
        return f"{self.id}:reverse"

    @property
    def next_reverse_key(self) -> str:
        """One for each time that somebody begins to take it back: a refusal is not the last word."""
        begun = sum(each.kind is StepKind.ROLLBACK_STARTED for each in self.steps)
        return self.reverse_key if begun == 0 else f"{self.reverse_key}-{begun + 1}"

    @property
    def can_be_rolled_back(self) -> bool:
        """Something may have been changed and was not taken back: it was sent, confirmed or not."""
        return self.sent(self.apply_key) > 0 and self.state in {
            RunState.EXECUTING,
            RunState.EXECUTED,
            RunState.VERIFIED,
            RunState.FAILED,
            RunState.ROLLING_BACK,
        }


@dataclass(frozen=True, slots=True)
class Act:
    """When a playbook was last permitted to act on a target of a tenant."""

    tenant_id: UUID
    playbook: str
    target: Mapping[str, str]
    at: datetime


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs; ``None`` asks for all. ``tenant_id`` None: of every tenant, for staff."""

    tenant_id: UUID | None = None
    anomaly_id: UUID | None = None
    playbook: str | None = None
    state: RunState | None = None


@dataclass(frozen=True, slots=True)
class PlanPlaybook:
    """Command: plan ``playbook`` (``None``: all that fit) for an anomaly, by hand."""

    tenant_id: UUID
    anomaly_id: UUID
    playbook: str | None = None


@dataclass(frozen=True, slots=True)
class RequestRun:
    """Command: have a planned run done; with approval, where policy asks for it."""

    tenant_id: UUID
    run_id: UUID
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class RunAlone:
    """Command: with the glass broken, have a run done without waiting for approval."""

    tenant_id: UUID
    run_id: UUID
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class RollBackRun:
    """Command: take back what a run did."""

    tenant_id: UUID
    run_id: UUID
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))

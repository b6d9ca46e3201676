"""Emergency access to one tenant: who has it, why, until when, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from trust_portal.errors import InvalidInput
from trust_portal.kernel.actor import Actor, ActorKind
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.names import require_words

#: What refusals and access logs call it.
NOUN: Final = "emergency access"

USUAL: Final = timedelta(hours=1)
LONGEST: Final = timedelta(hours=4)
#: A reason that two others have to judge says more than a word.
SHORTEST_REASON: Final = 20


class GlassAct(StrEnum):
    """What happens to it. ``ask``: a review was asked for, again where one was not given in time."""

    CLOSE = "close"
    ASK = "ask"
    REVIEW = "review"


class Outcome(StrEnum):
    """Of the review. ``objected``: whoever reviewed it holds that it should not have been."""

    ACCEPTED = "accepted"
    OBJECTED = "objected"


class GlassState(StrEnum):
    OPEN = "open"
    UNREVIEWED = "unreviewed"
    ACCEPTED = "accepted"
    OBJECTED = "objected"


@dataclass(frozen=True, slots=True)
class GlassStep:
    """Link ``ordinal`` (1, 2, …). ``approval_id`` is the review's request, of all but the closing."""

    ordinal: int
    act: GlassAct
    at: datetime
    actor_id: UUID
    actor_name: str
    reason: str
    receipt_id: UUID
    approval_id: UUID | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """As it was opened. ``number`` counts what the same person opened for the same tenant."""

    id: UUID
    tenant_id: UUID
    number: int
    person_id: UUID
    person_name: str
    reason: str
    opened_at: datetime
    until: datetime
    receipt_id: UUID

    @property
    def holder(self) -> Actor:
        """Who broke the glass, as the one whose act a review is about."""
        return Actor(ActorKind.PERSON, self.person_id, self.person_name, VENDOR_ID, person_id=self.person_id)


@dataclass(frozen=True, slots=True)
class Emergency:
    """A grant and everything that happened to it, in order."""

    grant: Grant
    steps: tuple[GlassStep, ...] = ()

    def step(self, act: GlassAct) -> GlassStep | None:
        """The latest of its kind."""
        return next((each for each in reversed(self.steps) if each.act is act), None)

    @property
    def ended_at(self) -> datetime:
        """When it ended or will: closed, or its time over."""
        closed = self.step(GlassAct.CLOSE)
        return self.grant.until if closed is None else min(closed.at, self.grant.until)

    @property
    def asked(self) -> int:
        """How many times a review was asked for; more than once: it was overdue."""
        return sum(each.act is GlassAct.ASK for each in self.steps)

    def state(self, now: datetime) -> GlassState:
        """Derived from the steps and the time alone: access ends whether or not a job has run."""
        review = self.step(GlassAct.REVIEW)
        if review is not None and review.outcome is not None:
            return GlassState(review.outcome.value)
        return GlassState.OPEN if now < self.ended_at else GlassState.UNREVIEWED


@dataclass(frozen=True, slots=True)
class Unreviewed:
    """One that is open, or waits for its review, as every page tells staff of it."""

    emergency: Emergency
    tenant_key: str
    tenant_name: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Done:
    """Something done under it: the receipt, and hex SHA-256 of its envelope."""

    receipt_id: UUID
    kind: str
    at: datetime
    sha256: str


@dataclass(frozen=True, slots=True)
class Record:
    """What was done with it: acts in order, and how many entries of the access log it made."""

    acts: tuple[Done, ...]
    looks: int


@dataclass(frozen=True, slots=True)
class OpenBreakGlass:
    """Command: emergency access to a customer's tenant, for the one who asks and nobody else."""

    tenant_id: UUID
    reason: str
    lasts: timedelta = USUAL

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))
        if len(self.reason) < SHORTEST_REASON:
            raise InvalidInput(
                f"say what is wrong and why it cannot wait, in at least {SHORTEST_REASON} characters",
                field="reason",
            )
        if not timedelta(minutes=5) <= self.lasts <= LONGEST:
            raise InvalidInput("between 5 minutes and 4 hours", field="minutes")
        if self.tenant_id == VENDOR_ID:
            raise InvalidInput("emergency access is to a customer, not to the vendor itself", field="tenant")


@dataclass(frozen=True, slots=True)
class CloseBreakGlass:
    """Command: end it before its time."""

    tenant_id: UUID
    grant_id: UUID
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))

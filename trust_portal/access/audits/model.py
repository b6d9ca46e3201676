"""An auditor's invitation, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from trust_portal.access.people.model import LONGEST_AUDIT, AddPerson
from trust_portal.errors import InvalidInput
from trust_portal.kernel.names import require_words

NOUN: Final = "audit invitation"
#: How long an invitation waits to be accepted; never past the end of the audit.
WAITS: Final = timedelta(days=7)


class InvitationState(StrEnum):
    """open → accepted → ended; lapsed if nobody came in time; revoked from open or accepted."""

    OPEN = "open"
    ACCEPTED = "accepted"
    ENDED = "ended"
    LAPSED = "lapsed"
    REVOKED = "revoked"


class InvitationAct(StrEnum):
    ACCEPTED = "accepted"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class InviteAuditor:
    """Command: let somebody from outside read one tenant's evidence ``until`` a moment, at most 92 days away."""

    tenant_id: UUID
    email: str
    name: str
    reason: str
    until: datetime

    def __post_init__(self) -> None:
        if self.until.tzinfo is None:
            raise InvalidInput("an instant needs a time zone", field="until")
        person = AddPerson(self.tenant_id, self.email, self.name)
        object.__setattr__(self, "email", person.email)
        object.__setattr__(self, "name", person.name)
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))

    def check(self, now: datetime) -> None:
        """Raises ``InvalidInput`` where the end is no time an audit may end."""
        if self.until <= now:
            raise InvalidInput("the end of an audit lies in the future", field="until")
        if self.until > now + LONGEST_AUDIT:
            raise InvalidInput(
                f"an audit ends within {LONGEST_AUDIT.days} days; invite again for longer", field="until"
            )


@dataclass(frozen=True, slots=True)
class RevokeInvitation:
    """Command: the invitation, and the role it gave, end at once."""

    tenant_id: UUID
    invitation_id: UUID
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class InvitationStep:
    """``person_id`` is who came, of an acceptance."""

    ordinal: int
    act: InvitationAct
    at: datetime
    by_id: UUID
    by: str
    reason: str | None
    receipt_id: UUID
    person_id: UUID | None = None


class EndedBy(StrEnum):
    """What else than its term or its revocation ended an invitation that somebody came by."""

    ROLE_TAKEN = "role_taken"
    ROLE_GIVEN_ANEW = "role_given_anew"
    SUSPENDED = "suspended"

    @property
    def words(self) -> str:
        return _ENDED_BY[self]


_ENDED_BY: Final = {
    EndedBy.ROLE_TAKEN: "the role was taken away",
    EndedBy.ROLE_GIVEN_ANEW: "the role was given anew, and is none of this invitation’s since",
    EndedBy.SUSPENDED: "the person was suspended",
}


@dataclass(frozen=True, slots=True)
class InvitationEnd:
    """That somebody who came by an invitation was put out past it; the receipt is that of the act."""

    how: EndedBy
    at: datetime
    by: str
    receipt_id: UUID


@dataclass(frozen=True, slots=True)
class Invitation:
    """``until`` is when the audit ends, ``waits_until`` when the link does; ``end`` is what ended it before, if no
    revocation did.
    """

    id: UUID
    tenant_id: UUID
    email: str
    name: str
    reason: str
    until: datetime
    waits_until: datetime
    at: datetime
    by_id: UUID
    by: str
    receipt_id: UUID
    steps: tuple[InvitationStep, ...] = ()
    end: InvitationEnd | None = None

    def step(self, act: InvitationAct) -> InvitationStep | None:
        return next((each for each in self.steps if each.act is act), None)

    def state(self, now: datetime) -> InvitationState:
        if self.step(InvitationAct.REVOKED) is not None:
            return InvitationState.REVOKED
        if self.step(InvitationAct.ACCEPTED) is not None:
            in_force = now < self.until and self.end is None
            return InvitationState.ACCEPTED if in_force else InvitationState.ENDED
        return InvitationState.OPEN if now < self.waits_until else InvitationState.LAPSED

    def may_end(self, now: datetime) -> bool:
        """Whether there is anything to revoke."""
        return self.state(now) in {InvitationState.OPEN, InvitationState.ACCEPTED}


@dataclass(frozen=True, slots=True)
class HeldAudit:
    """Somebody who reads as an auditor now. ``invitation_id`` is what let them in; None: the role was given them."""

    person_id: UUID
    name: str
    email: str
    since: datetime
    until: datetime
    invitation_id: UUID | None


@dataclass(frozen=True, slots=True)
class IssuedInvitation:
    """``url`` is shown once and stored nowhere."""

    invitation: Invitation
    url: str = field(repr=False)

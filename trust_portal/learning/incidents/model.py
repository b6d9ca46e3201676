"""Incidents as the register has them, and the facts they are made from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid5

from trust_portal.access.tenants.model import Tenant
from trust_portal.facts.events import PAGERS
from trust_portal.facts.operations_model import FactSource
from trust_portal.kernel.ids import VENDOR_ID

NOUN: Final = "incident"
#: What a ticket is called: capitals and numbers. A machine, an address or a port is none, nor is a name in words.
_PLAIN_REFERENCE: Final = re.compile(
    r"#?[0-9]{1,12}|[A-Z][A-Z0-9]{0,15}(?:[-_/#](?=[A-Z]*[0-9])[A-Z0-9]{1,16}){1,4}"
)
_SHOWN: Final = re.compile(r"[0-9a-f]{8}")


#: What a pager tells in words of its own, which stay with the vendor's people: who pressed what, and what was quoted there.
PAGERS_OWN_WORDS: Final = frozenset({"resolved", "reopened"})


def told_in_a_log(name: str) -> str:
    """``name`` of an incident in a customer's access log, as far as customers may read it: ``told_as``, or nothing.

    Before, the log took the key as it is, and its rows stay.
    """
    return name if _PLAIN_REFERENCE.fullmatch(name) or _SHOWN.fullmatch(name) else ""


class Severity(StrEnum):
    """P1 is the worst."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"

    def outranks(self, other: Severity) -> bool:
        """Whether it is worse."""
        return self.value < other.value

    @property
    def is_major(self) -> bool:
        """Whether it takes a postmortem, and two persons to make it less."""
        return self in MAJOR


MAJOR: Final = frozenset({Severity.P1, Severity.P2})


class MajorBecause(StrEnum):
    """Why an incident takes a postmortem."""

    DECLARED = "declared"
    RAISED = "raised"
    MERGED = "merged"


class GapReason(StrEnum):
    """Why something that was told of an incident belongs to none."""

    UNDECLARED = "undeclared"
    AMBIGUOUS = "ambiguous"


class EntryKind(StrEnum):
    """What a line of the timeline tells."""

    DECLARED = "declared"
    NOTE = "note"
    SEVERITY = "severity"
    TOLD_CUSTOMER = "told_customer"
    MITIGATION = "mitigation"
    AFFECTED = "affected"
    OWNER = "owner"
    MERGED = "merged"
    UNMERGED = "unmerged"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    DOWNGRADED = "downgraded"


@dataclass(frozen=True, slots=True)
class IncidentFact:
    """One stored event about an incident; ``key`` is the event's, ``subject`` the incident's.

    ``bounds``: the tenants its token could speak for; None: everybody. ``by_two``: it takes back what was said of a
    P1 or P2, and two approved that.
    """

    key: UUID
    type: str
    subject: str
    time: datetime
    body: Mapping[str, Any]
    tenants: tuple[UUID, ...] | None
    origin: FactSource
    bounds: frozenset[UUID] | None = None
    by_two: bool = False

    @property
    def source(self) -> str:
        return self.origin.source


@dataclass(frozen=True, slots=True)
class Downgrade:
    """A lower severity that two persons approved, and the one it was lowered from.

    ``used_at``, by our own clock: what came in later they had not seen. ``holds_from`` is after all that they saw.
    """

    id: UUID
    incident_id: UUID
    before: Severity
    severity: Severity
    holds_from: datetime
    used_at: datetime
    receipt_id: UUID


@dataclass(frozen=True, slots=True)
class IncidentEntry:
    """One line of the timeline, of when it happened.

    ``claim``: it was told and did not take effect: a lower severity, what takes a P1 or P2 away by a merger, or
    what only the source that declared the incident may say, or its token was for some tenants only and
    the incident touches others.
    ``key``: a turning point. ``origin`` None: an approved downgrade, whose ``receipt`` proves it. ``by``: who told it at the portal.
    """

    at: datetime
    kind: EntryKind
    text: str
    key: bool
    severity: Severity | None
    receipt: str | None
    origin: FactSource | None
    claim: bool = False
    by: str | None = None


@dataclass(frozen=True, slots=True)
class AppliedDowngrade:
    """The approved downgrade by which an incident is less, by its request, and what it made of it."""

    request_id: UUID
    severity: Severity


@dataclass(frozen=True, slots=True)
class Incident:
    """As last known. ``source`` and ``key`` are its name, ``id`` follows from them; ``drawn_id`` is the row's (``shown_id``).

    ``severity`` is in force; ``declared_severity`` was told first and stays; ``worst_severity`` is the
    worst that was ever told, of it or of one that was merged into it; ``claimed_severity`` is a lower one
    that was told and waits for its approval. ``severity_at`` is when the severity was last spoken of.
    ``told_severity`` is the worst that was ever in force: told of itself, or weighing on it from what was merged
    into it; ``downgrade`` is the approved one because of which it is less than that, None where it is not.
    ``tenants`` is empty where ``everybody``. ``resolved_at`` and ``mitigated_at`` are empty again after
    it was reopened; of a merged one they are those of what it goes on in, unless it began, or was reopened,
    after that was over. ``merge_key`` is the key it was merged into, as told, of ``merge_keys``,
    all that were ever told; ``merged_into`` what that is, and
    ``ends_in`` what that goes on in at last, which is known here since ``merged_at``; one that had
    been merged goes on by itself again since ``unmerged_at``. ``changes`` are when something came in that changes what a postmortem
    has to say: a declaration, a severity in force, whom it touches, a reopening; ascending.
    """

    id: UUID
    source: str
    key: str
    title: str
    service: str
    team: str | None
    owner: str
    owner_person_id: UUID | None
    severity: Severity
    declared_severity: Severity
    worst_severity: Severity
    claimed_severity: Severity | None
    severity_at: datetime
    told_severity: Severity
    downgrade: AppliedDowngrade | None
    major_because: MajorBecause | None
    began_at: datetime
    detected_at: datetime
    declared_at: datetime
    told_at: datetime | None
    mitigated_at: datetime | None
    resolved_at: datetime | None
    reopened: int
    merge_key: str | None
    merge_keys: tuple[str, ...]
    merged_into: UUID | None
    ends_in: UUID | None
    merged_at: datetime | None
    everybody: bool
    tenants: tuple[UUID, ...]
    objectives: tuple[str, ...] | None
    facts: int
    last_fact_at: datetime
    changes: tuple[datetime, ...]
    unmerged_at: datetime | None = None
    drawn_id: UUID | None = field(default=None, compare=False)

    @property
    def shown_id(self) -> UUID:
        """By which customers' doors name it: random, drawn when the register first had it, and kept.

        Whoever guesses source and key can work out ``id``, and would make sure by it of what is not theirs to know.
        Raises ``ValueError`` for what no register has.
        """
        if self.drawn_id is None:
            raise ValueError("only a register draws it")
        return self.drawn_id

    @property
    def changed_at(self) -> datetime:
        """When the last of ``changes`` came in."""
        return self.changes[-1]

    @property
    def told_as(self) -> str:
        """By what customers know it: its key, where that is a plain reference; else its ``shown_id``'s first eight digits.

        A key is put together of whatever its source carries: machines, addresses, and whom else it touches.
        """
        plain = not self.source.startswith(PAGERS) and _PLAIN_REFERENCE.fullmatch(self.key)
        return self.key if plain else str(self.shown_id)[:8]

    @property
    def covering_id(self) -> UUID:
        """Of which incident the postmortem is, as long as it owes none of its own: what it ends in, or itself."""
        return self.ends_in or self.id

    def is_told_of(self, frozen_at: datetime | None) -> bool:
        """The function of that name, of this one."""
        return is_told_of(self.changed_at, self.merged_at, frozen_at)

    @property
    def is_open(self) -> bool:
        return self.resolved_at is None

    @property
    def needs_postmortem(self) -> bool:
        return self.worst_severity.is_major

    def concerns(self, tenant: Tenant) -> bool:
        """Whether it touched the tenant, or may have: it names it, or is everybody's, and neither was over before it
        came nor began after it had left.
        """
        over = self.resolved_at is not None and self.resolved_at <= tenant.onboarded_at
        left = tenant.offboarded_at is not None and tenant.offboarded_at <= self.began_at
        return tenant.id in self.tenants or (self.everybody and not over and not left)


@dataclass(frozen=True, slots=True)
class ByItself:
    """What is told of an incident, without what was merged into it and what it goes on in."""

    severity: Severity | None
    mitigated_at: datetime | None
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True)
class IncidentGap:
    """Something told by ``source`` of an incident ``key`` that nobody declared, or several did.

    ``worst_severity`` is the worst it names; None: it names none.
    """

    source: str
    key: str
    reason: GapReason
    worst_severity: Severity | None
    first_at: datetime
    last_at: datetime
    facts: int


@dataclass(frozen=True, slots=True)
class Register:
    """What a set of facts comes to."""

    incidents: tuple[Incident, ...]
    gaps: tuple[IncidentGap, ...]


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """What is left out where given. ``words``: in key, title or service. ``open``: resolved or not."""

    severity: Severity | None = None
    service: str | None = None
    team: str | None = None
    owner_person_id: UUID | None = None
    customer_id: UUID | None = None
    open: bool | None = None
    claimed: bool = False
    words: str = ""
    declared_from: datetime | None = None
    declared_to: datetime | None = None


def is_told_of(changed_at: datetime, merged_at: datetime | None, frozen_at: datetime | None) -> bool:
    """The rule of what owes no postmortem of its own: whether that of what it goes on in tells of it, or will.

    ``frozen_at`` is of when that one's signed document is; None: none is signed, and what will be has all that is
    known by then. ``changed_at`` and ``merged_at`` are the merged incident's, the latter of every step of the way
    (``Incident``); what is told since of those between is a gap of theirs.
    """
    return frozen_at is None or (changed_at < frozen_at and (merged_at is None or merged_at < frozen_at))


def incident_id(source: str, key: str) -> UUID:
    """The same name is the same incident, also when the register is made again (RFC 9562, version 5)."""
    return uuid5(VENDOR_ID, f"{len(source)} {source}{key}")

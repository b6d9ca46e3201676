"""What is judged: the facts of each control, as they were read at one moment. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from trust_portal.access.approvals.model import ApprovalKind


@dataclass(frozen=True, slots=True)
class ControlledAct:
    """An act that takes two, as its receipt states it. ``approvers`` are the persons that the receipt names.

    ``about`` is the thing it was done to, in the words that approvals have for it; None: it names none.
    ``approval`` None: it names none. ``emergency``: done under emergency access instead, which is reviewed
    by a control of its own. ``first``: the policies an installation begins with, before anybody could approve.
    """

    receipt: UUID
    kind: str
    name: str
    at: datetime
    approval: UUID | None
    approvers: tuple[UUID, ...]
    about: str | None = None
    emergency: bool = False
    first: bool = False


@dataclass(frozen=True, slots=True)
class Approved:
    """An approval as the rows of its chain have it. ``needed`` is how many approvers its rule wanted."""

    id: UUID
    kind: ApprovalKind
    subject: str
    requester: UUID
    needed: int
    approvers: tuple[UUID, ...]
    used_at: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class DualControlFacts:
    acts: tuple[ControlledAct, ...]
    approvals: tuple[Approved, ...]


@dataclass(frozen=True, slots=True)
class Emergency:
    """A grant of emergency access. ``over_at``: closed, or its time was up; ``reviewed_at`` None: not yet."""

    id: UUID
    tenant: str
    person: UUID
    opened_at: datetime
    over_at: datetime
    reviewed_at: datetime | None
    receipt: UUID


@dataclass(frozen=True, slots=True)
class CoverageLine:
    """A line of the coverage ledger; ``incident`` None: nobody declared it. To a tenant it is ``Incident.shown_id``."""

    name: str
    incident: UUID | None
    severity: str | None
    cover: str
    is_gap: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class PeriodReport:
    """A period of a tenant for which something was promised. ``end`` is that of the period in UTC.

    ``signed`` is the newest signed revision; ``overtaken``: data received since give other figures.
    ``run`` is what the run of the period says of the tenant, ``why`` in its words.
    """

    tenant: str
    period: str
    end: datetime
    signed: int | None
    overtaken: bool
    run: str | None
    why: str | None


@dataclass(frozen=True, slots=True)
class AuditFacts:
    """The last audit of a log. ``first_receipt_at`` None: the log is empty. ``findings``: what it found.

    ``withheld``: what it could not look at, because the customer took back the key that seals it; None: nothing.
    """

    first_receipt_at: datetime | None
    audit: UUID | None
    audited_at: datetime | None
    receipts: int
    finding_count: int
    findings: tuple[tuple[str, str], ...]
    receipt: UUID | None
    withheld: str | None = None


@dataclass(frozen=True, slots=True)
class RoleFact:
    """A role in force. ``confirmed_at`` None: never reviewed."""

    grant: UUID
    person: UUID
    role: str
    granted_at: datetime
    confirmed_at: datetime | None
    receipt: UUID | None


@dataclass(frozen=True, slots=True)
class KeyFact:
    """A key in force: hex id, what it signs, since when."""

    key: str
    purpose: str
    since: datetime


Facts: TypeAlias = (
    DualControlFacts
    | tuple[Emergency, ...]
    | tuple[CoverageLine, ...]
    | tuple[PeriodReport, ...]
    | AuditFacts
    | tuple[RoleFact, ...]
    | tuple[KeyFact, ...]
)

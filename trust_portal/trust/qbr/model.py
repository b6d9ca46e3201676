"""QBRs: what is asked for, and what is kept of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from trust_portal.errors import InvalidInput
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.names import is_readable, require_words
from trust_portal.trust.report.model import Acknowledged, Acknowledgement
from trust_portal.trust.sections.model import Section

NOUN: Final = "QBR"
#: What the access log calls one that is not issued: nobody of the customer can open it.
DRAFT: Final = "QBR draft"
KIND: Final = "qbr"
#: 1 said less, and 2 in some places otherwise, as the Trust Report of that format did; in 3 the period in one look had an
#: age of its own; 1 to 4 did not say what was told of and is not in the register of incidents. All are still recomputed.
FORMAT: Final = "5"
FORMATS: Final = ("1", "2", "3", "4", FORMAT)
#: Those in which what leads a review was fresh whatever it is told from.
BEFORE_FOURTH: Final = frozenset({"1", "2", "3"})
ENGINE: Final[Mapping[str, Json]] = MappingProxyType({"name": "trust-portal qbr", "version": "1"})

#: Where a bundle carries the document and its other forms.
DOCUMENT_FILE: Final = "qbr.json"
CSV_FILE: Final = "qbr.csv"
PDF_FILE: Final = "qbr.pdf"
PPTX_FILE: Final = "qbr.pptx"
#: The QBR before this one, and the Trust Report it was laid beside.
PREVIOUS_FILE: Final = "inputs/previous.json"
TRUST_REPORT_FILE: Final = "inputs/trust-report.json"
#: How old what it begins with, and most of the rest, may be when it is issued.
FRESH_FOR: Final = timedelta(days=1)
#: How long a snapshot may wait for its review before it has to be taken anew.
KEEPS: Final = timedelta(days=21)


class Audience(StrEnum):
    """Who reads a comment: everybody, or the vendor's people alone."""

    CUSTOMER = "customer"
    INTERNAL = "internal"


class Verdict(StrEnum):
    ACCEPTED = "accepted"
    DECLINED = "declined"


class EntryKind(StrEnum):
    """What is said about a period's QBR besides its data. Of a kind and subject the last entry holds."""

    COMMENT = "comment"
    OMISSION = "omission"
    REVIEW = "review"


class CommitmentState(StrEnum):
    OPEN = "open"
    KEPT = "kept"
    MISSED = "missed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Entry:
    """``subject`` is a section's id, or that of a recommendation. An empty ``text`` takes back what was said.

    ``seen`` is the digest of the recommendation that was reviewed: of another a review says nothing.
    """

    ordinal: int
    kind: EntryKind
    subject: str
    audience: Audience
    text: str
    at: datetime
    by_name: str
    receipt_id: UUID
    verdict: Verdict | None = None
    seen: str | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """What went out: ``revision`` counts the period's, ``sha256`` is over the document's RFC 8785 bytes."""

    revision: int
    sha256: str
    acknowledged: tuple[Acknowledged, ...]
    reason: str | None
    at: datetime
    by_name: str
    receipt_id: UUID


@dataclass(frozen=True, slots=True)
class Obstacle:
    """``section`` is stale or missing after the moment ``until`` (None: it was when it was gathered), as long as it
    and ``told_from`` go out.
    """

    section: str
    told_from: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Qbr:
    """A snapshot of everything for one period, and its issue, if there is one. ``number`` counts the tenant's;
    ``blocking`` the sections that were stale or missing when it was gathered. ``obstacles`` is None of one that was gathered
    before they were kept.
    """

    id: UUID
    tenant_id: UUID
    number: int
    period: str
    as_of: datetime
    sha256: str
    prepared_by: str
    receipt_id: UUID
    blocking: int
    trust_report_id: UUID | None
    issue: Issue | None = None
    obstacles: tuple[Obstacle, ...] | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A snapshot with its sections and what was said about its period so far.

    ``standing`` are the sections as they stand at the moment of reading, some of them older than they may be by
    then; ``told`` what would be issued at that moment (``at``), ``newer`` what keeps it in: documents that took the
    place of some that it rests on. ``latest`` is the period's newest snapshot, which alone is issued; ``daily`` says that
    the clockwork gathers it anew every day, until somebody says something or gathers it by hand.
    """

    qbr: Qbr
    sections: tuple[Section, ...]
    entries: tuple[Entry, ...]
    standing: tuple[Section, ...]
    told: tuple[Section, ...]
    newer: tuple[str, ...]
    at: datetime
    latest: Qbr
    daily: bool

    @property
    def is_latest(self) -> bool:
        return self.latest.id == self.qbr.id

    def last(self, kind: EntryKind, subject: str, audience: Audience = Audience.CUSTOMER) -> Entry | None:
        return last_of(self.entries, kind, subject, audience)


@dataclass(frozen=True, slots=True)
class Commitment:
    """Something the vendor promised in the review of ``period``. ``evidence`` says what shows that it was kept, or why not."""

    id: UUID
    tenant_id: UUID
    revision: int
    text: str
    owner: str
    due: date
    state: CommitmentState
    evidence: str | None
    period: str
    made_at: datetime
    at: datetime
    by_name: str
    receipt_id: UUID


@dataclass(frozen=True, slots=True)
class Prepare:
    """Command: take a snapshot for a quarter or month."""

    tenant_id: UUID
    period: str


@dataclass(frozen=True, slots=True)
class Say:
    """Command: comment on a section, leave it out with a reason, or, with no text, take that back."""

    tenant_id: UUID
    period: str
    kind: EntryKind
    section: str
    text: str
    audience: Audience = Audience.CUSTOMER

    def __post_init__(self) -> None:
        if self.kind is EntryKind.REVIEW:
            raise InvalidInput("a recommendation is reviewed with a verdict", field="kind")
        if self.text.strip():
            object.__setattr__(self, "text", require_words(self.text, "text"))
        else:
            object.__setattr__(self, "text", "")
        if self.kind is EntryKind.OMISSION:
            object.__setattr__(self, "audience", Audience.CUSTOMER)


@dataclass(frozen=True, slots=True)
class Review:
    """Command: a recommendation goes to the customer, or does not; ``seen`` is its digest as it was read."""

    tenant_id: UUID
    period: str
    recommendation: str
    seen: str
    verdict: Verdict
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class IssueQbr:
    """Command. ``reason`` is required where the period has an issued QBR already.

    ``entries`` is how many comments, omissions and reviews whoever issues it has read: what was said later goes
    out under nobody's eyes. None: whatever is said.
    """

    tenant_id: UUID
    qbr_id: UUID
    acknowledgements: tuple[Acknowledgement, ...] = ()
    reason: str | None = None
    entries: int | None = None

    def __post_init__(self) -> None:
        if self.reason is not None:
            object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class Promise:
    """Command: a commitment, to be led with in the next review.

    ``period`` is that of the review in which it is made; None: of the last quarter that is over, or that in which the customer came.
    """

    tenant_id: UUID
    text: str
    owner: str
    due: date
    period: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", require_words(self.text, "text"))
        owner = self.owner.strip()
        if not 1 <= len(owner) <= 200 or not is_readable(owner):
            raise InvalidInput("an owner has 1 to 200 printable characters", field="owner")
        object.__setattr__(self, "owner", owner)


@dataclass(frozen=True, slots=True)
class Settle:
    """Command: a commitment was kept, missed or dropped; ``evidence`` says what shows it."""

    tenant_id: UUID
    commitment_id: UUID
    state: CommitmentState
    evidence: str

    def __post_init__(self) -> None:
        if self.state is CommitmentState.OPEN:
            raise InvalidInput("settled is what was kept, missed or dropped", field="state")
        object.__setattr__(self, "evidence", require_words(self.evidence, "evidence"))


def last_of(
    entries: tuple[Entry, ...], kind: EntryKind, subject: str, audience: Audience = Audience.CUSTOMER
) -> Entry | None:
    """What holds: the last entry, None where it took back what was said."""
    for each in reversed(entries):
        if (each.kind, each.subject, each.audience) == (kind, subject, audience):
            return each if each.text else None
    return None

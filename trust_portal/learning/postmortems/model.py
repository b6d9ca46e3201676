"""Postmortems: what people write, where one stands, and what they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from trust_portal.errors import InvalidInput
from trust_portal.evidence.assertion import Assertion
from trust_portal.kernel.names import is_readable, require_words
from trust_portal.learning.incidents.model import MajorBecause

KIND: Final = "postmortem"
COPY_KIND: Final = "postmortem-copy"
NOUN: Final = "postmortem"
#: As the access log names a customer's copy.
COPY_NOUN: Final = "postmortem copy"
FORMAT: Final = "1"
ENGINE: Final[Mapping[str, str]] = {"name": "trust-portal/postmortems", "version": "1"}

DOCUMENT_FILE: Final = "postmortem.json"
PDF_FILE: Final = "postmortem.pdf"
EVIDENCE_FILE: Final = "evidence.csv"
COPY_FILE: Final = "postmortem-copy.json"
COPY_PDF_FILE: Final = "postmortem-copy.pdf"
PROFILE_FILE: Final = "inputs/redaction.yaml"

#: How many prevention actions a signed postmortem has; more is a project, which nobody finishes.
FEWEST_ACTIONS: Final = 1
MOST_ACTIONS: Final = 3
MOST_WRITTEN: Final = 20_000


class PostmortemState(StrEnum):
    """Where the newest version stands; ``superseded`` is said of a version that a later one replaced."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    SIGNED = "signed"
    SUPERSEDED = "superseded"


class StepKind(StrEnum):
    """What happened to a postmortem; each step stands on the one before."""

    OPENED = "opened"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    ACCEPTED = "accepted"
    SIGNED = "signed"
    REOPENED = "reopened"


#: What may follow what.
FOLLOWS: Final[Mapping[StepKind, frozenset[StepKind]]] = {
    StepKind.OPENED: frozenset({StepKind.SUBMITTED}),
    StepKind.SUBMITTED: frozenset({StepKind.RETURNED, StepKind.ACCEPTED}),
    StepKind.RETURNED: frozenset({StepKind.SUBMITTED}),
    StepKind.ACCEPTED: frozenset({StepKind.RETURNED, StepKind.SIGNED}),
    StepKind.SIGNED: frozenset({StepKind.REOPENED}),
    StepKind.REOPENED: frozenset({StepKind.SUBMITTED}),
}
_STATES: Final[Mapping[StepKind, PostmortemState]] = {
    StepKind.OPENED: PostmortemState.DRAFT,
    StepKind.SUBMITTED: PostmortemState.IN_REVIEW,
    StepKind.RETURNED: PostmortemState.DRAFT,
    StepKind.ACCEPTED: PostmortemState.IN_REVIEW,
    StepKind.SIGNED: PostmortemState.SIGNED,
    StepKind.REOPENED: PostmortemState.DRAFT,
}


class Verdict(StrEnum):
    """Of a change near an incident."""

    SUSPECT = "suspect"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Written:
    """The parts that people write, in Markdown. ``REQUIRED_PARTS`` are not empty when submitted."""

    summary: str = ""
    impact: str = ""
    contributors: str = ""
    mitigators: str = ""
    risks: str = ""
    surprised: str = ""
    went_well: str = ""

    def __post_init__(self) -> None:
        for name in PARTS:
            text = getattr(self, name).replace("\r\n", "\n").strip()
            if len(text) > MOST_WRITTEN:
                raise InvalidInput(f"write at most {MOST_WRITTEN:,} characters", field=name)
            if not is_readable(text.replace("\n", "").replace("\t", "")):
                raise InvalidInput("write it without invisible or control characters", field=name)
            object.__setattr__(self, name, text)

    def json(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in PARTS}

    @property
    def lacking(self) -> tuple[str, ...]:
        """The parts without which nobody can review it."""
        return tuple(name for name in REQUIRED_PARTS if not getattr(self, name))


#: Names of the written parts, in their order, with how a page calls them.
PARTS: Final[Mapping[str, str]] = {
    "summary": "Summary",
    "impact": "Impact on customers",
    "contributors": "What contributed",
    "mitigators": "What limited it",
    "risks": "Risks that remain",
    "surprised": "What surprised us",
    "went_well": "What went well",
}
REQUIRED_PARTS: Final = ("summary", "impact", "contributors")


@dataclass(frozen=True, slots=True)
class Judgment:
    """What a person says of a change, over what the rule said."""

    verdict: Verdict
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class Person:
    id: UUID
    name: str

    def json(self) -> dict[str, str]:
        return {"person": str(self.id), "name": self.name}


@dataclass(frozen=True, slots=True)
class Draft:
    """One saving of the written parts and judgments (by fact's id); the newest counts."""

    revision: int
    version: int
    written: Written
    judgments: Mapping[str, Judgment]
    author: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """``digest`` (hex SHA-256) is of the document that was submitted, accepted or signed."""

    ordinal: int
    kind: StepKind
    version: int
    digest: str | None
    by: Person
    reason: str
    at: datetime
    receipt_id: UUID

    @property
    def state(self) -> PostmortemState:
        return _STATES[self.kind]


@dataclass(frozen=True, slots=True)
class Version:
    """A signed version. ``superseded_by`` is the next signed one."""

    number: int
    sha256: str
    snapshot_at: datetime
    signed_at: datetime
    signer: Person
    reviewer: Person
    authors: tuple[Person, ...]
    rationale: str
    reason: str | None
    signature_id: UUID
    action_count: int
    receipt_id: UUID
    superseded_by: int | None = None

    @property
    def state(self) -> PostmortemState:
        return PostmortemState.SIGNED if self.superseded_by is None else PostmortemState.SUPERSEDED


@dataclass(frozen=True, slots=True)
class Postmortem:
    """``steps`` is never empty. ``version`` counts from 1; it is the one being written, or the newest signed."""

    id: UUID
    incident_id: UUID
    opened_at: datetime
    opened_because: MajorBecause
    owner_person_id: UUID | None
    steps: tuple[Step, ...]
    versions: tuple[Version, ...]

    @property
    def last(self) -> Step:
        return self.steps[-1]

    @property
    def state(self) -> PostmortemState:
        return self.last.state

    @property
    def version(self) -> int:
        return self.last.version

    @property
    def signed(self) -> Version | None:
        """The version that counts."""
        return self.versions[-1] if self.versions else None

    @property
    def accepted(self) -> Step | None:
        """The review that stands, if the document may be signed."""
        return self.last if self.last.kind is StepKind.ACCEPTED else None


@dataclass(frozen=True, slots=True)
class Submission:
    """A document as it was frozen for review: canonical bytes, and who wrote what is in it."""

    ordinal: int
    document: bytes
    sha256: str
    snapshot_at: datetime
    authors: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class SaveDraft:
    """Command: the written parts, as they now read. ``revision`` is the one that was changed (0: none yet)."""

    postmortem_id: UUID
    revision: int
    written: Written


@dataclass(frozen=True, slots=True)
class Judge:
    """Command: what a change near the incident was."""

    postmortem_id: UUID
    fact: str
    judgment: Judgment


@dataclass(frozen=True, slots=True)
class Submit:
    """Command: freeze the document of draft ``revision`` and have it reviewed."""

    postmortem_id: UUID
    revision: int


@dataclass(frozen=True, slots=True)
class Return:
    """Command: back to the draft, and why."""

    postmortem_id: UUID
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class Accept:
    """Command: the document with this digest may be signed."""

    postmortem_id: UUID
    digest: str
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class Sign:
    """Command: sign the document with this digest, by passkey."""

    postmortem_id: UUID
    digest: str
    rationale: str
    assertion: Assertion | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "rationale", require_words(self.rationale, "rationale"))


@dataclass(frozen=True, slots=True)
class Reopen:
    """Command: begin the next version of a signed postmortem, and why."""

    postmortem_id: UUID
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class PlannedAction:
    """A prevention action as the document names it: to be done within ``term`` business days.

    ``due`` is a local date, ISO 8601; ``None`` while its clock has not begun.
    """

    id: UUID
    title: str
    type: str
    owner: Person
    term: int
    due: str | None
    link: str | None

    def json(self) -> dict[str, object]:
        return {
            "id": str(self.id),
            "title": self.title,
            "type": self.type,
            "owner": self.owner.json(),
            "term": str(self.term),
            "due": self.due,
            "link": self.link,
        }


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A warning of the lint that somebody lets stand, and why."""

    warning: str
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class Release:
    """Command: give a customer its copy of the signed version ``version``."""

    postmortem_id: UUID
    version: int
    customer_id: UUID
    profile: str
    reason: str
    acknowledged: tuple[Acknowledgement, ...] = field(default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class Disclose:
    """Command: show a customer fields that its copy withholds. ``fields`` are their places in the document."""

    release_id: UUID
    fields: tuple[str, ...]
    reason: str
    acknowledged: tuple[Acknowledgement, ...] = field(default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))
        if not self.fields:
            raise InvalidInput("name what is to be disclosed", field="fields")

"""Controls, and what an evaluation found about each. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from trust_portal.kernel.names import require_words

#: What refusals and access logs call it.
NOUN: Final = "compliance"
#: Kind of its bundles, and the files in them.
KIND: Final = "compliance"
CSV_FILE: Final = "compliance.csv"
DOCUMENT_FILE: Final = "compliance.json"
POAM_FILE: Final = "poam.json"
RESULTS_FILE: Final = "assessment-results.json"
#: Gaps that are written out, of one result; all are counted.
MOST_GAPS: Final = 200
#: Receipts named as evidence of one result, the newest; all were looked at.
MOST_EVIDENCE: Final = 20


class ControlState(StrEnum):
    """``not_evaluated``: there was nothing yet by which to judge, and ``why`` says what."""

    SATISFIED = "satisfied"
    NOT_SATISFIED = "not_satisfied"
    NOT_EVALUATED = "not_evaluated"


class Party(StrEnum):
    """Whose facts are judged: the vendor's, or one customer's own."""

    HOUSE = "house"
    TENANT = "tenant"


@dataclass(frozen=True, slots=True)
class Control:
    """``within`` is what the control allows, and stands in ``statement`` and ``method`` where it matters.

    ``references``: by framework, the numbers of what is alike there.
    """

    id: str
    title: str
    statement: str
    method: str
    parties: frozenset[Party]
    inherited: bool
    within: timedelta
    every: timedelta
    max_age: timedelta
    references: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """``version`` is the hex SHA-256 of the text it was read from; controls are in the order of their ids."""

    version: str
    controls: tuple[Control, ...]

    def of(self, party: Party) -> tuple[Control, ...]:
        """Those that are judged for ``party``."""
        return tuple(each for each in self.controls if party in each.parties)

    def control(self, id_: str) -> Control:
        """``LookupError`` where there is none of this id."""
        for each in self.controls:
            if each.id == id_:
                return each
        raise LookupError(f"the catalogue has no control {id_}")

    @property
    def every(self) -> timedelta:
        """How often an evaluation is due: as often as its most frequent control."""
        return min(each.every for each in self.controls)


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that is not as the control wants it. ``id`` is stable from one evaluation to the next."""

    id: str
    name: str
    why: str
    since: datetime
    receipt: UUID | None = None


@dataclass(frozen=True, slots=True)
class Judgment:
    """``looked_at`` things were judged, ``excepted`` of them are no gap for a reason the method gives.

    ``why`` says in words why nothing could be judged, and only that.
    """

    state: ControlState
    looked_at: int
    gaps: tuple[Gap, ...] = ()
    excepted: int = 0
    why: str | None = None
    evidence: tuple[UUID, ...] = ()

    def __post_init__(self) -> None:
        if (self.state is ControlState.NOT_EVALUATED) != (self.why is not None):
            raise ValueError("what was not evaluated says why, and only that")
        if (self.state is ControlState.NOT_SATISFIED) != bool(self.gaps):
            raise ValueError("what is not satisfied names its gaps, and only that")


@dataclass(frozen=True, slots=True)
class Result:
    """What is on record of one control. ``gaps`` are the first of ``gap_count``; of the vendor's result that a
    customer inherits there are none, only their number. ``facts_sha256`` is the digest of all that was judged.
    """

    control: str
    party: Party
    state: ControlState
    at: datetime
    looked_at: int
    excepted: int
    gap_count: int
    gaps: tuple[Gap, ...]
    why: str | None
    facts_sha256: str
    evidence: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """An evaluation that this one inherits from: the vendor's."""

    evaluation: UUID
    receipt: UUID
    sha256: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All controls of one tenant (or the vendor) at one moment, by control and party.

    ``sha256`` is of ``document``, the RFC 8785 bytes that are kept and that the receipt is about.
    """

    id: UUID
    tenant_id: UUID
    at: datetime
    results: tuple[Result, ...]
    document: bytes
    sha256: str
    receipt_id: UUID

    def count(self, state: ControlState) -> int:
        return sum(each.state is state for each in self.results)


@dataclass(frozen=True, slots=True)
class Summary:
    """Where one tenant stands, for the list of all; ``at`` None: it was never evaluated."""

    tenant_id: UUID
    key: str
    name: str
    at: datetime | None
    satisfied: int
    not_satisfied: int
    not_evaluated: int


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Command: judge every control of a tenant (or the vendor) now, for ``reason``."""

    tenant_id: UUID
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """That an assessment counts no more; the receipt is in the vendor's log."""

    at: datetime
    receipt_id: UUID


class AssessmentReaders(StrEnum):
    """Who may fetch the bytes of an assessment that was made elsewhere. Of what came of it everybody reads."""

    CUSTOMERS = "customers"
    VENDOR = "vendor"

    @property
    def words(self) -> str:
        return _READERS[self]


_READERS: Final = {
    AssessmentReaders.CUSTOMERS: "Every customer’s people and auditors, and the vendor’s people",
    AssessmentReaders.VENDOR: "The vendor’s people alone",
}


@dataclass(frozen=True, slots=True)
class ReadersChange:
    """The ``number``-th time (from 1) that other readers were named; the receipt is in the vendor's log."""

    number: int
    readers: AssessmentReaders
    at: datetime
    receipt_id: UUID


@dataclass(frozen=True, slots=True)
class Imported:
    """An assessment that was made elsewhere. ``as_of`` is when its oldest finding that counts was reached, and ``max_age`` how
    old that may be and still be shown as fresh. One that was withdrawn neither counts nor ages. ``readers`` are those of
    now, and ``readers_change`` the last that changed them; None where they are those it was imported for, and in evaluations.
    """

    id: UUID
    source: str
    title: str
    oscal_version: str
    sha256: str
    as_of: datetime
    max_age: timedelta
    satisfied: int
    not_satisfied: int
    at: datetime
    receipt_id: UUID
    withdrawn: Withdrawal | None = None
    readers: AssessmentReaders = AssessmentReaders.VENDOR
    readers_change: ReadersChange | None = None

"""Trust Reports: what is asked for, and what is kept of one that was published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from trust_portal.errors import Conflict, InvalidInput
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.names import require_words
from trust_portal.trust.gathering.ids import SECTIONS_OF
from trust_portal.trust.sections.freshness import ageless
from trust_portal.trust.sections.model import Section, State

NOUN: Final = "Trust Report"
KIND: Final = "trust-report"
#: 1 named no credit that was due, and less in other places (``gathering.before_format_2``); 1 and 2 added up minutes
#: down and did not say what was still owed of incidents before the period (``gathering.before_format_3``); 1 to 3 did
#: not say what was told of and is not in the register. All are still recomputed.
FORMATS: Final = tuple(SECTIONS_OF)
FORMAT: Final = FORMATS[-1]
ENGINE: Final[Mapping[str, Json]] = MappingProxyType({"name": "trust-portal trust report", "version": "1"})

#: The code of a refusal for what is stale or missing and not acknowledged.
SECTIONS_BLOCK: Final = "SECTIONS_BLOCK"

#: Where a bundle carries the document and its other forms.
DOCUMENT_FILE: Final = "trust-report.json"
CSV_FILE: Final = "trust-report.csv"
PDF_FILE: Final = "trust-report.pdf"
#: The Trust Report before this one.
PREVIOUS_FILE: Final = "inputs/previous.json"


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody lets a section stand that is stale or missing, and says why.

    ``seen`` is what it said when they did (``blocked_as``): of what it says later they know nothing.
    """

    section: str
    reason: str
    seen: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, f"reason-{self.section}"))
        object.__setattr__(self, "seen", _seen(self.seen))

    def json(self) -> dict[str, Json]:
        return {"section": self.section, "reason": self.reason, "seen": self.seen}


@dataclass(frozen=True, slots=True)
class PublishTrustReport:
    """Command. ``reason`` is required where the period has a published report already.

    ``standing`` are acknowledgements that somebody gave for many reports at once: each counts where its section
    says what was seen, and is passed over elsewhere.
    """

    tenant_id: UUID
    period: str
    acknowledgements: tuple[Acknowledgement, ...] = ()
    reason: str | None = None
    standing: tuple[Acknowledgement, ...] = ()

    def __post_init__(self) -> None:
        if self.reason is not None:
            object.__setattr__(self, "reason", require_words(self.reason, "reason"))
        named = [each.section for each in self.acknowledgements]
        if len(set(named)) != len(named):
            raise InvalidInput("a section is acknowledged once", field="acknowledgements")


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A section that was let stand: what kept it from being fresh, and the reason that was given."""

    section: str
    title: str
    state: State
    why: str
    reason: str

    def json(self) -> dict[str, Json]:
        return {
            "section": self.section,
            "title": self.title,
            "state": self.state.value,
            "why": self.why,
            "reason": self.reason,
        }

    @classmethod
    def of(cls, body: Mapping[str, str]) -> Acknowledged:
        return cls(body["section"], body["title"], State(body["state"]), body["why"], body["reason"])


@dataclass(frozen=True, slots=True)
class StoredTrustReport:
    """A published Trust Report. ``number`` counts the tenant's, ``revision`` those of the period, from 1.

    ``as_of`` is the moment of its snapshot; ``sha256`` is over the document's RFC 8785 bytes;
    ``superseded_by`` the revision that took its place, None while it stands.
    """

    id: UUID
    tenant_id: UUID
    number: int
    period: str
    revision: int
    as_of: datetime
    sha256: str
    acknowledged: tuple[Acknowledged, ...]
    reason: str | None
    published_at: datetime
    published_by: str
    receipt_id: UUID
    superseded_by: int | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be published now; ``last`` is the period's published report, where there is one."""

    period: str
    as_of: datetime
    sections: tuple[Section, ...]
    last: StoredTrustReport | None

    @property
    def blocking(self) -> tuple[Section, ...]:
        return blocking(self.sections)


class SectionsBlock(Conflict):
    """``sections`` keep a report from being published, and nobody lets them stand; the first one's reason is asked for."""

    def __init__(self, message: str, sections: Sequence[Section]) -> None:
        super().__init__(message, field=f"reason-{sections[0].id}", code=SECTIONS_BLOCK)
        self.sections = tuple(sections)


def blocking(sections: Sequence[Section]) -> tuple[Section, ...]:
    """Those that keep a document from being published until somebody acknowledges them."""
    return tuple(each for each in sections if each.state.blocks)


def blocked_as(section: Section) -> str:
    """What is acknowledged. That something grows older while somebody reads is no news; whatever else it says is."""
    return _seen(f"{section.state.value}: {section.why}")


def _seen(text: str) -> str:
    """However it was copied: browsers make plain spaces of those that do not break."""
    return " ".join(ageless(text).split())

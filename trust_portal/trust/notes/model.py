"""Notes: a word of the vendor's about a subject, for one customer or for all, as long as it holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from trust_portal.errors import InvalidInput
from trust_portal.kernel.names import require_words

NOUN: Final = "note"
_MOST: Final = 120


class NoteKind(StrEnum):
    SUB_PROCESSOR = "sub_processor"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class WriteNote:
    """Command: what is said of ``subject`` from now on. ``text`` None: nothing any more.

    ``tenant_id`` is the customer's, or the vendor's own for all customers. ``valid_to`` is the last day on which
    it holds; a note that has outlived it makes its section stale.
    """

    tenant_id: UUID
    kind: NoteKind
    subject: str
    text: str | None
    valid_from: date
    valid_to: date | None = None

    def __post_init__(self) -> None:
        subject = require_words(self.subject, "subject")
        if len(subject) > _MOST or "\n" in subject:
            raise InvalidInput(f"name it in one line of at most {_MOST} characters", field="subject")
        object.__setattr__(self, "subject", subject)
        if self.text is not None:
            object.__setattr__(self, "text", require_words(self.text, "text"))
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise InvalidInput("it ends before it begins", field="valid_to")


@dataclass(frozen=True, slots=True)
class StoredNote:
    """One word on a subject; ``revision`` counts them from 1, and the newest holds."""

    id: UUID
    tenant_id: UUID
    kind: NoteKind
    subject: str
    revision: int
    text: str | None
    valid_from: date
    valid_to: date | None
    written_at: datetime
    written_by: str
    receipt_id: UUID

    def is_over(self, on: date) -> bool:
        return self.valid_to is not None and self.valid_to < on

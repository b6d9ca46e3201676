"""What the door answers, event by event."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from uuid import UUID

#: A stream of nothing but bad lines must not grow the answer without bound.
MAX_LISTED_REJECTIONS: Final = 10_000
#: Nor may one that makes up a new objective for each event.
MAX_MEASURED: Final = 10_000


class RejectionCode(StrEnum):
    """Why an event was not stored. Stable: producers branch on these."""

    CONFLICT = "CONFLICT"
    """The same source and id were stored before with different content."""
    FORBIDDEN_SOURCE = "FORBIDDEN_SOURCE"
    FORBIDDEN_TENANT = "FORBIDDEN_TENANT"
    INVALID = "INVALID"
    """A field is missing, malformed or out of range; ``path`` says which."""
    MALFORMED = "MALFORMED"
    """Not a JSON object."""
    TIME_IN_FUTURE = "TIME_IN_FUTURE"
    TOO_LARGE = "TOO_LARGE"
    UNAVAILABLE = "UNAVAILABLE"
    """Nothing is wrong with the event, but it could not be stored; send it again."""
    UNKNOWN_TENANT = "UNKNOWN_TENANT"
    UNKNOWN_TYPE = "UNKNOWN_TYPE"


FORBIDDEN: Final = frozenset({RejectionCode.FORBIDDEN_SOURCE, RejectionCode.FORBIDDEN_TENANT})


@dataclass(frozen=True, slots=True)
class Rejection:
    """``index`` counts the events of the request from 0; ``path`` is a JSON path into the event."""

    index: int
    id: str | None
    code: RejectionCode
    message: str
    path: str | None


@dataclass(frozen=True, slots=True)
class Measured:
    """What sound measurements were of: a tenant, by id and by external key, and the objective they name."""

    tenant_id: UUID
    tenant: str
    objective: str


@dataclass(slots=True)
class Outcome:
    """Counts of one delivery. Everything counted as accepted is committed.

    ``measured`` is what its measurements were of, whether or not anybody has defined it, up to ``MAX_MEASURED``.
    """

    accepted: int = 0
    duplicates: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    rejected_by_code: dict[RejectionCode, int] = field(default_factory=dict)
    measured: set[Measured] = field(default_factory=set)

    def reject(self, rejection: Rejection) -> None:
        count = self.rejected_by_code
        count[rejection.code] = count.get(rejection.code, 0) + 1
        if len(self.rejected) < MAX_LISTED_REJECTIONS:
            self.rejected.append(rejection)

    @property
    def rejected_count(self) -> int:
        """All rejections, also those beyond ``MAX_LISTED_REJECTIONS``."""
        return sum(self.rejected_by_code.values())

    @property
    def stored_or_known(self) -> int:
        return self.accepted + self.duplicates

    def only(self, codes: frozenset[RejectionCode]) -> bool:
        """Whether there were events and every one was rejected for one of ``codes``."""
        return (
            bool(self.rejected_by_code) and not self.stored_or_known and self.rejected_by_code.keys() <= codes
        )

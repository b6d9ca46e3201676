"""Who looks after a customer, and when the next business review is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum, StrEnum
from typing import Final
from uuid import UUID

from trust_portal.access.tenants.model import Tenant
from trust_portal.errors import InvalidInput
from trust_portal.kernel.period import quarter_before
from trust_portal.trust.qbr.model import Qbr

NOUN: Final = "account"
#: How long before a review its QBR is prepared, where nobody said otherwise.
LEAD: Final = timedelta(days=7)
_MOST_LEAD: Final = timedelta(days=60)
#: The quarter before a review has a name, and so has the day on which it is prepared.
_FIRST_YEAR: Final = 2000


class Kept(Enum):
    """In place of a value that a command does not change."""

    KEPT = "kept"


KEPT: Final = Kept.KEPT


class Readiness(StrEnum):
    """How far the QBR of the quarter that the next review is about has come."""

    NO_DATE = "no_date"  #: nobody has said when the review is
    NOTHING_YET = "nothing_yet"  #: the quarter was over before the customer came
    NOT_PREPARED = "not_prepared"
    BLOCKED = "blocked"  #: prepared, and something in it is stale or missing
    AGED = "aged"  #: prepared, and something was fresh then and is no longer: to be gathered anew
    SUPERSEDED = "superseded"  #: prepared, and a document that it rests on was superseded since: likewise
    DRAFT = "draft"  #: prepared, and nothing stands in the way
    ISSUED = "issued"


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """``revision`` 0: nobody has said anything yet. ``lead``: how long before the review the QBR is prepared."""

    tenant_id: UUID
    csm_id: UUID | None = None
    csm_name: str | None = None
    review_on: date | None = None
    lead: timedelta = LEAD
    revision: int = 0
    at: datetime | None = None
    by_name: str | None = None
    receipt_id: UUID | None = None

    @property
    def quarter(self) -> str | None:
        """Which quarter the review is about: the last that is over on its day."""
        return None if self.review_on is None else quarter_before(self.review_on)

    @property
    def at_weekend(self) -> str | None:
        """``Saturday`` or ``Sunday``, where the review is planned for one. It stays there: somebody chose it."""
        return None if self.review_on is None else {5: "Saturday", 6: "Sunday"}.get(self.review_on.weekday())


@dataclass(frozen=True, slots=True)
class Account:
    """A customer with what was said of it and how ready it is; ``blocking`` counts the sections of its draft that go out
    and are stale or missing by now.

    ``to_gather``: its draft is the clockwork's own, of a day before, and nobody has said anything about it. ``is_old``: it
    rests on what was superseded, or is older than what it begins with may be. ``is_daily``: its draft, of whatever day, is
    the clockwork's own still. ``last_issued``: where no review is planned, the one that was issued last.
    """

    tenant: Tenant
    settings: AccountSettings
    readiness: Readiness
    blocking: int = 0
    qbr_id: UUID | None = None
    to_gather: bool = False
    is_old: bool = False
    is_daily: bool = False
    last_issued: Qbr | None = None


@dataclass(frozen=True, slots=True)
class SetAccount:
    """Command: from now on. ``csm_id`` None: nobody looks after it; ``review_on`` None: no review is planned. What is
    ``KEPT`` stays as it is.
    """

    tenant_id: UUID
    csm_id: UUID | Kept | None
    review_on: date | Kept | None
    lead: timedelta | Kept = LEAD

    def __post_init__(self) -> None:
        if isinstance(self.review_on, date) and self.review_on.year < _FIRST_YEAR:
            raise InvalidInput(f"a review is not before {_FIRST_YEAR}", field="review_on")
        if isinstance(self.lead, timedelta) and not timedelta(days=1) <= self.lead <= _MOST_LEAD:
            raise InvalidInput("a QBR is prepared 1 to 60 days before its review", field="lead_days")

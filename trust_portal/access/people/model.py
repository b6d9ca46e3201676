"""People, and the commands about them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from trust_portal.errors import InvalidInput
from trust_portal.kernel.actor import CUSTOMER_ROLES, Actor, ActorKind, Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.names import is_readable

#: An audit ends; whoever needs longer is granted the role again, visibly.
LONGEST_AUDIT: Final = timedelta(days=92)

_EMAIL: Final = re.compile(
    r"[^\s@\x00-\x1f\x7f<>(),;:\\\"\[\]]{1,64}@[^\s@\x00-\x1f\x7f<>(),;:\\\"\[\]]{1,189}"
)


@dataclass(frozen=True, slots=True)
class Person:
    """``roles`` are those in force when it was read."""

    id: UUID
    tenant_id: UUID
    email: str
    name: str
    active: bool
    roles: frozenset[Role] = frozenset()

    def as_actor(self) -> Actor:
        return Actor(
            kind=ActorKind.PERSON,
            id=self.id,
            name=self.name,
            tenant_id=self.tenant_id,
            roles=self.roles,
            person_id=self.id,
        )


@dataclass(frozen=True, slots=True)
class PersonRef:
    """Where somebody is: one email may be a person in several tenants."""

    tenant_id: UUID
    person_id: UUID


@dataclass(frozen=True, slots=True)
class AddPerson:
    """Command; ``email`` is normalised. Raises ``InvalidInput``."""

    tenant_id: UUID
    email: str
    name: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "email", normalise_email(self.email))
        object.__setattr__(self, "name", self.name.strip())
        if not 1 <= len(self.name) <= 200 or not is_readable(self.name):
            raise InvalidInput("a name has 1 to 200 printable characters", field="name")


@dataclass(frozen=True, slots=True)
class GrantRole:
    """Command. ``until`` is when the role ends by itself; an auditor's always does."""

    tenant_id: UUID
    person_id: UUID
    role: Role
    until: datetime | None = None

    def check(self, now: datetime) -> None:
        """Raises ``InvalidInput`` where role, tenant and end do not fit together."""
        at_vendor = self.tenant_id == VENDOR_ID
        if at_vendor == (self.role in CUSTOMER_ROLES):
            side = "people of a customer" if at_vendor else "people of the vendor"
            raise InvalidInput(f"{self.role.value} is a role for {side}", field="role")
        if self.until is not None and self.until <= now:
            raise InvalidInput("the end of a role lies in the future", field="until")
        if self.role is Role.AUDITOR and (self.until is None or self.until > now + LONGEST_AUDIT):
            raise InvalidInput(
                f"an auditor's role ends within {LONGEST_AUDIT.days} days: say when", field="until"
            )


def normalise_email(text: str) -> str:
    """NFKC, lower case, no spaces around. Raises ``InvalidInput`` for what is no address."""
    email = unicodedata.normalize("NFKC", text).strip().lower()
    if not _EMAIL.fullmatch(email):
        raise InvalidInput("this is not an email address", field="email")
    return email

"""One look at a tenant's things."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from trust_portal.access.actors import CONSOLE
from trust_portal.kernel.actor import Actor, ActorKind, Role

#: Why a bundle was taken that lies with the vendor and tells of the tenant.
VENDORS_OWN: Final = "evidence that the vendor keeps"


class Verb(StrEnum):
    READ = "read"
    DOWNLOADED = "downloaded"


class Group(StrEnum):
    """Whose eyes they were, as a tenant asks."""

    AUDITOR = "auditor"
    CUSTOMER = "customer"
    STAFF = "staff"
    SYSTEM = "system"


class Looker(StrEnum):
    """Whom a tenant asks for. What came by a token is a program's, whoever issued it."""

    STAFF = "staff"
    AUDITOR = "auditor"
    CUSTOMER = "customer"
    TOKEN = "token"  # noqa: S105 - the name of a kind, not a secret


@dataclass(frozen=True, slots=True)
class AccessFilter:
    """None: whoever, whatever."""

    by: Looker | None = None
    verb: Verb | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """``what`` is the kind of thing ("SLA report"), ``subject`` its id or empty for a list;
    ``purpose`` says why in words a customer understands.
    """

    verb: Verb
    what: str
    subject: str = ""
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class AccessEntry:
    """A row of the log. The same access by the same actor within a minute is one row."""

    id: UUID
    tenant_id: UUID
    at: datetime
    actor_id: UUID
    actor_kind: ActorKind
    actor_name: str
    group: Group
    access: Access


@dataclass(frozen=True, slots=True)
class AccessTally:
    """How often one actor looked and fetched in a stretch of time, and when last."""

    actor_id: UUID
    actor_kind: ActorKind
    actor_name: str
    group: Group
    read: int
    downloaded: int
    last: datetime

    def count(self, verb: Verb) -> int:
        return self.read if verb is Verb.READ else self.downloaded


def group_of(actor: Actor) -> Group:
    """Whoever sits at the console is one of the vendor's people; the installation itself is nobody."""
    if actor.kind is ActorKind.SYSTEM and actor.id != CONSOLE.id:
        return Group.SYSTEM
    if actor.is_staff:
        return Group.STAFF
    return Group.AUDITOR if Role.AUDITOR in actor.roles else Group.CUSTOMER

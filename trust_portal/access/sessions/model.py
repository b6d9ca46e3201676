"""A signed-in browser."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from trust_portal.kernel.actor import Actor


class Method(StrEnum):
    """How somebody came in."""

    LINK = "link"
    OIDC = "oidc"
    PERSONA = "persona"


@dataclass(frozen=True, slots=True)
class Client:
    """What the browser says of itself, shortened, so that people recognise their sessions."""

    user_agent: str = ""
    address: str = ""

    def __post_init__(self) -> None:
        printable = "".join(c for c in self.user_agent if c.isprintable())
        object.__setattr__(self, "user_agent", printable[:120])
        object.__setattr__(self, "address", _network(self.address))


@dataclass(frozen=True, slots=True)
class Session:
    """As its owner sees it in the list; ``expires_at`` is the absolute end.

    ``brought_by`` as in ``SignedIn``.
    """

    id: UUID
    tenant_id: UUID
    person_id: UUID
    method: Method
    client: Client
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    brought_by: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A valid session, opened by signing in at ``opened_at``. ``cookie`` is set when the browser must be
    given a new value.

    ``brought_by``: who made the link it came about by, and the link that one had come in by, and so on.
    Whoever makes a link can be the one who comes in by it.
    """

    session_id: UUID
    actor: Actor
    opened_at: datetime
    expires_at: datetime
    cookie: str | None = None
    brought_by: tuple[UUID, ...] = ()


def _network(address: str) -> str:
    """An address without its last part: enough to recognise a place, too little to follow a person."""
    if address.count(".") == 3:
        return address.rpartition(".")[0] + ".*"
    if ":" in address:
        return ":".join(address.split(":")[:3]) + ":*"
    return ""

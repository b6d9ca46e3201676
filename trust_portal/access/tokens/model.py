"""API tokens, and the command that makes one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from trust_portal.access.action import CUSTOMER_SCOPES, TokenScope
from trust_portal.errors import InvalidInput
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import VENDOR_ID

LONGEST_LIFE: Final = timedelta(days=366)
DEFAULT_LIFE: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an ingest token may speak for. Both hold for every single event.

    ``sources`` are CloudEvents sources, exact or a prefix that ends in ``*``; ``tenants`` empty
    means every tenant.
    """

    sources: tuple[str, ...] = ()
    tenants: frozenset[UUID] = frozenset()

    def covers_source(self, source: str) -> bool:
        return any(
            source.startswith(each[:-1]) if each.endswith("*") else source == each for each in self.sources
        )

    def covers_tenant(self, tenant_id: UUID) -> bool:
        return not self.tenants or tenant_id in self.tenants


@dataclass(frozen=True, slots=True)
class ApiToken:
    """As shown in lists: everything but the secret. ``person_id`` is the issuer, whose roles bound it."""

    id: UUID
    tenant_id: UUID
    person_id: UUID
    label: str
    scopes: frozenset[TokenScope]
    bounds: Bounds
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    def usable(self, now: datetime) -> bool:
        return self.revoked_at is None and self.expires_at > now


@dataclass(frozen=True, slots=True)
class CreateToken:
    """Command. ``person_id`` None: the actor issues it for themselves.

    Raises ``InvalidInput`` for scopes that the tenant's tokens cannot carry, an ingest token without
    sources, or a life that is not within a year.
    """

    tenant_id: UUID
    label: str
    scopes: frozenset[TokenScope]
    bounds: Bounds = Bounds()
    life: timedelta = DEFAULT_LIFE
    person_id: UUID | None = None

    def __post_init__(self) -> None:
        if not self.label.strip() or len(self.label) > 100 or not self.label.isprintable():
            raise InvalidInput("a label has 1 to 100 printable characters", field="label")
        if not self.scopes:
            raise InvalidInput("a token without a scope can do nothing", field="scopes")
        if self.tenant_id != VENDOR_ID and not self.scopes <= CUSTOMER_SCOPES:
            raise InvalidInput("a customer's token carries the scopes operate and read only", field="scopes")
        if TokenScope.INGEST in self.scopes and not self.bounds.sources:
            raise InvalidInput("name the sources this token may send events for", field="sources")
        if any(not each.strip() or len(each) > 300 for each in self.bounds.sources):
            raise InvalidInput("a source has 1 to 300 characters", field="sources")
        if not timedelta(0) < self.life <= LONGEST_LIFE:
            raise InvalidInput(f"a token lives at most {LONGEST_LIFE.days} days", field="life")


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token with its secret, which is shown this once and stored nowhere."""

    token: ApiToken
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Admission:
    """A recognised token: who acts, and what it may speak for."""

    actor: Actor
    bounds: Bounds

"""Who delivers events, and for what it may speak."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from trust_portal.facts.outcome import RejectionCode
from trust_portal.facts.refusal import BadEvent
from trust_portal.kernel.actor import Actor


@dataclass(frozen=True, slots=True)
class Sender:
    """``sources`` and ``tenants`` bound what an ingest token may send; empty means unbounded."""

    actor: Actor
    sources: frozenset[str] = field(default=frozenset())
    tenants: frozenset[UUID] = field(default=frozenset())

    def check_source(self, source: str) -> None:
        if self.sources and source not in self.sources:
            raise BadEvent(
                RejectionCode.FORBIDDEN_SOURCE,
                f"this token may not speak for the source {source}",
                "$.source",
            )

    def check_tenant(self, tenant_id: UUID, path: str) -> None:
        if self.tenants and tenant_id not in self.tenants:
            raise BadEvent(RejectionCode.FORBIDDEN_TENANT, "this token may not speak for this tenant", path)

    def check_everybody(self) -> None:
        """A fact that names no tenant speaks of all of them."""
        if self.tenants:
            raise BadEvent(
                RejectionCode.FORBIDDEN_TENANT,
                "this token speaks for some tenants only, and the event names none: name them in `tenants`",
                "$.data.tenants",
            )

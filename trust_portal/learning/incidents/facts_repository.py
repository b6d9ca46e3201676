"""What was told of incidents, as it is stored. In the vendor's own scope, or the staff's."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, select

from trust_portal.errors import Broken
from trust_portal.facts.incident_touches import INCIDENT_TYPES
from trust_portal.facts.operations_model import FactSource
from trust_portal.facts.tables import facts
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.incidents.model import Downgrade, IncidentFact, Severity
from trust_portal.learning.incidents.tables import incident_downgrades, incident_retractions, incidents
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession


async def facts_of(session: ReadSession, keys: Collection[str]) -> tuple[IncidentFact, ...]:
    """Every fact of ``keys``."""
    if isinstance(session.scope, TenantScope) and session.scope.tenant_id != VENDOR_ID:
        # Row-level security would answer "none", and an incident would look as if nobody had told of it.
        raise Broken("the vendor's facts are not visible in a customer's scope", code="WRONG_SCOPE")
    approved = incident_retractions.c
    query = (
        select(facts, approved.event_key.is_not(None).label("by_two"))
        .outerjoin(
            incident_retractions,
            and_(approved.tenant_id == facts.c.tenant_id, approved.event_key == facts.c.event_key),
        )
        .where(facts.c.tenant_id == VENDOR_ID, facts.c.type.in_(INCIDENT_TYPES), facts.c.subject.in_(keys))
    )
    return tuple(_fact(row) for row in await session.execute(query))


async def facts_about(session: ReadSession, keys: Collection[str]) -> tuple[IncidentFact, ...]:
    """Every fact of ``keys`` and of all keys that were ever merged with them, directly or not, also where that was undone."""
    found: dict[str, tuple[IncidentFact, ...]] = {}
    wanted = set(keys)
    while wanted:
        told = await facts_of(session, wanted)
        for key in wanted:
            found[key] = tuple(fact for fact in told if fact.subject == key)
        merged = {str(fact.body["into"]) for fact in told if fact.body.get("kind") == "merged"}
        query = select(incidents.c.key).where(
            incidents.c.tenant_id == VENDOR_ID, incidents.c.merge_keys.overlap(list(wanted))
        )
        merged |= set((await session.execute(query)).scalars())
        wanted = merged - found.keys()
    return tuple(fact for told in found.values() for fact in told)


async def all_keys(session: ReadSession) -> tuple[str, ...]:
    """Every key by which anything was told."""
    query = select(facts.c.subject).where(facts.c.tenant_id == VENDOR_ID, facts.c.type.in_(INCIDENT_TYPES))
    return tuple((await session.execute(query.distinct().order_by(facts.c.subject))).scalars())


async def downgrades_of(session: ReadSession, incident_ids: Collection[UUID]) -> tuple[Downgrade, ...]:
    """The approved downgrades of these incidents."""
    query = select(incident_downgrades).where(
        incident_downgrades.c.tenant_id == VENDOR_ID, incident_downgrades.c.incident_id.in_(incident_ids)
    )
    return tuple(
        Downgrade(
            id=row.request_id,
            incident_id=row.incident_id,
            before=Severity(row.before),
            severity=Severity(row.severity),
            holds_from=row.holds_from,
            used_at=row.used_at,
            receipt_id=row.receipt_id,
        )
        for row in await session.execute(query)
    )


def _fact(row: Row[Any]) -> IncidentFact:
    return IncidentFact(
        key=row.event_key,
        type=row.type,
        subject=row.subject,
        time=row.time,
        body=row.body,
        tenants=None if row.tenants is None else tuple(row.tenants),
        origin=FactSource(row.source, row.event_id, row.digest, row.received_at),
        bounds=None if row.bounds is None else frozenset(row.bounds),
        by_two=row.by_two,
    )

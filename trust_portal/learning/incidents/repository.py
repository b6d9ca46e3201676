"""The register of incidents in and out of its tables. In the vendor's own scope, or the staff's."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select, true
from sqlalchemy.dialects.postgresql import insert

from trust_portal.access.tenants.model import Tenant
from trust_portal.errors import NotFound
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.learning.incidents import folding
from trust_portal.learning.incidents.facts_repository import downgrades_of, facts_about
from trust_portal.learning.incidents.model import (
    NOUN,
    AppliedDowngrade,
    GapReason,
    Incident,
    IncidentEntry,
    IncidentFilter,
    IncidentGap,
    MajorBecause,
    Severity,
)
from trust_portal.learning.incidents.tables import (
    incident_gaps,
    incident_register,
    incident_tenants,
    incidents,
)
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def lock_register(session: WriteSession) -> None:
    """Whoever changes the register does so alone, until the commit. Before reading any fact."""
    row = incident_register.c
    await session.execute(
        insert(incident_register)
        .values(tenant_id=VENDOR_ID, followed_at=session.clock.now())
        .on_conflict_do_nothing(index_elements=["tenant_id"])
    )
    await session.execute(select(row.tenant_id).where(row.tenant_id == VENDOR_ID).with_for_update())


async def find_incident(session: ReadSession, incident_id: UUID) -> Incident:
    """One incident; ``NotFound`` if there is no such."""
    query = _incidents().where(incidents.c.id == incident_id)
    row = (await session.execute(query)).first()
    if row is None:
        raise NotFound(NOUN)
    return _incident(row)


async def find_shown(session: ReadSession, shown_id: UUID) -> Incident:
    """One by the id that customers see (``Incident.shown_id``); ``NotFound`` if there is no such."""
    row = (await session.execute(_incidents().where(incidents.c.shown_id == shown_id))).first()
    if row is None:
        raise NotFound(NOUN)
    return _incident(row)


async def find_by_name(session: ReadSession, source: str, key: str) -> Incident | None:
    query = _incidents().where(incidents.c.source == source, incidents.c.key == key)
    row = (await session.execute(query)).first()
    return None if row is None else _incident(row)


async def incidents_by_id(session: ReadSession, ids: Collection[UUID]) -> dict[UUID, Incident]:
    rows = await session.execute(_incidents().where(incidents.c.id.in_(ids)))
    return {row.id: _incident(row) for row in rows}


async def incidents_of_keys(session: ReadSession, keys: Collection[str]) -> tuple[Incident, ...]:
    """By source and key."""
    query = _incidents().where(incidents.c.key.in_(keys)).order_by(incidents.c.source, incidents.c.key)
    return tuple(_incident(row) for row in await session.execute(query))


async def merged_into(session: ReadSession, incident_id: UUID) -> tuple[Incident, ...]:
    """Those that were merged into it, by declaration."""
    query = _incidents().where(incidents.c.merged_into == incident_id)
    rows = await session.execute(query.order_by(incidents.c.declared_at, incidents.c.id))
    return tuple(_incident(row) for row in rows)


async def ended_in(session: ReadSession, incident_id: UUID) -> tuple[Incident, ...]:
    """Everything that goes on in it, directly or not, by declaration."""
    query = _incidents().where(incidents.c.ends_in == incident_id)
    rows = await session.execute(query.order_by(incidents.c.declared_at, incidents.c.id))
    return tuple(_incident(row) for row in rows)


async def incidents_page(
    session: ReadSession, wanted: IncidentFilter, request: PageRequest, customer: Tenant | None = None
) -> Page[Incident]:
    """Those that ``wanted`` lets through, the last declared first; of ``customer`` where one is given."""
    return await keyset_page(
        session,
        _incidents().where(*_conditions(wanted), *([_concerning(customer)] if customer else [])),
        request,
        order=(incidents.c.declared_at, incidents.c.id),
        parse=(datetime.fromisoformat, UUID),
        read=_incident,
        key=lambda each: (each.declared_at.isoformat(), str(each.id)),
        descending=True,
    )


async def incidents_under_way(
    session: ReadSession, customer: Tenant, start: datetime, end: datetime
) -> tuple[Incident, ...]:
    """Those that may have touched the customer between ``start`` and ``end``, by beginning.

    What was over in the moment in which it began belongs to the period of that moment.
    """
    query = _incidents().where(
        _concerning(customer),
        incidents.c.began_at < end,
        or_(
            incidents.c.resolved_at.is_(None),
            incidents.c.resolved_at > start,
            incidents.c.began_at >= start,
        ),
    )
    rows = await session.execute(query.order_by(incidents.c.began_at, incidents.c.key, incidents.c.source))
    return tuple(_incident(row) for row in rows)


async def major_over_by(session: ReadSession, customer: Tenant, at: datetime) -> tuple[Incident, ...]:
    """Those that owe a postmortem, may have touched the customer and were over at the moment ``at``, by beginning."""
    major = [each.value for each in Severity if each.is_major]
    query = _incidents().where(
        _concerning(customer), incidents.c.worst_severity.in_(major), incidents.c.resolved_at <= at
    )
    rows = await session.execute(query.order_by(incidents.c.began_at, incidents.c.key, incidents.c.source))
    return tuple(_incident(row) for row in rows)


async def major_changed_since(session: ReadSession, at: datetime) -> tuple[Incident, ...]:
    """Those that owe a postmortem, and of which something that changes it came in after ``at``, whomever they touch."""
    major = [each.value for each in Severity if each.is_major]
    row = incidents.c
    query = _incidents().where(row.worst_severity.in_(major), row.changed_at > at)
    return tuple(_incident(each) for each in await session.execute(query.order_by(row.id)))


async def major_touching(session: ReadSession, customer: Tenant) -> dict[UUID, UUID]:
    """Those that owe a postmortem and touched the customer, or may have, whenever it was: their shown ids by id."""
    major = [each.value for each in Severity if each.is_major]
    query = select(incidents.c.id, incidents.c.shown_id).where(
        incidents.c.tenant_id == VENDOR_ID, incidents.c.worst_severity.in_(major), _concerning(customer)
    )
    return {row.id: row.shown_id for row in await session.execute(query)}


async def entries_of(session: ReadSession, incident: Incident) -> tuple[IncidentEntry, ...]:
    """The timeline, of when things happened, read from the facts."""
    return (await timelines_of(session, [incident]))[incident.id]


async def timelines_of(
    session: ReadSession, found: Collection[Incident]
) -> dict[UUID, tuple[IncidentEntry, ...]]:
    """The timeline of each, by id."""
    told = await facts_about(session, {each.key for each in found})
    ids = folding.ids_in(told)
    entries = folding.timelines(told, await downgrades_of(session, ids))
    return {each.id: entries[each.source, each.key] for each in found}


async def gaps(session: ReadSession) -> tuple[IncidentGap, ...]:
    """What was told of incidents that nobody declared, or several did; the longest known first."""
    query = select(incident_gaps).where(incident_gaps.c.tenant_id == VENDOR_ID)
    rows = await session.execute(query.order_by(incident_gaps.c.first_at, incident_gaps.c.key))
    return tuple(_gap(row) for row in rows)


async def find_gap(session: ReadSession, source: str, key: str) -> IncidentGap | None:
    query = select(incident_gaps).where(
        incident_gaps.c.tenant_id == VENDOR_ID, incident_gaps.c.source == source, incident_gaps.c.key == key
    )
    row = (await session.execute(query)).first()
    return None if row is None else _gap(row)


async def is_gap(session: ReadSession, key: str) -> bool:
    """Whether anybody told of an incident by this key that nobody declared, or several did."""
    query = select(incident_gaps.c.key).where(
        incident_gaps.c.tenant_id == VENDOR_ID, incident_gaps.c.key == key
    )
    return (await session.execute(query.limit(1))).first() is not None


def _incidents() -> Select[Any]:
    """Incidents with the customers they name."""
    named = (
        select(func.array_agg(incident_tenants.c.customer_id))
        .where(
            incident_tenants.c.tenant_id == VENDOR_ID,
            incident_tenants.c.tenant_id == incidents.c.tenant_id,
            incident_tenants.c.incident_id == incidents.c.id,
        )
        .correlate(incidents)
        .scalar_subquery()
    )
    return select(incidents, named.label("tenants")).where(incidents.c.tenant_id == VENDOR_ID)


def _conditions(wanted: IncidentFilter) -> list[ColumnElement[bool]]:
    row = incidents.c
    found: list[ColumnElement[bool]] = []
    if wanted.severity is not None:
        found.append(row.severity == wanted.severity.value)
    if wanted.service is not None:
        found.append(row.service == wanted.service)
    if wanted.team is not None:
        found.append(row.team == wanted.team)
    if wanted.owner_person_id is not None:
        found.append(row.owner_person_id == wanted.owner_person_id)
    if wanted.open is not None:
        found.append(row.resolved_at.is_(None) if wanted.open else row.resolved_at.is_not(None))
    if wanted.claimed:
        found.append(row.claimed_severity.is_not(None))
    if wanted.words:
        named = (each.icontains(wanted.words, autoescape=True) for each in (row.key, row.title, row.service))
        found.append(or_(*named))
    if wanted.declared_from is not None:
        found.append(row.declared_at >= wanted.declared_from)
    if wanted.declared_to is not None:
        found.append(row.declared_at < wanted.declared_to)
    return found


def _concerning(customer: Tenant) -> ColumnElement[bool]:
    """As ``Incident.concerns`` has it."""
    row = incidents.c
    named = exists().where(
        incident_tenants.c.tenant_id == VENDOR_ID,
        incident_tenants.c.incident_id == incidents.c.id,
        incident_tenants.c.customer_id == customer.id,
    )
    not_over = or_(row.resolved_at.is_(None), row.resolved_at > customer.onboarded_at)
    still_there = true() if customer.offboarded_at is None else row.began_at < customer.offboarded_at
    return or_(and_(row.everybody, not_over, still_there), named)


def _incident(row: Row[Any]) -> Incident:
    return Incident(
        id=row.id,
        source=row.source,
        key=row.key,
        title=row.title,
        service=row.service,
        team=row.team,
        owner=row.owner,
        owner_person_id=row.owner_person_id,
        severity=Severity(row.severity),
        declared_severity=Severity(row.declared_severity),
        worst_severity=Severity(row.worst_severity),
        claimed_severity=None if row.claimed_severity is None else Severity(row.claimed_severity),
        severity_at=row.severity_at,
        told_severity=Severity(row.told_severity),
        downgrade=None
        if row.downgraded_by is None
        else AppliedDowngrade(row.downgraded_by, Severity(row.downgraded_to)),
        major_because=None if row.major_because is None else MajorBecause(row.major_because),
        began_at=row.began_at,
        detected_at=row.detected_at,
        declared_at=row.declared_at,
        told_at=row.told_at,
        mitigated_at=row.mitigated_at,
        resolved_at=row.resolved_at,
        reopened=row.reopened,
        merge_key=row.merge_key,
        merge_keys=tuple(row.merge_keys),
        merged_into=row.merged_into,
        ends_in=row.ends_in,
        merged_at=row.merged_at,
        everybody=row.everybody,
        tenants=tuple(sorted(row.tenants or ())),
        objectives=None if row.objectives is None else tuple(row.objectives),
        facts=row.facts,
        last_fact_at=row.last_fact_at,
        changes=tuple(row.changes),
        unmerged_at=row.unmerged_at,
        drawn_id=row.shown_id,
    )


def _gap(row: Row[Any]) -> IncidentGap:
    return IncidentGap(
        source=row.source,
        key=row.key,
        reason=GapReason(row.reason),
        worst_severity=None if row.worst_severity is None else Severity(row.worst_severity),
        first_at=row.first_at,
        last_at=row.last_at,
        facts=row.facts,
    )

"""The register of incidents in and out of its tables. In the vendor's own scope, or the staff's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, delete, exists, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from trust_portal.access.tenants.model import Tenant
from trust_portal.errors import NotFound
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.learning.incidents import folding
from trust_portal.learning.incidents.facts_repository import approved_unmergers, downgrades_of, facts_about
from trust_portal.learning.incidents.model import (
    NOUN,
    AppliedDowngrade,
    GapReason,
    Incident,
    IncidentEntry,
    IncidentFilter,
    IncidentGap,
    MajorBecause,
    Register,
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

_ROWS_AT_A_TIME = 1000


async def lock_register(session: WriteSession) -> None:
    """Whoever changes the register does so alone, until the commit. Before reading any fact."""
    row = incident_register.c
    await session.execute(
        insert(incident_register)
        .values(tenant_id=VENDOR_ID, followed_at=session.clock.now())
        .on_conflict_do_nothing(index_elements=["tenant_id"])
    )
    await session.execute(select(row.tenant_id).where(row.tenant_id == VENDOR_ID).with_for_update())


async def note_followed(session: WriteSession, *, rebuilt: bool = False) -> None:
    now = session.clock.now()
    values = {"followed_at": now} | ({"rebuilt_at": now} if rebuilt else {})
    await session.execute(
        update(incident_register).where(incident_register.c.tenant_id == VENDOR_ID).values(**values)
    )


async def find_incident(session: ReadSession, incident_id: UUID) -> Incident:
    """One incident; ``NotFound`` if there is no such."""
    query = _incidents().where(incidents.c.id == incident_id)
    row = (await session.execute(query)).first()
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
    """Those that may have touched the customer between ``start`` and ``end``, by beginning."""
    query = _incidents().where(
        _concerning(customer),
        incidents.c.began_at < end,
        or_(incidents.c.resolved_at.is_(None), incidents.c.resolved_at > start),
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


async def major_touching(session: ReadSession, customer: Tenant) -> frozenset[UUID]:
    """Those that owe a postmortem and touched the customer, or may have, whenever it was."""
    major = [each.value for each in Severity if each.is_major]
    query = select(incidents.c.id).where(
        incidents.c.tenant_id == VENDOR_ID, incidents.c.worst_severity.in_(major), _concerning(customer)
    )
    return frozenset((await session.execute(query)).scalars())


async def entries_of(session: ReadSession, incident: Incident) -> tuple[IncidentEntry, ...]:
    """The timeline, of when things happened, read from the facts."""
    return (await timelines_of(session, [incident]))[incident.id]


async def timelines_of(
    session: ReadSession, found: Collection[Incident]
) -> dict[UUID, tuple[IncidentEntry, ...]]:
    """The timeline of each, by id."""
    told = await facts_about(session, {each.key for each in found})
    ids = folding.ids_in(told)
    entries = folding.timelines(
        told, await downgrades_of(session, ids), await approved_unmergers(session, ids)
    )
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


async def save_register(session: WriteSession, keys: Collection[str], register: Register) -> None:
    """What ``register`` says of ``keys`` (all keys that its facts have) stands in the tables from now on."""
    before = {each.id: each for each in await incidents_of_keys(session, keys)}
    changed = _targets_first([each for each in register.incidents if before.get(each.id) != each])
    now = session.clock.now()
    for start in range(0, len(changed), _ROWS_AT_A_TIME):
        await _upsert(session, changed[start : start + _ROWS_AT_A_TIME], now)
    await _replace_tenants(session, [each for each in changed if _touches_others(before.get(each.id), each)])
    await _replace_gaps(session, keys, register.gaps)


def _targets_first(found: Sequence[Incident]) -> list[Incident]:
    """Rows may be written in portions, and what was merged refers to what it was merged into."""
    by_id = {each.id: each for each in found}

    def depth(each: Incident) -> int:
        deep = 0
        while each.merged_into in by_id:
            each, deep = by_id[each.merged_into], deep + 1
        return deep

    return sorted(found, key=depth)


def _touches_others(before: Incident | None, after: Incident) -> bool:
    return set(after.tenants) != (set() if before is None else set(before.tenants))


async def _upsert(session: WriteSession, changed: Sequence[Incident], now: datetime) -> None:
    statement = insert(incidents).values([_values(each, now) for each in changed])
    kept = {"tenant_id", "id", "source", "key"}
    updates = {name: statement.excluded[name] for name in incidents.c.keys() if name not in kept}  # noqa: SIM118 - a collection of columns
    await session.execute(statement.on_conflict_do_update(index_elements=["tenant_id", "id"], set_=updates))


async def _replace_tenants(session: WriteSession, changed: Sequence[Incident]) -> None:
    await session.execute(
        delete(incident_tenants).where(
            incident_tenants.c.tenant_id == VENDOR_ID,
            incident_tenants.c.incident_id.in_([each.id for each in changed]),
        )
    )
    rows = [
        {"tenant_id": VENDOR_ID, "incident_id": each.id, "customer_id": customer_id}
        for each in changed
        for customer_id in each.tenants
    ]
    for start in range(0, len(rows), _ROWS_AT_A_TIME):
        await session.execute(insert(incident_tenants).values(rows[start : start + _ROWS_AT_A_TIME]))


async def _replace_gaps(session: WriteSession, keys: Collection[str], found: Sequence[IncidentGap]) -> None:
    names = [(each.source, each.key) for each in found]
    await session.execute(
        delete(incident_gaps).where(
            incident_gaps.c.tenant_id == VENDOR_ID,
            incident_gaps.c.key.in_(keys),
            tuple_(incident_gaps.c.source, incident_gaps.c.key).not_in(names),
        )
    )
    for start in range(0, len(found), _ROWS_AT_A_TIME):
        statement = insert(incident_gaps).values(
            [
                {
                    "tenant_id": VENDOR_ID,
                    "source": each.source,
                    "key": each.key,
                    "reason": each.reason.value,
                    "worst_severity": _text(each.worst_severity),
                    "first_at": each.first_at,
                    "last_at": each.last_at,
                    "facts": each.facts,
                }
                for each in found[start : start + _ROWS_AT_A_TIME]
            ]
        )
        said = ("reason", "worst_severity", "first_at", "last_at", "facts")
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=["tenant_id", "source", "key"],
                set_={name: statement.excluded[name] for name in said},
            )
        )


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
    return or_(and_(row.everybody, not_over), named)


def _values(each: Incident, now: datetime) -> dict[str, Any]:
    return {
        "tenant_id": VENDOR_ID,
        "id": each.id,
        "source": each.source,
        "key": each.key,
        "title": each.title,
        "service": each.service,
        "team": each.team,
        "owner": each.owner,
        "owner_person_id": each.owner_person_id,
        "severity": each.severity.value,
        "declared_severity": each.declared_severity.value,
        "worst_severity": each.worst_severity.value,
        "claimed_severity": _text(each.claimed_severity),
        "severity_at": each.severity_at,
        "told_severity": each.told_severity.value,
        "downgraded_by": None if each.downgrade is None else each.downgrade.request_id,
        "downgraded_to": None if each.downgrade is None else each.downgrade.severity.value,
        "major_because": _text(each.major_because),
        "began_at": each.began_at,
        "detected_at": each.detected_at,
        "declared_at": each.declared_at,
        "told_at": each.told_at,
        "mitigated_at": each.mitigated_at,
        "resolved_at": each.resolved_at,
        "reopened": each.reopened,
        "merge_key": each.merge_key,
        "merge_keys": list(each.merge_keys),
        "merged_into": each.merged_into,
        "ends_in": each.ends_in,
        "merged_at": each.merged_at,
        "everybody": each.everybody,
        "objectives": None if each.objectives is None else list(each.objectives),
        "facts": each.facts,
        "last_fact_at": each.last_fact_at,
        "changed_at": each.changed_at,
        "followed_at": now,
    }


def _text(value: Severity | MajorBecause | None) -> str | None:
    return None if value is None else value.value


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
        changed_at=row.changed_at,
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

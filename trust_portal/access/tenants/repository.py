"""Rows of tenants in and out. The registry answers in any scope that may read it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, or_, select, update

from trust_portal.access.tables import tenant_keys, tenants
from trust_portal.access.tenants.model import Tenant
from trust_portal.errors import Broken, Conflict
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def insert_tenant(session: WriteSession, tenant: Tenant) -> None:
    """Raises ``Conflict`` where the key is taken, also by a tenant that has left."""
    taken = Conflict(f"there is already a tenant with the key {tenant.key!r}", field="key")
    with duplicates_are(taken, tenant_keys.name):
        await session.execute(insert(tenant_keys).values(key=tenant.key, tenant_id=tenant.id, active=True))
    await session.execute(
        insert(tenants).values(
            tenant_id=tenant.id,
            key=tenant.key,
            name=tenant.name,
            time_zone=tenant.time_zone,
            residency=tenant.residency,
            created_at=tenant.created_at,
            onboarded_at=tenant.onboarded_at,
        )
    )


async def mark_offboarded(session: WriteSession, tenant_id: UUID, at: datetime) -> bool:
    """False if it was already, or is unknown."""
    changed = await session.execute(
        update(tenants)
        .where(tenants.c.tenant_id == tenant_id, tenants.c.offboarded_at.is_(None))
        .values(offboarded_at=at)
        .returning(tenants.c.tenant_id)
    )
    if changed.first() is None:
        return False
    await session.execute(
        update(tenant_keys).where(tenant_keys.c.tenant_id == tenant_id).values(active=False)
    )
    return True


async def change_residency(session: WriteSession, before: Tenant, residency: str) -> bool:
    """False where it is no longer as in ``before``, or the tenant has left."""
    changed = await session.execute(
        update(tenants)
        .where(
            tenants.c.tenant_id == before.id,
            tenants.c.residency == before.residency,
            tenants.c.offboarded_at.is_(None),
        )
        .values(residency=residency)
        .returning(tenants.c.tenant_id)
    )
    return changed.first() is not None


async def find_tenant(session: ReadSession, tenant_id: UUID) -> Tenant | None:
    row = (await session.execute(select(tenants).where(tenants.c.tenant_id == tenant_id))).first()
    return None if row is None else _tenant(row)


async def vendor_itself(session: ReadSession) -> Tenant:
    found = await find_tenant(session, VENDOR_ID)
    if found is None:
        raise Broken("the vendor is no tenant of its own installation")
    return found


async def tenants_by_key(session: ReadSession, keys: Collection[str]) -> dict[str, UUID]:
    """External keys of active tenants → ids; unknown and departed ones are absent.

    For staff and intake scopes; in a tenant's own scope only its own key is found.
    """
    rows = await session.execute(
        select(tenant_keys.c.key, tenant_keys.c.tenant_id).where(
            tenant_keys.c.key.in_(keys), tenant_keys.c.active
        )
    )
    return {row.key: row.tenant_id for row in rows}


async def active_customers(session: ReadSession) -> tuple[Tenant, ...]:
    """Every tenant in service, by key, the vendor left out. For the staff scope."""
    rows = await session.execute(
        select(tenants)
        .where(tenants.c.tenant_id != VENDOR_ID, tenants.c.offboarded_at.is_(None))
        .order_by(tenants.c.key)
    )
    return tuple(_tenant(row) for row in rows)


async def customers_between(session: ReadSession, start: datetime, end: datetime) -> tuple[Tenant, ...]:
    """Every tenant that was in service at some time between, by key, the vendor left out. For the staff scope."""
    rows = await session.execute(
        select(tenants)
        .where(
            tenants.c.tenant_id != VENDOR_ID,
            tenants.c.onboarded_at < end,
            or_(tenants.c.offboarded_at.is_(None), tenants.c.offboarded_at > start),
        )
        .order_by(tenants.c.key)
    )
    return tuple(_tenant(row) for row in rows)


async def tenant_ids(session: ReadSession) -> tuple[UUID, ...]:
    """Of everybody, departed tenants and the vendor too. For the staff scope."""
    rows = await session.execute(select(tenants.c.tenant_id).order_by(tenants.c.tenant_id))
    return tuple(row.tenant_id for row in rows)


async def tenants_by_id(session: ReadSession, tenant_ids: Collection[UUID]) -> dict[UUID, Tenant]:
    """Those that there are, departed ones too. For the staff scope."""
    rows = await session.execute(select(tenants).where(tenants.c.tenant_id.in_(tenant_ids)))
    return {row.tenant_id: _tenant(row) for row in rows}


async def customers_page(session: ReadSession, request: PageRequest, words: str = "") -> Page[Tenant]:
    """Customers by key, departed ones too: all, or those with ``words`` in key or name. For the staff scope."""
    query = select(tenants).where(tenants.c.tenant_id != VENDOR_ID)
    if words:
        named = (each.icontains(words, autoescape=True) for each in (tenants.c.key, tenants.c.name))
        query = query.where(or_(*named))
    return await keyset_page(
        session,
        query,
        request,
        order=(tenants.c.key,),
        parse=(str,),
        read=_tenant,
        key=lambda tenant: (tenant.key,),
    )


def _tenant(row: Row[Any]) -> Tenant:
    return Tenant(
        id=row.tenant_id,
        key=row.key,
        name=row.name,
        time_zone=row.time_zone,
        residency=row.residency,
        created_at=row.created_at,
        onboarded_at=row.onboarded_at,
        offboarded_at=row.offboarded_at,
    )

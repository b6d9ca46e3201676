"""Tenants are created, found, listed and let go."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from trust_portal.access.access_log.model import Group, Verb
from trust_portal.access.actors import CONSOLE
from trust_portal.access.tables import tenant_keys, tenants
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.access.tenants.repository import tenants_by_key
from trust_portal.errors import Conflict, Denied, InvalidInput, NotFound
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.evidence.tables import receipts
from trust_portal.kernel.actor import SYSTEM, Role
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.storage.tenancy import IntakeScope, StaffScope, TenantScope


async def kinds_of_receipts(access, tenant_id):
    async with access.storage.read(TenantScope(tenant_id)) as session:
        rows = await session.execute(
            select(receipts.c.kind).where(receipts.c.tenant_id == tenant_id).order_by(receipts.c.id)
        )
        return [ReceiptKind(row.kind) for row in rows]


async def count(access, table):
    async with access.storage.read(StaffScope()) as session:
        return (await session.execute(select(func.count()).select_from(table))).scalar_one()


async def test_the_vendor_is_a_tenant_from_the_first_moment(access):
    vendor = await access.tenants.get(CONSOLE, VENDOR_ID)

    assert (vendor.key, vendor.is_vendor, vendor.active) == ("vendor", True, True)


async def test_a_created_tenant_is_found_by_id_and_key_and_has_a_receipt(access, acme):
    assert await access.tenants.get(CONSOLE, acme.id) == acme
    assert await access.tenants.by_key(CONSOLE, "acme") == acme
    assert await kinds_of_receipts(access, acme.id) == [ReceiptKind.TENANT_CREATED]


@pytest.mark.parametrize("key", ["acme", "vendor"])
async def test_a_key_is_given_once(access, acme, key):
    with pytest.raises(Conflict, match=f"'{key}'"):
        await access.tenants.create(CreateTenant(key, "Another"), CONSOLE)

    assert await count(access, tenants) == 2
    assert await count(access, tenant_keys) == 2


async def test_only_who_may_creates_tenants(access, member):
    clerk = (await member(None, "clerk@vendor.example", Role.CSM)).as_actor()

    with pytest.raises(Denied) as refused:
        await access.tenants.create(CreateTenant("acme", "Acme"), clerk)

    assert refused.value.policies == ()
    assert await count(access, tenants) == 1


async def test_intake_finds_active_tenants_by_key_and_nothing_else(access, acme, globex):
    await access.tenants.offboard(globex.id, CONSOLE)

    async with access.storage.read(IntakeScope()) as session:
        assert await tenants_by_key(session, ["acme", "globex", "unknown"]) == {"acme": acme.id}


async def test_an_offboarded_tenant_stays_readable_and_cannot_leave_twice(access, acme):
    left = await access.tenants.offboard(acme.id, CONSOLE)

    assert not left.active
    assert await access.tenants.get(CONSOLE, acme.id) == left
    with pytest.raises(Conflict):
        await access.tenants.offboard(acme.id, CONSOLE)
    assert await kinds_of_receipts(access, acme.id) == [
        ReceiptKind.TENANT_CREATED,
        ReceiptKind.TENANT_OFFBOARDED,
    ]


async def test_the_vendor_cannot_leave(access):
    with pytest.raises(Conflict):
        await access.tenants.offboard(VENDOR_ID, CONSOLE)

    assert (await access.tenants.get(CONSOLE, VENDOR_ID)).active


async def test_a_foreign_tenant_and_no_tenant_look_the_same_to_a_customer(access, acme, globex, member):
    viewer = (await member(acme, "vera@acme.example", Role.CUSTOMER_VIEWER)).as_actor()

    answers = []
    for tenant_id in (globex.id, new_id(), VENDOR_ID):
        with pytest.raises(NotFound) as refused:
            await access.tenants.get(viewer, tenant_id)
        answers.append((refused.value.message, refused.value.code, refused.value.status))
    for key in ("globex", "nobody", "vendor"):
        with pytest.raises(NotFound) as refused:
            await access.tenants.by_key(viewer, key)
        answers.append((refused.value.message, refused.value.code, refused.value.status))

    assert set(answers) == {("no such tenant", "NOT_FOUND", 404)}


async def test_the_list_pages_by_key_and_every_listed_tenant_sees_who_looked(access, acme, globex, member):
    staff = (await member(None, "sam@vendor.example", Role.SRE_OPERATOR)).as_actor()

    first = await access.tenants.page(staff, PageRequest(size=1), purpose="monthly run")
    second = await access.tenants.page(
        staff, PageRequest(size=1, after=first.cursors[0]), purpose="monthly run"
    )
    back = await access.tenants.page(
        staff, PageRequest(size=1, before=second.cursors[0]), purpose="monthly run"
    )

    assert [t.key for t in first.items + second.items] == ["acme", "globex"]
    assert (first.has_previous, first.has_next, second.has_previous, second.has_next) == (
        False,
        True,
        True,
        False,
    )
    assert back.items == first.items
    for tenant in (acme, globex):
        admin = (await member(tenant, f"carl@{tenant.key}.example", Role.CUSTOMER_ADMIN)).as_actor()
        entries = (await access.access_log.page(admin, tenant.id, PageRequest())).items
        assert [(e.actor_name, e.group, e.access.verb, e.access.purpose) for e in entries] == [
            ("Sam", Group.STAFF, Verb.READ, "monthly run")
        ]


async def test_a_run_covers_every_customer_in_service_and_leaves_no_trace(access, acme, globex, member):
    await access.tenants.offboard(globex.id, CONSOLE)

    assert await access.tenants.in_service(SYSTEM, purpose="monthly run") == (acme,)
    admin = (await member(acme, "carl@acme.example", Role.CUSTOMER_ADMIN)).as_actor()
    assert (await access.access_log.page(admin, acme.id, PageRequest())).items == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("key", "Acme"),
        ("key", "-acme"),
        ("key", "a" * 65),
        ("key", ""),
        ("name", "  "),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../etc/passwd"),
        ("time_zone", ""),
    ],
)
def test_a_command_names_the_field_that_is_wrong(field, value):
    good = {"key": "acme", "name": "Acme", "time_zone": "UTC"}
    with pytest.raises(InvalidInput) as refused:
        CreateTenant(**{**good, field: value})

    assert refused.value.field == field

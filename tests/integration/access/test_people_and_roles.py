"""People are added, given and relieved of roles, and locked out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from trust_portal.access.access_log.model import Group
from trust_portal.access.action import TokenScope
from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import AddPerson, GrantRole
from trust_portal.access.people.repository import directory
from trust_portal.access.sessions.model import Client
from trust_portal.access.tables import people, role_grants
from trust_portal.access.tokens.model import CreateToken
from trust_portal.errors import Conflict, Denied, InvalidInput, NotFound, NotSignedIn
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.evidence.tables import receipts
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.storage.tenancy import StaffScope, TenantScope


async def newest_receipt(access, tenant_id):
    async with access.storage.read(TenantScope(tenant_id)) as session:
        query = select(receipts.c.kind).where(receipts.c.tenant_id == tenant_id)
        row = (await session.execute(query.order_by(receipts.c.at.desc(), receipts.c.id.desc()))).first()
        return ReceiptKind(row.kind)


async def rows(access, table, tenant_id):
    async with access.storage.read(TenantScope(tenant_id)) as session:
        return (await session.execute(select(table).where(table.c.tenant_id == tenant_id))).all()


async def test_somebody_added_has_no_role_and_leaves_a_receipt(access, acme):
    person = await access.people.add(AddPerson(acme.id, "  Vera@Acme.Example ", "Vera"), CONSOLE)

    assert (person.email, person.roles, person.active) == ("vera@acme.example", frozenset(), True)
    assert await newest_receipt(access, acme.id) is ReceiptKind.PERSON_ADDED


async def test_an_email_is_one_person_of_a_tenant_but_may_be_known_in_several(access, acme, globex):
    here = await access.people.add(AddPerson(acme.id, "vera@x.example", "Vera"), CONSOLE)
    there = await access.people.add(AddPerson(globex.id, "vera@x.example", "Vera"), CONSOLE)

    with pytest.raises(Conflict) as refused:
        await access.people.add(AddPerson(acme.id, "VERA@x.example", "Vera again"), CONSOLE)
    assert refused.value.field == "email"
    assert len(await rows(access, people, acme.id)) == 1
    async with access.storage.read(StaffScope()) as session:
        assert {ref.person_id for ref in await directory(session, "vera@x.example")} == {here.id, there.id}
    with pytest.raises(InvalidInput, match="several tenants"):
        await access.people.by_email(CONSOLE, "vera@x.example")
    assert (await access.people.by_email(CONSOLE, "vera@x.example", tenant_id=globex.id)).id == there.id


async def test_nobody_is_added_to_a_tenant_that_is_absent_or_has_left(access, acme):
    await access.tenants.offboard(acme.id, CONSOLE)
    for tenant_id in (acme.id, new_id()):
        with pytest.raises(NotFound):
            await access.people.add(AddPerson(tenant_id, "vera@acme.example", "Vera"), CONSOLE)
        assert await rows(access, people, tenant_id) == []


async def test_a_role_is_granted_and_revoked_with_receipts(access, acme):
    person = await access.people.add(AddPerson(acme.id, "vera@acme.example", "Vera"), CONSOLE)

    await access.people.grant(GrantRole(acme.id, person.id, Role.CUSTOMER_VIEWER), CONSOLE)
    assert (await access.people.get(CONSOLE, acme.id, person.id)).roles == {Role.CUSTOMER_VIEWER}
    assert await newest_receipt(access, acme.id) is ReceiptKind.ROLE_GRANTED

    await access.people.revoke(CONSOLE, acme.id, person.id, Role.CUSTOMER_VIEWER)
    assert (await access.people.get(CONSOLE, acme.id, person.id)).roles == frozenset()
    assert await newest_receipt(access, acme.id) is ReceiptKind.ROLE_REVOKED
    with pytest.raises(Conflict):
        await access.people.revoke(CONSOLE, acme.id, person.id, Role.CUSTOMER_VIEWER)


async def test_an_auditors_role_ends_by_itself(access, acme, member, clock):
    auditor = await member(acme, "aiko@audit.example", Role.AUDITOR)

    clock.advance(timedelta(days=29))
    assert (await access.people.get(CONSOLE, acme.id, auditor.id)).roles == {Role.AUDITOR}
    clock.advance(timedelta(days=1))
    assert (await access.people.get(CONSOLE, acme.id, auditor.id)).roles == frozenset()


async def test_a_role_granted_again_gets_the_new_term(access, acme, member, clock):
    auditor = await member(acme, "aiko@audit.example", Role.AUDITOR)
    clock.advance(timedelta(days=31))

    longer = GrantRole(acme.id, auditor.id, Role.AUDITOR, clock.now() + timedelta(days=10))
    await access.people.grant(longer, CONSOLE)

    assert (await access.people.get(CONSOLE, acme.id, auditor.id)).roles == {Role.AUDITOR}
    assert sum(row.revoked_at is None for row in await rows(access, role_grants, acme.id)) == 1


@pytest.mark.parametrize(
    ("role", "at_vendor", "days", "field"),
    [
        (Role.VENDOR_ADMIN, False, None, "role"),
        (Role.CUSTOMER_ADMIN, True, None, "role"),
        (Role.AUDITOR, True, 30, "role"),
        (Role.AUDITOR, False, None, "until"),
        (Role.AUDITOR, False, 93, "until"),
        (Role.CUSTOMER_VIEWER, False, 0, "until"),
    ],
)
async def test_a_role_that_does_not_fit_is_refused(access, acme, clock, role, at_vendor, days, field):
    tenant_id = VENDOR_ID if at_vendor else acme.id
    person = await access.people.add(AddPerson(tenant_id, "p@x.example", "P"), CONSOLE)
    until = None if days is None else clock.now() + timedelta(days=days)

    with pytest.raises(InvalidInput) as refused:
        await access.people.grant(GrantRole(tenant_id, person.id, role, until), CONSOLE)

    assert refused.value.field == field
    assert await rows(access, role_grants, tenant_id) == []


@pytest.mark.parametrize(
    ("at_vendor", "role"), [(False, "vendor_admin"), (True, "customer_admin"), (False, "auditor")]
)
async def test_the_database_itself_refuses_such_a_grant(access, acme, clock, at_vendor, role):
    tenant_id = VENDOR_ID if at_vendor else acme.id
    person = await access.people.add(AddPerson(tenant_id, "p@x.example", "P"), CONSOLE)

    with pytest.raises(IntegrityError, match="role_grants_"):
        async with access.storage.write(TenantScope(tenant_id)) as session:
            await session.execute(
                role_grants.insert().values(
                    tenant_id=tenant_id,
                    id=new_id(),
                    person_id=person.id,
                    role=role,
                    granted_at=clock.now(),
                    granted_by=CONSOLE.id,
                )
            )


async def test_nobody_grants_roles_to_themselves(access, member):
    admin = await member(None, "ada@vendor.example", Role.VENDOR_ADMIN)

    with pytest.raises(Conflict, match="another administrator"):
        await access.people.grant(GrantRole(VENDOR_ID, admin.id, Role.SRE_OPERATOR), admin.as_actor())

    assert (await access.people.get(CONSOLE, VENDOR_ID, admin.id)).roles == {Role.VENDOR_ADMIN}


async def test_a_viewer_changes_nobody(access, acme, member):
    viewer = (await member(acme, "vera@acme.example", Role.CUSTOMER_VIEWER)).as_actor()
    other = await member(acme, "olga@acme.example", Role.CUSTOMER_VIEWER)

    with pytest.raises(Denied):
        await access.people.add(AddPerson(acme.id, "new@acme.example", "New"), viewer)
    with pytest.raises(Denied):
        await access.people.grant(GrantRole(acme.id, other.id, Role.CUSTOMER_ADMIN), viewer)
    with pytest.raises(Denied):
        await access.people.suspend(viewer, acme.id, other.id)

    assert len(await rows(access, people, acme.id)) == 2
    assert (await access.people.get(CONSOLE, acme.id, other.id)).roles == {Role.CUSTOMER_VIEWER}


async def test_an_admin_of_one_tenant_finds_nobody_in_another(access, acme, globex, member):
    admin = (await member(acme, "carl@acme.example", Role.CUSTOMER_ADMIN)).as_actor()
    stranger = await member(globex, "gus@globex.example", Role.CUSTOMER_VIEWER)

    with pytest.raises(NotFound, match="no such person"):
        await access.people.get(admin, globex.id, stranger.id)
    with pytest.raises(NotFound, match="no such person"):
        await access.people.get(admin, acme.id, stranger.id)
    with pytest.raises(NotFound, match="no such person"):
        await access.people.by_email(admin, "gus@globex.example")
    with pytest.raises(NotFound):
        await access.people.suspend(admin, globex.id, stranger.id)

    assert (await access.people.get(CONSOLE, globex.id, stranger.id)).active


async def test_a_suspended_persons_sessions_and_tokens_end_at_once(access, acme, member):
    admin = await member(acme, "carl@acme.example", Role.CUSTOMER_ADMIN)
    link = await access.links.create(CONSOLE, acme.id, admin.id, brought_by=())
    signed_in = await access.links.consume(link.url.rpartition("/")[2], Client())
    issued = await access.tokens.create(
        CreateToken(acme.id, "reader", frozenset({TokenScope.READ})), admin.as_actor()
    )
    spare = await access.links.create(CONSOLE, acme.id, admin.id, brought_by=())
    assert await access.sessions.authenticate(signed_in.cookie) is not None

    await access.people.suspend(CONSOLE, acme.id, admin.id)

    assert await access.sessions.authenticate(signed_in.cookie) is None
    with pytest.raises(NotSignedIn):
        await access.tokens.authenticate(issued.secret)
    with pytest.raises(NotSignedIn):
        await access.links.consume(spare.url.rpartition("/")[2], Client())
    with pytest.raises(Conflict):
        await access.people.grant(GrantRole(acme.id, admin.id, Role.CUSTOMER_VIEWER), CONSOLE)
    assert await newest_receipt(access, acme.id) is ReceiptKind.PERSON_SUSPENDED


async def test_staff_who_look_at_a_tenants_people_are_seen_doing_it(access, acme, member):
    admin = (await member(None, "ada@vendor.example", Role.VENDOR_ADMIN)).as_actor()
    carl = await member(acme, "carl@acme.example", Role.CUSTOMER_ADMIN)

    page = await access.people.page(admin, acme.id, PageRequest())
    await access.people.get(carl.as_actor(), acme.id, carl.id)

    assert [(p.email, p.roles) for p in page.items] == [("carl@acme.example", {Role.CUSTOMER_ADMIN})]
    entries = (await access.access_log.page(carl.as_actor(), acme.id, PageRequest())).items
    assert [(e.actor_name, e.group, e.access.what) for e in entries] == [("Ada", Group.STAFF, "people")]

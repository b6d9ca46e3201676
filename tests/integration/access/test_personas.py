"""The demo's people are real people with real roles, and exist nowhere else."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from trust_portal.access.sessions.model import Client, Method
from trust_portal.access.sign_in.personas import PERSONAS, Personas
from trust_portal.access.tables import people, sessions
from trust_portal.errors import NotFound
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import StaffScope, TenantScope


async def test_every_role_has_a_persona_that_holds_exactly_it(access, acme):
    personas = Personas(access.storage, access.people, access.sessions, enabled=True)
    await personas.establish(acme)
    await personas.establish(acme)

    for role in Role:
        signed_in = await personas.sign_in(role, Client())
        assert signed_in.actor.roles == {role}
        assert signed_in.actor.tenant_id == (acme.id if role in CUSTOMERS else VENDOR_ID)
        listed = await access.sessions.of_person(
            signed_in.actor, signed_in.actor.tenant_id, signed_in.actor.id
        )
        assert [each.method for each in listed] == [Method.PERSONA]
    async with access.storage.read(StaffScope()) as session:
        assert (await session.execute(select(func.count()).select_from(people))).scalar_one() == len(Role)


CUSTOMERS = {Role.CUSTOMER_VIEWER, Role.CUSTOMER_ADMIN, Role.AUDITOR}


async def test_outside_the_demo_there_are_none(access, acme):
    await Personas(access.storage, access.people, access.sessions, enabled=True).establish(acme)
    personas = Personas(access.storage, access.people, access.sessions, enabled=False)

    assert personas.all() == ()
    for role in Role:
        with pytest.raises(NotFound):
            await personas.sign_in(role, Client())
    with pytest.raises(NotFound):
        await personas.establish(acme)
    for tenant_id in (acme.id, VENDOR_ID):
        async with access.storage.read(TenantScope(tenant_id)) as session:
            query = select(func.count()).select_from(sessions).where(sessions.c.tenant_id == tenant_id)
            assert (await session.execute(query)).scalar_one() == 0


def test_one_persona_per_role():
    assert sorted(persona.role for persona in PERSONAS) == sorted(Role)

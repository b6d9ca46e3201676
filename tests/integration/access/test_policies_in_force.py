"""The rules that decided can be read, also the earlier ones."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from trust_portal.access.denials import Denials
from trust_portal.access.gate import Gate
from trust_portal.access.policy import PolicySet, shipped_policies
from trust_portal.access.policy_register import PolicyRegister
from trust_portal.errors import Denied, NotFound
from trust_portal.evidence.keyring import load_or_create_keyring
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.tables import receipts
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import TenantScope


@pytest.fixture
def register(access, clock, tmp_path):
    def register(policies):
        ledger = Ledger(access.storage, load_or_create_keyring(tmp_path / "keys.json", clock))
        return PolicyRegister(access.storage, Gate(policies, Denials(access.storage)), ledger)

    return register


async def installed(access):
    async with access.storage.read(TenantScope(VENDOR_ID)) as session:
        query = select(receipts.c.subjects).where(
            receipts.c.tenant_id == VENDOR_ID, receipts.c.kind == "policy.installed"
        )
        return (await session.execute(query)).scalars().all()


async def test_a_set_is_recorded_once_however_many_processes_start(access, register):
    added = await asyncio.gather(*(register(shipped_policies()).install() for _ in range(4)))

    assert sorted(added) == [False, False, False, True]
    [subjects] = await installed(access)
    assert "policies/schema.cedarschema" in {each["name"] for each in subjects}


async def test_another_set_is_read_by_the_version_a_receipt_names(access, acme, member, register):
    texts = {each.name: each.text for each in shipped_policies().texts}
    earlier = PolicySet.parse({**texts, "staff.cedar": texts["staff.cedar"] + "// as it was\n"})
    await register(earlier).install()
    present = register(shipped_policies())
    assert await present.install() is False
    admin = (await member(acme, "carl@acme.example", Role.CUSTOMER_ADMIN)).as_actor()

    assert await present.read(admin) == earlier.texts
    assert await present.read(admin, earlier.version) == earlier.texts
    assert await present.read(admin, shipped_policies().version) == shipped_policies().texts
    with pytest.raises(NotFound):
        await present.read(admin, "0" * 64)
    assert len(await installed(access)) == 1


async def test_the_rules_are_not_for_everybody(access, acme, member, register):
    viewer = (await member(acme, "vera@acme.example", Role.CUSTOMER_VIEWER)).as_actor()

    with pytest.raises(Denied):
        await register(shipped_policies()).read(viewer)

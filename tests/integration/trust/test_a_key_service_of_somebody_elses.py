"""``KEY_SERVICE`` names a service that another distribution brings: found by its entry point, and asked for all."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from uuid import UUID

import pytest
from support.sequencing import sequencing

from trust_portal.access.actors import CONSOLE
from trust_portal.access.customer_keys.model import SetCustomerKey
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.errors import Conflict, InvalidInput
from trust_portal.evidence.export import Export, RenderedDocument
from trust_portal.evidence.exports import Exports
from trust_portal.evidence.policy_file import Policy
from trust_portal.evidence.sealing.key_services import open_key_service
from trust_portal.evidence.sealing.model import KeyAct
from trust_portal.evidence.sealing.patience import Patient
from trust_portal.evidence.verify import verify
from trust_portal.house import House, build_house
from trust_portal.kernel.actor import SYSTEM, Actor, ActorKind, Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import new_id
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.posture.model import Outcome

pytestmark = pytest.mark.takes(seconds=10)

DISTRIBUTION = Path(__file__).parents[2] / "fixtures" / "key_service"
URL = "rented://vault.example/customers"
WORDS = b"Dear customer, this is yours alone.\n"


class Letters:
    async def render(self, session: ReadSession, export: Export) -> RenderedDocument:
        del session, export
        return RenderedDocument(
            files={"letter.txt": WORDS}, tenant="acme", period="2026-06", file_name="letter.zip"
        )


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The distribution, on the path as an installed one is."""
    monkeypatch.syspath_prepend(str(DISTRIBUTION))
    module = importlib.import_module("rented_keys")
    module.OPENED.clear()
    return module


@pytest.fixture
async def renting(house: House, clock: ManualClock, installed: ModuleType) -> AsyncIterator[House]:
    """The same installation, with ``KEY_SERVICE`` naming that service."""
    other = build_house(replace(house.settings, key_service=URL), clock)
    await other.open()
    yield other
    await other.close()


def test_the_scheme_finds_what_a_distribution_brings_and_without_it_nothing(
    installed: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(open_key_service(URL), Patient)
    assert set(installed.OPENED) == {URL}, "it was given the whole URL"
    with pytest.raises(InvalidInput, match="no key service is installed for lent:"):
        open_key_service("lent://vault.example/customers")
    monkeypatch.undo()
    with pytest.raises(InvalidInput, match="no key service is installed for rented:") as refused:
        open_key_service(URL)
    assert refused.value.field == "KEY_SERVICE"


async def test_what_is_stored_is_sealed_by_its_key_and_opens_as_long_as_it_has_that_key(
    renting: House, installed: ModuleType
) -> None:
    vault = installed.OPENED[URL]
    tenant_id = (await renting.tenants.create(CreateTenant("acme", "Acme"), CONSOLE)).id
    admin = Actor(ActorKind.PERSON, new_id(), "Ada", tenant_id, frozenset({Role.CUSTOMER_ADMIN}))
    await renting.customer_keys.set(SetCustomerKey(tenant_id, KeyAct.ENABLE, "As agreed"), admin)
    export = await _bundle(renting, tenant_id)
    async with renting.storage.read(TenantScope(tenant_id)) as session:
        driver = await session.driver()
        rows = await driver.fetch("SELECT content FROM artefacts WHERE tenant_id = $1", tenant_id)
    assert len(rows) == 1
    assert not any(row["content"].startswith(b"PK") or WORDS in row["content"] for row in rows)

    content = (await renting.archive.download(admin, tenant_id, export.id)).content
    policy = Policy.parse((await renting.archive.trust_policy(admin, tenant_id)).encode())
    assert verify(content, policy=policy, kinds={}).findings == ()
    assert (await renting.posture.check(tenant_id, SYSTEM))[2].finding.outcome is Outcome.PASS
    assert set(vault.asked) == {"create", "wrap", "unwrap", "prove"}
    assert not (renting.settings.key_file.parent / "customer-keys").exists(), "the default keeps nothing"

    vault.lose()
    with pytest.raises(Conflict) as refused:
        await renting.archive.download(admin, tenant_id, export.id)
    assert refused.value.code == "KEY_MISSING"
    assert (await renting.posture.check(tenant_id, SYSTEM))[2].finding.outcome is Outcome.FAIL


async def _bundle(house: House, tenant_id: UUID) -> Export:
    exports = Exports(
        house.storage,
        house.ledger,
        {"letter": Letters()},
        host="trust.example",
        vendor="Vendor Ltd",
        vault=house.vault,
    )
    async with house.storage.write(TenantScope(tenant_id)) as session:
        asked = await exports.request(
            session, kind="letter", tenant_id=tenant_id, subject_id=UUID(int=7), revision=1, actor=SYSTEM
        )
    async with sequencing(house):
        return await exports.build(tenant_id, asked.id)

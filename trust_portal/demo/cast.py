"""Brings customers, people and promises in, through the services that a vendor's operator uses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from importlib.resources import files

from trust_portal.access.action import TokenScope
from trust_portal.access.actors import CONSOLE
from trust_portal.access.sign_in.personas import persona_with
from trust_portal.access.tenants.model import CreateTenant, Tenant
from trust_portal.access.tokens.model import Bounds, CreateToken
from trust_portal.demo.scene import BRIGHTWATER, CUSTOMERS, SOURCE, Customer
from trust_portal.errors import NotFound
from trust_portal.house import House
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.reliability.contracts.service import ImportContracts, ImportedContract
from trust_portal.reliability.objectives.service import ImportedObjective, ImportObjectives

_TOKEN_LIFE = timedelta(days=30)


async def bring_in_customers(house: House, month: str) -> Mapping[str, Tenant]:
    """Every customer as a tenant since ``month`` began, by key; with Brightwater's and the vendor's people.

    Of the months before, nothing was measured: nobody is owed a report of them.
    """
    tenants = {customer.key: await _tenant(house, customer, month) for customer in CUSTOMERS}
    await house.personas.establish(tenants[BRIGHTWATER.key])
    return tenants


async def _tenant(house: House, customer: Customer, month: str) -> Tenant:
    try:
        return await house.tenants.by_key(CONSOLE, customer.key, purpose="demo")
    except NotFound:
        command = CreateTenant(
            customer.key,
            customer.name,
            customer.time_zone,
            customer.residency,
            onboarded_at=customer.month(month).start,
        )
        return await house.tenants.create(command, CONSOLE)


async def bring_in_promises(
    house: House,
) -> tuple[tuple[ImportedObjective, ...], tuple[ImportedContract, ...]]:
    """The objectives and contracts that are shipped as files, as ``trust-portal import`` takes them."""
    data = files("trust_portal.demo") / "data"
    objectives = ImportObjectives((data / "objectives.yaml").read_text("utf-8"))
    contracts = ImportContracts((data / "contracts.yaml").read_bytes())
    return (
        await house.objectives.import_file(objectives, CONSOLE),
        await house.contracts.import_file(contracts, CONSOLE),
    )


async def product_token(house: House) -> str:
    """The secret of an ingest token for the product's sources, issued by the SRE operator's rights."""
    person = await house.people.by_email(CONSOLE, _email(Role.SRE_OPERATOR), tenant_id=VENDOR_ID)
    command = CreateToken(
        VENDOR_ID,
        "Simulated product",
        frozenset({TokenScope.INGEST}),
        Bounds(sources=(SOURCE + "*",)),
        _TOKEN_LIFE,
        person.id,
    )
    return (await house.tokens.create(command, CONSOLE)).secret


async def reading_token(house: House, tenant: Tenant) -> str:
    """The secret of a token that reads a customer's own things, for programs of the customer's."""
    person = await house.people.by_email(CONSOLE, _email(Role.CUSTOMER_ADMIN), tenant_id=tenant.id)
    command = CreateToken(
        tenant.id,
        "Reporting script",
        frozenset({TokenScope.READ}),
        life=_TOKEN_LIFE,
        person_id=person.id,
    )
    return (await house.tokens.create(command, CONSOLE)).secret


async def operating_token(house: House, role: Role) -> str:
    """The secret of a token for an hour, with every right that tokens can have of the persona with ``role``."""
    person = await house.people.by_email(CONSOLE, _email(role), tenant_id=VENDOR_ID)
    command = CreateToken(
        VENDOR_ID, "Script", frozenset({TokenScope.OPERATE}), life=timedelta(hours=1), person_id=person.id
    )
    return (await house.tokens.create(command, CONSOLE)).secret


def _email(role: Role) -> str:
    return persona_with(role).email

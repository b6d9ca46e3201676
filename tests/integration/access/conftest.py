"""The services of access over a real database, and a customer with people in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.actors import CONSOLE
from trust_portal.access.audits.service import AuditInvitations
from trust_portal.access.denials import Denials
from trust_portal.access.gate import Gate
from trust_portal.access.people.model import AddPerson, GrantRole, Person
from trust_portal.access.people.service import People
from trust_portal.access.policy import shipped_policies
from trust_portal.access.sessions.service import Sessions
from trust_portal.access.sign_in.links import SignInLinks
from trust_portal.access.tenants.model import CreateTenant, Tenant
from trust_portal.access.tenants.service import Tenants
from trust_portal.access.tokens.service import Tokens
from trust_portal.evidence.keyring import load_or_create_keyring
from trust_portal.evidence.ledger import Ledger
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.unit_of_work import Storage


@dataclass(frozen=True, slots=True)
class Access:
    """All services, wired as the house does it."""

    storage: Storage
    gate: Gate
    ledger: Ledger
    access_log: AccessLog
    tenants: Tenants
    people: People
    sessions: Sessions
    tokens: Tokens
    links: SignInLinks
    audits: AuditInvitations


@pytest.fixture
def access(storage: Storage, clock: ManualClock, tmp_path: Path) -> Access:
    ledger = Ledger(storage, load_or_create_keyring(tmp_path / "keys.json", clock))
    gate = Gate(shipped_policies(), Denials(storage))
    access_log = AccessLog(storage, gate)
    sessions = Sessions(storage, gate, access_log, idle=timedelta(hours=8), absolute=timedelta(days=7))
    return Access(
        storage=storage,
        gate=gate,
        ledger=ledger,
        access_log=access_log,
        tenants=Tenants(storage, gate, ledger, access_log),
        people=People(storage, gate, ledger, access_log),
        sessions=sessions,
        tokens=Tokens(storage, gate, ledger, access_log),
        links=SignInLinks(storage, gate, ledger, sessions, base_url="https://trust.example"),
        audits=AuditInvitations(
            storage, gate, ledger, access_log, sessions, base_url="https://trust.example"
        ),
    )


@pytest.fixture
async def acme(access: Access) -> Tenant:
    return await access.tenants.create(CreateTenant("acme", "Acme Ltd", "Europe/Berlin", "eu"), CONSOLE)


@pytest.fixture
async def globex(access: Access) -> Tenant:
    return await access.tenants.create(CreateTenant("globex", "Globex Inc", "America/New_York"), CONSOLE)


AddMember = Callable[..., Awaitable[Person]]


@pytest.fixture
def member(access: Access, clock: ManualClock) -> AddMember:
    """Adds a person with roles and gives them back as the house then knows them."""

    async def add(tenant: Tenant | None, email: str, *roles: Role) -> Person:
        tenant_id = VENDOR_ID if tenant is None else tenant.id
        person = await access.people.add(
            AddPerson(tenant_id, email, email.partition("@")[0].title()), CONSOLE
        )
        for role in roles:
            until = clock.now() + timedelta(days=30) if role is Role.AUDITOR else None
            await access.people.grant(GrantRole(tenant_id, person.id, role, until), CONSOLE)
        return replace(person, roles=frozenset(roles))

    return add

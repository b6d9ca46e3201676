"""One person for every role of the house, to walk through the demo as.

Where ``settings.demo`` is off there are no personas: neither listed nor let in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import AddPerson, GrantRole, Person
from trust_portal.access.people.repository import directory, find_active_person
from trust_portal.access.people.service import People
from trust_portal.access.sessions.model import Client, Method, SignedIn
from trust_portal.access.sessions.service import Sessions
from trust_portal.access.tenants.model import Tenant
from trust_portal.errors import NotFound
from trust_portal.kernel.actor import CUSTOMER_ROLES, Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage

AUDIT_TERM: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Persona:
    """``does`` is what the sign-in page says of the role. Reserved domain: RFC 2606 §2."""

    role: Role
    name: str
    does: str

    @property
    def is_customer(self) -> bool:
        return self.role in CUSTOMER_ROLES

    @property
    def email(self) -> str:
        return f"{self.role.value.replace('_', '-')}@demo.invalid"


PERSONAS: Final = (
    Persona(Role.CUSTOMER_VIEWER, "Vera Okafor", "reads her company's reports and bundles"),
    Persona(Role.CUSTOMER_ADMIN, "Carl Nyström", "looks after his company's people and tokens"),
    Persona(Role.AUDITOR, "Aiko Tanaka", "checks the evidence, for thirty days"),
    Persona(Role.APPROVER_FINANCE, "Farid Haddad", "decides for finance"),
    Persona(Role.APPROVER_RELIABILITY, "Rosa Lindqvist", "decides for reliability"),
    Persona(Role.APPROVER_SECURITY, "Sana Mbeki", "decides for security, and watches who looks at what"),
    Persona(Role.INCIDENT_OWNER, "Ivo Petrov", "owns incidents until they are learned from"),
    Persona(Role.FINOPS_OPERATOR, "Fiona Walsh", "watches what things cost"),
    Persona(Role.SRE_OPERATOR, "Samir Rao", "runs the service-level reports"),
    Persona(Role.CSM, "Clara Moreau", "prepares the account's documents"),
    Persona(Role.PMO, "Pedro Alves", "follows what was promised"),
    Persona(Role.VENDOR_ADMIN, "Ada Vogel", "administers the portal"),
)


def persona_with(role: Role) -> Persona:
    """The one with ``role``."""
    return next(each for each in PERSONAS if each.role is role)


class Personas:
    def __init__(self, storage: Storage, people: People, sessions: Sessions, *, enabled: bool) -> None:
        self._storage = storage
        self._people = people
        self._sessions = sessions
        self._enabled = enabled

    def all(self) -> tuple[Persona, ...]:
        """Whom the sign-in page offers: everybody in the demo, nobody elsewhere."""
        return PERSONAS if self._enabled else ()

    async def establish(self, customer: Tenant) -> None:
        """Make the personas real people with their roles: three at ``customer``, the rest at the
        vendor. May be repeated.
        """
        self._require_demo()
        for persona in PERSONAS:
            tenant_id = customer.id if persona.is_customer else VENDOR_ID
            if await self._find(persona) is not None:
                continue
            person = await self._people.add(AddPerson(tenant_id, persona.email, persona.name), CONSOLE)
            term = self._storage.clock.now() + AUDIT_TERM if persona.role is Role.AUDITOR else None
            await self._people.grant(GrantRole(tenant_id, person.id, persona.role, term), CONSOLE)

    async def sign_in(self, role: Role, client: Client) -> SignedIn:
        """Raises ``NotFound`` where there is no such persona, and always outside the demo."""
        self._require_demo()
        person = await self._find(persona_with(role))
        if person is None:
            raise NotFound("persona")
        async with self._storage.write(TenantScope(person.tenant_id)) as session:
            return await self._sessions.open(session, person, Method.PERSONA, client)

    async def _find(self, persona: Persona) -> Person | None:
        async with self._storage.read(StaffScope()) as session:
            for ref in await directory(session, persona.email):
                person = await find_active_person(
                    session, ref.tenant_id, ref.person_id, self._storage.clock.now()
                )
                if person is not None:
                    return person
        return None

    def _require_demo(self) -> None:
        if not self._enabled:
            raise NotFound("persona")

"""What is done with people: added, given and relieved of roles, suspended."""

from __future__ import annotations

from uuid import UUID

from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.people.model import AddPerson, GrantRole, Person, normalise_email
from trust_portal.access.people.repository import (
    complete_vendor_roles,
    deactivate,
    directory,
    find_person,
    insert_grant,
    insert_person,
    people_page,
    revoke_grant,
)
from trust_portal.access.policy import Decision, Resource
from trust_portal.access.receipts import leave_receipt
from trust_portal.access.sessions.repository import demand_rotation, revoke_sessions
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.access.tokens.repository import revoke_tokens_of
from trust_portal.errors import Conflict, InvalidInput, NotFound
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage, WriteSession


class People:
    """People of one tenant at a time; a role takes effect with the person's next request."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log

    async def complete_roles(self) -> None:
        """At the start of a process: a role that a version before this one granted counts for approvals too."""
        async with self._storage.write(TenantScope(VENDOR_ID)) as session:
            await complete_vendor_roles(session)

    async def add(self, command: AddPerson, actor: Actor) -> Person:
        """Somebody without roles yet. Raises ``Conflict`` where the tenant has that email already."""
        decision = await self._gate.require(actor, Action.PERSON_ADD, Resource("person", command.tenant_id))
        person = Person(new_id(), command.tenant_id, command.email, command.name, active=True)
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            tenant = await find_tenant(session, command.tenant_id)
            if tenant is None or not tenant.active:
                raise NotFound("tenant")
            await insert_person(session, person)
            await self._receipt(session, ReceiptKind.PERSON_ADDED, person, actor=actor, decision=decision)
        return person

    async def grant(self, command: GrantRole, actor: Actor) -> None:
        """Give a role; one already held is replaced by the new term.

        Nobody raises themselves: that takes a second administrator.
        """
        resource = Resource("person", command.tenant_id, command.person_id)
        decision = await self._gate.require(actor, Action.ROLE_GRANT, resource)
        if command.person_id == actor.person_id:
            raise Conflict("ask another administrator: nobody grants roles to themselves", field="person")
        command.check(self._storage.clock.now())
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            person = await self._found(session, command.tenant_id, command.person_id)
            if not person.active:
                raise Conflict("this person is suspended", field="person")
            await insert_grant(session, command, actor)
            await demand_rotation(session, command.tenant_id, command.person_id)
            until = None if command.until is None else rfc3339(command.until)
            await self._receipt(
                session,
                ReceiptKind.ROLE_GRANTED,
                person,
                actor=actor,
                decision=decision,
                role=command.role.value,
                until=until,
            )

    async def revoke(self, actor: Actor, tenant_id: UUID, person_id: UUID, role: Role) -> None:
        """Raises ``Conflict`` if the person does not hold the role."""
        resource = Resource("person", tenant_id, person_id)
        decision = await self._gate.require(actor, Action.ROLE_REVOKE, resource)
        async with self._storage.write(TenantScope(tenant_id)) as session:
            person = await self._found(session, tenant_id, person_id)
            if not await revoke_grant(session, tenant_id, person_id, role, actor):
                raise Conflict(f"{person.name} does not hold the role {role.value}", field="role")
            await demand_rotation(session, tenant_id, person_id)
            await self._receipt(
                session, ReceiptKind.ROLE_REVOKED, person, actor=actor, decision=decision, role=role.value
            )

    async def suspend(self, actor: Actor, tenant_id: UUID, person_id: UUID) -> None:
        """Locked out at once: sessions and tokens end in the same transaction."""
        resource = Resource("person", tenant_id, person_id)
        decision = await self._gate.require(actor, Action.PERSON_SUSPEND, resource)
        async with self._storage.write(TenantScope(tenant_id)) as session:
            person = await self._found(session, tenant_id, person_id)
            if not await deactivate(session, tenant_id, person_id):
                raise Conflict("this person is suspended already", field="person")
            sessions = await revoke_sessions(session, tenant_id, person_id)
            tokens = await revoke_tokens_of(session, tenant_id, person_id)
            await self._receipt(
                session,
                ReceiptKind.PERSON_SUSPENDED,
                person,
                actor=actor,
                decision=decision,
                sessions_ended=str(sessions),
                tokens_revoked=str(tokens),
            )

    async def get(self, actor: Actor, tenant_id: UUID, person_id: UUID) -> Person:
        await self._gate.require(actor, Action.PERSON_READ, Resource("person", tenant_id, person_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            person = await self._found(session, tenant_id, person_id)
        await self._access_log.looked(actor, tenant_id, "person", str(person_id))
        return person

    async def page(self, actor: Actor, tenant_id: UUID, request: PageRequest) -> Page[Person]:
        """By email."""
        await self._gate.require(actor, Action.PERSON_READ, Resource("people", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            page = await people_page(session, tenant_id, self._storage.clock.now(), request)
        await self._access_log.looked(actor, tenant_id, "people")
        return page

    async def by_email(self, actor: Actor, email: str, *, tenant_id: UUID | None = None) -> Person:
        """The one person with this address; where it is known in several tenants, say in which.

        Raises ``NotFound`` or ``InvalidInput``. A customer finds its own tenant's people only.
        """
        home = actor.tenant_id if tenant_id is None else tenant_id
        scope = StaffScope() if actor.is_staff else TenantScope(actor.tenant_id)
        async with self._storage.read(scope) as session:
            found = await directory(session, normalise_email(email))
        if tenant_id is not None or not actor.is_staff:
            found = tuple(each for each in found if each.tenant_id == home)
        if not found:
            raise NotFound("person", field="email")
        if len(found) > 1:
            raise InvalidInput("this address is known in several tenants: say which", field="tenant")
        return await self.get(actor, found[0].tenant_id, found[0].person_id)

    async def _found(self, session: ReadSession, tenant_id: UUID, person_id: UUID) -> Person:
        person = await find_person(session, tenant_id, person_id, self._storage.clock.now())
        if person is None:
            raise NotFound("person")
        return person

    async def _receipt(
        self,
        session: WriteSession,
        kind: ReceiptKind,
        person: Person,
        *,
        actor: Actor,
        decision: Decision,
        **result: Json,
    ) -> None:
        await leave_receipt(
            self._ledger,
            session,
            kind,
            tenant_id=person.tenant_id,
            actor=actor,
            decision=decision,
            subject=f"person/{person.id}",
            result={"person": str(person.id), **result},
        )

"""Opening, recognising and ending sessions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.action import Action
from trust_portal.access.break_glass.repository import broken_by
from trust_portal.access.credentials import Credential, new_cookie, parse_cookie
from trust_portal.access.gate import Gate
from trust_portal.access.people.model import Person
from trust_portal.access.people.repository import find_active_person
from trust_portal.access.policy import Resource
from trust_portal.access.sessions.model import Client, Method, Session, SignedIn
from trust_portal.access.sessions.repository import (
    find_session,
    insert_session,
    live_sessions,
    replace_secret,
    revoke_sessions,
    session_owner,
    touch,
)
from trust_portal.errors import NotFound
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import new_id
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession

#: A session is marked as seen at most this often, so that reading pages does not mean writing rows.
SEEN_EVERY: Final = timedelta(minutes=1)


class Sessions:
    """Opaque and server-side: the cookie is a secret and nothing else, and ends when we say so."""

    def __init__(
        self, storage: Storage, gate: Gate, access_log: AccessLog, *, idle: timedelta, absolute: timedelta
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._access_log = access_log
        self._idle = idle
        self._absolute = absolute

    async def open(
        self,
        session: WriteSession,
        person: Person,
        method: Method,
        client: Client,
        *,
        brought_by: tuple[UUID, ...] = (),
    ) -> SignedIn:
        """A new session within the transaction that established who it is; always a new secret."""
        credential = new_cookie(person.tenant_id)
        now = session.clock.now()
        row = Session(
            id=new_id(),
            tenant_id=person.tenant_id,
            person_id=person.id,
            method=method,
            client=client,
            created_at=now,
            last_seen_at=now,
            expires_at=now + self._absolute,
            brought_by=brought_by,
        )
        await insert_session(session, credential, row)
        cookie = credential.as_cookie()
        return SignedIn(row.id, person.as_actor(), row.created_at, row.expires_at, cookie, brought_by)

    async def authenticate(self, cookie: str) -> SignedIn | None:
        """Who holds this cookie, with the roles in force and the emergency access open now.

        None alike for a malformed, unknown, foreign, expired, idle or revoked one, and for a
        suspended person. When ``SignedIn.cookie`` is set, hand it to the browser.
        """
        credential = parse_cookie(cookie)
        if credential is None:
            return None
        now = self._storage.clock.now()
        async with self._storage.read(TenantScope(credential.tenant_id)) as session:
            stored = await find_session(session, credential, now, self._idle)
            if stored is None:
                return None
            found = stored.session
            person = await find_active_person(session, found.tenant_id, found.person_id, now)
        if person is None:
            return None
        actor = person.as_actor()
        if actor.is_staff:
            async with self._storage.read(StaffScope()) as session:
                actor = replace(actor, glass=await broken_by(session, actor.id, now))
        signed_in = SignedIn(found.id, actor, found.created_at, found.expires_at, brought_by=found.brought_by)
        if stored.rotate:
            return await self._rotated(signed_in, credential)
        if now - found.last_seen_at >= SEEN_EVERY:
            async with self._storage.write(TenantScope(found.tenant_id)) as session:
                await touch(session, found.tenant_id, found.id)
        return signed_in

    async def of_person(self, actor: Actor, tenant_id: UUID, person_id: UUID) -> tuple[Session, ...]:
        """Live sessions, newest first: one's own, or a person's for who may see them."""
        await self._gate.require(
            actor,
            Action.OWN_SESSION_READ if person_id == actor.id else Action.SESSION_READ,
            Resource("session", tenant_id, None, person_id),
        )
        # Staff have no right to this table across tenants: secrets stay inside their tenant.
        async with self._storage.read(TenantScope(tenant_id)) as session:
            now = self._storage.clock.now()
            found = await live_sessions(session, tenant_id, person_id, now, self._idle)
        await self._access_log.looked(actor, tenant_id, "sessions", str(person_id))
        return found

    async def revoke(self, actor: Actor, tenant_id: UUID, session_id: UUID) -> None:
        """End one session. Raises ``NotFound`` if it is not live or not the actor's to end."""
        async with self._storage.read(TenantScope(tenant_id)) as session:
            owner = None
            if actor.is_staff or actor.tenant_id == tenant_id:
                owner = await session_owner(session, tenant_id, session_id)
        own = owner is not None and owner == actor.id
        action = Action.OWN_SESSION_REVOKE if own else Action.SESSION_REVOKE
        await self._gate.require(actor, action, Resource("session", tenant_id, session_id, owner))
        if owner is None:
            raise NotFound("session")
        async with self._storage.write(TenantScope(tenant_id)) as session:
            await revoke_sessions(session, tenant_id, owner, only=session_id)

    async def revoke_others(self, signed_in: SignedIn) -> int:
        """End all of one's sessions but the present one; returns how many."""
        actor = signed_in.actor
        resource = Resource("session", actor.tenant_id, None, actor.id)
        await self._gate.require(actor, Action.OWN_SESSION_REVOKE, resource)
        async with self._storage.write(TenantScope(actor.tenant_id)) as session:
            return await revoke_sessions(session, actor.tenant_id, actor.id, keep=signed_in.session_id)

    async def _rotated(self, signed_in: SignedIn, old: Credential) -> SignedIn:
        new = new_cookie(old.tenant_id)
        async with self._storage.write(TenantScope(old.tenant_id)) as session:
            swapped = await replace_secret(session, old, new)
        # Where another request of the same browser was first, its answer carries the new secret.
        return replace(signed_in, cookie=new.as_cookie()) if swapped else signed_in

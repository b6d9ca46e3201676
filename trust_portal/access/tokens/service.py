"""Issuing, recognising and revoking API tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.action import Action
from trust_portal.access.break_glass.repository import broken_by
from trust_portal.access.credentials import new_token, parse_token
from trust_portal.access.gate import Gate
from trust_portal.access.people.repository import find_active_person
from trust_portal.access.policy import Resource
from trust_portal.access.receipts import leave_receipt
from trust_portal.access.tokens.model import Admission, ApiToken, CreateToken, IssuedToken
from trust_portal.access.tokens.repository import (
    find_by_secret,
    find_token,
    insert_token,
    mark_used,
    revoke_token,
    tokens_page,
)
from trust_portal.errors import Conflict, InvalidInput, NotFound, NotSignedIn
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.kernel.actor import Actor, ActorKind, BrokenGlass
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage

#: A token is marked as used at most this often, so that reads do not mean writes.
USED_EVERY: Final = timedelta(minutes=1)


class Tokens:
    """A token acts within its scopes and within what its issuer may do at that moment."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log

    async def create(self, command: CreateToken, actor: Actor) -> IssuedToken:
        """The secret is in the answer and nowhere else.

        Only the console issues for another person: anybody else could borrow their roles.
        """
        decision = await self._gate.require(actor, Action.TOKEN_CREATE, Resource("token", command.tenant_id))
        person_id = command.person_id or actor.person_id
        if person_id is None:
            raise InvalidInput("say whose token it is", field="person")
        if actor.kind is not ActorKind.SYSTEM and person_id != actor.person_id:
            raise InvalidInput("a token is issued for oneself", field="person")
        credential = new_token(command.tenant_id)
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            now = session.clock.now()
            if await find_active_person(session, command.tenant_id, person_id, now) is None:
                raise NotFound("person", field="person")
            token = ApiToken(
                id=new_id(),
                tenant_id=command.tenant_id,
                person_id=person_id,
                label=command.label.strip(),
                scopes=command.scopes,
                bounds=command.bounds,
                created_at=now,
                expires_at=now + command.life,
                last_used_at=None,
                revoked_at=None,
            )
            await insert_token(session, credential, token, actor)
            await leave_receipt(
                self._ledger,
                session,
                ReceiptKind.TOKEN_CREATED,
                tenant_id=token.tenant_id,
                actor=actor,
                decision=decision,
                subject=f"token/{token.id}",
                result={
                    "token": str(token.id),
                    "issuer": str(person_id),
                    "scopes": sorted(token.scopes),
                    "sources": list(token.bounds.sources),
                    "tenants": sorted(str(each) for each in token.bounds.tenants),
                    "expires_at": rfc3339(token.expires_at),
                },
            )
        return IssuedToken(token, credential.as_token())

    async def authenticate(self, secret: str) -> Actor:
        """Who acts by this token. Raises ``NotSignedIn``; see ``admit``."""
        return (await self.admit(secret)).actor

    async def admit(self, secret: str) -> Admission:
        """Actor and bounds of a token. What its issuer has broken the glass for is the token's too.

        Raises the same ``NotSignedIn`` for a malformed, unknown, foreign, expired or revoked token
        and for one whose issuer is suspended.
        """
        credential = parse_token(secret)
        if credential is None:
            raise _refusal()
        now = self._storage.clock.now()
        scope = TenantScope(credential.tenant_id)
        async with self._storage.read(scope) as session:
            token = await find_by_secret(session, credential, now)
            if token is None:
                raise _refusal()
            issuer = await find_active_person(session, token.tenant_id, token.person_id, now)
        if issuer is None:
            raise _refusal()
        glass: frozenset[BrokenGlass] = frozenset()
        if issuer.tenant_id == VENDOR_ID:
            async with self._storage.read(StaffScope()) as session:
                glass = await broken_by(session, issuer.id, now)
        if token.last_used_at is None or now - token.last_used_at >= USED_EVERY:
            async with self._storage.write(scope) as session:
                await mark_used(session, token.tenant_id, token.id)
        actor = Actor(
            kind=ActorKind.TOKEN,
            id=token.id,
            name=token.label,
            tenant_id=token.tenant_id,
            roles=issuer.roles,
            scopes=frozenset(token.scopes),
            person_id=issuer.id,
            glass=glass,
        )
        return Admission(actor, token.bounds)

    async def page(self, actor: Actor, tenant_id: UUID, request: PageRequest) -> Page[ApiToken]:
        """Newest first, with the spent ones: their history is part of the account."""
        await self._gate.require(actor, Action.TOKEN_READ, Resource("token", tenant_id))
        async with self._storage.read(TenantScope(tenant_id)) as session:
            page = await tokens_page(session, tenant_id, request)
        await self._access_log.looked(actor, tenant_id, "tokens")
        return page

    async def revoke(self, actor: Actor, tenant_id: UUID, token_id: UUID) -> None:
        """Ends it at once. Raises ``Conflict`` if it was revoked already."""
        decision = await self._gate.require(
            actor, Action.TOKEN_REVOKE, Resource("token", tenant_id, token_id)
        )
        async with self._storage.write(TenantScope(tenant_id)) as session:
            if await find_token(session, tenant_id, token_id) is None:
                raise NotFound("token")
            if not await revoke_token(session, tenant_id, token_id):
                raise Conflict("this token is revoked already")
            await leave_receipt(
                self._ledger,
                session,
                ReceiptKind.TOKEN_REVOKED,
                tenant_id=tenant_id,
                actor=actor,
                decision=decision,
                subject=f"token/{token_id}",
                result={"token": str(token_id)},
            )


def _refusal() -> NotSignedIn:
    return NotSignedIn("this token is not valid; ask for a new one", code="BAD_CREDENTIAL")

"""One-time links: how a person first comes in, and the way back for who has no other.

A link is spent by POST only. Mail scanners and chat previews follow links with GET, and would
otherwise burn it before its owner clicks.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.credentials import new_cookie, parse_cookie
from trust_portal.access.gate import Gate
from trust_portal.access.people.repository import find_active_person
from trust_portal.access.people.suspension import may_still
from trust_portal.access.policy import Resource
from trust_portal.access.receipts import leave_receipt
from trust_portal.access.sessions.model import Client, Method, SignedIn
from trust_portal.access.sessions.service import Sessions
from trust_portal.access.sign_in.repository import insert_link, maker_of_link, use_link, void_links
from trust_portal.errors import NotFound, NotSignedIn
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.clock import rfc3339
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

LINK_LIFE: Final = timedelta(hours=24)
#: The page behind a link; it shows a button that posts to the same address.
LINK_PATH: Final = "/sign-in/link/"


@dataclass(frozen=True, slots=True)
class SignInLink:
    """``url`` is shown once and stored nowhere."""

    url: str = field(repr=False)
    expires_at: datetime


class SignInLinks:
    def __init__(
        self, storage: Storage, gate: Gate, ledger: Ledger, sessions: Sessions, *, base_url: str
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._sessions = sessions
        self._base_url = base_url

    async def create(
        self, actor: Actor, tenant_id: UUID, person_id: UUID, *, brought_by: Collection[UUID]
    ) -> SignInLink:
        """A link for an active person; links of theirs that still wait become void.

        ``brought_by``: who made the links by which ``actor`` came in (``SignedIn.brought_by``); no door may
        leave it out, or an approver could be made out of somebody who asks.
        """
        resource = Resource("person", tenant_id, person_id)
        decision = await self._gate.require(actor, Action.SIGN_IN_LINK_CREATE, resource)
        credential = new_cookie(tenant_id)
        async with self._storage.write(TenantScope(tenant_id)) as session:
            now = session.clock.now()
            if await find_active_person(session, tenant_id, person_id, now) is None:
                raise NotFound("person")
            await void_links(session, tenant_id, person_id)
            expires_at = now + LINK_LIFE
            link_id = await insert_link(
                session, credential, person_id, actor, expires_at, brought_by=brought_by
            )
            await leave_receipt(
                self._ledger,
                session,
                ReceiptKind.SIGN_IN_LINK_CREATED,
                tenant_id=tenant_id,
                actor=actor,
                decision=decision,
                subject=f"sign-in-link/{link_id}",
                result={"person": str(person_id), "expires_at": rfc3339(expires_at)},
            )
        return SignInLink(f"{self._base_url}{LINK_PATH}{credential.as_cookie()}", expires_at)

    async def consume(self, secret: str, client: Client) -> SignedIn:
        """Spend the link and open a session, in one transaction.

        Raises the same ``NotSignedIn`` for a malformed, unknown, spent or late link and for a
        suspended person (whose link stays unspent, and useless), be it for them or by them, and for one by
        somebody who may make none any more.
        """
        credential = parse_cookie(secret)
        if credential is None:
            raise _refusal()
        async with self._storage.read(TenantScope(credential.tenant_id)) as session:
            made = await maker_of_link(session, credential)
        if made is None:
            raise _refusal()
        resource = Resource("person", credential.tenant_id, made.person_id)
        if not await may_still(
            self._storage, self._gate, made.maker_id, Action.SIGN_IN_LINK_CREATE, resource
        ):
            raise _refusal()
        async with self._storage.write(TenantScope(credential.tenant_id)) as session:
            used = await use_link(session, credential)
            if used is None:
                raise _refusal()
            now = session.clock.now()
            person = await find_active_person(session, credential.tenant_id, used.person_id, now)
            if person is None:
                raise _refusal()
            return await self._sessions.open(session, person, Method.LINK, client, brought_by=used.brought_by)


def _refusal() -> NotSignedIn:
    return NotSignedIn("this link is spent or too old; ask for a new one", code="BAD_CREDENTIAL")

"""From an identity that a provider vouches for to a person of the house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import httpx

from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.passkeys.model import FRESH
from trust_portal.access.people.model import Person, PersonRef, normalise_email
from trust_portal.access.people.repository import directory, find_active_person
from trust_portal.access.policy import Decision, Resource
from trust_portal.access.receipts import leave_receipt
from trust_portal.access.sessions.model import Client, Method, SignedIn
from trust_portal.access.sessions.service import Sessions
from trust_portal.access.sign_in.oidc import (
    TIMEOUT,
    Identity,
    OidcClient,
    OidcProvider,
    OidcTransaction,
    refusal,
)
from trust_portal.access.sign_in.repository import (
    LinkedPerson,
    connect_identity,
    link_identity,
    linked_people,
)
from trust_portal.errors import Denied, InvalidInput
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage

#: Where the provider sends the browser back to: register ``<base_url>`` + this path there.
CALLBACK_PATH: Final = "/sign-in/oidc/callback"


class OidcSignIn:
    """``begin`` sends the browser away; ``finish`` receives it and opens a session."""

    def __init__(
        self, storage: Storage, provider: OidcProvider, sessions: Sessions, gate: Gate, ledger: Ledger
    ) -> None:
        self._storage = storage
        self._provider = provider
        self._sessions = sessions
        self._gate = gate
        self._ledger = ledger

    async def begin(self) -> tuple[str, OidcTransaction]:
        """URL to redirect to, and the transaction to keep in the browser until it returns."""
        return await self._provider.begin()

    async def finish(
        self, params: Mapping[str, str], transaction: OidcTransaction, client: Client
    ) -> SignedIn:
        """Open a session for the active person behind the answer; raises ``NotSignedIn``.

        Who it is, is said by, in this order:

        1. being one of the vendor's people, by subject or by verified address: anybody who administers a
           customer's people can write down any address, and so must not decide where those sign in;
        2. having connected the subject while signed in; of several the last (``connect``);
        3. having signed in by it before;
        4. the verified address, where it is one person's alone.

        What is found by its address is remembered. In doubt nobody comes in: the way out is a
        sign-in link, and to connect.
        """
        identity = await self._provider.finish(params, transaction)
        async with self._storage.read(StaffScope()) as session:
            found = await self._person(session, identity)
        if found is None:
            raise refusal()
        person, brought_by = found
        async with self._storage.write(TenantScope(person.tenant_id)) as session:
            await link_identity(
                session, identity.issuer, identity.subject, PersonRef(person.tenant_id, person.id)
            )
            return await self._sessions.open(session, person, Method.OIDC, client, brought_by=brought_by)

    async def begin_connecting(self, signed_in: SignedIn) -> tuple[str, OidcTransaction]:
        """As ``begin``, for somebody who is signed in. Raises ``Denied`` (``SIGN_IN_AGAIN``) unless just so."""
        await self._permit(signed_in)
        return await self._provider.begin()

    async def connect(
        self, params: Mapping[str, str], transaction: OidcTransaction, signed_in: SignedIn
    ) -> None:
        """From now on the identity behind the answer is the person who is signed in, whatever its address.

        Leaves a receipt. Raises ``NotSignedIn`` for an answer that does not hold, ``Denied``.
        """
        decision = await self._permit(signed_in)
        identity, actor = await self._provider.finish(params, transaction), signed_in.actor
        async with self._storage.write(TenantScope(actor.tenant_id)) as session:
            person = PersonRef(actor.tenant_id, actor.id)
            await connect_identity(session, identity.issuer, identity.subject, person, signed_in.brought_by)
            await leave_receipt(
                self._ledger,
                session,
                ReceiptKind.SIGN_IN_CONNECTED,
                tenant_id=actor.tenant_id,
                actor=actor,
                decision=decision,
                subject=f"person/{actor.id}",
                result={
                    "person": str(actor.id),
                    "issuer": identity.issuer,
                    "subject_sha256": sha256_hex(identity.subject.encode()),
                },
            )

    async def _permit(self, signed_in: SignedIn) -> Decision:
        """The right to add a passkey, and as soon after signing in: both say by what somebody is known."""
        actor = signed_in.actor
        resource = Resource("sign-in", actor.tenant_id, None, actor.id)
        decision = await self._gate.require(actor, Action.OWN_PASSKEY_ENROL, resource)
        if self._storage.clock.now() - signed_in.opened_at > FRESH:
            raise Denied(
                f"sign out and in again first: a sign-in is connected within {FRESH.seconds // 60} minutes "
                "of signing in",
                code="SIGN_IN_AGAIN",
            )
        return decision

    async def close(self) -> None:
        """End the connections to the provider."""
        await self._provider.close()

    async def _person(
        self, session: ReadSession, identity: Identity
    ) -> tuple[Person, tuple[UUID, ...]] | None:
        """Who it is, and who made the links by which they had come in when they connected it."""
        linked = await linked_people(session, identity.issuer, identity.subject)
        at_vendor = [each for each in linked if each.ref.tenant_id == VENDOR_ID]
        by_address = await _by_address(session, identity)
        if not at_vendor:
            at_vendor = [each for each in by_address if each.ref.tenant_id == VENDOR_ID]
        if at_vendor:
            # Also where that one is suspended: whom the vendor put out comes in nowhere else instead.
            return await self._only(session, at_vendor)
        if not linked:
            return await self._only(session, by_address)
        connected = sorted(
            (each.connected_at, each.ref.tenant_id, each) for each in linked if each.connected_at is not None
        )
        for _, _, each in reversed(connected):
            if found := await self._only(session, [each]):
                return found
        return None if connected else await self._only(session, linked)

    async def _only(
        self, session: ReadSession, candidates: Sequence[LinkedPerson]
    ) -> tuple[Person, tuple[UUID, ...]] | None:
        """The one of them who is active; nobody where several are."""
        now = self._storage.clock.now()
        found = [
            (person, each.brought_by)
            for each in candidates
            if (person := await find_active_person(session, each.ref.tenant_id, each.ref.person_id, now))
        ]
        return found[0] if len(found) == 1 else None


async def _by_address(session: ReadSession, identity: Identity) -> Sequence[LinkedPerson]:
    if identity.email is None:
        return ()
    try:
        refs = await directory(session, normalise_email(identity.email))
    except InvalidInput:
        return ()
    return [LinkedPerson(ref, None, ()) for ref in refs]


def connect_oidc(
    storage: Storage,
    sessions: Sessions,
    gate: Gate,
    ledger: Ledger,
    *,
    issuer: str,
    client_id: str,
    client_secret: str,
    base_url: str,
) -> OidcSignIn:
    """Sign-in by the provider at ``issuer``; opens no connection before somebody comes."""
    client = OidcClient(issuer, client_id, client_secret, f"{base_url}{CALLBACK_PATH}")
    # Redirects are not followed: a token endpoint has no business sending our secret elsewhere.
    http = httpx.AsyncClient(follow_redirects=False, timeout=TIMEOUT)
    return OidcSignIn(storage, OidcProvider(client, http, storage.clock), sessions, gate, ledger)

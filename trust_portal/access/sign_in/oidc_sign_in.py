"""From an identity that a provider vouches for to a person of the house."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import httpx

from trust_portal.access.people.model import Person, PersonRef, normalise_email
from trust_portal.access.people.repository import directory, find_active_person
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
from trust_portal.access.sign_in.repository import link_identity, linked_people
from trust_portal.errors import InvalidInput
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage

#: Where the provider sends the browser back to: register ``<base_url>`` + this path there.
CALLBACK_PATH: Final = "/sign-in/oidc/callback"


class OidcSignIn:
    """``begin`` sends the browser away; ``finish`` receives it and opens a session."""

    def __init__(self, storage: Storage, provider: OidcProvider, sessions: Sessions) -> None:
        self._storage = storage
        self._provider = provider
        self._sessions = sessions

    async def begin(self) -> tuple[str, OidcTransaction]:
        """URL to redirect to, and the transaction to keep in the browser until it returns."""
        return await self._provider.begin()

    async def finish(
        self, params: Mapping[str, str], transaction: OidcTransaction, client: Client
    ) -> SignedIn:
        """Open a session for the active person behind the answer; raises ``NotSignedIn``.

        A subject seen before is who it was then; a new one is found by its verified email and
        remembered. An address that is a person in several tenants needs a sign-in link first,
        because nothing in the answer says which of them is meant.
        """
        identity = await self._provider.finish(params, transaction)
        async with self._storage.read(StaffScope()) as session:
            person = await self._person(session, identity)
        if person is None:
            raise refusal()
        async with self._storage.write(TenantScope(person.tenant_id)) as session:
            await link_identity(
                session, identity.issuer, identity.subject, PersonRef(person.tenant_id, person.id)
            )
            return await self._sessions.open(session, person, Method.OIDC, client)

    async def close(self) -> None:
        """End the connections to the provider."""
        await self._provider.close()

    async def _person(self, session: ReadSession, identity: Identity) -> Person | None:
        refs = await linked_people(session, identity.issuer, identity.subject)
        if not refs and identity.email is not None:
            try:
                refs = await directory(session, normalise_email(identity.email))
            except InvalidInput:
                return None
        found = [
            person
            for ref in refs
            if (
                person := await find_active_person(
                    session, ref.tenant_id, ref.person_id, self._storage.clock.now()
                )
            )
        ]
        return found[0] if len(found) == 1 else None


def connect_oidc(
    storage: Storage,
    sessions: Sessions,
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
    return OidcSignIn(storage, OidcProvider(client, http, storage.clock), sessions)

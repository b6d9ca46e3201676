"""Passkeys as their owner minds them: enrolled, listed, revoked."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final
from uuid import UUID

from webauthn import generate_registration_options, options_to_json, verify_registration_response
from webauthn.helpers import decode_credential_public_key
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.passkeys import repository
from trust_portal.access.passkeys.model import (
    ANSWER_WITHIN,
    FRESH,
    MOST_PASSKEYS,
    NOUN,
    Ceremony,
    FinishEnrolment,
    NameOfPasskey,
    Passkey,
)
from trust_portal.access.passkeys.receipts import enrolment_act, revocation_act
from trust_portal.access.passkeys.telling import tell_enrolled, tell_revoked
from trust_portal.access.policy import Decision, Resource
from trust_portal.access.sessions.model import SignedIn
from trust_portal.errors import Conflict, Denied, InvalidInput, NotFound
from trust_portal.evidence.assertion import PasskeyKey, RelyingParty
from trust_portal.evidence.ledger import Ledger
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import new_id
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

#: What devices in use can make, the first that a device knows is taken (RFC 9053 §2; RFC 8812 §2).
_ALGORITHMS: Final = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
_LONGEST_CREDENTIAL: Final = 64 * 1024


class Passkeys:
    """Each person minds their own. Nobody, whatever their role, enrols a passkey for somebody else."""

    def __init__(
        self,
        storage: Storage,
        gate: Gate,
        ledger: Ledger,
        *,
        party: Callable[[], RelyingParty],
        vendor_name: str,
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._party = party
        self._vendor_name = vendor_name

    def unavailable(self) -> str | None:
        """Why no passkey can be made at this installation; nothing where one can."""
        try:
            self._party()
        except InvalidInput as error:
            return error.message
        return None

    def is_fresh(self, signed_in: SignedIn) -> bool:
        """Whether somebody signed in so recently that they may add a passkey."""
        return self._storage.clock.now() - signed_in.opened_at <= FRESH

    async def of(self, actor: Actor) -> tuple[Passkey, ...]:
        """The actor's own, newest first, also those that were revoked."""
        await self._require(actor, Action.OWN_PASSKEY_READ)
        async with self._storage.read(TenantScope(actor.tenant_id)) as session:
            return await repository.passkeys_of(session, actor.tenant_id, actor.id)

    async def begin(self, command: NameOfPasskey, signed_in: SignedIn) -> Ceremony:
        """Ask a device for a new passkey. Raises ``Denied`` (``SIGN_IN_AGAIN``) unless one just signed in."""
        actor = signed_in.actor
        await self._require(actor, Action.OWN_PASSKEY_ENROL)
        self._require_fresh(signed_in)
        party, challenge = self._party(), secrets.token_bytes(32)
        async with self._storage.write(TenantScope(actor.tenant_id)) as session:
            known = await repository.passkeys_of(session, actor.tenant_id, actor.id)
            if sum(each.revoked_at is None for each in known) >= MOST_PASSKEYS:
                raise Conflict(
                    f"{MOST_PASSKEYS} passkeys are the most; revoke one first", code="TOO_MANY_PASSKEYS"
                )
            ceremony_id = new_id()
            await repository.insert_ceremony(
                session,
                actor.tenant_id,
                repository.StoredCeremony(
                    id=ceremony_id,
                    person_id=actor.id,
                    session_id=signed_in.session_id,
                    name=command.name,
                    challenge=challenge,
                    expires_at=session.clock.now() + ANSWER_WITHIN,
                ),
            )
        options = generate_registration_options(
            rp_id=party.id,
            rp_name=f"{self._vendor_name} Trust Portal",
            user_id=actor.id.bytes,
            user_name=actor.name,
            user_display_name=actor.name,
            challenge=challenge,
            timeout=ANSWER_WITHIN.seconds * 1000,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[
                PublicKeyCredentialDescriptor(id=each.key.credential_id)
                for each in known
                if each.revoked_at is None
            ],
            supported_pub_key_algs=_ALGORITHMS,
        )
        return Ceremony(ceremony_id, command.name, options_to_json(options))

    async def finish(self, command: FinishEnrolment, signed_in: SignedIn) -> Passkey:
        """The passkey, once the device has answered. Raises ``Conflict`` or ``InvalidInput``; nothing is kept then."""
        actor = signed_in.actor
        decision = await self._require(actor, Action.OWN_PASSKEY_ENROL)
        self._require_fresh(signed_in)
        party = self._party()
        async with self._storage.write(TenantScope(actor.tenant_id)) as session:
            ceremony = await repository.take_ceremony(session, actor.tenant_id, command.ceremony_id)
            if (
                ceremony is None
                or (ceremony.person_id, ceremony.session_id) != (actor.id, signed_in.session_id)
                or ceremony.expires_at < session.clock.now()
            ):
                raise Conflict("this took too long or was done already; begin again", code="ENROLMENT_OVER")
            verified = _verified(command.credential, ceremony.challenge, party)
            passkey = Passkey(
                id=new_id(),
                tenant_id=actor.tenant_id,
                person_id=actor.id,
                name=ceremony.name,
                key=PasskeyKey(verified.credential_id, verified.credential_public_key, party),
                algorithm=int(decode_credential_public_key(verified.credential_public_key).alg),
                aaguid=verified.aaguid,
                synced=verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
                sign_count=verified.sign_count,
                enrolled_at=session.clock.now(),
                receipt_id=new_id(),
                brought_by=frozenset(signed_in.brought_by),
            )
            act = enrolment_act(passkey, actor, decision)
            await self._ledger.record(session, act, receipt_id=passkey.receipt_id)
            if not await repository.insert_passkey(session, passkey):
                raise Conflict("this passkey is enrolled already", code="PASSKEY_KNOWN")
            await tell_enrolled(session, passkey, actor)
        return passkey

    async def revoke(self, passkey_id: UUID, actor: Actor) -> None:
        """From now on it signs nothing more. What it signed stays signed, and is used for nothing more.

        Raises ``NotFound``.
        """
        decision = await self._require(actor, Action.OWN_PASSKEY_REVOKE)
        async with self._storage.write(TenantScope(actor.tenant_id)) as session:
            passkey = await repository.find_passkey(session, actor.tenant_id, passkey_id)
            if passkey is None or passkey.person_id != actor.id:
                raise NotFound(NOUN)
            await repository.lock_passkey(session, passkey)
            receipt_id = new_id()
            act = revocation_act(passkey, actor, session.clock.now(), decision)
            await self._ledger.record(session, act, receipt_id=receipt_id)
            if not await repository.insert_revocation(session, passkey, actor.id, receipt_id):
                raise Conflict("this passkey is revoked already", code="PASSKEY_REVOKED")
            await tell_revoked(session, passkey, actor)
            await session.enqueue(
                Job.SPREAD_REVOCATION, {"tenant": str(actor.tenant_id), "passkey": str(passkey_id)}
            )

    async def _require(self, actor: Actor, action: Action) -> Decision:
        return await self._gate.require(actor, action, Resource(NOUN, actor.tenant_id, None, actor.id))

    def _require_fresh(self, signed_in: SignedIn) -> None:
        if not self.is_fresh(signed_in):
            raise Denied(
                f"sign out and in again first: a passkey is enrolled within {FRESH.seconds // 60} minutes of signing in",
                code="SIGN_IN_AGAIN",
            )


def _verified(credential: str, challenge: bytes, party: RelyingParty) -> VerifiedRegistration:
    """What the device made, checked (WebAuthn §7.1). Raises ``InvalidInput``."""
    if len(credential) > _LONGEST_CREDENTIAL:
        raise InvalidInput("longer than what any device answers", field="credential", code="BAD_CREDENTIAL")
    try:
        return verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
        )
    except (WebAuthnException, ValueError, TypeError, LookupError) as error:
        raise InvalidInput(
            f"the device's answer cannot be used: {error}", field="credential", code="BAD_CREDENTIAL"
        ) from error

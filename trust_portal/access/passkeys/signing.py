"""A person signs a statement: checked where it is asked for, put on record with the act it is for."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from trust_portal.access.passkeys import repository
from trust_portal.access.passkeys.model import Passkey, Signature, Signed
from trust_portal.access.passkeys.receipts import introduction_act
from trust_portal.errors import Broken, Conflict, Denied
from trust_portal.evidence.act import Input
from trust_portal.evidence.assertion import Assertion, check_assertion
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.kernel.actor import Actor, ActorKind
from trust_portal.kernel.canonical import Json, canonical
from trust_portal.kernel.ids import new_id
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession


class IntroducedMeanwhile(Exception):
    """Another transaction has introduced the passkey. This one must not commit; do it anew."""


class Signatures:
    """For any room in which somebody signs: what is signed is the room's, how is known here."""

    def __init__(self, storage: Storage, ledger: Ledger) -> None:
        self._storage = storage
        self._ledger = ledger

    async def usable(self, actor: Actor) -> tuple[Passkey, ...]:
        """Passkeys with which ``actor`` can sign now."""
        if actor.kind is not ActorKind.PERSON:
            return ()
        async with self._storage.read(TenantScope(actor.tenant_id)) as session:
            known = await repository.passkeys_of(session, actor.tenant_id, actor.id)
        return tuple(each for each in known if each.revoked_at is None)

    async def check(self, actor: Actor, statement: Mapping[str, Json], assertion: Assertion) -> Signed:
        """That ``actor`` has signed ``statement``, before the transaction of the act begins.

        ``statement`` is made here, of what is stored; never the caller's word. Raises
        ``NotThisStatement``, ``BadAssertion``, or ``Denied``: ``PERSONS_ONLY``, ``PASSKEY_UNKNOWN``
        (enrolled by nobody, or by somebody else), ``PASSKEY_REVOKED``.
        """
        if actor.kind is not ActorKind.PERSON:
            raise Denied("only a person signs", code="PERSONS_ONLY")
        async with self._storage.read(TenantScope(actor.tenant_id)) as session:
            known = await repository.passkeys_of(session, actor.tenant_id, actor.id)
            passkey = next(
                (each for each in known if each.key.credential_id == assertion.credential_id), None
            )
            if passkey is None:
                raise Denied("you have enrolled no such passkey", code="PASSKEY_UNKNOWN")
            enrolments = await receipt_digests(session, actor.tenant_id, passkey.receipt_id)
        if passkey.revoked_at is not None:
            raise _revoked()
        sign_count = check_assertion(assertion, canonical(statement), passkey.key)
        async with self._storage.write(TenantScope(actor.tenant_id)) as session:
            if not await repository.count_up(session, passkey, sign_count):
                raise await self._regressed(session, passkey, sign_count)
        return Signed(passkey, enrolments[passkey.receipt_id], statement, assertion)

    async def record(self, session: WriteSession, signed: Signed, actor: Actor) -> Signature:
        """In the transaction of the act. Raises ``IntroducedMeanwhile``.

        The statement names what it is about as ``request`` (a UUID) and the act as ``decision``; the
        tables hold it to that. The first signature with a passkey in a tenant introduces the passkey
        to that tenant's log. Raises ``Denied`` (``PASSKEY_REVOKED``) where this log knows of the
        revocation; one of this very moment elsewhere follows into the log by the job that every
        introduction asks for.
        """
        if not isinstance(session.scope, TenantScope):
            raise Broken("a signature belongs to one tenant's transaction", code="WRONG_SCOPE")
        tenant_id = session.scope.tenant_id
        if tenant_id == signed.passkey.tenant_id:
            await self._require_unrevoked(session, signed.passkey)
        introduction = await self._introduction(session, tenant_id, signed, actor)
        signature_id = new_id()
        await repository.insert_signature(session, tenant_id, signature_id, signed)
        (sha256,) = (await receipt_digests(session, tenant_id, introduction)).values()
        result: dict[str, Json] = {
            "passkey": {"id": str(signed.passkey.id), "receipt": str(introduction)},
            "statement": dict(signed.statement),
            "assertion": dict(signed.assertion.json()),
        }
        inputs = (Input(f"receipt/{introduction}", sha256),)
        return Signature(signature_id, result, inputs)

    async def _regressed(self, session: WriteSession, passkey: Passkey, sign_count: int) -> Conflict:
        stored = await repository.find_passkey(session, passkey.tenant_id, passkey.id)
        if stored is not None and stored.sign_count == sign_count:
            return Conflict("this signature was sent already", field="assertion", code="ASSERTION_USED")
        return Conflict(
            "this passkey has counted further than that, so there may be a copy of it: revoke it",
            field="assertion",
            code="SIGN_COUNT_REGRESSED",
        )

    async def _introduction(
        self, session: WriteSession, tenant_id: UUID, signed: Signed, actor: Actor
    ) -> UUID:
        passkey = signed.passkey
        known = await repository.introduction_of(session, tenant_id, passkey.id)
        if known is not None and known.withdrawn:
            raise _revoked()
        if known is not None:
            return known.receipt_id
        receipt_id = new_id()
        act = introduction_act(passkey, signed.enrolment_sha256, tenant_id, actor, session.clock.now())
        await self._ledger.record(session, act, receipt_id=receipt_id)
        if not await repository.insert_introduction(session, tenant_id, passkey, receipt_id):
            raise IntroducedMeanwhile
        # Revoked since it was checked, it was not spread to here: this log did not know it yet.
        await session.enqueue(
            Job.SPREAD_REVOCATION, {"tenant": str(passkey.tenant_id), "passkey": str(passkey.id)}
        )
        return receipt_id

    async def _require_unrevoked(self, session: WriteSession, passkey: Passkey) -> None:
        """In the owner's own tenant, whose log gets the revocation itself."""
        await repository.lock_passkey(session, passkey)
        if await repository.revocation_of(session, passkey.tenant_id, passkey.id) is not None:
            raise _revoked()


def _revoked() -> Denied:
    return Denied("this passkey is revoked; sign with another one", code="PASSKEY_REVOKED")

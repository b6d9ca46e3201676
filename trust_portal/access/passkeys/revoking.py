"""A revocation reaches every log that knows the passkey, so that each can tell what was signed before it."""

from __future__ import annotations

from uuid import UUID

from trust_portal.access.passkeys import repository
from trust_portal.access.passkeys.model import NOUN, Passkey
from trust_portal.access.passkeys.receipts import withdrawal_act
from trust_portal.errors import NotFound
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.kernel.ids import new_id
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage


class Revocations:
    """Work of the clockwork: the passkey itself signs nothing from the moment it was revoked."""

    def __init__(self, storage: Storage, ledger: Ledger) -> None:
        self._storage = storage
        self._ledger = ledger

    async def spread(self, home_id: UUID, passkey_id: UUID, row_id: UUID | None = None) -> None:
        """Record the revocation in the log of every tenant that the passkey was introduced to, once.

        ``home_id`` is the tenant its owner belongs to, ``row_id`` the outbox row. Repeated, it goes on
        where it was interrupted. A passkey that is not revoked is spread nowhere: the first signature in
        a log asks for this too, so that a revocation of the same moment is not missed there.
        """
        async with self._storage.read(TenantScope(home_id)) as session:
            passkey = await repository.find_passkey(session, home_id, passkey_id)
            revocation_id = await repository.revocation_of(session, home_id, passkey_id)
            if passkey is None:
                raise NotFound(NOUN)
            digests = {} if revocation_id is None else await receipt_digests(session, home_id, revocation_id)
        for revocation in digests.items():
            await self._spread(passkey, revocation)
        async with self._storage.write(TenantScope(home_id)) as session:
            await session.complete(row_id)

    async def _spread(self, passkey: Passkey, revocation: tuple[UUID, str]) -> None:
        async with self._storage.read(StaffScope()) as session:
            tenants = await repository.tenants_that_know(session, passkey.id)
        for tenant_id in tenants:
            if tenant_id != passkey.tenant_id:
                await self._withdraw(tenant_id, passkey, revocation)

    async def _withdraw(self, tenant_id: UUID, passkey: Passkey, revocation: tuple[UUID, str]) -> None:
        async with self._storage.write(TenantScope(tenant_id)) as session:
            known = await repository.introduction_of(session, tenant_id, passkey.id)
            if known is None or known.withdrawn:
                return
            digests = await receipt_digests(session, tenant_id, known.receipt_id)
            receipt_id = new_id()
            act = withdrawal_act(
                passkey,
                tenant_id,
                session.clock.now(),
                revocation=revocation,
                introduction=(known.receipt_id, digests[known.receipt_id]),
            )
            await self._ledger.record(session, act, receipt_id=receipt_id)
            await repository.insert_withdrawal(session, tenant_id, passkey.id, receipt_id)

"""The job that seals what was stored before a key was enabled, and puts data keys under a new one.

A few exports a transaction, each with its receipt: whatever kills it, what is done is done and what is not
is as it was. Called again it goes on with what is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from trust_portal.errors import Conflict
from trust_portal.evidence.act import Act
from trust_portal.evidence.export_rows import find_export
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.sealing.model import CustomerKey
from trust_portal.evidence.sealing.repository import (
    current_key,
    exports_under_another,
    plain_contents,
    replace_with_sealed,
    unsealed_exports,
)
from trust_portal.evidence.sealing.vault import Sealed, Standing, Vault
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.canonical import digest
from trust_portal.storage.looking_again import look_again
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession

#: Exports in one transaction: some ten files each, in memory together.
AT_ONCE: Final = 8
#: A transaction that began before a key was enabled may store plain bytes after the job has looked; by then
#: it has ended (a build has ten minutes).
_AFTERWARDS: Final = timedelta(minutes=15)
#: Refusals of one key: what another one opens can be sealed all the same.
_GONE: Final = frozenset({"KEY_MISSING", "KEY_WRONG"})


async def ask_sealing(session: WriteSession, tenant_id: UUID) -> None:
    """Have a tenant's exports sealed under the key in force: now, and once more when what ran meanwhile is over."""
    arguments = {"tenant": str(tenant_id)}
    await session.enqueue(Job.SEAL_EXPORTS, arguments, dedupe_key=f"seal {tenant_id}")
    due_at = session.clock.now() + _AFTERWARDS
    await session.enqueue(Job.SEAL_EXPORTS, arguments, dedupe_key=f"seal later {tenant_id}", due_at=due_at)


class Sealing:
    def __init__(self, storage: Storage, ledger: Ledger, vault: Vault) -> None:
        self._storage = storage
        self._ledger = ledger
        self._vault = vault

    async def run(self, tenant_id: UUID, *, work: UUID | None = None) -> int:
        """Until nothing is left; how many exports were touched. A key that is withdrawn ends it at once.

        What only a key that is gone opens is passed over for the sake of all others, and named when they are done:
        ``Conflict`` (KEY_MISSING, KEY_WRONG). Where something was touched the customer's posture is looked at again: until
        then "not sealed yet" stands.
        """
        touched, shut = 0, dict[UUID, Conflict]()
        while looked_at := await self._some(tenant_id, shut):
            touched += len(looked_at - shut.keys())
        async with self._storage.write(TenantScope(tenant_id)) as session:
            if (shut or await session.complete(work)) and touched:
                await look_again(session, tenant_id)
        if shut:
            named, why = ", ".join(map(str, sorted(shut))), next(iter(shut.values()))
            raise Conflict(f"{why.message}; passed over: {named}", code=why.code)
        return touched

    async def _some(self, tenant_id: UUID, shut: dict[UUID, Conflict]) -> frozenset[UUID]:
        """What is found is sealed between two transactions, and stored where the key still stands as it did.

        Which exports were looked at; those that nothing opens are added to ``shut``, and not looked at again.
        """
        async with self._storage.read(TenantScope(tenant_id)) as session:
            key = await current_key(session, tenant_id)
            if key is None or not key.in_force:
                return frozenset()
            plain = {
                export_id: await plain_contents(session, tenant_id, export_id)
                for export_id in await unsealed_exports(session, tenant_id, AT_ONCE, shut)
            }
            others = await exports_under_another(session, tenant_id, key.key_id, AT_ONCE, shut)
            standings = [
                await self._vault.standing(session, tenant_id, each) for each in sorted({*plain, *others})
            ]
        sealed = list[Sealed]()
        for each in standings:
            try:
                sealed.append(await self._sealed(each, plain.get(each.export_id)))
            except Conflict as conflict:
                if conflict.code not in _GONE:
                    raise
                shut[each.export_id] = conflict
        if sealed:
            await self._keep(tenant_id, key, sealed, set(plain), set(others))
        return frozenset(each.export_id for each in standings)

    async def _keep(
        self, tenant_id: UUID, key: CustomerKey, sealed: Sequence[Sealed], plain: set[UUID], others: set[UUID]
    ) -> None:
        kept = {each.standing.export_id for each in sealed}
        async with self._storage.write(TenantScope(tenant_id)) as session:
            for each in sealed:
                # The row's lock: whoever finishes this export now waits, and finds it sealed.
                await find_export(session, tenant_id, each.standing.export_id, lock=True)
                await self._vault.keep(session, each)
                await replace_with_sealed(session, tenant_id, each.standing.export_id, each.contents)
            await self._ledger.record(
                session, _act(session, key, sorted(plain & kept), sorted(others & kept))
            )

    async def _sealed(self, standing: Standing, plain: Mapping[str, bytes] | None) -> Sealed:
        """Put under the key in force; ``plain`` is sealed too, under the data key that it then has."""
        if plain is None:
            return await self._vault.rewrap(standing)
        sealed = await self._vault.seal(standing, plain)
        if sealed.wrapped is not None:
            return sealed
        return Sealed(standing, sealed.contents, (await self._vault.rewrap(standing)).wrapped)


def _act(session: WriteSession, key: CustomerKey, sealed: Sequence[UUID], wrapped: Sequence[UUID]) -> Act:
    result = {
        "key_id": key.key_id,
        "sealed": [str(each) for each in sealed],
        "wrapped_anew": [str(each) for each in wrapped],
    }
    return Act(
        kind=ReceiptKind.BYOK_SEALED,
        tenant_id=key.tenant_id,
        actor=SYSTEM,
        at=session.clock.now(),
        subjects=(Subject(f"customer-key/{key.ordinal}/sealed", digest(result)),),
        predicate=result,
    )

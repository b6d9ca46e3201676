"""The job that seals what was stored before a key was enabled, and puts data keys under a new one.

A few exports a transaction, each with its receipt: whatever kills it, what is done is done and what is not
is as it was. Called again it goes on with what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

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
from trust_portal.evidence.sealing.vault import Vault
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.canonical import digest
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession

#: Exports in one transaction: some ten files each, in memory together.
AT_ONCE: Final = 8
#: A transaction that began before a key was enabled may store plain bytes after the job has looked; by then
#: it has ended (a build has ten minutes).
_AFTERWARDS: Final = timedelta(minutes=15)


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
        """Until nothing is left; how many exports were touched. A key that is withdrawn ends it at once."""
        touched = 0
        while done := await self._some(tenant_id):
            touched += done
        async with self._storage.write(TenantScope(tenant_id)) as session:
            await session.complete(work)
        return touched

    async def _some(self, tenant_id: UUID) -> int:
        async with self._storage.write(TenantScope(tenant_id)) as session:
            key = await current_key(session, tenant_id)
            if key is None or not key.in_force:
                return 0
            plain = await unsealed_exports(session, tenant_id, AT_ONCE)
            for export_id in plain:
                # The row's lock: whoever finishes this export now waits, and finds it sealed.
                await find_export(session, tenant_id, export_id, lock=True)
                contents = await plain_contents(session, tenant_id, export_id)
                sealed, _ = await self._vault.put(session, tenant_id, export_id, contents)
                await replace_with_sealed(session, tenant_id, export_id, sealed)
            others = await exports_under_another(session, tenant_id, key.key_id, AT_ONCE)
            for export_id in others:
                await find_export(session, tenant_id, export_id, lock=True)
                await self._vault.rewrap(session, key, export_id)
            if plain or others:
                await self._ledger.record(session, _act(session, key, plain, others))
        return len({*plain, *others})


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

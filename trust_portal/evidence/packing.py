"""The last phase of an export: once the log holds the manifest, proofs and zip, in one transaction."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from uuid import UUID

from trust_portal.errors import Broken
from trust_portal.evidence import bundle
from trust_portal.evidence import export_rows as rows
from trust_portal.evidence.act import Act
from trust_portal.evidence.bundle_contents import proof_files
from trust_portal.evidence.export import Export, ExportState
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.sealing.seal import BUNDLE
from trust_portal.evidence.sealing.vault import Vault
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import SYSTEM
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage

#: Seconds to wait for the sequencer before the job is put back.
_LOG_PATIENCE = 20.0


class Packing:
    """Proves and zips what was rendered."""

    def __init__(self, storage: Storage, ledger: Ledger, vault: Vault) -> None:
        self._storage = storage
        self._vault = vault
        self._ledger = ledger

    async def pack(self, export: Export, work: UUID | None) -> None:
        """From rendered to ready; ``work`` is the outbox row that goes with it."""
        await self._ledger.wait(export.tenant_id, export.manifest_receipt_id, _LOG_PATIENCE)
        await self._progress(export, "Packing the bundle", 80)
        while not await self._packed(export, work):
            pass  # another one was finished first, and this one has to follow it

    async def _packed(self, export: Export, work: UUID | None) -> bool:
        """False, and nothing changed, where another of the tenant's exports was finished meanwhile."""
        scope, tenant_id = TenantScope(export.tenant_id), export.tenant_id
        async with self._storage.read(scope) as session:
            last = await rows.last_tree_size(session, tenant_id)
            export, size = await self._place(session, export, last)
            stored = await rows.stored_files(session, self._vault, tenant_id, export.id)
            proofs = await proof_files(session, self._ledger.reader, export, size)
            standing = await self._vault.standing(session, tenant_id, export.id)
        files = await self._vault.open(stored)
        content = await asyncio.to_thread(bundle.build, {**files, **proofs})
        digest = hashlib.sha256(content)
        sealed = await self._vault.seal(standing, {BUNDLE: content})
        async with self._storage.write(scope) as session:
            await rows.lock_rendered(session, tenant_id)
            current = await rows.find_export(session, tenant_id, export.id, lock=True)
            if (
                current.state is ExportState.RENDERED
                and await rows.last_tree_size(session, tenant_id) != last
            ):
                return False
            await session.complete(work)
            if current.state is ExportState.RENDERED:
                now = session.clock.now()
                await rows.add_artefact(session, self._vault, sealed, now)
                await rows.change_export(
                    session,
                    tenant_id,
                    export.id,
                    state=ExportState.READY.value,
                    step="Ready",
                    percent=100,
                    tree_size=size,
                    meanwhile_size=export.meanwhile_size,
                    size=len(content),
                    digest=digest.digest(),
                    finished_at=now,
                )
                await self._ledger.record(
                    session,
                    Act(
                        kind=ReceiptKind.EXPORT_COMPLETED,
                        tenant_id=tenant_id,
                        actor=SYSTEM,
                        at=now,
                        subjects=(Subject(export.file_name or "bundle", digest.hexdigest()),),
                        predicate={
                            "export": str(export.id),
                            "manifest": str(export.manifest_receipt_id),
                            "size": str(len(content)),
                        },
                    ),
                )
        return True

    async def _place(self, session: ReadSession, export: Export, last: int) -> tuple[Export, int]:
        """The tree that all proofs lead to: the first that holds the manifest, and none before ``last``, the tree of
        what was finished last, so that one extends the other in the order in which customers get them.

        Where the log's key was changed between the two, each stands by itself: the policy in the bundle names one.
        """
        reader, tenant_id = self._ledger.reader, export.tenant_id
        first = await reader.first_checkpoint_with(session, tenant_id, export.manifest_receipt_id)
        if first is None:
            raise Broken("a receipt with a proof has no place", code="EXPORT_UNPROVED")
        if last in {0, export.previous_size, first}:
            return export, first
        ours, theirs = [
            {
                (each.name, each.key_hash)
                for each in (await reader.head_note(session, tenant_id, at)).signatures
            }
            for at in (first, last)
        ]
        if ours != theirs:
            return export, first
        return replace(export, meanwhile_size=last if last < first else None), max(first, last)

    async def _progress(self, export: Export, step: str, percent: int) -> None:
        async with self._storage.write(TenantScope(export.tenant_id)) as session:
            current = await rows.find_export(session, export.tenant_id, export.id, lock=True)
            if current.state is ExportState.RENDERED:  # else a worker that was held up comes late
                await rows.change_export(session, export.tenant_id, export.id, step=step, percent=percent)

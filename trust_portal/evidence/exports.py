"""Exports: from a request to a bundle that proves itself, resumable after a crash at any point.

    requested ─ rendering ─────────────▶ rendered ───────────────────▶ ready
                one snapshot, one        the log holds the manifest;
                transaction: files and   proofs and zip, one
                the manifest's receipt   transaction

Each arrow is idempotent: what is stored is taken from the store, and what is made again is made of
the same bytes, because ids and times were chosen with the request and Ed25519 is deterministic.
Who may ask and who downloads is decided and recorded above this room.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from trust_portal.errors import Broken, Refused, TrustPortalError
from trust_portal.evidence import bundle
from trust_portal.evidence import export_rows as rows
from trust_portal.evidence.bundle_contents import proof_files
from trust_portal.evidence.export import Artefact, Export, ExportState, Renderer
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.packing import Packing
from trust_portal.evidence.rendering import Rendering
from trust_portal.evidence.sealing.vault import Vault
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import new_id
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage, WriteSession


class Exports:
    """Requests, builds and finds exports of every kind that has a renderer."""

    def __init__(
        self,
        storage: Storage,
        ledger: Ledger,
        renderers: Mapping[str, Renderer],
        *,
        host: str,
        vendor: str,
        vault: Vault | None = None,
    ) -> None:
        self._storage = storage
        self._ledger = ledger
        self._kinds = frozenset(renderers)
        self._vault = vault or Vault()
        self._rendering = Rendering(storage, ledger, renderers, host=host, vendor=vendor, vault=self._vault)
        self._packing = Packing(storage, ledger, self._vault)

    async def request(
        self,
        session: WriteSession,
        *,
        kind: str,
        tenant_id: UUID,
        subject_id: UUID,
        revision: int,
        actor: Actor,
    ) -> Export:
        """Ask for a bundle in the caller's transaction.

        Asked again for the same kind, subject and revision it is the same export; one that failed
        begins anew, or goes on where its files are stored and its manifest is signed already.
        """
        if kind not in self._kinds:
            raise Broken(f"no room renders {kind!r}", code="NO_RENDERER")
        export = Export(
            id=new_id(),
            tenant_id=tenant_id,
            kind=kind,
            subject_id=subject_id,
            revision=revision,
            state=ExportState.REQUESTED,
            step="Waiting for a worker",
            percent=0,
            failure=None,
            requested_by=actor,
            requested_at=session.clock.now(),
            manifest_receipt_id=new_id(),
        )
        if not await rows.add_export(session, export):
            known = await rows.find_export_of(session, tenant_id, kind, subject_id, revision)
            if known is None:
                raise Broken("an export is and is not there", code="EXPORT_GONE")
            if known.state is not ExportState.FAILED:
                return known
            # Only rendering names the file, in the transaction that signs the manifest.
            rendered = known.file_name is not None
            export = replace(
                known,
                state=ExportState.RENDERED if rendered else export.state,
                step=export.step,
                percent=60 if rendered else 0,
                failure=None,
                finished_at=None,
            )
            await rows.change_export(
                session,
                tenant_id,
                known.id,
                state=export.state.value,
                step=export.step,
                percent=export.percent,
                failure=None,
                finished_at=None,
            )
        await session.enqueue(
            Job.BUILD_EXPORT,
            {"tenant": str(tenant_id), "export": str(export.id)},
            dedupe_key=f"export {export.id}",
        )
        return export

    async def build(self, tenant_id: UUID, export_id: UUID, *, work: UUID | None = None) -> Export:
        """Carry an export as far as it goes: to ready, or to failed with its reason.

        ``work`` is the outbox row that asked; it goes with the effect. Raises ``Unavailable`` when
        the database or the sequencer does not answer: then the next call continues. So does it after
        anything nobody foresaw, which is raised too, and said in the export's step until then.
        """
        try:
            return await self._carry(tenant_id, export_id, work)
        except Refused as error:
            return await self.fail(tenant_id, export_id, error.message, work=work)
        except TrustPortalError:
            raise
        except Exception:
            await self._broke_off(tenant_id, export_id)
            raise

    async def _carry(self, tenant_id: UUID, export_id: UUID, work: UUID | None) -> Export:
        export = await self.find(tenant_id, export_id)
        if export.state in {ExportState.REQUESTED, ExportState.RENDERING}:
            await self._rendering.render(export)
            export = await self.find(tenant_id, export_id)
        if export.state is ExportState.RENDERED:
            await self._packing.pack(export, work)
            export = await self.find(tenant_id, export_id)
        elif work is not None:
            async with self._storage.write(TenantScope(tenant_id)) as session:
                await session.complete(work)
        return export

    async def _broke_off(self, tenant_id: UUID, export_id: UUID) -> None:
        async with self._storage.write(TenantScope(tenant_id)) as session:
            export = await rows.find_export(session, tenant_id, export_id, lock=True)
            if not export.is_over:
                await rows.change_export(
                    session, tenant_id, export_id, step="It broke off, and is tried again"
                )

    async def fail(
        self, tenant_id: UUID, export_id: UUID, reason: str, *, work: UUID | None = None
    ) -> Export:
        """End an export that is not over, for a reason people can read."""
        async with self._storage.write(TenantScope(tenant_id)) as session:
            await session.complete(work)
            export = await rows.find_export(session, tenant_id, export_id, lock=True)
            if not export.is_over:
                await rows.change_export(
                    session,
                    tenant_id,
                    export_id,
                    state=ExportState.FAILED.value,
                    step="Failed",
                    failure=reason,
                    finished_at=session.clock.now(),
                )
            return await rows.find_export(session, tenant_id, export_id)

    async def find(self, tenant_id: UUID, export_id: UUID) -> Export:
        """``NotFound`` if the tenant has no such export."""
        async with self._storage.read(TenantScope(tenant_id)) as session:
            return await rows.find_export(session, tenant_id, export_id)

    async def artefact(self, session: ReadSession, tenant_id: UUID, export_id: UUID) -> Artefact:
        """The finished bundle; ``NotFound`` while there is none."""
        stored = await rows.find_artefact(session, self._vault, tenant_id, export_id)
        return await stored.opened(self._vault)

    async def reproduce(self, tenant_id: UUID, export_id: UUID) -> bytes:
        """A finished bundle made once more from the database, stored nowhere.

        The same bytes, as long as neither what the renderer reads, nor the installation's keys, nor its
        version have changed. ``trust-portal audit --reproduce`` asks for it.
        """
        export = await self.find(tenant_id, export_id)
        if export.tree_size is None:
            raise Refused("the export is not finished", code="NOT_READY")
        _, _, files = await self._rendering.signed_files(export)
        async with self._storage.read(TenantScope(tenant_id)) as session:
            proofs = await proof_files(session, self._ledger.reader, export, export.tree_size)
        return await asyncio.to_thread(bundle.build, {**files, **proofs})

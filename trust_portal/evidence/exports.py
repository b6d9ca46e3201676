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
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from trust_portal.errors import Broken, Refused
from trust_portal.evidence import bundle
from trust_portal.evidence import export_rows as rows
from trust_portal.evidence.act import Act
from trust_portal.evidence.bundle_contents import proof_files, signed_files
from trust_portal.evidence.export import Artefact, Export, ExportState, RenderedDocument, Renderer
from trust_portal.evidence.keyring import Keyring
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.log_name import open_log
from trust_portal.evidence.manifest import Manifest, TreeHead, manifest_subjects
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.ids import new_id
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage, WriteSession

#: Seconds to wait for the sequencer before the job is put back.
_LOG_PATIENCE = 20.0


class Exports:
    """Requests, builds and finds exports of every kind that has a renderer."""

    def __init__(
        self,
        storage: Storage,
        ledger: Ledger,
        keyring: Keyring,
        renderers: Mapping[str, Renderer],
        *,
        host: str,
        vendor: str,
    ) -> None:
        self._storage = storage
        self._ledger = ledger
        self._keyring = keyring
        self._renderers = renderers
        self._host = host
        self._vendor = vendor

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
        begins anew.
        """
        if kind not in self._renderers:
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
            export = replace(known, state=export.state, step=export.step, percent=0, failure=None)
            await rows.change_export(
                session,
                tenant_id,
                known.id,
                state=export.state.value,
                step=export.step,
                percent=0,
                failure=None,
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
        the database or the sequencer does not answer: then the next call continues.
        """
        export = await self.find(tenant_id, export_id)
        if export.state in {ExportState.REQUESTED, ExportState.RENDERING}:
            try:
                await self._render(export)
            except Refused as error:
                return await self.fail(tenant_id, export_id, error.message, work=work)
            export = await self.find(tenant_id, export_id)
        if export.state is ExportState.RENDERED:
            await self._pack(export, work)
            export = await self.find(tenant_id, export_id)
        elif work is not None:
            async with self._storage.write(TenantScope(tenant_id)) as session:
                await session.complete(work)
        return export

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
        return await rows.find_artefact(session, tenant_id, export_id)

    async def reproduce(self, tenant_id: UUID, export_id: UUID) -> bytes:
        """A finished bundle made once more from the database, stored nowhere.

        The same bytes, as long as what the renderer reads has not changed.
        """
        export = await self.find(tenant_id, export_id)
        if export.tree_size is None:
            raise Refused("the export is not finished", code="NOT_READY")
        _, _, files = await self._signed_files(export)
        async with self._storage.read(TenantScope(tenant_id)) as session:
            proofs = await proof_files(session, self._ledger.reader, export, export.tree_size)
        return await asyncio.to_thread(bundle.build, {**files, **proofs})

    async def _render(self, export: Export) -> None:
        scope = TenantScope(export.tenant_id)
        async with self._storage.write(scope) as session:
            current = await rows.find_export(session, export.tenant_id, export.id, lock=True)
            previous = current.previous_size
            if previous is None:  # settled once, so that a second attempt states the same
                previous = await rows.last_tree_size(session, export.tenant_id)
            await rows.change_export(
                session,
                export.tenant_id,
                export.id,
                state=ExportState.RENDERING.value,
                step="Rendering the document",
                percent=20,
                previous_size=previous,
            )
        document, manifest, files = await self._signed_files(replace(export, previous_size=previous))
        act = self._manifest_act(export, document, manifest, files)
        async with self._storage.write(scope) as session:
            current = await rows.find_export(session, export.tenant_id, export.id, lock=True)
            if current.state is not ExportState.RENDERING:
                return  # somebody else was faster
            await rows.add_files(session, export.tenant_id, export.id, files)
            await self._ledger.record(session, act, receipt_id=export.manifest_receipt_id)
            await rows.change_export(
                session,
                export.tenant_id,
                export.id,
                state=ExportState.RENDERED.value,
                step="Waiting for the log",
                percent=60,
                receipt_ids=[str(each) for each in document.receipts],
                file_name=document.file_name,
            )

    async def _signed_files(self, export: Export) -> tuple[RenderedDocument, Manifest, dict[str, bytes]]:
        """The document and every file its manifest speaks for, all from one snapshot."""
        scope = TenantScope(export.tenant_id)
        async with self._storage.write(scope) as writing:
            origin = await open_log(await writing.driver(), export.tenant_id, self._host, writing.clock.now())
        async with self._storage.read(scope, snapshot=True) as session:
            document = await self._renderers[export.kind].render(session, export)
            previous: TreeHead | None = None
            if export.previous_size:
                previous = await self._ledger.reader.tree_head(
                    session, export.tenant_id, export.previous_size
                )
            manifest = Manifest(export.kind, document.tenant, document.period, previous)
            files = await signed_files(
                session,
                export.tenant_id,
                document,
                manifest,
                keyring=self._keyring,
                origin=origin,
                vendor=self._vendor,
            )
        return document, manifest, files

    def _manifest_act(
        self, export: Export, document: RenderedDocument, manifest: Manifest, files: Mapping[str, bytes]
    ) -> Act:
        return Act(
            kind=ReceiptKind.EXPORT_MANIFEST,
            tenant_id=export.tenant_id,
            actor=export.requested_by,
            at=export.requested_at,
            subjects=manifest_subjects(files),
            predicate={
                **document.summary,
                "export": str(export.id),
                "subject": str(export.subject_id),
                "revision": str(export.revision),
                **manifest.result(),
            },
            inputs=document.inputs,
        )

    async def _pack(self, export: Export, work: UUID | None) -> None:
        scope, tenant_id = TenantScope(export.tenant_id), export.tenant_id
        await self._ledger.wait(tenant_id, export.manifest_receipt_id, _LOG_PATIENCE)
        await self._progress(export, "Packing the bundle", 80)
        async with self._storage.read(scope) as session:
            reader = self._ledger.reader
            size = await reader.first_checkpoint_with(session, tenant_id, export.manifest_receipt_id)
            if size is None:
                raise Broken("a receipt with a proof has no place", code="EXPORT_UNPROVED")
            files = await rows.read_files(session, tenant_id, export.id)
            proofs = await proof_files(session, reader, export, size)
        content = await asyncio.to_thread(bundle.build, {**files, **proofs})
        digest = hashlib.sha256(content)
        async with self._storage.write(scope) as session:
            await session.complete(work)
            current = await rows.find_export(session, tenant_id, export.id, lock=True)
            if current.state is ExportState.RENDERED:
                now = session.clock.now()
                await rows.add_artefact(session, tenant_id, export.id, content, now)
                await rows.change_export(
                    session,
                    tenant_id,
                    export.id,
                    state=ExportState.READY.value,
                    step="Ready",
                    percent=100,
                    tree_size=size,
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

    async def _progress(self, export: Export, step: str, percent: int) -> None:
        async with self._storage.write(TenantScope(export.tenant_id)) as session:
            await rows.change_export(session, export.tenant_id, export.id, step=step, percent=percent)

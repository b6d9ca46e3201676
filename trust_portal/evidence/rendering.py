"""The first phase of an export: every file and the manifest's receipt, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from trust_portal.evidence import export_rows as rows
from trust_portal.evidence.act import Act
from trust_portal.evidence.bundle_contents import signed_files
from trust_portal.evidence.export import Export, ExportState, RenderedDocument, Renderer
from trust_portal.evidence.key_register import keys_in_force
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.log_name import open_log
from trust_portal.evidence.log_policy import log_policy, signer_of
from trust_portal.evidence.manifest import POLICY, Manifest, TreeHead, manifest_subjects
from trust_portal.evidence.policy_file import Policy
from trust_portal.evidence.sealing.vault import Vault
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage


class _KeyTurned(Exception):
    """A key was rotated while the files were made."""


_TO_RENDER: Final = frozenset({ExportState.REQUESTED, ExportState.RENDERING})


class Rendering:
    """Makes the files of an export by the renderer of its kind."""

    def __init__(
        self,
        storage: Storage,
        ledger: Ledger,
        renderers: Mapping[str, Renderer],
        *,
        host: str,
        vendor: str,
        vault: Vault,
    ) -> None:
        self._storage = storage
        self._ledger = ledger
        self._renderers = renderers
        self._host = host
        self._vendor = vendor
        self._vault = vault

    async def render(self, export: Export) -> None:
        """From requested to rendered. Done again after a crash, it makes the same bytes."""
        scope = TenantScope(export.tenant_id)
        async with self._storage.write(scope) as session:
            current = await rows.find_export(session, export.tenant_id, export.id, lock=True)
            if current.state not in _TO_RENDER:
                return  # a worker that was held up comes late
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
        started = replace(export, previous_size=previous)
        try:
            await self._render(started)
        except _KeyTurned:
            await self._render(started)

    async def _render(self, export: Export) -> None:
        """Nothing is stored where the keys in force are no longer those that the bundle's policy names."""
        scope = TenantScope(export.tenant_id)
        document, manifest, files = await self.signed_files(export)
        act = _manifest_act(export, document, manifest, files)
        policy = Policy.parse(files[POLICY])
        async with self._storage.read(scope) as session:
            standing = await self._vault.standing(session, export.tenant_id, export.id)
        sealed = await self._vault.seal(standing, files)
        async with self._storage.write(scope) as session:
            current = await rows.find_export(session, export.tenant_id, export.id, lock=True)
            if current.state is not ExportState.RENDERING:
                return  # somebody else was faster
            await rows.add_files(session, self._vault, sealed)
            await self._ledger.record(session, act, receipt_id=export.manifest_receipt_id)
            in_force = await keys_in_force(session)
            if not {policy.receipt_keys[0].key_id, policy.logs[0].key.key_id} <= set(in_force.values()):
                raise _KeyTurned
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

    async def signed_files(self, export: Export) -> tuple[RenderedDocument, Manifest, dict[str, bytes]]:
        """The document and every file its manifest speaks for, all from one snapshot."""
        scope = TenantScope(export.tenant_id)
        async with self._storage.write(scope) as writing:
            origin = await open_log(await writing.driver(), export.tenant_id, self._host, writing.clock.now())
        rendered_with = await self._policy_of(export)
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
                policy=rendered_with or await log_policy(session, export.tenant_id, origin),
                signer=await signer_of(session, export),
                vendor=self._vendor,
            )
        return document, manifest, files

    async def _policy_of(self, export: Export) -> Policy | None:
        """Whom to believe, of what was rendered already: made once more it gives the same bytes, also when keys
        have been rotated since. None where nothing is rendered.
        """
        if export.file_name is None:
            return None
        async with self._storage.read(TenantScope(export.tenant_id)) as session:
            stored = await rows.stored_files(session, self._vault, export.tenant_id, export.id)
        return Policy.parse((await self._vault.open(stored))[POLICY])


def _manifest_act(
    export: Export, document: RenderedDocument, manifest: Manifest, files: Mapping[str, bytes]
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

"""Reading the evidence with permission: receipts, their proofs, finished bundles, the trust policy.

``evidence`` knows no actors. This is where a reader is checked, and where reading leaves its line
in the tenant's access log: a download always, a look when staff, an auditor or a token looks.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from trust_portal.access.access_log.model import VENDORS_OWN, Access, Verb
from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.documents.formats import instant
from trust_portal.documents.press import Press
from trust_portal.documents.watermark import copy_name, watermarked
from trust_portal.errors import Conflict, NotFound
from trust_portal.evidence.broken import with_one_digit_changed
from trust_portal.evidence.checkpoint import TlogProof
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.export import Artefact, Export
from trust_portal.evidence.export_rows import (
    file_names,
    find_artefact,
    find_export,
    find_export_of,
    list_exports,
    newest_finished,
    stored_files,
)
from trust_portal.evidence.ledger import Ledger, Receipt
from trust_portal.evidence.log_name import open_log
from trust_portal.evidence.log_policy import log_policy
from trust_portal.evidence.receipt_rows import (
    find_receipt,
    find_receipts,
    kinds_in_log,
    receipts_page,
    signing_keys_of,
)
from trust_portal.evidence.sealing.repository import current_key
from trust_portal.evidence.sealing.vault import Vault
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage

#: The customers of whom the document of an export tells.
Named: TypeAlias = Callable[[ReadSession, Export], Awaitable[Collection[UUID]]]


@dataclass(frozen=True, slots=True)
class FiledReceipt:
    """A receipt as its reader sees it. ``proof`` is None while it waits for the sequencer."""

    receipt: Receipt
    envelope: Envelope
    statement: dict[str, Any]
    proof: TlogProof | None


@dataclass(frozen=True, slots=True)
class CataloguedExport:
    """An export with what a verifier asks of it: who signed its manifest, and where the log holds it.

    Both are None until the manifest is recorded, ``position`` until it is in the log.
    """

    export: Export
    key_id: str | None
    position: int | None


class Archive:
    """The one way for people and programs to the evidence."""

    def __init__(
        self,
        storage: Storage,
        gate: Gate,
        access_log: AccessLog,
        ledger: Ledger,
        press: Press,
        *,
        host: str,
        vault: Vault,
        named: Mapping[str, Named],
    ) -> None:
        """``named`` by kind: a bundle of the vendor's own that tells of customers is in the log of each of them."""
        self._storage = storage
        self._gate = gate
        self._access_log = access_log
        self._ledger = ledger
        self._press = press
        self._host = host
        self._vault = vault
        self._named = named

    async def receipts(
        self, actor: Actor, tenant_id: UUID, request: PageRequest, kind: ReceiptKind | None = None
    ) -> Page[Receipt]:
        """A tenant's receipts, newest first."""
        await self._gate.require(actor, Action.RECEIPT_READ, Resource("receipt", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            page = await receipts_page(session, tenant_id, request, kind)
        await self._access_log.looked(actor, tenant_id, "receipts", purpose="evidence")
        return page

    async def kinds(self, actor: Actor, tenant_id: UUID) -> tuple[ReceiptKind, ...]:
        """Of which there are receipts."""
        await self._gate.require(actor, Action.RECEIPT_READ, Resource("receipt", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            return await kinds_in_log(session, tenant_id)

    async def receipt(self, actor: Actor, tenant_id: UUID, receipt_id: UUID) -> FiledReceipt:
        """One receipt, opened, with its proof under the newest checkpoint."""
        filed = await self._filed(actor, tenant_id, receipt_id)
        await self._access_log.looked(actor, tenant_id, "receipt", str(receipt_id), "evidence")
        return filed

    async def envelope(self, actor: Actor, tenant_id: UUID, receipt_id: UUID) -> bytes:
        """The DSSE envelope, byte for byte as signed. Always leaves its line."""
        filed = await self._filed(actor, tenant_id, receipt_id)
        await self._access_log.fetched(actor, tenant_id, "receipt envelope", str(receipt_id))
        return filed.receipt.envelope

    async def proof(self, actor: Actor, tenant_id: UUID, receipt_id: UUID) -> TlogProof:
        """``Conflict`` while the log has not taken the receipt in. Always leaves its line, unless it raises."""
        filed = await self._filed(actor, tenant_id, receipt_id)
        if filed.proof is None:
            raise Conflict("the log has not taken this receipt in yet; try again in a second")
        await self._access_log.fetched(actor, tenant_id, "inclusion proof", str(receipt_id))
        return filed.proof

    async def receipts_named(
        self, actor: Actor, tenant_id: UUID, receipt_ids: Collection[UUID]
    ) -> Mapping[UUID, Receipt]:
        """Those of the named receipts that the tenant has, by id; without disclosures."""
        await self._gate.require(actor, Action.RECEIPT_READ, Resource("receipt", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await find_receipts(session, tenant_id, receipt_ids)
        await self._looked_at(actor, tenant_id, receipt_ids)
        return found

    async def proofs(
        self, actor: Actor, tenant_id: UUID, receipt_ids: Collection[UUID]
    ) -> Mapping[UUID, TlogProof]:
        """Inclusion of those that are integrated, under the newest checkpoint."""
        await self._gate.require(actor, Action.RECEIPT_READ, Resource("receipt", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await self._ledger.reader.proofs(session, tenant_id, list(receipt_ids))
        await self._looked_at(actor, tenant_id, receipt_ids)
        return found

    async def signing_keys(
        self, actor: Actor, tenant_id: UUID, receipt_ids: Collection[UUID]
    ) -> Mapping[UUID, str]:
        """Ids of the keys that signed those of the named receipts that the tenant has."""
        await self._gate.require(actor, Action.RECEIPT_READ, Resource("receipt", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await signing_keys_of(session, tenant_id, receipt_ids)
        await self._looked_at(actor, tenant_id, receipt_ids)
        return found

    async def exports(self, actor: Actor, tenant_id: UUID, request: PageRequest) -> Page[Export]:
        """A tenant's exports, newest first, unfinished ones too."""
        await self._gate.require(actor, Action.EXPORT_READ, Resource("export", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            page = await list_exports(session, tenant_id, request)
        await self._access_log.looked(actor, tenant_id, "exports", purpose="evidence")
        return page

    async def catalogue(self, actor: Actor, tenant_id: UUID, request: PageRequest) -> Page[CataloguedExport]:
        """``exports`` with their signatures' keys and positions in the log: what an auditor lists."""
        await self._gate.require(actor, Action.EXPORT_READ, Resource("export", tenant_id))
        await self._gate.require(actor, Action.RECEIPT_READ, Resource("receipt", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id), snapshot=True) as session:
            page = await list_exports(session, tenant_id, request)
            manifests = [each.manifest_receipt_id for each in page.items]
            keys = await signing_keys_of(session, tenant_id, manifests)
            proofs = await self._ledger.reader.proofs(session, tenant_id, manifests)
        await self._access_log.looked(actor, tenant_id, "exports", purpose="evidence")
        items = []
        for export in page.items:
            proof = proofs.get(export.manifest_receipt_id)
            items.append(
                CataloguedExport(
                    export, keys.get(export.manifest_receipt_id), None if proof is None else proof.index
                )
            )
        return Page(tuple(items), page.cursors, page.has_next, page.has_previous)

    async def export(self, actor: Actor, tenant_id: UUID, export_id: UUID) -> Export:
        """One export and how far it is."""
        await self._gate.require(actor, Action.EXPORT_READ, Resource("export", tenant_id, export_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            export = await find_export(session, tenant_id, export_id)
        await self._access_log.looked(actor, tenant_id, "export", str(export_id), "evidence")
        return export

    async def files(self, actor: Actor, tenant_id: UUID, export_id: UUID) -> tuple[str, ...]:
        """Names of what ``file`` hands out, in their order; none while it is made."""
        await self._gate.require(actor, Action.EXPORT_READ, Resource("export", tenant_id, export_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            names = await file_names(session, tenant_id, export_id)
        await self._access_log.looked(actor, tenant_id, "export", str(export_id), "evidence")
        return names

    async def export_of(
        self, actor: Actor, tenant_id: UUID, kind: str, subject_id: UUID, revision: int
    ) -> Export | None:
        """The export of one revision of a document, None if none was ever asked for."""
        await self._gate.require(actor, Action.EXPORT_READ, Resource("export", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            export = await find_export_of(session, tenant_id, kind, subject_id, revision)
        await self._access_log.looked(actor, tenant_id, "export", str(subject_id), "evidence")
        return export

    async def download(self, actor: Actor, tenant_id: UUID, export_id: UUID) -> Artefact:
        """The bundle's bytes; ``NotFound`` while there are none. Always leaves its line."""
        await self._gate.require(actor, Action.EXPORT_DOWNLOAD, Resource("export", tenant_id, export_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            stored = await find_artefact(session, self._vault, tenant_id, export_id)
            about = await self._about(session, tenant_id, export_id)
        artefact = await stored.opened(self._vault)
        await self._downloaded(actor, tenant_id, about, "bundle", artefact.file_name)
        return artefact

    async def file(self, actor: Actor, tenant_id: UUID, export_id: UUID, name: str) -> bytes:
        """One file of a bundle, as signed: the PDF alone, say. Always leaves its line."""
        await self._gate.require(actor, Action.EXPORT_DOWNLOAD, Resource("export", tenant_id, export_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            stored = await stored_files(session, self._vault, tenant_id, export_id)
            about = await self._about(session, tenant_id, export_id)
        files = await self._vault.open(stored)
        if name not in files:
            raise NotFound("file")
        await self._downloaded(actor, tenant_id, about, name, str(export_id))
        return files[name]

    async def readers_copy(
        self, actor: Actor, tenant_id: UUID, export_id: UUID, name: str
    ) -> tuple[str, bytes]:
        """A PDF of a bundle with who took it and when on every page; ``file`` has the signed original.

        With it a name that says of which bundle it is, and that it is no original. Raises ``NotFound`` for what is no PDF. Always leaves its line.
        """
        if not name.endswith(".pdf"):
            raise NotFound("file")
        original = await self.file(actor, tenant_id, export_id, name)
        at = instant(self._storage.clock.now())
        copy = await self._press.set(lambda: watermarked(original, actor.name, at))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            export = await find_export(session, tenant_id, export_id)
        return copy_name(export.file_name or "", name), copy

    async def broken_example(self, actor: Actor, tenant_id: UUID) -> Artefact:
        """The newest bundle with one digit of its document changed: what ``verify`` must not accept.

        ``NotFound`` while there is no bundle.
        """
        await self._gate.require(actor, Action.EXPORT_DOWNLOAD, Resource("export", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            newest = await newest_finished(session, tenant_id)
            if newest is None:
                raise NotFound("export")
            stored = await find_artefact(session, self._vault, tenant_id, newest.id)
            about = await self._about(session, tenant_id, newest.id)
        artefact = await stored.opened(self._vault)
        await self._downloaded(actor, tenant_id, about, "broken example", artefact.file_name)
        content, _ = await asyncio.to_thread(with_one_digit_changed, artefact.content)
        return Artefact(f"broken-{artefact.file_name}", artefact.media_type, content, sha256_hex(content))

    async def has_broken_example(self, actor: Actor, tenant_id: UUID) -> bool:
        """Whether ``broken_example`` would hand one to this reader now: for links. Nothing is recorded."""
        if not self._gate.allows(actor, Action.EXPORT_DOWNLOAD, Resource("export", tenant_id)):
            return False
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            key = await current_key(session, tenant_id)
            if key is not None and not key.in_force:
                return False
            return await newest_finished(session, tenant_id) is not None

    async def trust_policy(self, actor: Actor, tenant_id: UUID) -> str:
        """What a verifier pins to believe this tenant's log: a C2SP tlog-policy. Always leaves its line."""
        await self._gate.require(actor, Action.RECEIPT_READ, Resource("trust policy", tenant_id))
        async with self._storage.write(TenantScope(tenant_id)) as session:
            origin = await open_log(await session.driver(), tenant_id, self._host, self._storage.clock.now())
            text = (await log_policy(session, tenant_id, origin)).text
        await self._access_log.fetched(actor, tenant_id, "trust policy", "")
        return text

    async def _filed(self, actor: Actor, tenant_id: UUID, receipt_id: UUID) -> FiledReceipt:
        """Leaves no line: each caller its own."""
        await self._gate.require(actor, Action.RECEIPT_READ, Resource("receipt", tenant_id, receipt_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            receipt = await find_receipt(session, tenant_id, receipt_id)
            proof = await self._ledger.proof(session, tenant_id, receipt_id)
        envelope = Envelope.parse(receipt.envelope)
        return FiledReceipt(receipt, envelope, json.loads(envelope.payload), proof)

    async def _looked_at(self, actor: Actor, tenant_id: UUID, receipt_ids: Collection[UUID]) -> None:
        """One by its id, several as what they are: a look at many."""
        if len(receipt_ids) == 1:
            (one,) = receipt_ids
            await self._access_log.looked(actor, tenant_id, "receipt", str(one), "evidence")
        else:
            await self._access_log.looked(actor, tenant_id, "receipts", purpose="evidence")

    async def _about(self, session: ReadSession, tenant_id: UUID, export_id: UUID) -> Collection[UUID]:
        """In whose logs it stands that this was downloaded."""
        export = await find_export(session, tenant_id, export_id)
        named = self._named.get(export.kind)
        return [tenant_id] if named is None else await named(session, export)

    async def _downloaded(
        self, actor: Actor, tenant_id: UUID, about: Collection[UUID], what: str, subject: str
    ) -> None:
        purpose = VENDORS_OWN if tenant_id == VENDOR_ID else "evidence"
        await self._access_log.trace(actor, about, Access(Verb.DOWNLOADED, what, subject, purpose))

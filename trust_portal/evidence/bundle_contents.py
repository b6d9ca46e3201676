"""What goes into a bundle besides the document: receipts, policy, keys, instructions, then proofs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select

from trust_portal.errors import NotFound
from trust_portal.evidence.export import Export, RenderedDocument
from trust_portal.evidence.instructions import verify_md
from trust_portal.evidence.links import file_of
from trust_portal.evidence.log_reader import LogReader
from trust_portal.evidence.manifest import (
    CONSISTENCY,
    KEYS,
    MANIFEST,
    MANIFEST_PROOF,
    MEANWHILE,
    MEANWHILE_HEAD,
    POLICY,
    Manifest,
    disclosure_name,
    proof_name,
)
from trust_portal.evidence.policy_file import Policy
from trust_portal.evidence.signing import VerifyKey
from trust_portal.evidence.tables import receipt_disclosures, receipts
from trust_portal.evidence.verification_page import verification_page
from trust_portal.storage.unit_of_work import ReadSession


async def signed_files(
    session: ReadSession,
    tenant_id: UUID,
    document: RenderedDocument,
    manifest: Manifest,
    *,
    policy: Policy,
    signer: VerifyKey,
    vendor: str,
) -> dict[str, bytes]:
    """Every file the manifest speaks for. ``NotFound`` names a receipt the tenant has not."""
    keys = (*policy.receipt_keys, *(each.key for each in policy.logs))
    return {
        **document.files,
        **await _receipt_files(session, tenant_id, document.receipts),
        POLICY: policy.text.encode(),
        **{f"{KEYS}{key.key_id}.pem": key.pem.encode() for key in keys},
        "VERIFY.md": verify_md(manifest, vendor, document.file_name, policy.logs[0].name, signer).encode(),
        "verify.html": verification_page(),
    }


async def _receipt_files(
    session: ReadSession, tenant_id: UUID, receipt_ids: Sequence[UUID]
) -> dict[str, bytes]:
    if not receipt_ids:
        return {}
    files: dict[str, bytes] = {}
    rows = await session.execute(
        select(receipts.c.id, receipts.c.envelope).where(
            receipts.c.tenant_id == tenant_id, receipts.c.id.in_(receipt_ids)
        )
    )
    for row in rows:
        files[file_of(row.id)] = row.envelope
    if missing := [each for each in receipt_ids if file_of(each) not in files]:
        raise NotFound(f"receipt {missing[0]}")
    disclosures: dict[str, list[str]] = {}
    rows = await session.execute(
        select(receipt_disclosures.c.receipt_id, receipt_disclosures.c.disclosure)
        .where(
            receipt_disclosures.c.tenant_id == tenant_id,
            receipt_disclosures.c.receipt_id.in_(receipt_ids),
        )
        .order_by(receipt_disclosures.c.receipt_id, receipt_disclosures.c.position)
    )
    for row in rows:
        name = disclosure_name(file_of(row.receipt_id))
        disclosures.setdefault(name, []).append(row.disclosure)
    return files | {name: json.dumps(found).encode() for name, found in disclosures.items()}


async def proof_files(
    session: ReadSession, reader: LogReader, export: Export, tree_size: int
) -> Mapping[str, bytes]:
    """The manifest and the files it cannot speak for: all proofs, under one checkpoint."""
    manifest_id, tenant_id = export.manifest_receipt_id, export.tenant_id
    envelope = (
        await session.execute(
            select(receipts.c.envelope).where(receipts.c.tenant_id == tenant_id, receipts.c.id == manifest_id)
        )
    ).scalar_one()
    proofs = await reader.proof_at(session, tenant_id, [manifest_id, *export.receipt_ids], tree_size)
    files = {MANIFEST: envelope, MANIFEST_PROOF: str(proofs[manifest_id]).encode()}
    for receipt_id in export.receipt_ids:
        files[proof_name(file_of(receipt_id))] = str(proofs[receipt_id]).encode()
    if export.previous_size:
        grown = await reader.consistency(session, tenant_id, export.previous_size, tree_size)
        files[CONSISTENCY] = str(grown).encode()
    if export.meanwhile_size:
        since = await reader.consistency(session, tenant_id, export.meanwhile_size, tree_size)
        head = await reader.head_note(session, tenant_id, export.meanwhile_size)
        files |= {MEANWHILE: str(since).encode(), MEANWHILE_HEAD: str(head).encode()}
    return files

"""Stored postmortems against their receipts: what the exporter asks of one, and the audit of all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from uuid import UUID

from trust_portal.evidence.behind import signed_behind
from trust_portal.evidence.links import file_of
from trust_portal.evidence.verdict import Gap
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.postmortems.attestation import attest
from trust_portal.learning.postmortems.model import DOCUMENT_FILE, Postmortem, Version
from trust_portal.learning.postmortems.repository import find_document, find_postmortem, signed_ids
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage


def gaps_of(
    postmortem: Postmortem, version: Version, document: bytes, envelopes: Mapping[UUID, bytes]
) -> Sequence[Gap]:
    """What is missing between a version, as stored, and the receipts of ``signed_behind``."""
    found = attest({DOCUMENT_FILE: document, **{file_of(str(id_)): each for id_, each in envelopes.items()}})
    if found.gaps:
        return found.gaps
    same = (
        ("id", str(postmortem.id), found.postmortem),
        ("version", str(version.number), found.version),
        ("tenant_id", str(VENDOR_ID), found.tenant),
    )
    return [
        Gap(DOCUMENT_FILE, field, f"the row says {said!r}, the receipt {meant!r}")
        for field, said, meant in same
        if said != meant
    ]


class PostmortemAuditor:
    """Every signed version, against the receipt it names."""

    async def audit(self, storage: Storage, tenant_id: UUID) -> AsyncIterator[tuple[str, str]]:
        """Where and what, for each version that is not what its receipts say. Postmortems are the vendor's."""
        if tenant_id != VENDOR_ID:
            return
        async with storage.read(TenantScope(VENDOR_ID)) as session:
            ids = await signed_ids(session)
        for id_ in ids:
            async with storage.read(TenantScope(VENDOR_ID)) as session:
                postmortem = await find_postmortem(session, id_)
                for version in postmortem.versions:
                    document = await find_document(session, id_, version.number)
                    envelopes = await signed_behind(session, VENDOR_ID, version.receipt_id)
                    for gap in gaps_of(postmortem, version, document, envelopes):
                        place = " ".join(part for part in (gap.file, gap.field) if part)
                        yield f"postmortem {id_} version {version.number}", f"{place}: {gap.message}"

"""Stored postmortems against their receipts: what the exporter asks of one, and the audit of all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from uuid import UUID

from trust_portal.evidence.attestation import other_than_signed
from trust_portal.evidence.behind import signed_behind
from trust_portal.evidence.links import file_of
from trust_portal.evidence.strict import parse_json
from trust_portal.evidence.verdict import Gap
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.postmortems.attestation import attest
from trust_portal.learning.postmortems.model import DOCUMENT_FILE, Postmortem, Version
from trust_portal.learning.postmortems.repository import find_postmortem, signed_ids
from trust_portal.learning.postmortems.versions_repository import find_document
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage


def gaps_of(
    postmortem: Postmortem, version: Version, document: bytes, envelopes: Mapping[UUID, bytes]
) -> Sequence[Gap]:
    """What is missing between a version, as stored, and the receipts of ``signed_behind``."""
    found = attest({DOCUMENT_FILE: document, **{file_of(id_): each for id_, each in envelopes.items()}})
    if found.gaps:
        return found.gaps
    return other_than_signed(
        DOCUMENT_FILE,
        (
            ("id", str(postmortem.id), found.subject),
            ("version", str(version.number), parse_json(document)["postmortem"]["version"]),
            ("tenant_id", str(VENDOR_ID), found.tenant),
        ),
    )


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
                        yield f"postmortem {id_} version {version.number}", str(gap)

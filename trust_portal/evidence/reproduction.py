"""Whether stored bundles still follow from the database: each is made once more and compared byte for byte."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from uuid import UUID

from trust_portal.errors import TrustPortalError
from trust_portal.evidence.audit import AuditCode, AuditFinding, AuditTotals
from trust_portal.evidence.export_rows import finished_exports
from trust_portal.evidence.exports import Exports
from trust_portal.storage.tenancy import StaffScope
from trust_portal.storage.unit_of_work import Storage


async def reproduce_all(
    storage: Storage, exports: Exports, totals: AuditTotals, tenant_id: UUID | None = None
) -> AsyncIterator[AuditFinding]:
    """A finding for each bundle that comes out differently, or no longer at all. Nothing is stored."""
    async with storage.read(StaffScope()) as session:
        finished = await finished_exports(session, tenant_id)
    for export in finished:
        where = f"bundle {export.file_name} of export {export.id}"
        try:
            content = await exports.reproduce(export.tenant_id, export.id)
        except TrustPortalError as error:
            code, message = AuditCode.NOT_REPRODUCIBLE, f"cannot be made again: {error.message}"
        else:
            totals.reproduced += 1
            sha256 = hashlib.sha256(content).hexdigest()
            if sha256 == export.digest:
                continue
            code, message = (
                AuditCode.NOT_REPRODUCIBLE,
                f"made again it is {sha256}, stored is {export.digest}",
            )
        yield AuditFinding(code, export.tenant_id, where, message)

"""The audit of decisions: each signature on record is checked anew, whether or not its approval was used."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from trust_portal.access.approvals import repository
from trust_portal.access.approvals.proof import signatures_of, why_unproven
from trust_portal.access.passkeys.repository import passkeys_by_person, signature_rows
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

_AT_ONCE: Final = 200


class DecisionAuditor:
    """For ``audit``. A passkey that was revoked since, or an approver who left, is no finding: they decided before.

    What was approved before approvals were signed has no signature to check; it is listed in
    ``unsigned_approvals``, to which nobody may add.
    """

    async def audit(self, storage: Storage, tenant_id: UUID) -> AsyncIterator[tuple[str, str]]:
        after: UUID | None = None
        while True:
            async with storage.read(TenantScope(tenant_id)) as session:
                signed = await repository.signed_approvals(session, tenant_id, after, _AT_ONCE)
                rows = await signature_rows(session, tenant_id, signatures_of(signed))
            if not signed:
                return
            people = {step.person_id for each in signed for step in each.steps}
            async with storage.read(TenantScope(VENDOR_ID)) as session:
                known = await passkeys_by_person(session, VENDOR_ID, people)
            passkeys = {each.id: each for theirs in known.values() for each in theirs}
            for approval in signed:
                for step in approval.steps:
                    if step.signature_id is None:
                        continue
                    why = why_unproven(approval.request, step, rows.get(step.signature_id), passkeys)
                    if why is not None:
                        where = f"approval {approval.request.id}, step {step.ordinal}"
                        yield where, f"{step.act.value} of {step.person_name} is not theirs: {why}"
            after = signed[-1].request.id

"""Who approved for whom."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, or_, select

from trust_portal.access.approvals.model import StepAct
from trust_portal.access.approvals.tables import approval_requests, approval_steps
from trust_portal.access.approvals.velocity import Consent
from trust_portal.storage.unit_of_work import ReadSession

_step, _request = approval_steps.c, approval_requests.c


async def consents_between(
    session: ReadSession,
    requester_id: UUID,
    approver_ids: Collection[UUID],
    *,
    since: datetime,
    without: UUID,
    tenant_id: UUID | None,
) -> tuple[tuple[Consent, ...], frozenset[UUID]]:
    """Approvals of the one for the others and of the others for the one, but those of one request; and whose they are.

    Without a tenant of all of them: only in the staff scope.
    """
    conditions = [
        _step.act == StepAct.APPROVE.value,
        _step.at >= since,
        _step.request_id != without,
        or_(
            and_(_step.requester_id == requester_id, _step.person_id.in_(approver_ids)),
            and_(_step.requester_id.in_(approver_ids), _step.person_id == requester_id),
        ),
    ]
    if tenant_id is not None:
        conditions.append(_step.tenant_id == tenant_id)
    result = await session.execute(
        select(_step.tenant_id, _step.requester_id, _step.person_id, _request.requested_at, _step.at)
        .join(
            approval_requests,
            and_(_request.tenant_id == _step.tenant_id, _request.id == _step.request_id),
        )
        .where(*conditions)
    )
    rows = result.all()
    consents = (Consent(row.requester_id, row.person_id, row.requested_at, row.at) for row in rows)
    return tuple(consents), frozenset(row.tenant_id for row in rows)

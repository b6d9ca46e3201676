"""Downgrades that were asked for, and those that were approved. In the vendor's own scope."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import insert, select

from trust_portal.access.approvals.model import UsedApproval
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.incidents.model import Downgrade, Severity
from trust_portal.learning.incidents.tables import incident_downgrade_requests, incident_downgrades
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


@dataclass(frozen=True, slots=True)
class AskedDowngrade:
    """What was asked for, by the approval's id."""

    request_id: UUID
    incident_id: UUID
    before: Severity
    severity: Severity


async def add_asked(session: WriteSession, asked: AskedDowngrade) -> None:
    await session.execute(
        insert(incident_downgrade_requests).values(
            tenant_id=VENDOR_ID,
            request_id=asked.request_id,
            incident_id=asked.incident_id,
            before=asked.before.value,
            severity=asked.severity.value,
        )
    )


async def find_asked(session: ReadSession, request_id: UUID) -> AskedDowngrade | None:
    row = incident_downgrade_requests.c
    query = select(row.request_id, row.incident_id, row.before, row.severity).where(
        row.tenant_id == VENDOR_ID, row.request_id == request_id
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return None
    return AskedDowngrade(
        found.request_id, found.incident_id, Severity(found.before), Severity(found.severity)
    )


async def asked_of(session: ReadSession, incident_id: UUID) -> tuple[UUID, ...]:
    """Every approval that was ever asked for of an incident, the newest first."""
    row = incident_downgrade_requests.c
    query = select(row.request_id).where(row.tenant_id == VENDOR_ID, row.incident_id == incident_id)
    return tuple((await session.execute(query.order_by(row.request_id.desc()))).scalars())


async def add_downgrade(
    session: WriteSession, downgrade: Downgrade, used: UsedApproval, receipt_id: UUID
) -> None:
    """``downgrade`` bears the id of its request."""
    use = used.approval.steps[-1]
    await session.execute(
        insert(incident_downgrades).values(
            tenant_id=VENDOR_ID,
            request_id=downgrade.id,
            incident_id=downgrade.incident_id,
            before=downgrade.before.value,
            severity=downgrade.severity.value,
            holds_from=downgrade.holds_from,
            use_ordinal=use.ordinal,
            use_act=use.act.value,
            used_at=use.at,
            approvers=[each.person_id for each in used.approval.approvals],
            receipt_id=receipt_id,
        )
    )

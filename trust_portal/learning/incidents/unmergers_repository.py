"""Undone mergers that were asked for, and those that were approved. In the vendor's own scope."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import insert, select

from trust_portal.access.approvals.model import UsedApproval
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.incidents.tables import incident_unmerger_requests, incident_unmergers
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


@dataclass(frozen=True, slots=True)
class AskedUnmerger:
    """That an incident shall go on by itself again, by the approval's id."""

    request_id: UUID
    incident_id: UUID


async def add_asked(session: WriteSession, asked: AskedUnmerger) -> None:
    await session.execute(
        insert(incident_unmerger_requests).values(
            tenant_id=VENDOR_ID, request_id=asked.request_id, incident_id=asked.incident_id
        )
    )


async def find_asked(session: ReadSession, request_id: UUID) -> AskedUnmerger | None:
    row = incident_unmerger_requests.c
    query = select(row.incident_id).where(row.tenant_id == VENDOR_ID, row.request_id == request_id)
    found = (await session.execute(query)).scalar_one_or_none()
    return None if found is None else AskedUnmerger(request_id, found)


async def asked_of(session: ReadSession, incident_id: UUID) -> tuple[UUID, ...]:
    """Every approval that was ever asked for of an incident, the newest first."""
    row = incident_unmerger_requests.c
    query = select(row.request_id).where(row.tenant_id == VENDOR_ID, row.incident_id == incident_id)
    return tuple((await session.execute(query.order_by(row.request_id.desc()))).scalars())


async def add_unmerger(
    session: WriteSession, asked: AskedUnmerger, event_key: UUID, used: UsedApproval, receipt_id: UUID
) -> None:
    """``event_key`` is of the fact that says so."""
    use = used.approval.steps[-1]
    await session.execute(
        insert(incident_unmergers).values(
            tenant_id=VENDOR_ID,
            request_id=asked.request_id,
            incident_id=asked.incident_id,
            event_key=event_key,
            use_ordinal=use.ordinal,
            use_act=use.act.value,
            used_at=use.at,
            approvers=[each.person_id for each in used.approval.approvals],
            receipt_id=receipt_id,
        )
    )

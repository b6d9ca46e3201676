"""What was asked to be taken back of incidents, and what two approved. In the vendor's own scope."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import insert, select

from trust_portal.access.approvals.model import UsedApproval
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.incidents.tables import incident_retraction_requests, incident_retractions
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


@dataclass(frozen=True, slots=True)
class Retraction:
    """What is taken back of an incident: its merger, or that it touches others than ``tenants``.

    ``tenants`` None: the merger. ``objectives``: of their promises; None: any.
    """

    incident_id: UUID
    tenants: tuple[UUID, ...] | None = None
    objectives: tuple[str, ...] | None = None


async def add_asked(session: WriteSession, request_id: UUID, asked: Retraction) -> None:
    """``request_id``: of the approval."""
    await session.execute(
        insert(incident_retraction_requests).values(
            tenant_id=VENDOR_ID,
            request_id=request_id,
            incident_id=asked.incident_id,
            kind="unmerged" if asked.tenants is None else "affected",
            tenants=None if asked.tenants is None else list(asked.tenants),
            objectives=None if asked.objectives is None else list(asked.objectives),
        )
    )


async def find_asked(session: ReadSession, request_id: UUID) -> Retraction | None:
    row = incident_retraction_requests.c
    query = select(row.incident_id, row.tenants, row.objectives).where(
        row.tenant_id == VENDOR_ID, row.request_id == request_id
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return None
    return Retraction(
        found.incident_id,
        None if found.tenants is None else tuple(found.tenants),
        None if found.objectives is None else tuple(found.objectives),
    )


async def asked_of(session: ReadSession, incident_id: UUID) -> tuple[UUID, ...]:
    """Every approval that was ever asked for of an incident, the newest first."""
    row = incident_retraction_requests.c
    query = select(row.request_id).where(row.tenant_id == VENDOR_ID, row.incident_id == incident_id)
    return tuple((await session.execute(query.order_by(row.request_id.desc()))).scalars())


async def add_retraction(
    session: WriteSession, incident_id: UUID, event_key: UUID, used: UsedApproval, receipt_id: UUID
) -> None:
    """``event_key`` is of the fact that says so."""
    use = used.approval.steps[-1]
    await session.execute(
        insert(incident_retractions).values(
            tenant_id=VENDOR_ID,
            request_id=used.approval.request.id,
            incident_id=incident_id,
            event_key=event_key,
            use_ordinal=use.ordinal,
            use_act=use.act.value,
            used_at=use.at,
            approvers=[each.person_id for each in used.approval.approvals],
            receipt_id=receipt_id,
        )
    )

"""A postmortem is opened with its incident, in the transaction that makes it a P1 or P2."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import insert, select

from trust_portal.evidence.act import Act, Input
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.learning.incidents.model import Incident, MajorBecause
from trust_portal.learning.postmortems.tables import postmortems
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def without_postmortem(session: ReadSession, incidents: Collection[Incident]) -> tuple[Incident, ...]:
    """Those that take a postmortem and have none."""
    wanting = [each for each in incidents if each.needs_postmortem]
    query = select(postmortems.c.incident_id).where(
        postmortems.c.tenant_id == VENDOR_ID, postmortems.c.incident_id.in_([each.id for each in wanting])
    )
    opened = set((await session.execute(query)).scalars())
    return tuple(each for each in wanting if each.id not in opened)


async def postmortem_id_of(session: ReadSession, incident_id: UUID) -> UUID | None:
    """The postmortem of an incident; None: it takes none."""
    query = select(postmortems.c.id).where(
        postmortems.c.tenant_id == VENDOR_ID, postmortems.c.incident_id == incident_id
    )
    return (await session.execute(query)).scalar_one_or_none()


async def open_postmortem(
    session: WriteSession, ledger: Ledger, incident: Incident, inputs: Sequence[Input], actor: Actor
) -> UUID:
    """Opens the one that ``without_postmortem`` missed. ``inputs`` are the events that made it major.

    The caller holds the register (``incidents.repository.lock_register``), so that nobody opens it twice.
    """
    id_, now = new_id(), session.clock.now()
    because = (incident.major_because or MajorBecause.DECLARED).value
    result: dict[str, Json] = {
        "postmortem": str(id_),
        "incident": str(incident.id),
        "source": incident.source,
        "key": incident.key,
        "title": incident.title,
        "service": incident.service,
        "owner": incident.owner,
        "declared_severity": incident.declared_severity.value,
        "severity": incident.severity.value,
        "worst_severity": incident.worst_severity.value,
        "because": because,
        "declared_at": rfc3339(incident.declared_at),
    }
    act = Act(
        kind=ReceiptKind.POSTMORTEM_OPENED,
        tenant_id=VENDOR_ID,
        actor=actor,
        at=now,
        subjects=(Subject(f"postmortem/{id_}", digest(result)),),
        predicate=result,
        inputs=tuple(inputs),
    )
    receipt = await ledger.record(session, act)
    await session.execute(
        insert(postmortems).values(
            tenant_id=VENDOR_ID,
            id=id_,
            incident_id=incident.id,
            opened_at=now,
            opened_because=because,
            owner_person_id=incident.owner_person_id,
            receipt_id=receipt.id,
        )
    )
    return id_

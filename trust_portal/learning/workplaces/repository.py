"""Workplaces in and out of their table, each change a revision."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import insert, select

from trust_portal.errors import Conflict
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.workplaces.calendar import WorkCalendar
from trust_portal.learning.workplaces.model import Workplace
from trust_portal.learning.workplaces.tables import workplaces
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

_COLUMNS = workplaces.c


async def workplace_of(session: ReadSession, person_id: UUID) -> Workplace:
    """As it stands."""
    return (await workplaces_of(session, [person_id]))[person_id]


async def workplaces_of(session: ReadSession, person_ids: Collection[UUID]) -> Mapping[UUID, Workplace]:
    """The same for many; everybody asked for is in it."""
    rows = await session.execute(
        select(workplaces)
        .where(_COLUMNS.tenant_id == VENDOR_ID, _COLUMNS.person_id.in_(list(person_ids)))
        .order_by(_COLUMNS.revision)
    )
    found = {each: Workplace(each) for each in person_ids}
    for row in rows:
        calendar = WorkCalendar(row.country, row.subdivision, row.time_zone)
        found[row.person_id] = Workplace(
            row.person_id, calendar, row.manager_id, row.revision, row.at, row.receipt_id
        )
    return found


async def add_workplace(session: WriteSession, workplace: Workplace, by_id: UUID) -> None:
    """The next revision. Raises ``Conflict`` (WORKPLACE_CHANGED)."""
    meanwhile = Conflict("somebody changed it meanwhile; look again", code="WORKPLACE_CHANGED")
    with duplicates_are(meanwhile, workplaces.name):
        await session.execute(
            insert(workplaces).values(
                tenant_id=VENDOR_ID,
                person_id=workplace.person_id,
                revision=workplace.revision,
                country=workplace.calendar.country,
                subdivision=workplace.calendar.subdivision,
                time_zone=workplace.calendar.time_zone,
                manager_id=workplace.manager_id,
                at=workplace.at,
                by_id=by_id,
                receipt_id=workplace.receipt_id,
            )
        )

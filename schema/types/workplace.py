"""Where the vendor's people work: by it their due dates and reminders are counted."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.ids import encode
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.workplaces import model


@strawberry.type(description="A person's calendar, time zone and manager.")
class Workplace:
    person_id: strawberry.ID
    calendar: str = strawberry.field(description="In words, with the time zone.")
    country: str | None = strawberry.field(
        description="ISO 3166-1 alpha-2; null: every Monday to Friday is a business day."
    )
    subdivision: str | None = strawberry.field(description="The second part of ISO 3166-2.")
    time_zone: str = strawberry.field(description="IANA name.")
    manager_id: strawberry.ID | None
    set_at: datetime | None = strawberry.field(description="Null: nobody has said anything yet.")
    receipt_id: strawberry.ID | None


def workplace(row: model.Workplace) -> Workplace:
    return Workplace(
        person_id=encode("Person", VENDOR_ID, row.person_id),
        calendar=row.calendar.name,
        country=row.calendar.country,
        subdivision=row.calendar.subdivision,
        time_zone=row.calendar.time_zone,
        manager_id=None if row.manager_id is None else encode("Person", VENDOR_ID, row.manager_id),
        set_at=row.at,
        receipt_id=None if row.receipt_id is None else encode("Receipt", VENDOR_ID, row.receipt_id),
    )

"""An act at the portal's own door becomes a fact like any other, in the transaction of the act."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from trust_portal.errors import Conflict, InvalidInput
from trust_portal.facts.events import PORTAL
from trust_portal.facts.reading import ReadEvent, read_event
from trust_portal.facts.refusal import BadEvent
from trust_portal.facts.rows import Owned
from trust_portal.facts.storing import stage, store
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.unit_of_work import WriteSession

#: The code of a refusal to store what has the source and the id of an event that is stored.
ALREADY_TOLD: Final = "ALREADY_TOLD"

_DATA: Final = "$.data."


def event_of(
    type_: str,
    id_: UUID | str,
    at: datetime,
    data: Mapping[str, Json],
    now: datetime,
    *,
    source: str = PORTAL,
) -> ReadEvent:
    """An event as the door would read it. Raises ``InvalidInput`` naming the field that cannot be."""
    event = {
        "specversion": "1.0",
        "id": str(id_),
        "source": source,
        "type": type_,
        "time": rfc3339(at),
        "data": {name: value for name, value in data.items() if value is not None},
    }
    try:
        return read_event(msgspec.json.encode(event), 0, now)
    except BadEvent as bad:
        path = bad.path or ""
        field = path.removeprefix(_DATA) if path.startswith(_DATA) else "at" if path == "$.time" else None
        raise InvalidInput(bad.message, field=field) from bad


async def store_event(session: WriteSession, read: ReadEvent, tenants: tuple[UUID, ...] | None) -> None:
    """Stores the event in the vendor's transaction. ``Conflict`` (``ALREADY_TOLD``) where source and id are taken."""
    known = await store(session, stage([Owned(read, VENDOR_ID, tenants)]), session.clock.now())
    if known:
        raise Conflict("this was told before", code=ALREADY_TOLD)

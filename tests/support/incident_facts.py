"""What is told of incidents, as the door would read and the database give it back."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from support.learning_world import BEGAN, named

from trust_portal.facts.operations_model import FactSource
from trust_portal.facts.reading import read_event
from trust_portal.learning.incidents.model import Downgrade, IncidentFact, Severity

#: When everything is read.
LATER = BEGAN + timedelta(days=1)


def fact(event: dict[str, Any], received_at: datetime | None = None) -> IncidentFact:
    """``received_at`` None: as soon as it was told."""
    read = read_event(json.dumps(event).encode(), 0, LATER)
    body = json.loads(read.body)
    return IncidentFact(
        key=UUID(bytes=read.key),
        type=read.event.type,
        subject=body["incident"],
        time=read.event.time or LATER,
        body=body,
        tenants=None,
        origin=FactSource(
            read.event.source, read.event.id, read.digest, received_at or read.event.time or LATER
        ),
    )


def facts(*events: dict[str, Any]) -> list[IncidentFact]:
    return [fact(event) for event in events]


def approved(
    severity: str, before: str = "P1", *, at: datetime, key: str = "INC-1", used_at: datetime | None = None
) -> Downgrade:
    """``used_at`` None: no clock was ahead."""
    number = int((at - BEGAN).total_seconds())
    return Downgrade(
        UUID(int=number), named(key), Severity(before), Severity(severity), at, used_at or at, UUID(int=7)
    )

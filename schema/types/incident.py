"""Incidents as the vendor's people see them, and what was told that belongs to none."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final

import strawberry

from schema.context import Info
from schema.enums import described
from schema.ids import Node, encode
from schema.types.major_because import MajorBecause
from schema.types.pager import UnmatchedAlarm, unmatched_alarm
from schema.types.prevention import RecurredAction, recurred_actions
from schema.types.tenant_incident import IncidentEntry
from schema.work import weighs
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.incidents import model
from trust_portal.learning.incidents.integrations_model import OpenGap
from trust_portal.learning.incidents.service import IncidentView

described(
    model.GapReason,
    "IncidentGapReason",
    "Why what was told belongs to no incident.",
    UNDECLARED="Nobody declared it.",
    AMBIGUOUS="Several sources declared one by this key.",
)
#: What takes the course of an incident to be read, once whatever is asked of it.
_READS: Final = weighs(5)


@strawberry.type(
    description="One line of an incident's course, with where it comes from: for the vendor's people."
)
class VendorIncidentEntry(IncidentEntry):
    by: str | None = strawberry.field(
        description="Who told it at the portal; null: a program, or an approval."
    )
    source: str | None = strawberry.field(
        description="Of the event that told it; null: a downgrade that two approved."
    )
    event_id: str | None = strawberry.field(description="That event's id, of this source.")


@strawberry.type(description="An incident as the vendor's people see it.")
class VendorIncident(Node):
    source: str = strawberry.field(description="Who declared it: source and key are its name.")
    key: str
    title: str
    service: str
    team: str | None
    owner: str = strawberry.field(description="As told.")
    owner_id: strawberry.ID | None = strawberry.field(description="Who of the vendor's people that is.")
    severity: model.Severity = strawberry.field(description="In force.")
    declared_severity: model.Severity
    worst_severity: model.Severity = strawberry.field(
        description="The worst ever told, also of what was merged into it: P1 and P2 take a postmortem."
    )
    claimed_severity: model.Severity | None = strawberry.field(
        description="A lower one that was told and waits for the approval of two."
    )
    began_at: datetime
    detected_at: datetime
    declared_at: datetime
    told_at: datetime | None
    mitigated_at: datetime | None
    resolved_at: datetime | None
    reopened: int = strawberry.field(description="How often it was reopened after its end.")
    merged_into_id: strawberry.ID | None
    major_because: MajorBecause | None = strawberry.field(
        description="By what it became a P1 or P2, which takes a postmortem; null: it never was one."
    )
    everybody: bool = strawberry.field(description="It may touch every customer.")
    objective_keys: list[str] | None = strawberry.field(description="Null: all of them.")
    row: strawberry.Private[model.Incident]
    reading: strawberry.Private[asyncio.Future[IncidentView] | None] = None

    async def _view(self, info: Info) -> IncidentView:
        """Read once, whatever is asked of it; of one in a list not before something is."""
        if self.reading is None:
            incidents, actor = info.context.house.incidents, info.context.actor
            self.reading = asyncio.ensure_future(incidents.get(actor, self.row.id))
        return await self.reading

    @strawberry.field(description="Its course, in the order of what happened.", metadata=_READS)
    async def timeline(self, info: Info) -> list[VendorIncidentEntry]:
        return [_vendor_entry(each) for each in (await self._view(info)).entries]

    @strawberry.field(description="What was merged into it.", metadata=_READS)
    async def merged(self, info: Info) -> list[VendorIncident]:
        return [vendor_incident(each) for each in (await self._view(info)).merged]

    @strawberry.field(description="Keys of the customers it names.", metadata=_READS)
    async def tenant_keys(self, info: Info) -> list[str]:
        return [tenant.key for tenant in (await self._view(info)).customers]

    @strawberry.field(
        description="Objectives that it names and no contract in force of whom it touches has.",
        metadata=_READS,
    )
    async def unknown_objective_keys(self, info: Info) -> list[str]:
        return list((await self._view(info)).unknown_objectives)

    @strawberry.field(description="Null: it takes none.", metadata=_READS)
    async def postmortem_id(self, info: Info) -> strawberry.ID | None:
        id_ = (await self._view(info)).postmortem_id
        return None if id_ is None else encode("Postmortem", VENDOR_ID, id_)

    @strawberry.field(description="The approval that a lower severity waits for; null: it waits for none.")
    async def approval_request_id(self, info: Info) -> strawberry.ID | None:
        request_id = await info.context.house.downgrades.waiting(info.context.actor, self.row.id)
        return None if request_id is None else encode("ApprovalRequest", VENDOR_ID, request_id)

    @strawberry.field(
        description="The approval that undoing its merger, or leaving a customer out, waits for; null: none does."
    )
    async def retraction_approval_request_id(self, info: Info) -> strawberry.ID | None:
        request_id = await info.context.house.retractions.waiting(info.context.actor, self.row.id)
        return None if request_id is None else encode("ApprovalRequest", VENDOR_ID, request_id)

    @strawberry.field(description="Actions that should have prevented it, the first linked first.")
    async def recurrence_of(self, info: Info) -> list[RecurredAction]:
        return await recurred_actions(info, self.row.id)


@strawberry.type(description="What was told of an incident that nobody declared, or several did by one key.")
class IncidentGap:
    source: str
    key: str
    reason: model.GapReason
    worst_severity: model.Severity | None
    first_at: datetime
    last_at: datetime
    facts: int = strawberry.field(description="How many events told it.")


@strawberry.type(
    description="What one source told by one key and belongs to no incident: told, or alarms that no rule took."
)
class OpenIncidentGap:
    source: str
    key: str
    reason: str = strawberry.field(description="undeclared, ambiguous or unmatched")
    worst_severity: model.Severity | None = strawberry.field(
        description="The worst that is named; null: none is, and it may have been a P1."
    )
    first_at: datetime
    alarms: list[UnmatchedAlarm] = strawberry.field(description="Those that no rule took, the first first.")
    candidates: list[VendorIncident] = strawberry.field(
        description="Where several were declared by this key: it belongs to one of these. Empty: to any."
    )


def vendor_incident(row: model.Incident) -> VendorIncident:
    return VendorIncident(
        id=encode("VendorIncident", VENDOR_ID, row.id),
        source=row.source,
        key=row.key,
        title=row.title,
        service=row.service,
        team=row.team,
        owner=row.owner,
        owner_id=None if row.owner_person_id is None else encode("Person", VENDOR_ID, row.owner_person_id),
        severity=row.severity,
        declared_severity=row.declared_severity,
        worst_severity=row.worst_severity,
        claimed_severity=row.claimed_severity,
        began_at=row.began_at,
        detected_at=row.detected_at,
        declared_at=row.declared_at,
        told_at=row.told_at,
        mitigated_at=row.mitigated_at,
        resolved_at=row.resolved_at,
        reopened=row.reopened,
        merged_into_id=None
        if row.merged_into is None
        else encode("VendorIncident", VENDOR_ID, row.merged_into),
        major_because=row.major_because,
        everybody=row.everybody,
        objective_keys=None if row.objectives is None else list(row.objectives),
        row=row,
    )


def vendor_incident_of(view: IncidentView) -> VendorIncident:
    """With what was read of it already."""
    reading = asyncio.get_running_loop().create_future()
    reading.set_result(view)
    found = vendor_incident(view.incident)
    found.reading = reading
    return found


def incident_gap(row: model.IncidentGap) -> IncidentGap:
    return IncidentGap(
        source=row.source,
        key=row.key,
        reason=row.reason,
        worst_severity=row.worst_severity,
        first_at=row.first_at,
        last_at=row.last_at,
        facts=row.facts,
    )


def open_incident_gap(row: OpenGap) -> OpenIncidentGap:
    return OpenIncidentGap(
        source=row.source,
        key=row.key,
        reason="unmatched" if row.gap is None else row.gap.reason.value,
        worst_severity=row.worst_severity,
        first_at=row.first_at,
        alarms=[unmatched_alarm(each) for each in row.alarms],
        candidates=[vendor_incident(each) for each in row.candidates],
    )


def _vendor_entry(row: model.IncidentEntry) -> VendorIncidentEntry:
    return VendorIncidentEntry(
        at=row.at,
        kind=row.kind,
        text=row.text,
        severity=row.severity,
        claim=row.claim,
        turning_point=row.key,
        by=row.by,
        source=None if row.origin is None else row.origin.source,
        event_id=None if row.origin is None else row.origin.event_id,
    )

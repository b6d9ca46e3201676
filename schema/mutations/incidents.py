"""Declaring incidents and telling of them. Approving a lower severity is done on the approval itself."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import strawberry

from schema.context import Info
from schema.ids import decode, encode
from schema.payload import Payload, mutation
from schema.types.incident import VendorIncident, vendor_incident
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.incidents.acts_model import (
    AssignGap,
    DeclareIncident,
    Telling,
    command_of,
)
from trust_portal.learning.incidents.model import Severity

strawberry.enum(Telling, name="IncidentTelling", description="What can be told of an incident.")


@strawberry.input(description="A new incident. A P1 or P2 opens its postmortem at once.")
class DeclareIncidentInput:
    key: str = strawberry.field(
        description="What you call it. Under one key it is declared once; then it is ALREADY_DECLARED."
    )
    title: str
    severity: Severity
    service: str
    began_at: datetime
    detected_at: datetime
    tenant_keys: list[str] | None = strawberry.field(
        default=None, description="Keys of customers. Null: it may touch every one."
    )
    objective_keys: list[str] | None = strawberry.field(
        default=None, description="Null: it may be all of them."
    )
    owner_id: strawberry.ID | None = strawberry.field(
        default=None, description="One of the vendor's people. Null: whoever declares it."
    )
    team: str | None = None
    alarms_of: str | None = strawberry.field(
        default=None,
        description="A pager whose alarms by this key no rule took: they were of this incident, and are no gap any more.",
    )
    gap_of: str | None = strawberry.field(
        default=None,
        description="Who told of it by this very key, which nobody had declared: the key is kept as it was told.",
    )
    reason: str | None = strawberry.field(
        default=None,
        description="Why it is what you say: needed where others told of it (`gapOf`, `alarmsOf`, or by this key).",
    )


@strawberry.input(
    description="What was told of nobody's incident, or of no one incident, belongs to this one."
)
class AssignIncidentGapInput:
    source: str = strawberry.field(description="Who told it, or the pager whose alarms no rule took.")
    key: str = strawberry.field(description="By which it was told.")
    incident_id: strawberry.ID = strawberry.field(
        description="Of a key that several declared, one of those; else any."
    )
    reason: str
    severity: Severity | None = strawberry.field(
        default=None,
        description="Of what nobody declared, and of alarms that named none. Null: the worst that was told, and P1 "
        "where none was.",
    )


@strawberry.input(description="What happened to an incident. What a telling does not need is left out.")
class TellOfIncidentInput:
    incident_id: strawberry.ID
    telling: Telling
    text: str
    at: datetime | None = strawberry.field(default=None, description="When it happened. Null: now.")
    severity: Severity | None = strawberry.field(
        default=None, description="Worse holds at once; less than a P1 or P2 is asked of two others."
    )
    merged_into_id: strawberry.ID | None = strawberry.field(
        default=None, description="What it is merged into."
    )
    tenant_keys: list[str] | None = strawberry.field(
        default=None, description="Whom it touches, said anew. Null: it may be every customer."
    )
    objective_keys: list[str] | None = None
    owner_id: strawberry.ID | None = strawberry.field(
        default=None, description="Who of the vendor's people owns it from now on."
    )


@strawberry.type(description="The incident as it stands now.")
class IncidentPayload(Payload):
    incident: VendorIncident | None = None
    approval_request_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Where less than a P1 or P2 was asked for, an undone merger that makes one less, or fewer customers of one: the approval it waits for.",
    )


_NAMED: Final = {"into": "merged_into_id", "objectives": "objective_keys", "tenants": "tenant_keys"}


@strawberry.type
class IncidentMutations:
    @mutation(description="Declare an incident.", arguments=_NAMED)
    async def declare_incident(self, info: Info, input: DeclareIncidentInput) -> IncidentPayload:
        command = DeclareIncident(
            title=input.title,
            severity=input.severity,
            service=input.service,
            began_at=input.began_at,
            detected_at=input.detected_at,
            tenants=_keys(input.tenant_keys),
            objectives=_keys(input.objective_keys),
            owner_id=None if input.owner_id is None else decode(input.owner_id, "Person", field="ownerId").id,
            team=input.team,
            key=input.key,
            alarms_of=input.alarms_of,
            gap_of=input.gap_of,
            reason=input.reason,
        )
        found = await info.context.house.incidents.declare(command, info.context.actor)
        return IncidentPayload(incident=vendor_incident(found), approval_request_id=None)

    @mutation(
        description="Say to which incident a gap belongs: what nobody declared, or several did, or no rule took."
    )
    async def assign_incident_gap(self, info: Info, input: AssignIncidentGapInput) -> IncidentPayload:
        id_ = decode(input.incident_id, "VendorIncident", field="incidentId").id
        command = AssignGap(input.source, input.key, id_, input.reason, input.severity)
        found = await info.context.house.incident_gaps.assign(command, info.context.actor)
        return IncidentPayload(incident=vendor_incident(found), approval_request_id=None)

    @mutation(description="Put what happened to an incident on record.", arguments=_NAMED)
    async def tell_of_incident(self, info: Info, input: TellOfIncidentInput) -> IncidentPayload:
        house, actor = info.context.house, info.context.actor
        id_ = decode(input.incident_id, "VendorIncident", field="incidentId").id
        command = command_of(
            input.telling,
            id_,
            input.text,
            input.at,
            severity=input.severity,
            into_id=None
            if input.merged_into_id is None
            else decode(input.merged_into_id, "VendorIncident", field="mergedIntoId").id,
            owner_id=None if input.owner_id is None else decode(input.owner_id, "Person", field="ownerId").id,
            tenants=_keys(input.tenant_keys),
            objectives=_keys(input.objective_keys),
        )
        approval_id = await house.lowering.tell_or_ask(command, actor)
        view = await house.incidents.get(actor, id_)
        return IncidentPayload(
            incident=vendor_incident(view.incident),
            approval_request_id=None
            if approval_id is None
            else encode("ApprovalRequest", VENDOR_ID, approval_id),
        )


def _keys(given: list[str] | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(given)

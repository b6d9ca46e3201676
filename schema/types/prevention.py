"""Prevention actions, their reminders, and what recurred in spite of them."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import strawberry

from schema.context import Info
from schema.enums import described
from schema.ids import Node, encode
from schema.types.sending import Channel, DeliveryState
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.actions import model
from trust_portal.learning.actions.reminders import Rung, Skip
from trust_portal.learning.actions.told_reminders import ReminderKind, ToldReminder
from trust_portal.learning.incidents.model import Severity

described(
    Severity,
    "IncidentSeverity",
    "P1 is the worst.",
    P1="Takes a postmortem.",
    P2="Takes a postmortem.",
    P3="Takes none.",
    P4="Takes none.",
)
described(
    model.ActionType,
    "PreventionActionType",
    "What an action works on.",
    PREVENT="That it does not happen.",
    DETECT="That it is seen sooner.",
    MITIGATE="That it does less harm.",
    PROCESS="How we work.",
)
described(
    model.ActionState,
    "PreventionActionState",
    "Where an action stands.",
    OPEN="It is owed.",
    DONE="It is done, with evidence.",
    DROPPED="Somebody else than its owner dropped it, for a reason.",
    SUPERSEDED="Another took its place.",
    WITHDRAWN="It was taken back before it was promised.",
)
strawberry.enum(
    model.ActionOrder,
    name="PreventionActionOrder",
    description="Due: what is due first, what has no date last.",
)
described(
    model.StepAct,
    "PreventionActionAct",
    "What can happen to an action.",
    BEGIN="Its clock begins with the signature of its postmortem: it has a due date.",
    MOVE="Its due date is moved, for a reason.",
    FINISH="It is done, with evidence.",
    DROP="It is dropped, for a reason.",
    SUPERSEDE="Another takes its place.",
    WITHDRAW="It is taken back before it was promised.",
)
strawberry.enum(Rung, name="ReminderRung", description="In business days from the due date T.")
strawberry.enum(Skip, name="ReminderSkip", description="Why nobody was told.")
strawberry.enum(
    ReminderKind,
    name="ReminderKind",
    description="Escalated: to somebody else than the owner. Waiting: of those, what the PMO has not taken note of.",
)


@strawberry.type(description="A step in the life of an action.")
class PreventionActionStep:
    act: model.StepAct
    at: datetime
    by: str = strawberry.field(description="Of a dropped action: the approver.")
    due: date | None = strawberry.field(description="Where the step sets it.")
    note: str | None
    evidence: str | None
    sha256: str | None
    successor_id: strawberry.ID | None = strawberry.field(description="The action that took its place.")
    receipt_id: strawberry.ID


@strawberry.type(description="A reminder on record.")
class PreventionActionReminder:
    rung: Rung
    due: date
    at: datetime
    skipped: Skip | None = strawberry.field(description="Null: it was sent.")
    told: list[str] = strawberry.field(
        description="Empty of one that was sent: nobody holds the role of the PMO."
    )
    due_ordinal: int = strawberry.field(description="Which due date of the action that was.")
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    acknowledgement: str | None = strawberry.field(description="What the PMO wrote.")


@strawberry.type(description="The reminder that comes next, while nothing changes.")
class ComingReminder:
    rung: Rung
    at: datetime


@strawberry.type(description="By which way a reminder went.")
class ReminderWay:
    channel: Channel
    state: DeliveryState = strawberry.field(description="An inbox has it at once.")
    count: int = strawberry.field(description="To how many it stands like that.")


@strawberry.type(description="A reminder on record, with its action and the ways it went.")
class PreventionReminder:
    action_id: strawberry.ID
    title: str
    owner: str = strawberry.field(description="Of the action.")
    reminder: PreventionActionReminder
    ways: list[ReminderWay] = strawberry.field(description="Empty: to nobody, or it is not handed on yet.")


@strawberry.type(description="An incident that an action should have prevented.")
class PreventionRecurrence:
    incident_id: strawberry.ID
    title: str
    at: datetime
    by: str
    note: str
    receipt_id: strawberry.ID


@strawberry.type(description="What shall keep an incident from coming back.")
class PreventionAction(Node):
    title: str
    type: model.ActionType
    state: model.ActionState
    owner: str
    owner_id: strawberry.ID
    incident_id: strawberry.ID
    postmortem_id: strawberry.ID
    term: int = strawberry.field(description="Business days of the owner's calendar.")
    calendar: str
    due: date | None = strawberry.field(description="Null until its clock begins.")
    agreed: date | None = strawberry.field(
        description="The first due date, of the first of those it replaces, whatever it was moved to."
    )
    moves: int = strawberry.field(description="Also of what it replaces.")
    replaces_id: strawberry.ID | None
    replaced_by_id: strawberry.ID | None
    link: str | None
    created_at: datetime
    steps: list[PreventionActionStep]
    row: strawberry.Private[model.PreventionAction]

    @strawberry.field(description="Open after the end of its due day where the owner works.")
    def overdue(self, info: Info) -> bool:
        return self.row.is_overdue(info.context.house.clock.now())

    @strawberry.field(description="Every reminder on record, in the order of their times.")
    async def reminders(self, info: Info) -> list[PreventionActionReminder]:
        found = await info.context.house.prevention_reader.reminders(info.context.actor, self.row.id)
        return [_reminder(each) for each in found]

    @strawberry.field(description="Incidents it should have prevented, oldest first.")
    async def recurrences(self, info: Info) -> list[PreventionRecurrence]:
        found = await info.context.house.prevention_reader.recurrences(info.context.actor, self.row.id)
        return [
            PreventionRecurrence(
                incident_id=encode("VendorIncident", VENDOR_ID, each.incident_id),
                title=each.title,
                at=each.at,
                by=each.by,
                note=each.note,
                receipt_id=encode("Receipt", VENDOR_ID, each.receipt_id),
            )
            for each in found
        ]

    @strawberry.field(
        description="Which reminder comes next; null: it ended, has no due date, or all have come."
    )
    async def next_reminder(self, info: Info) -> ComingReminder | None:
        found = await info.context.house.prevention_reader.next_reminder(info.context.actor, self.row)
        return None if found is None else ComingReminder(rung=found[0], at=found[1])


def prevention_reminder(row: ToldReminder) -> PreventionReminder:
    return PreventionReminder(
        action_id=encode("PreventionAction", VENDOR_ID, row.action_id),
        title=row.title,
        owner=row.owner,
        reminder=_reminder(row.reminder),
        ways=[ReminderWay(channel=each.channel, state=each.state, count=each.count) for each in row.ways],
    )


def _reminder(row: model.Reminder) -> PreventionActionReminder:
    return PreventionActionReminder(
        rung=row.rung,
        due=row.due,
        at=row.at,
        skipped=row.skipped,
        told=list(row.told),
        due_ordinal=row.ordinal,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        acknowledgement=row.acknowledgement,
    )


@strawberry.type(description="An action that should have prevented an incident, and who said so.")
class RecurredAction:
    action: PreventionAction
    at: datetime
    by: str
    note: str
    receipt_id: strawberry.ID


def prevention_action(row: model.PreventionAction) -> PreventionAction:
    return PreventionAction(
        id=encode("PreventionAction", VENDOR_ID, row.id),
        title=row.title,
        type=row.type,
        state=row.state,
        owner=row.owner,
        owner_id=encode("Person", VENDOR_ID, row.owner_id),
        incident_id=encode("VendorIncident", VENDOR_ID, row.incident_id),
        postmortem_id=encode("Postmortem", VENDOR_ID, row.postmortem_id),
        term=row.term,
        calendar=row.calendar.name,
        due=row.due,
        agreed=row.agreed,
        moves=row.moves,
        replaces_id=_action_id(row.replaces),
        replaced_by_id=_action_id(None if row.ending is None else row.ending.successor_id),
        link=row.link,
        created_at=row.created_at,
        steps=[
            PreventionActionStep(
                act=each.act,
                at=each.at,
                by=each.by,
                due=each.due,
                note=each.note,
                evidence=each.evidence,
                sha256=each.sha256,
                successor_id=None
                if each.successor_id is None
                else encode("PreventionAction", VENDOR_ID, each.successor_id),
                receipt_id=encode("Receipt", VENDOR_ID, each.receipt_id),
            )
            for each in row.steps
        ],
        row=row,
    )


def _action_id(id_: UUID | None) -> strawberry.ID | None:
    return None if id_ is None else encode("PreventionAction", VENDOR_ID, id_)


async def recurred_actions(info: Info, incident_id: UUID) -> list[RecurredAction]:
    """The actions that should have prevented an incident."""
    found = await info.context.house.prevention_reader.recurred(info.context.actor, incident_id)
    return [
        RecurredAction(
            action=prevention_action(each.action),
            at=each.recurrence.at,
            by=each.recurrence.by,
            note=each.recurrence.note,
            receipt_id=encode("Receipt", VENDOR_ID, each.recurrence.receipt_id),
        )
        for each in found
    ]

"""Prevention actions, and the Switchboard that adds up what is owed after incidents."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import strawberry

from schema.connection import Connection, connection, paged
from schema.context import Info
from schema.ids import Node, decode, encode
from schema.types.sending import Channel, DeliveryState
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.actions import model
from trust_portal.learning.actions.reminders import Rung, Skip
from trust_portal.learning.actions.told_reminders import ReminderKind, ToldReminder
from trust_portal.learning.incidents.model import Severity
from trust_portal.learning.switchboard.board import Board
from trust_portal.learning.switchboard.coverage import Cover, LedgerLine
from trust_portal.learning.switchboard.debt import Addend, Group, Owed
from trust_portal.learning.switchboard.model import Grouping
from trust_portal.learning.switchboard.service import Escalation

strawberry.enum(Severity, name="IncidentSeverity", description="P1 is the worst.")
strawberry.enum(model.ActionType, name="PreventionActionType", description="What an action works on.")
strawberry.enum(
    model.ActionState,
    name="PreventionActionState",
    description="A withdrawn one was taken back before it was promised.",
)
strawberry.enum(
    model.ActionOrder,
    name="PreventionActionOrder",
    description="Due: what is due first, what has no date last.",
)
strawberry.enum(model.StepAct, name="PreventionActionAct", description="What can happen to an action.")
strawberry.enum(Rung, name="ReminderRung", description="In business days from the due date T.")
strawberry.enum(Skip, name="ReminderSkip", description="Why nobody was told.")
strawberry.enum(
    ReminderKind,
    name="ReminderKind",
    description="Escalated: to somebody else than the owner. Waiting: of those, what the PMO has not taken note of.",
)
strawberry.enum(Owed, name="Owed", description="What is owed after an incident.")
strawberry.enum(
    Cover,
    name="Cover",
    description="Where a P1 or P2 stands; all but the first two are gaps. OUTDATED: it is signed, and more happened since.",
)
strawberry.enum(Grouping, name="SwitchboardGrouping", description="By what debts are added up.")


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
        found = await info.context.house.prevention_actions.reminders(info.context.actor, self.row.id)
        return [_reminder(each) for each in found]

    @strawberry.field(description="Incidents it should have prevented, oldest first.")
    async def recurrences(self, info: Info) -> list[PreventionRecurrence]:
        found = await info.context.house.prevention_actions.recurrences(info.context.actor, self.row.id)
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
        found = await info.context.house.prevention_actions.next_reminder(info.context.actor, self.row)
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


@strawberry.type(description="One part of the debt: weight × (1 + weeks late + moves) = points.")
class DebtAddend:
    owed: Owed
    title: str
    action_id: strawberry.ID | None
    incident_id: strawberry.ID | None = strawberry.field(description="Whose postmortem is owed.")
    gap: Cover | None = strawberry.field(description="Of what may be a P1 or P2 that nobody declared.")
    severity: Severity
    service: str
    team: str | None
    owner: str
    due: date | None
    late: bool
    weight: int
    weeks_late: int
    moves: int
    points: int


@strawberry.type(
    description="What one service, team, owner or severity owes: its points, and how many of each kind."
)
class DebtGroup:
    key: str = strawberry.field(description="What a filter names; empty: no team.")
    name: str
    points: int
    actions: int
    overdue: int
    unsigned: int
    missing: int


@strawberry.type(description="The debt as it stood at a moment.")
class DebtPoint:
    at: datetime
    points: int


@strawberry.type(description="A P1 or P2 against its signed postmortem.")
class CoverageLine:
    name: str
    cover: Cover
    incident_id: strawberry.ID | None = strawberry.field(
        description="Null: never declared, or not taken in yet."
    )
    worst_severity: Severity | None
    severity: Severity | None = strawberry.field(description="In force now; null: never declared.")
    downgraded: bool
    covered_by_id: strawberry.ID | None = strawberry.field(
        description="The incident whose signed postmortem covers it."
    )
    pager: str | None = strawberry.field(
        description="Where an alarm was that no rule took, or a delivery that was turned away."
    )
    since: datetime
    owner: str


@strawberry.type(description="What the PMO was told of and has not taken note of.")
class ActionEscalation:
    action: PreventionAction
    due: date
    due_ordinal: int
    rung: Rung
    told: bool = strawberry.field(description="Whether anybody holds that role, and was told.")


@strawberry.type(description="A filter of the Switchboard that a person gave a name.")
class SwitchboardSavedView:
    name: str
    query: str = strawberry.field(description="As in the address of the page.")


@strawberry.type(description="What is still owed after incidents: its points, and how many of each kind.")
class SwitchboardView:
    at: datetime
    points: int
    open: int
    overdue: int
    unsigned: int
    missing: int
    kept: int = strawberry.field(description="Done by the agreed day, of ``agreed`` in ninety days.")
    agreed: int
    on_target: bool
    covered: int
    majors: int = strawberry.field(
        description="Every P1 and P2 ever, and what was never declared; of what the filter keeps."
    )
    trend: list[DebtPoint]
    row: strawberry.Private[Board]

    @strawberry.field(description="The parts of the debt, the heaviest first.")
    def addends(self, first: int = 100) -> list[DebtAddend]:
        return [_addend(each) for each in self.row.debt.addends[: max(first, 0)]]

    @strawberry.field(description="Open actions by their due date, what is late first.")
    def due_next(self, first: int = 20) -> list[DebtAddend]:
        return [_addend(each) for each in self.row.due_next(max(first, 0))]

    @strawberry.field(description="Added up, the heaviest first.")
    def groups(self, by: Grouping) -> list[DebtGroup]:
        return [_group(each) for each in self.row.groups[by]]

    @strawberry.field(description="The coverage ledger, the oldest first; by default the gaps alone.")
    async def coverage(
        self,
        info: Info,
        gaps_only: bool = True,
        first: int = 100,
        incident_ids: Annotated[
            list[strawberry.ID] | None, strawberry.argument(description="Of these incidents alone.")
        ] = None,
    ) -> list[CoverageLine]:
        lines = self.row.ledger.gaps
        if not gaps_only:
            # Of what was signed long ago the board has the number alone.
            whole, _ = await info.context.house.switchboard.coverage(info.context.actor, self.row.wanted)
            lines = whole.lines
        if incident_ids is not None:
            wanted = {decode(each, "VendorIncident", field="incidentIds").id for each in incident_ids}
            lines = tuple(each for each in lines if each.incident is not None and each.incident.id in wanted)
        return [_line(each) for each in lines[: max(first, 0)]]

    @paged(description="Those that wait for the PMO, the oldest first.")
    async def escalations(self, info: Info, paging: PageRequest) -> Connection[ActionEscalation]:
        found = await info.context.house.switchboard.escalations(info.context.actor, paging)
        return connection(found, _escalation)

    @strawberry.field(description="How many wait for the PMO.")
    async def waiting(self, info: Info) -> int:
        return await info.context.house.switchboard.count_escalations(info.context.actor)


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
    found = await info.context.house.prevention_actions.recurred(info.context.actor, incident_id)
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


def switchboard_view(row: Board) -> SwitchboardView:
    return SwitchboardView(
        at=row.at,
        points=row.debt.points,
        open=row.debt.open,
        overdue=row.debt.overdue,
        unsigned=row.debt.unsigned,
        missing=row.debt.missing,
        kept=row.completion.kept,
        agreed=row.completion.agreed,
        on_target=row.completion.on_target,
        covered=row.ledger.covered,
        majors=row.ledger.total,
        trend=[DebtPoint(at=at, points=points) for at, points in row.trend],
        row=row,
    )


def _addend(each: Addend) -> DebtAddend:
    of_action = each.owed is Owed.ACTION
    return DebtAddend(
        owed=each.owed,
        title=each.title,
        action_id=encode("PreventionAction", VENDOR_ID, each.id) if of_action else None,
        incident_id=None if of_action or each.gap else encode("VendorIncident", VENDOR_ID, each.id),
        gap=None if each.gap is None else each.gap.cover,
        severity=each.whose.severity,
        service=each.whose.service,
        team=each.whose.team,
        owner=each.whose.owner,
        due=each.due,
        late=each.late,
        weight=each.weight,
        weeks_late=each.weeks,
        moves=each.moves,
        points=each.points,
    )


def _group(each: Group) -> DebtGroup:
    return DebtGroup(
        key=each.key,
        name=each.name,
        points=each.points,
        actions=each.actions,
        overdue=each.overdue,
        unsigned=each.unsigned,
        missing=each.missing,
    )


def _line(each: LedgerLine) -> CoverageLine:
    incident = each.incident
    return CoverageLine(
        name=each.name,
        cover=each.cover,
        incident_id=None if incident is None else encode("VendorIncident", VENDOR_ID, incident.id),
        worst_severity=each.worst_severity,
        severity=None if incident is None else incident.severity,
        downgraded=each.downgraded,
        covered_by_id=None
        if each.covered_by is None
        else encode("VendorIncident", VENDOR_ID, each.covered_by),
        pager=each.pager,
        since=each.since,
        owner=each.owner,
    )


def _escalation(each: Escalation) -> ActionEscalation:
    return ActionEscalation(
        action=prevention_action(each.action),
        due=each.reminder.due,
        due_ordinal=each.reminder.ordinal,
        rung=each.reminder.rung,
        told=not each.reminder.unheard,
    )

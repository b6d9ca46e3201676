"""Acts upon prevention actions, and taking note of what was escalated."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import strawberry

from schema.context import Info
from schema.ids import decode
from schema.payload import Payload, mutation
from schema.types.prevention import PreventionAction, prevention_action
from schema.types.switchboard import SwitchboardSavedView
from trust_portal.access.approvals.model import person_behind
from trust_portal.learning.actions import acts_model, model
from trust_portal.learning.incidents.model import Severity
from trust_portal.learning.switchboard.model import BoardFilter, SavedView
from trust_portal.learning.switchboard.service import AcknowledgeEscalation
from trust_portal.learning.workplaces.calendar import WorkCalendar
from trust_portal.learning.workplaces.model import SetWorkplace


@strawberry.input(description="What shall be done, by whom, and in how many business days.")
class PlanPreventionActionInput:
    postmortem_id: strawberry.ID
    title: str
    type: model.ActionType
    owner_id: strawberry.ID
    term: int = strawberry.field(description="How many business days of the owner's calendar.")
    link: str = strawberry.field(
        description="Where the work is tracked: an address that begins with https://."
    )
    replaces_id: strawberry.ID | None = strawberry.field(
        default=None, description="The action in whose place it comes."
    )
    reason: str | None = strawberry.field(
        default=None, description="Why another is replaced; of such a plan alone, and there it must be."
    )


@strawberry.input(description="What a view keeps of the Switchboard, and how it is called.")
class KeepSwitchboardViewInput:
    name: str
    service: str | None = None
    team: str | None = strawberry.field(default=None, description="Empty: what belongs to none.")
    owner: str | None = None
    severity: Severity | None = None


@strawberry.input(description="Which view.")
class ForgetSwitchboardViewInput:
    name: str


@strawberry.type(description="The caller's views as they are now, by name.")
class SwitchboardViewsPayload(Payload):
    views: list[SwitchboardSavedView] | None = None


@strawberry.input(description="One's own link.")
class CalendarLinkInput:
    client_mutation_id: str | None = strawberry.field(default=None, description="Not looked at.")


@strawberry.type(description="The address, which is shown this once; null where there is none now.")
class CalendarLinkPayload(Payload):
    url: str | None = None


@strawberry.input(description="Another due date, and why.")
class MovePreventionActionInput:
    action_id: strawberry.ID
    due: date
    reason: str


@strawberry.input(description="That it is done, and where that shows.")
class FinishPreventionActionInput:
    action_id: strawberry.ID
    evidence: str
    note: str
    sha256: str | None = None


@strawberry.input(description="Why an action ends without being done.")
class EndPreventionActionInput:
    action_id: strawberry.ID
    reason: str


@strawberry.input(description="An incident that the action should have prevented.")
class LinkRecurrenceInput:
    action_id: strawberry.ID
    incident_id: strawberry.ID
    note: str


@strawberry.input(description="What was escalated of a due date is taken note of.")
class AcknowledgeEscalationInput:
    action_id: strawberry.ID
    due_ordinal: int
    note: str


@strawberry.input(description="By which holidays and clock one works, and whom one reports to.")
class SetWorkplaceInput:
    person_id: strawberry.ID | None = strawberry.field(default=None, description="Null: the caller.")
    country: str | None = strawberry.field(default=None, description="ISO 3166-1. Null: Monday to Friday.")
    subdivision: str | None = None
    time_zone: str
    manager_id: strawberry.ID | None = None


@strawberry.type(description="The action as it stands now.")
class PreventionActionPayload(Payload):
    action: PreventionAction | None = None


@strawberry.type(description="The calendar that holds now.")
class WorkplacePayload(Payload):
    calendar: str | None = None


@strawberry.type
class PreventionMutations:
    @mutation(
        description="Plan a prevention action, or replace one; it takes over the agreed day and the moves of that one."
    )
    async def plan_prevention_action(
        self, info: Info, input: PlanPreventionActionInput
    ) -> PreventionActionPayload:
        command = acts_model.PlanAction(
            postmortem_id=decode(input.postmortem_id, "Postmortem", field="postmortemId").id,
            title=input.title,
            type=input.type,
            owner_id=decode(input.owner_id, "Person", field="ownerId").id,
            term=input.term,
            link=input.link,
            replaces=None
            if input.replaces_id is None
            else decode(input.replaces_id, "PreventionAction", field="replacesId").id,
            reason=input.reason,
        )
        action = await info.context.house.prevention_actions.plan(command, info.context.actor)
        return PreventionActionPayload(action=prevention_action(action))

    @mutation(description="Move a due date; every move is counted.")
    async def move_prevention_action(
        self, info: Info, input: MovePreventionActionInput
    ) -> PreventionActionPayload:
        command = acts_model.MoveDueDate(_action(input.action_id), input.due, input.reason)
        action = await info.context.house.prevention_actions.move(command, info.context.actor)
        return PreventionActionPayload(action=prevention_action(action))

    @mutation(description="Say that an action is done.")
    async def finish_prevention_action(
        self, info: Info, input: FinishPreventionActionInput
    ) -> PreventionActionPayload:
        command = acts_model.FinishAction(_action(input.action_id), input.evidence, input.note, input.sha256)
        action = await info.context.house.prevention_actions.finish(command, info.context.actor)
        return PreventionActionPayload(action=prevention_action(action))

    @mutation(description="Approve that somebody else's action is dropped.")
    async def drop_prevention_action(
        self, info: Info, input: EndPreventionActionInput
    ) -> PreventionActionPayload:
        command = acts_model.DropAction(_action(input.action_id), input.reason)
        action = await info.context.house.prevention_actions.drop(command, info.context.actor)
        return PreventionActionPayload(action=prevention_action(action))

    @mutation(description="Take back an action before its postmortem is signed.")
    async def withdraw_prevention_action(
        self, info: Info, input: EndPreventionActionInput
    ) -> PreventionActionPayload:
        action = await info.context.house.prevention_actions.withdraw(
            info.context.actor, _action(input.action_id), input.reason
        )
        return PreventionActionPayload(action=prevention_action(action))

    @mutation(description="Link an incident with the action that should have prevented it.")
    async def link_recurrence(self, info: Info, input: LinkRecurrenceInput) -> PreventionActionPayload:
        action_id = _action(input.action_id)
        incident_id = decode(input.incident_id, "VendorIncident", field="incidentId").id
        command = acts_model.LinkRecurrence(action_id, incident_id, input.note)
        await info.context.house.prevention_actions.link_recurrence(command, info.context.actor)
        action = await info.context.house.prevention_reader.get(info.context.actor, action_id)
        return PreventionActionPayload(action=prevention_action(action))

    @mutation(description="Take note of an escalation, for the PMO.")
    async def acknowledge_escalation(
        self, info: Info, input: AcknowledgeEscalationInput
    ) -> PreventionActionPayload:
        action_id = _action(input.action_id)
        command = AcknowledgeEscalation(action_id, input.due_ordinal, input.note)
        await info.context.house.switchboard.acknowledge(command, info.context.actor)
        action = await info.context.house.prevention_reader.get(info.context.actor, action_id)
        return PreventionActionPayload(action=prevention_action(action))

    @mutation(description="Say by which holidays and clock somebody works.")
    async def set_workplace(self, info: Info, input: SetWorkplaceInput) -> WorkplacePayload:
        actor = info.context.actor
        command = SetWorkplace(
            person_behind(actor)
            if input.person_id is None
            else decode(input.person_id, "Person", field="personId").id,
            WorkCalendar(input.country, input.subdivision, input.time_zone),
            None if input.manager_id is None else decode(input.manager_id, "Person", field="managerId").id,
        )
        found = await info.context.house.workplaces.set(command, actor)
        return WorkplacePayload(calendar=found.calendar.name)

    @mutation(description="Keep a filter of the Switchboard; one of the same name is replaced.")
    async def keep_switchboard_view(
        self, info: Info, input: KeepSwitchboardViewInput
    ) -> SwitchboardViewsPayload:
        wanted = BoardFilter(input.service, input.team, input.owner, input.severity)

        view = SavedView(input.name, wanted.query)
        await info.context.house.switchboard.keep_view(info.context.actor, view)
        return await _views(info)

    @mutation(description="Forget a filter of the Switchboard.")
    async def forget_switchboard_view(
        self, info: Info, input: ForgetSwitchboardViewInput
    ) -> SwitchboardViewsPayload:
        await info.context.house.switchboard.forget_view(info.context.actor, input.name)
        return await _views(info)

    @mutation(description="Make a link by which a calendar follows one's due dates; the one before ends.")
    async def make_calendar_link(self, info: Info, input: CalendarLinkInput) -> CalendarLinkPayload:  # noqa: ARG002 - every mutation takes one
        link = await info.context.house.calendar_feeds.make_link(info.context.actor)
        return CalendarLinkPayload(url=link)

    @mutation(description="End the link by which a calendar follows one's due dates.")
    async def end_calendar_link(self, info: Info, input: CalendarLinkInput) -> CalendarLinkPayload:  # noqa: ARG002 - every mutation takes one
        await info.context.house.calendar_feeds.revoke_link(info.context.actor)
        return CalendarLinkPayload(url=None)


async def _views(info: Info) -> SwitchboardViewsPayload:
    found = await info.context.house.switchboard.views(info.context.actor)
    views = [SwitchboardSavedView(name=each.name, query=each.query) for each in found]
    return SwitchboardViewsPayload(views=views)


def _action(id_: strawberry.ID) -> UUID:
    return decode(id_, "PreventionAction", field="actionId").id

"""Prevention actions and the Switchboard, for staff."""

from __future__ import annotations

from typing import Annotated

import strawberry

from schema.connection import Connection, connection, paged
from schema.context import Info
from schema.ids import decode
from schema.types.prevention import (
    PreventionAction,
    PreventionReminder,
    prevention_action,
    prevention_reminder,
)
from schema.types.switchboard import SwitchboardSavedView, SwitchboardView, switchboard_view
from schema.types.workplace import Workplace, workplace
from schema.work import weighs
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.actions.model import ActionFilter, ActionOrder, ActionState, ActionType
from trust_portal.learning.actions.told_reminders import ReminderFilter, ReminderKind
from trust_portal.learning.incidents.model import Severity
from trust_portal.learning.switchboard.completion import WINDOW
from trust_portal.learning.switchboard.model import BoardFilter


@strawberry.type
class PreventionQueries:
    @paged(description="Prevention actions, newest first or by their due date, for staff.")
    async def prevention_actions(
        self,
        info: Info,
        paging: PageRequest,
        state: ActionState | None = None,
        type: ActionType | None = None,
        owner_id: strawberry.ID | None = None,
        incident_id: strawberry.ID | None = None,
        postmortem_id: strawberry.ID | None = None,
        service: str | None = None,
        team: str | None = None,
        severity: Severity | None = None,
        overdue: bool = False,
        agreed: Annotated[
            bool,
            strawberry.argument(
                description="Only what the completion counts: agreed first for a day that ended within ninety days."
            ),
        ] = False,
        order: ActionOrder = ActionOrder.NEWEST,
    ) -> Connection[PreventionAction]:
        wanted = ActionFilter(
            state=state,
            type=type,
            owner_id=None if owner_id is None else decode(owner_id, "Person", field="ownerId").id,
            incident_id=None
            if incident_id is None
            else decode(incident_id, "VendorIncident", field="incidentId").id,
            postmortem_id=None
            if postmortem_id is None
            else decode(postmortem_id, "Postmortem", field="postmortemId").id,
            service=service,
            team=team,
            severity=severity,
            overdue=overdue,
            agreed_since=info.context.house.clock.now() - WINDOW if agreed else None,
            order=order,
        )
        page = await info.context.house.prevention_reader.page(info.context.actor, wanted, paging)
        return connection(page, prevention_action)

    @strawberry.field(description="One prevention action, for staff.")
    async def prevention_action(self, info: Info, id: strawberry.ID) -> PreventionAction | None:
        asked = decode(id, "PreventionAction")
        return prevention_action(await info.context.house.prevention_reader.get(info.context.actor, asked.id))

    @strawberry.field(description="Where one of the vendor's people works, for staff.")
    async def workplace(self, info: Info, person_id: strawberry.ID) -> Workplace:
        asked = decode(person_id, "Person", field="personId")
        return workplace(await info.context.house.workplaces.get(info.context.actor, asked.id))

    @paged(description="Reminders of all actions, newest first, for staff.")
    async def prevention_reminders(
        self,
        info: Info,
        paging: PageRequest,
        kind: ReminderKind | None = None,
        owner_id: strawberry.ID | None = None,
        action_id: strawberry.ID | None = None,
    ) -> Connection[PreventionReminder]:
        wanted = ReminderFilter(
            kind,
            None if owner_id is None else decode(owner_id, "Person", field="ownerId").id,
            None if action_id is None else decode(action_id, "PreventionAction", field="actionId").id,
        )
        page = await info.context.house.prevention_reader.reminders_page(info.context.actor, wanted, paging)
        return connection(page, prevention_reminder)

    @strawberry.field(description="What is still owed after incidents, for staff.", metadata=weighs(100))
    async def switchboard(
        self,
        info: Info,
        service: str | None = None,
        team: str | None = None,
        owner: str | None = None,
        severity: Severity | None = None,
    ) -> SwitchboardView:
        wanted = BoardFilter(service, team, owner, severity)
        return switchboard_view(await info.context.house.switchboard.board(info.context.actor, wanted))

    @strawberry.field(description="The caller's own filters of the Switchboard, by name.")
    async def switchboard_views(self, info: Info) -> list[SwitchboardSavedView]:
        found = await info.context.house.switchboard.views(info.context.actor)
        return [SwitchboardSavedView(name=each.name, query=each.query) for each in found]

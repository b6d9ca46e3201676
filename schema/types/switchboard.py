"""The Switchboard: what is still owed after incidents, and the coverage."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import strawberry

from schema.connection import Connection, connection, paged
from schema.context import Info
from schema.enums import described
from schema.ids import decode, encode
from schema.types.prevention import PreventionAction, prevention_action
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.actions.reminders import Rung
from trust_portal.learning.incidents.model import Severity
from trust_portal.learning.switchboard.board import Board
from trust_portal.learning.switchboard.coverage import Cover, LedgerLine
from trust_portal.learning.switchboard.debt import Addend, Group, Owed
from trust_portal.learning.switchboard.model import Grouping
from trust_portal.learning.switchboard.service import Escalation

described(
    Owed,
    "Owed",
    "What is owed after an incident.",
    ACTION="A prevention action that is open.",
    UNSIGNED="A postmortem that was never signed.",
    OUTDATED="The next version of a signed one: it has not all that was told since.",
    MISSING="A postmortem that nobody has begun.",
)
described(
    Cover,
    "Cover",
    "Where a P1 or P2 stands; all but the first two are gaps.",
    SIGNED="Its own postmortem is signed, with all that it had to say.",
    MERGED="It goes on in another, whose signed postmortem tells of it.",
    OUTDATED="It is signed, and what changes its postmortem was told since.",
    UNSIGNED="Its postmortem is begun and not signed.",
    MISSING="It has no postmortem.",
    WAITING="Told, and not in the register yet.",
    UNDECLARED="Told of an incident that nobody declared.",
    UNMATCHED="An alarm that no rule of its pager took.",
    REFUSED="Deliveries of a pager that is known were turned away.",
)
described(
    Grouping,
    "SwitchboardGrouping",
    "By what debts are added up.",
    SERVICE="By the incident's service.",
    TEAM="By the incident's team.",
    OWNER="By who owes it.",
    SEVERITY="By the worst severity that the incident ever had.",
)


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
    weeks_late: int = strawberry.field(
        description="Weeks begun since it was due; of what was merged and parted again, since it was first due."
    )
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

    @strawberry.field(
        description="Open actions and unsigned postmortems by their due date, what is late first."
    )
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

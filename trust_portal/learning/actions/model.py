"""Prevention actions, and what became of them. Every change is a row of its own; none is edited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from trust_portal.errors import Conflict
from trust_portal.learning.actions.reminders import Rung, Skip
from trust_portal.learning.incidents.model import Severity
from trust_portal.learning.workplaces.calendar import WorkCalendar

#: What refusals call it.
NOUN: Final = "prevention action"


class ActionType(StrEnum):
    """What an action works on: that it does not happen, is seen sooner, or does less harm; or how we work."""

    PREVENT = "prevent"
    DETECT = "detect"
    MITIGATE = "mitigate"
    PROCESS = "process"


class ActionState(StrEnum):
    """``withdrawn``: taken back before the postmortem was signed, so it was never promised to anybody."""

    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


class StepAct(StrEnum):
    """What can happen to an action. After anything but a due date nothing can."""

    BEGIN = "begin"
    MOVE = "move"
    FINISH = "finish"
    DROP = "drop"
    SUPERSEDE = "supersede"
    WITHDRAW = "withdraw"


#: What an ending makes of it.
ENDS_AS: Final[Mapping[StepAct, ActionState]] = MappingProxyType(
    {
        StepAct.FINISH: ActionState.DONE,
        StepAct.DROP: ActionState.DROPPED,
        StepAct.SUPERSEDE: ActionState.SUPERSEDED,
        StepAct.WITHDRAW: ActionState.WITHDRAWN,
    }
)

#: States of an action that its postmortem still rests on.
STANDING: Final = frozenset({ActionState.OPEN, ActionState.DONE})


@dataclass(frozen=True, slots=True)
class Step:
    """What happened to an action; ``ordinal`` counts from 1.

    ``due`` where one is set: by the first step from the term, by each later one for the reason in ``note``. Its day
    ends by the clock of ``time_zone``, where the owner worked when it was set; None: as when the action was planned.
    ``by`` did it: of a dropped action that is the approver, of a superseded one who planned ``successor_id``.
    """

    ordinal: int
    act: StepAct
    at: datetime
    by_id: UUID
    by: str
    receipt_id: UUID
    due: date | None = None
    note: str | None = None
    evidence: str | None = None
    sha256: str | None = None
    successor_id: UUID | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class Reminder:
    """A rung on record: ``sent``, or skipped for the reason given. ``came_at`` is when its time was.

    ``to_pmo``: it was for whoever holds that role; ``told`` is empty then where nobody does.
    """

    ordinal: int
    due: date
    rung: Rung
    came_at: datetime
    at: datetime
    skipped: Skip | None
    told: tuple[str, ...]
    to_pmo: bool = False
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    acknowledgement: str | None = None

    @property
    def waits_for_acknowledgement(self) -> bool:
        """An escalation that reached the PMO and nobody has taken note of yet."""
        return self.is_escalation and self.acknowledged_at is None

    @property
    def is_escalation(self) -> bool:
        """One for the PMO to take note of: by its rung, or because the owner has no manager here."""
        return self.rung.escalates and self.to_pmo

    @property
    def unheard(self) -> bool:
        """Its time came, and nobody holds the role that it was for."""
        return self.skipped is None and not self.told


@dataclass(frozen=True, slots=True)
class Recurrence:
    """An incident that the action should have prevented."""

    incident_id: UUID
    title: str
    at: datetime
    by: str
    note: str
    receipt_id: UUID


@dataclass(frozen=True, slots=True)
class PreventionAction:
    """An action and everything that became of it. It has no due date until its clock begins.

    One that ``replaces`` another takes over what was agreed of it, and how often its date was moved, as if its own
    were one more move of the same promise. ``calendar`` is of where its owner worked when it was planned.
    """

    id: UUID
    postmortem_id: UUID
    incident_id: UUID
    title: str
    type: ActionType
    owner_id: UUID
    owner: str
    term: int
    calendar: WorkCalendar
    link: str | None
    created_at: datetime
    created_by: str
    receipt_id: UUID
    steps: tuple[Step, ...] = ()
    replaces: UUID | None = None
    agreed_before: date | None = None
    moves_before: int = 0

    @property
    def ending(self) -> Step | None:
        last = self.steps[-1] if self.steps else None
        return last if last is not None and last.act in ENDS_AS else None

    @property
    def state(self) -> ActionState:
        return ActionState.OPEN if self.ending is None else ENDS_AS[self.ending.act]

    @property
    def is_open(self) -> bool:
        return self.ending is None

    @property
    def dates(self) -> tuple[tuple[Step, date], ...]:
        """Every due date that was set, with the step that set it."""
        return tuple((each, each.due) for each in self.steps if each.due is not None)

    @property
    def due(self) -> date | None:
        """None until its clock begins."""
        return self.dates[-1][1] if self.dates else None

    @property
    def agreed(self) -> date | None:
        """The first due date, of the first of those it replaces: what was agreed, whatever it was moved to."""
        first = self.dates[0][1] if self.dates else None
        return self.agreed_before or first

    @property
    def moves(self) -> int:
        """How often the due date was moved, with that of what it replaces."""
        return self.moves_before + sum(each.act is StepAct.MOVE for each in self.steps)

    @property
    def due_by(self) -> WorkCalendar:
        """By whose clock the due day ends: of where its owner worked when the date was set."""
        return self._clock_of(self.dates[-1][0] if self.dates else None)

    @property
    def agreed_by(self) -> WorkCalendar:
        """By whose clock the agreed day ends; one taken over by that of where its owner worked at planning."""
        own = self.agreed_before is None and self.dates
        return self._clock_of(self.dates[0][0] if own else None)

    def _clock_of(self, step: Step | None) -> WorkCalendar:
        zone = None if step is None else step.time_zone
        return self.calendar if zone is None else WorkCalendar(time_zone=zone)

    def is_past_agreed(self, at: datetime) -> bool:
        """After the end of the agreed day (``agreed_by``)."""
        return self.agreed is not None and at >= self.agreed_by.end_of(self.agreed)

    def is_overdue(self, at: datetime) -> bool:
        """Open after the end of its due day (``due_by``)."""
        return self.is_open and self.due is not None and at >= self.due_by.end_of(self.due)

    def days_overdue(self, at: datetime) -> int:
        """Calendar days since the due day; 0 where it is not overdue."""
        if self.due is None or not self.is_overdue(at):
            return 0
        return (self.due_by.day_of(at) - self.due).days


@dataclass(frozen=True, slots=True)
class RecurredAction:
    """An action that should have prevented an incident, with the link that says so."""

    action: PreventionAction
    recurrence: Recurrence


class ActionOrder(StrEnum):
    """``due``: what is due first, and what has no date last."""

    NEWEST = "newest"
    DUE = "due"


@dataclass(frozen=True, slots=True)
class ActionFilter:
    """Which actions; ``None`` asks for all. Service, team (empty: none) and worst severity are their incident's.

    ``agreed_since``: those that count for the completion of the time since then: agreed for a day that has ended.
    """

    state: ActionState | None = None
    type: ActionType | None = None
    owner_id: UUID | None = None
    postmortem_id: UUID | None = None
    incident_id: UUID | None = None
    service: str | None = None
    team: str | None = None
    severity: Severity | None = None
    overdue: bool = False
    agreed_since: datetime | None = None
    order: ActionOrder = ActionOrder.NEWEST


#: In which words an act is refused after the end.
_ENDED: Final[Mapping[ActionState, str]] = MappingProxyType(
    {
        ActionState.DONE: "it is done",
        ActionState.DROPPED: "it was dropped",
        ActionState.SUPERSEDED: "another action took its place",
        ActionState.WITHDRAWN: "it was withdrawn",
    }
)


def require_open(action: PreventionAction) -> None:
    """Raises ``Conflict`` (ACTION_ENDED)."""
    if action.ending is not None:
        raise Conflict(f"nothing can be done about this action: {_ENDED[action.state]}", code="ACTION_ENDED")

"""What is done with prevention actions: planned, moved, finished, dropped, replaced."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.approvals.model import person_behind
from trust_portal.access.gate import Gate
from trust_portal.access.people.repository import find_active_person
from trust_portal.access.policy import Decision, Resource
from trust_portal.errors import Conflict, InvalidInput, NotFound
from trust_portal.evidence.ledger import Ledger
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.learning.actions import repository
from trust_portal.learning.actions.acts_model import (
    DropAction,
    FinishAction,
    LinkRecurrence,
    MoveDueDate,
    PlanAction,
)
from trust_portal.learning.actions.clocks import begin_clock, due_by_term
from trust_portal.learning.actions.merging import covered_elsewhere
from trust_portal.learning.actions.model import (
    NOUN,
    STANDING,
    ActionState,
    PreventionAction,
    Recurrence,
    StepAct,
    require_open,
)
from trust_portal.learning.actions.reading import PreventionReader
from trust_portal.learning.actions.receipts import planned_act, recurred_act
from trust_portal.learning.actions.recording import reminding_calendar, take_step
from trust_portal.learning.actions.recurrences_repository import add_recurrence
from trust_portal.learning.incidents.model import Incident
from trust_portal.learning.incidents.repository import find_incident, lock_register
from trust_portal.learning.postmortems.model import MOST_ACTIONS
from trust_portal.learning.workplaces.calendar import WorkCalendar
from trust_portal.learning.workplaces.repository import workplace_of
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage

_SCOPE = TenantScope(VENDOR_ID)


class PreventionActions:
    """One to three for each postmortem; what was promised is done, or visibly is not."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger, reader: PreventionReader) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._reader = reader

    async def plan(self, command: PlanAction, actor: Actor) -> PreventionAction:
        """A new action, in place of another where ``replaces`` names one: then it takes over what was agreed of
        that and how often it was moved, and its clock runs where that one's did.

        ``NotFound`` without such a postmortem. ``InvalidInput`` (owner) for nobody who works here.
        ``Conflict``: TOO_MANY beyond three that stand; ACTION_ENDED where the one to replace is over; OWN_ACTION
        where its agreed day is past, and ``Denied`` for who might not drop it then; MERGED where another incident's postmortem covers this one's.
        """
        resource = Resource.of_house(NOUN)
        decision = await self._gate.require(actor, Action.PREVENTION_ACTION_PLAN, resource)
        released = await self._release(command, actor)
        async with self._storage.coordinator.write(_SCOPE) as session:
            now = session.clock.now()
            # The register first, as whoever merges its incident holds that: it goes on until the commit.
            await lock_register(session)
            await repository.lock_actions_of(session, command.postmortem_id)
            incident_id = await repository.incident_of_postmortem(session, command.postmortem_id)
            await _require_goes_on(session, incident_id)
            owner = await find_active_person(session, VENDOR_ID, command.owner_id, now)
            if owner is None:
                raise InvalidInput("choose somebody who works here", field="owner")
            planned = await repository.all_actions_of(session, command.postmortem_id)
            replaced = _to_replace(command, planned)
            if replaced is not None and replaced.is_past_agreed(now) and released is None:
                raise Conflict("its agreed day has passed meanwhile: look again", code="ACTION_CHANGED")
            standing = sum(each.state in STANDING for each in planned)
            if standing - (replaced is not None) >= MOST_ACTIONS:
                raise Conflict(
                    f"a postmortem rests on {MOST_ACTIONS} actions at most; replace one of them",
                    code="TOO_MANY",
                )
            calendar = (await workplace_of(session, owner.id)).calendar
            due = due_by_term(calendar, command.term, now)
            action = PreventionAction(
                id=new_id(),
                postmortem_id=command.postmortem_id,
                incident_id=incident_id,
                title=command.title,
                type=command.type,
                owner_id=owner.id,
                owner=owner.name,
                term=command.term,
                calendar=calendar,
                link=command.link,
                created_at=now,
                created_by=actor.name,
                receipt_id=new_id(),
                replaces=command.replaces,
                agreed_before=None if replaced is None else replaced.agreed,
                moves_before=0 if replaced is None else _moves_with(replaced, due),
            )
            act = planned_act(action, actor, decision, command.reason)
            await self._ledger.record(session, act, receipt_id=action.receipt_id)
            await repository.add_action(session, action, person_behind(actor))
            if replaced is None:
                return action
            if replaced.dates:
                action = await begin_clock(session, self._ledger, action, now)
            await take_step(
                session,
                self._ledger,
                replaced,
                StepAct.SUPERSEDE,
                actor,
                released or decision,
                note=command.reason,
                successor_id=action.id,
            )
        return action

    async def withdraw(self, actor: Actor, action_id: UUID, reason: str) -> PreventionAction:
        """Take back what was never promised. ``Conflict``: CLOCK_RUNS once its clock has begun, POSTMORTEM_SIGNED
        from the first signature on, also where the incident goes on and the clock stands.
        """
        seen, decision = await self._allowed(actor, action_id, Action.PREVENTION_ACTION_PLAN)
        async with self._storage.write(_SCOPE) as session:
            # A signature counts what stands under the same lock.
            await repository.lock_actions_of(session, seen.postmortem_id)
            action = await repository.find_action(session, action_id)
            require_open(action)
            _require_no_clock(action)
            if await repository.is_signed(session, action.postmortem_id):
                raise Conflict(
                    "its postmortem is signed, and rests on it; it can be dropped, with an approver",
                    code="POSTMORTEM_SIGNED",
                )
            return await take_step(
                session, self._ledger, action, StepAct.WITHDRAW, actor, decision, note=reason
            )

    async def move(self, command: MoveDueDate, actor: Actor) -> PreventionAction:
        """``InvalidInput`` (due) for a day that is over or not a business day of where the owner works now;
        ``Conflict`` (NO_CLOCK) before there is a date to move.
        """
        seen, decision = await self._allowed(actor, command.action_id, Action.PREVENTION_ACTION_MOVE)
        async with self._storage.write(_SCOPE) as session:
            # As it stands now, not as it was shown.
            action = await repository.find_action(session, seen.id)
            require_open(action)
            if action.due is None:
                raise Conflict("its clock has not begun; there is no date to move", code="NO_CLOCK")
            calendar = await reminding_calendar(session, action)
            _require_day(action, command.due, calendar, calendar.day_of(session.clock.now()))
            return await take_step(
                session,
                self._ledger,
                action,
                StepAct.MOVE,
                actor,
                decision,
                due=command.due,
                note=command.reason,
                further={"counted_by": calendar.name},
            )

    async def finish(self, command: FinishAction, actor: Actor) -> PreventionAction:
        """Done, and where that shows."""
        action, decision = await self._allowed(actor, command.action_id, Action.PREVENTION_ACTION_FINISH)
        return await self._step(
            action.id,
            StepAct.FINISH,
            actor,
            decision,
            note=command.note,
            evidence=command.evidence,
            sha256=command.sha256,
        )

    async def drop(self, command: DropAction, actor: Actor) -> PreventionAction:
        """By the approver. ``Conflict`` (OWN_ACTION): nobody lets themselves off, by way of a replacement neither."""
        action, decision = await self._allowed(actor, command.action_id, Action.PREVENTION_ACTION_DROP)
        if await self._owed(actor, action):
            raise Conflict(
                "ask somebody else: nobody drops what they owe themselves, or owed before it was replaced",
                code="OWN_ACTION",
            )
        return await self._step(action.id, StepAct.DROP, actor, decision, note=command.reason)

    async def link_recurrence(self, command: LinkRecurrence, actor: Actor) -> Recurrence:
        """It happened again. ``NotFound`` without such an incident; ``Conflict``: ALREADY_LINKED, SAME_INCIDENT where
        both go on in one, NOT_AFTER where it began before the action was planned, WITHDRAWN.
        """
        action, decision = await self._allowed(actor, command.action_id, Action.PREVENTION_ACTION_PLAN)
        async with self._storage.write(_SCOPE) as session:
            action = await repository.find_action(session, action.id)
            incident = await find_incident(session, command.incident_id)
            origin = await find_incident(session, action.incident_id)
            _require_recurrence(action, origin, incident)
            now, receipt_id = session.clock.now(), new_id()
            act = recurred_act(action, actor, decision, now, str(incident.id), command.note)
            await self._ledger.record(session, act, receipt_id=receipt_id)
            recurrence = Recurrence(incident.id, incident.title, now, actor.name, command.note, receipt_id)
            await add_recurrence(session, action.id, recurrence, person_behind(actor))
        return recurrence

    async def _step(
        self,
        action_id: UUID,
        act: StepAct,
        actor: Actor,
        decision: Decision,
        *,
        note: str | None = None,
        evidence: str | None = None,
        sha256: str | None = None,
    ) -> PreventionAction:
        async with self._storage.write(_SCOPE) as session:
            action = await repository.find_action(session, action_id)
            require_open(action)
            return await take_step(
                session,
                self._ledger,
                action,
                act,
                actor,
                decision,
                note=note,
                evidence=evidence,
                sha256=sha256,
            )

    async def _allowed(
        self, actor: Actor, action_id: UUID, action: Action
    ) -> tuple[PreventionAction, Decision]:
        """The action, for somebody who may do this to it: its owner may do more than others."""
        found = await self._reader.get(actor, action_id)
        resource = Resource(NOUN, VENDOR_ID, found.id, person_id=found.owner_id)
        return found, await self._gate.require(actor, action, resource)

    async def _release(self, command: PlanAction, actor: Actor) -> Decision | None:
        """What lets go of a promise whose agreed day is past: somebody else than its owner, who might drop it too.

        None where nothing of that kind is replaced.
        """
        if command.replaces is None:
            return None
        async with self._storage.read(_SCOPE) as session:
            found = await repository.actions_by_id(session, [command.replaces])
        replaced = found.get(command.replaces)
        now = self._storage.clock.now()
        if replaced is None or not replaced.is_open or not replaced.is_past_agreed(now):
            return None
        if await self._owed(actor, replaced):
            raise Conflict(
                "ask somebody else: once the agreed day is past, nobody replaces what they owe themselves, "
                "or owed before it was replaced",
                code="OWN_ACTION",
            )
        resource = Resource(NOUN, VENDOR_ID, replaced.id, person_id=replaced.owner_id)
        return await self._gate.require(actor, Action.PREVENTION_ACTION_DROP, resource)

    async def _owed(self, actor: Actor, action: PreventionAction) -> bool:
        """Whether it is the person's own, or stands in the place of what was."""
        async with self._storage.read(_SCOPE) as session:
            before = await repository.owners_before(session, action)
        return person_behind(actor) in {action.owner_id, *before}


async def _require_goes_on(session: ReadSession, incident_id: UUID) -> None:
    incident = await find_incident(session, incident_id)
    if await covered_elsewhere(session, [incident]):
        raise Conflict(
            "its incident was merged into another: plan it in the postmortem of that", code="MERGED"
        )


def _require_recurrence(action: PreventionAction, origin: Incident, incident: Incident) -> None:
    if incident.covering_id == origin.covering_id:
        raise Conflict("this is the incident the action follows from", code="SAME_INCIDENT", field="incident")
    if action.state is ActionState.WITHDRAWN:
        raise Conflict("it was taken back before it was promised, and prevents nothing", code="WITHDRAWN")
    if incident.began_at <= action.created_at:
        raise Conflict(
            "it began before the action was planned, which cannot have prevented it",
            code="NOT_AFTER",
            field="incident",
        )


def _to_replace(command: PlanAction, planned: tuple[PreventionAction, ...]) -> PreventionAction | None:
    if command.replaces is None:
        return None
    found = next((each for each in planned if each.id == command.replaces), None)
    if found is None:
        raise NotFound(NOUN, field="replaces")
    require_open(found)
    return found


def _moves_with(replaced: PreventionAction, due: date) -> int:
    """How often its date was moved, with ``due`` of what comes in its place: one more where that is later."""
    return replaced.moves + (replaced.due is not None and due > replaced.due)


def _require_no_clock(action: PreventionAction) -> None:
    if action.dates:
        raise Conflict(
            "it is promised since its postmortem was signed; it can be dropped, with an approver",
            code="CLOCK_RUNS",
        )


def _require_day(action: PreventionAction, due: date, calendar: WorkCalendar, today: date) -> None:
    if due == action.due:
        raise InvalidInput("it is due on that day already", field="due")
    if due < today:
        raise InvalidInput("this day is over", field="due")
    if not calendar.is_business_day(due):
        raise InvalidInput(f"this is no business day of the owner ({calendar.name})", field="due")
    if due > calendar.shift(today, 2 * 260):
        raise InvalidInput("choose a day within two years", field="due")

"""The prevention actions of an incident as they stand today, for its own page and its postmortem's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from starlette.requests import Request

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.learning.actions.model import NOUN, STANDING, PreventionAction
from trust_portal.learning.postmortems.model import MOST_ACTIONS
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.views.prevention import standing


@dataclass(frozen=True, slots=True)
class Promised:
    """``standings``: status kind and word of each. ``may_plan``: the reader may add one, here and now.

    ``elsewhere``: none is planned here, for the incident goes on in another whose postmortem tells of it, or will.
    """

    incident_id: UUID
    postmortem_id: UUID
    actions: tuple[PreventionAction, ...]
    standings: Mapping[UUID, tuple[str, str]]
    signed: bool
    full: bool
    may_plan: bool
    elsewhere: bool


async def promised_of(
    request: Request,
    incident_id: UUID,
    postmortem_id: UUID | None,
    *,
    signed: bool = False,
    open_: bool = False,
) -> Promised | None:
    """None without a postmortem, or for whoever may not read them.

    ``open_``: the postmortem takes more. One in review does not: what was reviewed would not be what is signed.
    """
    actor, house = actor_of(request), house_of(request)
    resource = Resource.of_house(NOUN)
    if postmortem_id is None or not house.gate.allows(actor, Action.PREVENTION_ACTION_READ, resource):
        return None
    actions, now = await house.prevention_reader.of_postmortem(actor, postmortem_id), house.clock.now()
    full = sum(each.state in STANDING for each in actions) >= MOST_ACTIONS
    elsewhere = await house.prevention_reader.told_of_elsewhere(actor, incident_id)
    open_ = open_ and not elsewhere
    may_plan = open_ and not full and house.gate.allows(actor, Action.PREVENTION_ACTION_PLAN, resource)
    standings = {each.id: standing(each, now) for each in actions}
    return Promised(
        incident_id, postmortem_id, actions, standings, signed, full and open_, may_plan, elsewhere
    )

"""What is told of an incident is told at once, unless a P1 or P2 gets less by it: then two are asked for their approval."""

from __future__ import annotations

from uuid import UUID

from trust_portal.access.approvals.decision import NeedsApproval
from trust_portal.kernel.actor import Actor
from trust_portal.learning.incidents.acts_model import (
    ChangeSeverity,
    SetAffected,
    TellOfIncident,
    UnmergeIncident,
)
from trust_portal.learning.incidents.downgrading import Downgrades
from trust_portal.learning.incidents.model import Incident
from trust_portal.learning.incidents.retracting import Retractions
from trust_portal.learning.incidents.service import Incidents


class Lowering:
    """One verb for every door: which of the two services asks is theirs to know, not a form's or a mutation's."""

    def __init__(self, incidents: Incidents, downgrades: Downgrades, retractions: Retractions) -> None:
        self._incidents = incidents
        self._downgrades = downgrades
        self._retractions = retractions

    async def tell_or_ask(self, command: TellOfIncident, actor: Actor) -> UUID | None:
        """The id of the approval that is asked for; ``None``: it was told. As ``Incidents.tell`` and each ``ask``."""
        try:
            await self._incidents.tell(command, actor)
        except NeedsApproval:
            match command:
                case ChangeSeverity():
                    return await self._downgrades.ask(command, actor)
                case UnmergeIncident() | SetAffected():
                    return await self._retractions.ask(command, actor)
                case _:
                    raise
        return None

    async def approval_settled(self, request_id: UUID) -> Incident | None:
        """Do what was approved, once. Again it changes nothing."""
        if await self._retractions.asked(request_id) is not None:
            return await self._retractions.approval_settled(request_id)
        return await self._downgrades.approval_settled(request_id)

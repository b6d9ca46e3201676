"""All sections of a Trust Report at one moment, in the order in which they are read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, Final

from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.compliance.section import gather as gather_compliance
from trust_portal.trust.gathering.cost import gather as gather_cost
from trust_portal.trust.gathering.credits import gather as gather_credits
from trust_portal.trust.gathering.ids import COMPLIANCE, COST, CREDITS, INCIDENTS, SLA
from trust_portal.trust.gathering.incidents import gather as gather_incidents
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.gathering.sla import gather as gather_sla
from trust_portal.trust.sections.model import Section, State

Gatherer = Callable[[ReadSession, Ask], Coroutine[Any, Any, Section]]

#: By the id of the section that each gathers.
GATHERERS: Final[dict[str, Gatherer]] = {
    SLA: gather_sla,
    INCIDENTS: gather_incidents,
    COST: gather_cost,
    CREDITS: gather_credits,
    COMPLIANCE: gather_compliance,
}


async def gather(session: ReadSession, ask: Ask) -> tuple[Section, ...]:
    """Every section of ``GATHERERS``, in their order. ``session`` is a snapshot in the staff scope."""
    return tuple([await gatherer(session, ask) for gatherer in GATHERERS.values()])


def not_checked(id_: str, title: str, source: str) -> Section:
    """A section of which nothing is known: nobody has checked."""
    return Section(id_, title, State.MISSING, source, None, timedelta(0), why="not checked")

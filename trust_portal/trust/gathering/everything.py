"""All sections of a Trust Report at one moment, in the order in which they are read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.compliance.section import gather as gather_compliance
from trust_portal.trust.gathering.access import gather as gather_access
from trust_portal.trust.gathering.changes import changes_section
from trust_portal.trust.gathering.cost import gather as gather_cost
from trust_portal.trust.gathering.credits import gather as gather_credits
from trust_portal.trust.gathering.ids import (
    ACCESS,
    CHANGES,
    COMPLIANCE,
    COST,
    CREDITS,
    INCIDENTS,
    NOTES,
    POSTURE,
    SECTIONS,
    SLA,
    VERIFICATION,
)
from trust_portal.trust.gathering.incidents import gather as gather_incidents
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.gathering.notes import gather as gather_notes
from trust_portal.trust.gathering.sla import gather as gather_sla
from trust_portal.trust.gathering.verification import gather as gather_verification
from trust_portal.trust.posture.section import gather as gather_posture
from trust_portal.trust.sections.model import Section

Gatherer = Callable[[ReadSession, Ask], Coroutine[Any, Any, Section]]

#: By the id of the section that each gathers; ``ids.SECTIONS`` says in which order they are read.
GATHERERS: Final[dict[str, Gatherer]] = {
    SLA: gather_sla,
    INCIDENTS: gather_incidents,
    COST: gather_cost,
    CREDITS: gather_credits,
    COMPLIANCE: gather_compliance,
    POSTURE: gather_posture,
    NOTES: gather_notes,
    ACCESS: gather_access,
    VERIFICATION: gather_verification,
}


async def gather(session: ReadSession, ask: Ask) -> tuple[Section, ...]:
    """Every section of ``SECTIONS``, in their order: what changed since the document before is told from the others.

    ``session`` is a snapshot in the staff scope.
    """
    found = {id_: await GATHERERS[id_](session, ask) for id_ in SECTIONS if id_ != CHANGES}
    found[CHANGES] = changes_section(tuple(found.values()), ask.before, ask.now)
    return tuple(found[id_] for id_ in SECTIONS)

"""All sections of a QBR at one moment, in the order in which they are read.

commitments, outcome        what was promised in the last review; the period in one look
sla, incidents, cost, …     as the Trust Report gathers them, in the same snapshot
usage, savings              what was used, what was saved
recommendations             what would serve better
changes                     the difference to the QBR before
inputs                      the documents that all of it is read from, each with its age
"""

from __future__ import annotations

from typing import Final

from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.everything import GATHERERS, Gatherer
from trust_portal.trust.gathering.ids import COMPLIANCE, COST, CREDITS, INCIDENTS, POSTURE, SLA
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.qbr.closing import Beside, closing
from trust_portal.trust.qbr.gathering.commitments import gather as gather_commitments
from trust_portal.trust.qbr.gathering.recommendations import gather as gather_recommendations
from trust_portal.trust.qbr.gathering.savings import gather as gather_savings
from trust_portal.trust.qbr.gathering.usage import gather as gather_usage
from trust_portal.trust.sections.model import Section

#: Of the Trust Report's sections those that a review talks about, before and after usage.
_BEFORE: Final = (SLA, INCIDENTS, COST)
_AFTER: Final = (CREDITS, POSTURE, COMPLIANCE)


async def gather(session: ReadSession, ask: Ask, beside: Beside) -> tuple[Section, ...]:
    """``session`` is a snapshot in the staff scope; ``beside`` what it is laid beside."""
    commitments = await gather_commitments(session, ask)
    gatherers: list[Gatherer] = [
        *(GATHERERS[each] for each in _BEFORE),
        gather_usage,
        gather_savings,
        *(GATHERERS[each] for each in _AFTER),
        gather_recommendations,
    ]
    found = [await each(session, ask) for each in gatherers]
    outcome, changes, inputs = closing((commitments, *found), beside, ask.now, ask.now)
    return (commitments, outcome, *found, changes, inputs)

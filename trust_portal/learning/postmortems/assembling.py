"""A postmortem's document as it would be now: everything gathered anew, with what people wrote and judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trust_portal.learning.incidents.model import Incident
from trust_portal.learning.incidents.repository import find_incident
from trust_portal.learning.postmortems.document import Writing, postmortem_body
from trust_portal.learning.postmortems.drafts_repository import authors_of, newest_judged
from trust_portal.learning.postmortems.gathering.everything import gather
from trust_portal.learning.postmortems.model import Draft, Person, PlannedAction, Postmortem, Written
from trust_portal.learning.postmortems.planned import planned_actions
from trust_portal.storage.unit_of_work import ReadSession


@dataclass(frozen=True, slots=True)
class Assembled:
    """``body`` is the document; ``draft`` what of it was written (``None``: nothing yet)."""

    body: dict[str, Any]
    incident: Incident
    draft: Draft | None
    authors: tuple[Person, ...]
    actions: tuple[PlannedAction, ...]


async def assemble(
    session: ReadSession, postmortem: Postmortem, now: datetime, *, vendor: str, whole: bool = False
) -> Assembled:
    """In a snapshot of the staff scope.

    ``whole``: as it is submitted, with every customer that may have been hurt, however long it takes.
    """
    incident = await find_incident(session, postmortem.incident_id)
    draft, judges = await newest_judged(session, postmortem.id)
    authors = await authors_of(session, postmortem.id)
    planned = await planned_actions(session, postmortem.id)
    gathered = await gather(session, incident, now, whole=whole)
    writing = Writing(
        Written() if draft is None else draft.written,
        {} if draft is None else {fact: (each, judges[fact]) for fact, each in draft.judgments.items()},
        authors,
    )
    body = postmortem_body(postmortem, gathered, writing, planned, vendor=vendor)
    return Assembled(body, incident, draft, authors, planned)

"""A major incident of a customer's, with what became of its postmortem and of what was promised in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Final

from trust_portal.evidence.export import Export
from trust_portal.learning.actions.model import PreventionAction
from trust_portal.learning.incidents.model import Incident
from trust_portal.learning.postmortems.model import Postmortem
from trust_portal.learning.postmortems.releases_model import ReleasedCopy
from trust_portal.learning.switchboard.coverage import Cover
from trust_portal.trust.gathering.totals import NOT_BEGUN, NOT_SIGNED, OUTDATED

COVER_WORDS: Final[Mapping[Cover, str]] = {
    Cover.SIGNED: "signed",
    Cover.MERGED: "covered by the postmortem of what it was merged into",
    Cover.OUTDATED: OUTDATED,
    Cover.UNSIGNED: NOT_SIGNED,
    Cover.MISSING: NOT_BEGUN,
}


@dataclass(frozen=True, slots=True)
class MajorLine:
    """One major incident of the tenant's. ``postmortem`` is the signed one that covers it, if one does.

    ``bundle`` is that of the tenant's copy, once it is made.
    """

    incident: Incident
    cover: Cover
    postmortem: Postmortem | None
    copy: ReleasedCopy | None
    actions: tuple[PreventionAction, ...]
    bundle: Export | None = None


def page_of(incident: Incident) -> str:
    """Its place among those of the year it began in."""
    return f"/incidents?year={incident.began_at.astimezone(UTC).year}#incident-{incident.shown_id}"

"""What a customer sees of the vendor's incidents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from trust_portal.evidence.export import Export
from trust_portal.learning.incidents.model import Incident, IncidentEntry, Severity
from trust_portal.learning.postmortems.releases_model import ReleasedCopy, SignedAs


@dataclass(frozen=True, slots=True)
class AffectingIncident:
    """An incident as a customer sees it: nothing of the other customers, nor of who owns it.

    ``id`` is ``Incident.shown_id``, ``name`` is ``Incident.told_as``. ``named``: the vendor named this customer; otherwise it may have touched every customer.
    ``merged_into`` is the shown id of one that the customer sees too. ``timeline`` is what of it is told to customers.
    ``copy`` None: no postmortem of it was released to this customer, or whoever looks may not read it.
    ``bundle`` is the copy's, on the way or ready; ``superseded_by`` the version that counts, where the copy is of another.
    """

    id: UUID
    name: str
    title: str
    service: str
    severity: Severity
    declared_severity: Severity
    worst_severity: Severity
    named: bool
    objectives: tuple[str, ...] | None
    began_at: datetime
    detected_at: datetime
    declared_at: datetime
    told_at: datetime | None
    mitigated_at: datetime | None
    resolved_at: datetime | None
    reopened: int
    merged_into: UUID | None
    timeline: tuple[IncidentEntry, ...]
    copy: ReleasedCopy | None
    bundle: Export | None
    superseded_by: SignedAs | None

    @property
    def needs_postmortem(self) -> bool:
        return self.worst_severity.is_major


@dataclass(frozen=True, slots=True)
class Touched:
    """What touched a customer, or may have, under way between ``start`` and ``end``; the newest first.

    All that was told before ``as_of`` is in it: none of it is a statement, not an absence of one.
    """

    start: datetime
    end: datetime
    as_of: datetime
    incidents: tuple[AffectingIncident, ...]


def copy_telling_of(
    incident: Incident, copies: Mapping[UUID, ReleasedCopy], snapshots: Mapping[UUID, datetime]
) -> ReleasedCopy | None:
    """The copy that tells of it: of what it goes on in, also where that is of others, if its facts are of afterwards.

    ``copies`` and of when their facts are (``snapshots``) by incident. A copy of before does not name it, and is not
    its postmortem: it owes its own, or another version of that.
    """
    covering = incident.covering_id
    if covering != incident.id and covering in copies and incident.is_told_of(snapshots[covering]):
        return copies[covering]
    return copies.get(incident.id)

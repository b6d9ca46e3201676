"""How a list of postmortems is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from trust_portal.learning.incidents.model import Severity


@dataclass(frozen=True, slots=True)
class PostmortemFilter:
    """Which postmortems; ``None`` asks for all. Service, team (empty: none) and worst severity are their incident's.

    ``owner`` is a person's id, or the name as it was told of nobody who is known here. ``incident_ids``: of these
    alone. ``unsigned``: those that are owed: of which no version is signed, or
    none with all that was told, and which nothing else covers.
    """

    unsigned: bool = False
    service: str | None = None
    team: str | None = None
    owner: str | None = None
    severity: Severity | None = None
    incident_ids: frozenset[UUID] | None = None


ALL: Final = PostmortemFilter()

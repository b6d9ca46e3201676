"""Endpoints, as they stand at one revision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from trust_portal.notify.topics import Topic

#: How long the secret before a rotation signs as well, so that a receiver can change over in peace.
OVERLAP: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``generation`` counts the secrets it has had; ``fingerprint`` is that of its public key now.

    ``act`` is what made this revision (created, changed, rotated, disabled, enabled), ``by`` whom.
    """

    id: UUID
    tenant_id: UUID
    revision: int
    label: str
    url: str
    topics: frozenset[Topic]
    enabled: bool
    generation: int
    fingerprint: str
    previous_until: datetime | None
    act: str
    at: datetime
    by: str
    reason: str
    receipt_id: UUID

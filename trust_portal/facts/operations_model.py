"""Maintenance windows, as put together from the events about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class FactSource:
    """Where a statement comes from; ``digest`` is the SHA-256 of the event's content."""

    source: str
    event_id: str
    digest: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """Half-open; ``objectives`` None: all. ``announced_at`` is the claim, ``origin.received_at`` our own
    knowledge of when it was told. ``cancelled_at`` is when the cancellation was received.
    """

    key: str
    start: datetime
    end: datetime
    announced_at: datetime
    reason: str
    objectives: tuple[str, ...] | None
    origin: FactSource
    cancelled_at: datetime | None = None

"""The delivery log and the inbox as they are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from trust_portal.notify.model import Attempt, Channel, Delivery, DeliveryState, Notification, state_of


@dataclass(frozen=True, slots=True)
class Replay:
    """That somebody had a delivery sent again, and why."""

    round: int
    at: datetime
    by: str
    reason: str
    receipt_id: UUID


@dataclass(frozen=True, slots=True)
class LoggedDelivery:
    """A line of the delivery log: what was told, to whom by which way, and every attempt in order."""

    delivery: Delivery
    notification: Notification
    attempts: tuple[Attempt, ...]
    replays: tuple[Replay, ...]

    @property
    def state(self) -> DeliveryState:
        return state_of(self.attempts[-1] if self.attempts else None, len(self.replays))


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """``None`` asks for everything: both channels, every recipient, whatever became of it."""

    tenant_id: UUID
    channel: Channel | None = None
    recipient_id: UUID | None = None
    given_up: bool = False


@dataclass(frozen=True, slots=True)
class InboxItem:
    """A notification in somebody's inbox. ``id`` is the delivery's."""

    id: UUID
    notification: Notification
    read_at: datetime | None

"""By which way something goes, and where that stands: of notifications, and of what is announced by them."""

from __future__ import annotations

import strawberry

from trust_portal.notify.model import Channel, DeliveryState

__all__ = ["Channel", "DeliveryState"]

strawberry.enum(Channel, name="DeliveryChannel", description="By which way.")
strawberry.enum(
    DeliveryState,
    name="DeliveryState",
    description="RETRYING: tried again by itself. GIVEN_UP: only by a replay.",
)

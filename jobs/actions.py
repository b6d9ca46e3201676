"""The clockwork of prevention actions: clocks begin, and reminders are sent."""

from __future__ import annotations

from trust_portal.house import House


async def mind_actions(house: House) -> None:
    """One round. Each step and each reminder has a place of its own, so that rounds side by side do it once."""
    await house.action_clocks.round()
    await house.action_reminders.round()

"""Jobs of notifications: find out whom one reaches, and make one attempt at a delivery."""

from __future__ import annotations

from uuid import UUID

from jobs.duty import Arguments, Duty
from trust_portal.house import House
from trust_portal.storage.outbox import Job


async def dispatch(house: House, row_id: UUID, arguments: Arguments) -> None:
    await house.dispatcher.dispatch(UUID(arguments["tenant"]), UUID(arguments["notification"]), work=row_id)


async def dispatch_given_up(house: House, arguments: Arguments, reason: str) -> None:
    """The outbox keeps the row and the code, for the operator."""


async def deliver(house: House, row_id: UUID, arguments: Arguments) -> None:
    await house.courier.deliver(
        UUID(arguments["tenant"]), UUID(arguments["delivery"]), int(arguments["attempt"]), work=row_id
    )


async def deliver_given_up(house: House, arguments: Arguments, reason: str) -> None:
    await house.courier.give_up(UUID(arguments["tenant"]), UUID(arguments["delivery"]), reason)


NOTIFICATION_DUTIES = (
    Duty(Job.DISPATCH_NOTIFICATION, dispatch, dispatch_given_up),
    Duty(Job.DELIVER_NOTIFICATION, deliver, deliver_given_up),
)

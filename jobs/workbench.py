"""The workbench: how one attempt at a job is made, whatever the job is.

Start (counts the attempt) → do, with the lease renewed meanwhile → done, tried again later, or
given up where people see it. Refusals are final at once: repeating a request that cannot be
honoured changes nothing. So is an invariant that does not hold (``Broken``): the evidence is kept.
Everything else is tried ``MAX_ATTEMPTS`` times.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from uuid import UUID

from jobs.duty import Arguments, Duty
from jobs.stopping import let_end
from trust_portal.errors import Broken, Refused, TrustPortalError, Unavailable
from trust_portal.house import House
from trust_portal.storage.backlog import MAX_ATTEMPTS, WORKING_LEASE, Backlog, Ticket

log = logging.getLogger(__name__)


class Workbench:
    def __init__(self, house: House, backlog: Backlog) -> None:
        self._house = house
        self._backlog = backlog
        self._stopping = False

    def stop(self) -> None:
        """From now on nothing is begun here: what is brought is handed back."""
        self._stopping = True

    async def attempt(
        self, duty: Duty, row_id: str, attempts: int, *, begun: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Make one attempt. What the job raises is recorded and stays here.

        ``begun`` is called once the attempt is counted and its lease is held.

        Cancellation leaves as an exception, and so does what keeps the outbox itself from being written:
        the lease then runs out, and the row is offered again.
        """
        started = await self._start(Ticket(UUID(row_id), duty.job, attempts))
        if started is None:
            log.debug("%s %s: done, at a later attempt, or handed back", duty.job, row_id)
            return
        ticket, arguments = started
        if ticket.spent > MAX_ATTEMPTS:
            # Whoever held it died each time: it may be the job that kills them.
            await self._give_up(duty, ticket, arguments, "WORKER_LOST", "the worker ended before it was done")
            return
        lease = asyncio.create_task(self._keep(ticket), name=f"lease of {ticket.name}")
        try:
            if begun is not None:
                await begun()
            async with asyncio.timeout(duty.timeout.total_seconds()):
                await duty.do(self._house, ticket.row_id, arguments)
            await self._backlog.done(ticket)
        except asyncio.CancelledError:
            await asyncio.shield(self._backlog.give_back(ticket))
            raise
        except Refused as refusal:
            await self._give_up(duty, ticket, arguments, refusal.code, refusal.message)
        except Broken as broken:
            log.critical("%s: an invariant does not hold; not tried again", duty.job, exc_info=broken)
            await self._give_up(duty, ticket, arguments, broken.code, broken.message)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is recorded and tried again
            await self._failed(duty, ticket, arguments, error)
        finally:
            lease.cancel()

    async def _start(self, ticket: Ticket) -> tuple[Ticket, Arguments] | None:
        """None where there is nothing to begin. Whoever stops meanwhile counts the attempt and gives it back: under its
        new name somebody else begins at once, where the old one would wait for the end of its lease.
        """
        start = asyncio.ensure_future(self._backlog.start(ticket))
        try:
            started = await asyncio.shield(start)
        except asyncio.CancelledError:
            await let_end({start})
            if not start.cancelled() and start.exception() is None and (begun := start.result()) is not None:
                await self._backlog.give_back(begun[0])
            raise
        if started is not None and self._stopping:
            await self._backlog.give_back(started[0])
            return None
        return started

    async def _failed(self, duty: Duty, ticket: Ticket, arguments: Arguments, error: Exception) -> None:
        log.warning("%s failed at attempt %d", duty.job, ticket.attempts, exc_info=error)
        code = error.code if isinstance(error, TrustPortalError) else type(error).__name__
        if ticket.spent < MAX_ATTEMPTS:
            await self._backlog.fail(ticket, code)
            return
        words = (
            error.message
            if isinstance(error, TrustPortalError)
            else f"an internal error ({code}), {MAX_ATTEMPTS} times; the worker's log has the cause"
        )
        await self._give_up(duty, ticket, arguments, code, words)

    async def _give_up(self, duty: Duty, ticket: Ticket, arguments: Arguments, code: str, words: str) -> None:
        """Shown first, then recorded: a crash between the two repeats the first, which is idempotent.

        The outbox row keeps the code only; words may speak of a tenant's things, and the outbox
        belongs to no tenant. Where it cannot be shown, the row waits as after any failure and this is
        tried again: nothing is given up that nobody sees.
        """
        log.error("%s given up after %d attempts: %s", duty.job, ticket.attempts, words)
        try:
            await duty.give_up(self._house, arguments, words)
        except Exception:
            log.exception("%s could not be given up where people see it", duty.job)
            await self._backlog.fail(ticket, code)
            return
        await self._backlog.give_up(ticket, code)

    async def _keep(self, ticket: Ticket) -> None:
        while True:
            await asyncio.sleep(WORKING_LEASE.total_seconds() / 3)
            try:
                if not await self._backlog.keep(ticket):
                    return
            except Unavailable:
                log.warning("the lease of %s could not be renewed", ticket.name)

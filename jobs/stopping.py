"""What a worker that is told to stop does to its end first."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from typing import Any, Final, TypeVar

_T = TypeVar("_T")

#: Seconds that a stop waits for what should be over in milliseconds: a server that does not answer holds nobody up.
PATIENCE: Final = 5.0


async def to_the_end(work: Coroutine[Any, Any, _T]) -> _T:
    """``work`` is not cut short: where this is cancelled, it is over first. For what is short and not to be done by half."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await let_end({task})
        raise


async def let_end(tasks: Collection[asyncio.Future[Any]]) -> None:
    """Until all are over, or ``PATIENCE`` is: then they are cancelled. What they raise is theirs."""
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=PATIENCE)
    for each in late:
        each.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

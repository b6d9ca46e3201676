"""Runs something until it ends or somebody says stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def until_told(work: Coroutine[Any, Any, None]) -> None:
    """Await ``work``; Ctrl-C, SIGTERM or a closed terminal cancels it, and that is a good end.

    Only the first signal counts: whoever presses Ctrl-C again does not want servers left behind.
    """
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    told = False

    def stop() -> None:
        nonlocal told
        if not told:
            told = True
            task.cancel()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not told:
            raise
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)

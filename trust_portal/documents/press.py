"""Where PDFs are set: one thread of their own, so that fonts and style sheets are unpacked once."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache


class Press:
    """The event loop goes on while it works."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="press")

    async def set(self, make: Callable[[], bytes]) -> bytes:
        """What ``make`` makes."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, _set, make)


@cache
def process_press() -> Press:
    """The one of this process: what it has unpacked outlives the house it was unpacked for."""
    return Press()


def _set(make: Callable[[], bytes]) -> bytes:
    """Layout makes a million objects that live until it ends: looking for dead ones among them finds
    none and costs a quarter of the time. One thread sets all PDFs, so the pause never nests.
    """
    gc.disable()
    try:
        return make()
    finally:
        gc.enable()

"""Imports without a search for garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Around imports. What they make stays until the process ends: to look for garbage among it is a fifth
    of a start, and later on part of every pause of a server. So it is not looked at, now or ever after.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()

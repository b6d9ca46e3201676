"""Imports without a search for garbage, and seldom one after them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: A page of ten thousand rows makes a hundred thousand objects that live until it is written. Looking for
#: dead ones among them at every seven hundred, as Python does by itself, is a third of its time.
_YOUNG, _MIDDLE, _OLD = 50_000, 20, 20


@contextmanager
def loading() -> Iterator[None]:
    """Around imports. What they make stays until the process ends: to look for garbage among it is a fifth
    of a start, and later on part of every pause of a server. So it is not looked at, now or ever after.
    """
    gc.disable()
    try:
        yield
    finally:
        settled()
        gc.enable()


def settled() -> None:
    """What there is now stays until the process ends, and what comes is looked at in large portions."""
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)

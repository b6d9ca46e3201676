"""Cursor pages, the same for the portal, GraphQL and the repositories."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from trust_portal.errors import InvalidInput

MAX_PAGE = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """``size`` rows (1..100) after (or before) an opaque cursor."""

    size: int = 25
    after: str | None = None
    before: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.size <= MAX_PAGE:
            raise InvalidInput(f"ask for 1 to {MAX_PAGE} rows, not {self.size}", field="first")
        if self.after is not None and self.before is not None:
            raise InvalidInput("give after or before, not both", field="before")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows in display order, each with its cursor, and whether more lie on either side."""

    items: tuple[T, ...]
    cursors: tuple[str, ...]
    has_next: bool
    has_previous: bool


def encode_cursor(*parts: str) -> str:
    """An opaque cursor over the sort key. It carries no authority: pages filter by tenant anyway."""
    return base64.urlsafe_b64encode("\x1f".join(parts).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, parts: int) -> tuple[str, ...]:
    """The sort key in a cursor; a foreign or damaged one is ``InvalidInput``."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = tuple(base64.b64decode(padded, altchars=b"-_", validate=True).decode().split("\x1f"))
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise InvalidInput("this is not a cursor of ours", field="cursor") from error
    if len(values) != parts:
        raise InvalidInput("this cursor belongs to another list", field="cursor")
    return values


def page_of(rows: Sequence[T], key: Callable[[T], tuple[str, ...]], asked: PageRequest) -> Page[T]:
    """One page of rows that are all at hand, in ascending order of ``key``, which no two share.

    A row that is gone since a cursor was given out is no hindrance: the page begins behind its place.
    """
    keys = [key(each) for each in rows]
    parts = len(keys[0]) if keys else 0
    if asked.before is not None and rows:
        end = bisect_left(keys, decode_cursor(asked.before, parts))
        start = max(end - asked.size, 0)
    else:
        start = bisect_right(keys, decode_cursor(asked.after, parts)) if asked.after and rows else 0
        end = min(start + asked.size, len(rows))
    shown = tuple(rows[start:end])
    cursors = tuple(encode_cursor(*each) for each in keys[start:end])
    return Page(shown, cursors, has_next=end < len(rows), has_previous=start > 0)

"""Which of a customer's Trust Reports is the last. Pure.

By the periods that they are about, and never by when each was published: a late revision of a quarter long over does
not take the place of the report of the quarter after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

from trust_portal.kernel.period import place_of


class Revision(Protocol):
    """One of a period's revisions."""

    @property
    def period(self) -> str: ...
    @property
    def revision(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Named:
    """A published report by its names alone."""

    id: UUID
    period: str
    revision: int


T = TypeVar("T", bound=Revision)


def latest(published: Iterable[T], until: str | None = None) -> T | None:
    """Of the period that ends last its last revision; ``until``: of that period, or of those before it."""
    last = None if until is None else place_of(until)
    return max(
        (each for each in published if last is None or place_of(each.period) <= last),
        key=lambda each: (place_of(each.period), each.revision),
        default=None,
    )

"""One line of the benchmark table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured, and against which named limit *of the same run* it is judged.

    ``measured`` and ``limit`` are in ``unit``; ``ratio`` is measured / limit. A row that only
    gives context (the speed of the disk, say) has no ``limit`` and always passes.
    """

    name: str
    measured: float
    unit: str
    limit: float | None = None
    limit_name: str = ""
    ratio: float | None = None
    passed: bool = True


def at_least(name: str, measured: float, unit: str, limit: float, limit_name: str) -> Row:
    """A row that passes when ``measured`` reaches ``limit``."""
    return Row(name, measured, unit, limit, limit_name, measured / limit, measured >= limit)


def at_most(name: str, measured: float, unit: str, limit: float, limit_name: str) -> Row:
    """A row that passes when ``measured`` stays within ``limit``."""
    return Row(name, measured, unit, limit, limit_name, measured / limit, measured <= limit)


def context(name: str, measured: float, unit: str) -> Row:
    """A row that judges nothing and helps to read the others."""
    return Row(name, measured, unit)

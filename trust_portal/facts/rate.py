"""A leaking bucket per token, in this process; a limit against accidents, not against attackers."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from uuid import UUID


class RateLimit:
    """``per_minute`` events on average, as many again at once; 0 sets no limit.

    What a delivery costs is known only when it has been read, so it is charged afterwards and the
    next one waits.
    """

    def __init__(self, per_minute: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_minute / 60
        self._burst = float(per_minute)
        self._monotonic = monotonic
        self._levels: dict[UUID, tuple[float, float]] = {}

    def seconds_to_wait(self, token_id: UUID) -> int:
        """0: go ahead."""
        if not self._burst:
            return 0
        over = self._level(token_id) - self._burst
        return 0 if over < 0 else max(1, math.ceil(over / self._per_second))

    def charge(self, token_id: UUID, events: int) -> None:
        if self._burst:
            self._levels[token_id] = (self._level(token_id) + events, self._monotonic())

    def _level(self, token_id: UUID) -> float:
        level, at = self._levels.get(token_id, (0.0, 0.0))
        return max(0.0, level - (self._monotonic() - at) * self._per_second)

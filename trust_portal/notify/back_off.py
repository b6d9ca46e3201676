"""When a failed delivery is tried again: soon at first, then ever more rarely, for three days."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

#: Waits after the first, second … failure, as the Standard Webhooks specification proposes them.
WAITS: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
#: The most that a receiver's own wish (``Retry-After``) can put the next try off.
LONGEST_WISH: Final = timedelta(hours=24)


def next_try(
    delivery_id: UUID, failures: int, at: datetime, wish: timedelta | None = None
) -> datetime | None:
    """The instant of the next try after ``failures`` (1 or more) in a row; None: no more.

    Up to a tenth is added, always the same for one delivery and failure, so that many deliveries
    that failed together do not come back together. ``wish`` only ever prolongs.
    """
    if failures > len(WAITS):
        return None
    wait = WAITS[failures - 1]
    seed = hashlib.sha256(delivery_id.bytes + bytes([failures])).digest()
    wait += wait * int.from_bytes(seed[:2], "big") / 0xFFFF / 10
    if wish is not None:
        wait = max(wait, min(wish, LONGEST_WISH))
    return at + wait

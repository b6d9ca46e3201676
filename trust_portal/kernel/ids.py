"""Identifiers are made in Python, never by the database (docs/decisions: one code base on Citus)."""

from __future__ import annotations

import os
import time
from uuid import UUID

#: The vendor itself is a tenant of its own installation: staff, keys and policies live there.
VENDOR_ID = UUID("00000000-0000-7000-8000-000000000001")


def new_id(*, now_ms: int | None = None) -> UUID:
    """A UUID version 7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then randomness.

    Time-ordered, so inserts stay at the right edge of an index.
    """
    milliseconds = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | (0x7 << 76)  # version
    value = value & ~(0x3 << 62) | (0x2 << 62)  # variant
    return UUID(int=value)

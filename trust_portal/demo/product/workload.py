"""What customers ask of the product: requests a minute, by the hour of their own day."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Final
from zlib import crc32
from zoneinfo import ZoneInfo

from trust_portal.demo.scene import Customer

#: Share of the busiest hour, in percent, by local hour: quiet nights, lunch a little below the peaks.
_DAY: Final = (
    18,
    14,
    12,
    12,
    14,
    20,
    34,
    52,
    74,
    90,
    98,
    100,
    92,
    94,
    99,
    96,
    88,
    76,
    62,
    52,
    44,
    36,
    28,
    22,
)
_WEEKEND: Final = 55
_SATURDAY: Final = 5
_MASK: Final = 0xFFFFFFFF


def requests(customer: Customer, stream: str, time: datetime) -> int:
    """How many requests a stream of the customer's gets in the minute that begins at ``time``."""
    hourly = _hourly(customer, time.replace(minute=0, second=0, microsecond=0))
    swing = noise(customer, stream, time) % (hourly // 8 + 1)
    return hourly + swing


def noise(customer: Customer, stream: str, time: datetime) -> int:
    """32 bits that look random and are always the same (finalizer of MurmurHash3, public domain)."""
    value = _stream(customer.key, stream) + int(time.timestamp()) // 60 * 0x9E3779B1 & _MASK
    value = (value ^ value >> 16) * 0x85EBCA6B & _MASK
    value = (value ^ value >> 13) * 0xC2B2AE35 & _MASK
    return value ^ value >> 16


@lru_cache(maxsize=256)
def _hourly(customer: Customer, hour: datetime) -> int:
    there = hour.astimezone(ZoneInfo(customer.time_zone))
    share = _DAY[there.hour] * (_WEEKEND if there.weekday() >= _SATURDAY else 100)
    return 40 + customer.busiest * share // 10_000


@lru_cache(maxsize=256)
def _stream(key: str, stream: str) -> int:
    return crc32(f"{key}/{stream}".encode())

"""What makes bills unusual beside the runaway export: five stories, each at one or two customers.

All but the batch job lie before the curtain: they are history when the demo begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from trust_portal.demo.product.tariff import Use
from trust_portal.demo.scene import BRIGHTWATER, HOSHINO, KESTREL, NORDLYS, WATTLE, Customer
from trust_portal.demo.script import Script

_HOUR: Final = timedelta(hours=1)
#: Of the usual demand, and of the calls that are made.
_SURGE_PERCENT: Final = 260
_RETRIES_PERCENT: Final = 520
#: Thousandths of a unit: gigabyte-hours in an hour, core-seconds in an hour, and more in every hour.
_ARCHIVE: Final = 1_200_000
_BATCH: Final = 80_000_000
_LEAK: Final = 900


@dataclass(frozen=True, slots=True)
class Spell:
    """``start`` .. ``end``, full hours."""

    start: datetime
    end: datetime

    def covers(self, at: datetime) -> bool:
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class Episodes:
    """When the stories happen."""

    surge: Spell
    misbooked: Spell
    storm: Spell
    batch: Spell
    leak_begins: datetime


@lru_cache(maxsize=4)
def episodes(script: Script) -> Episodes:
    there = script.curtain.astimezone(ZoneInfo(HOSHINO.time_zone)) - timedelta(days=33)
    shops_open = there.replace(hour=9).astimezone(UTC)
    return Episodes(
        surge=Spell(shops_open, shops_open + 10 * _HOUR),
        misbooked=Spell(script.at(-94), script.at(-64)),
        storm=Spell(script.at(-32), script.at(-26)),
        batch=Spell(script.at(2), script.at(7)),
        leak_begins=script.at(-30 * 24),
    )


def demand_percent(customer: Customer, hour: datetime, script: Script) -> int:
    """A press mention sends everybody to one customer's shop: all of its use rises alike."""
    return _SURGE_PERCENT if customer is HOSHINO and episodes(script).surge.covers(hour) else 100


def retries_percent(customer: Customer, hour: datetime, script: Script) -> int:
    """Of an adapter's calls, how many are made again: an ERP that answers late starts a storm of them."""
    return _RETRIES_PERCENT if customer is WATTLE and episodes(script).storm.covers(hour) else 0


def uses(customer: Customer, hour: datetime, script: Script) -> Iterator[Use]:
    """What a customer uses in an hour because of a story, beside its ordinary use."""
    story = episodes(script)
    if customer is (NORDLYS if story.misbooked.covers(hour) else BRIGHTWATER):
        # One customer's archive is booked to another for a while: together they pay what they always do.
        yield Use("storage", "archive", "keep", _ARCHIVE)
    if customer is HOSHINO and story.batch.covers(hour):
        yield Use("compute", "batch-pool", "catalogue-render", _BATCH, {"feature": "catalogue"})
    leaking = int((hour - story.leak_begins) / _HOUR)
    if customer is KESTREL and leaking > 0:
        # Temporary files that nobody deletes: a little more in every hour.
        yield Use("storage", "scratch", "keep", leaking * _LEAK)

"""The product's process: brings history up to date, then every minute as it passes.

Environment: ``PRODUCT_PORTAL`` (URL), ``PRODUCT_TOKEN`` (an ingest token), ``PRODUCT_MONTH`` (``2026-06``).
It says on standard output, as one JSON object a line, what it has delivered.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import httpx

from trust_portal.demo.product.delivery import Tally, deliver
from trust_portal.demo.product.vendor import Vendor

_STRETCH = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
#: Seconds behind the minute's end, so that a minute is over when it is measured.
_LAG = 2.0


async def live(vendor: Vendor, client: httpx.AsyncClient) -> None:
    """Deliver everything from the beginning of the story to now, and then go with the time."""
    done, phase = vendor.beginning, "history"
    while True:
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        tally, began = Tally(), time.monotonic()
        start = done
        lines = _stretch(vendor, done, min(done + _STRETCH, now))
        while done < now:
            end = min(done + _STRETCH, now)
            following = asyncio.to_thread(_stretch, vendor, end, min(end + _STRETCH, now))
            _, lines = await asyncio.gather(deliver(client, lines, tally), following)
            done = end
            _say(phase, percent=int(100 * ((done - start) / (now - start))), tally=tally, began=began)
        phase = "live"
        await asyncio.sleep(60 - time.time() % 60 + _LAG)


def _stretch(vendor: Vendor, start: datetime, end: datetime) -> list[bytes]:
    return [each.content for each in vendor.events(start, end)]


def _say(phase: str, *, percent: int, tally: Tally, began: float) -> None:
    words = {
        "phase": phase,
        "percent": percent,
        **asdict(tally),
        "seconds": round(time.monotonic() - began, 2),
    }
    print(json.dumps(words), flush=True)  # noqa: T201 - this is how the product reports


async def main() -> None:
    vendor = Vendor(os.environ["PRODUCT_MONTH"])
    headers = {"authorization": f"Bearer {os.environ['PRODUCT_TOKEN']}"}
    async with httpx.AsyncClient(
        base_url=os.environ["PRODUCT_PORTAL"], headers=headers, timeout=120, trust_env=False
    ) as client:
        await live(vendor, client)


if __name__ == "__main__":
    asyncio.run(main())

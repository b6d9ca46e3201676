"""The product's process: brings history up to date, then every minute as it passes, and obeys control calls.

Environment: ``PRODUCT_PORTAL`` (URL), ``PRODUCT_TOKEN`` (an ingest token), ``PRODUCT_SCRIPT`` (JSON),
``PRODUCT_CLOCK`` (the story's clock), ``PRODUCT_FOLDER`` (where it remembers), ``PRODUCT_PORT``, and
where calls bear a shared secret too ``PRODUCT_SECRET``.
It says on standard output, as one JSON object a line, what it has delivered.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import httpx
import uvicorn

from trust_portal.demo.product.delivery import Tally, deliver
from trust_portal.demo.product.events import rfc3339
from trust_portal.demo.product.journal import Journal
from trust_portal.demo.product.obedience import Obedience
from trust_portal.demo.product.server import Desk, control_app
from trust_portal.demo.product.vendor import Vendor
from trust_portal.demo.script import Script
from trust_portal.runtime.ports import HOST
from trust_portal.runtime.story_clock import StoryClock

_STRETCH: Final = timedelta(days=1)
#: Behind the minute's end, so that a minute is over when it is measured.
_LAG: Final = timedelta(seconds=2)
#: Seconds between two looks at the clock: the story may have been moved on.
_LOOK: Final = 0.2


class Product:
    """What happens, told to the portal in order of time."""

    def __init__(
        self, vendor: Vendor, obedience: Obedience, clock: StoryClock, client: httpx.AsyncClient
    ) -> None:
        self._vendor = vendor
        self._obedience = obedience
        self._clock = clock
        self._client = client

    async def live(self) -> None:
        """Deliver everything from the beginning of the story to now, and then go with the time."""
        done, phase = self._vendor.script.beginning, "history"
        while True:
            now = (self._clock.now() - _LAG).replace(second=0, microsecond=0)
            if done < now:
                await self._deliver(phase, done, now)
                done, phase = now, "live"
            await asyncio.sleep(_LOOK)

    async def _deliver(self, phase: str, start: datetime, now: datetime) -> None:
        tally, began, done = Tally(), time.monotonic(), start
        lines = self._stretch(done, now)
        while done < now:
            end = min(done + _STRETCH, now)
            following = asyncio.to_thread(self._stretch, end, now)
            _, lines = await asyncio.gather(deliver(self._client, lines, tally), following)
            done = end
            said = {
                "phase": phase,
                "percent": int(100 * ((done - start) / (now - start))),
                "through": rfc3339(done),
                **asdict(tally),
                "seconds": round(time.monotonic() - began, 2),
            }
            print(json.dumps(said), flush=True)  # noqa: T201 - this is how the product reports

    def _stretch(self, start: datetime, now: datetime) -> list[bytes]:
        end = min(start + _STRETCH, now)
        return [each.content for each in self._vendor.events(start, end, self._obedience.controls)]


async def main() -> None:
    environment = os.environ
    script, clock = (
        Script.from_json(environment["PRODUCT_SCRIPT"]),
        StoryClock(Path(environment["PRODUCT_CLOCK"])),
    )
    async with (
        httpx.AsyncClient(
            base_url=environment["PRODUCT_PORTAL"],
            headers={"authorization": f"Bearer {environment['PRODUCT_TOKEN']}"},
            timeout=120,
            trust_env=False,
        ) as events,
        httpx.AsyncClient(base_url=environment["PRODUCT_PORTAL"], timeout=5, trust_env=False) as portal,
    ):
        obedience = Obedience(script)
        journal = Journal(Path(environment["PRODUCT_FOLDER"]))
        desk = Desk(obedience, journal, clock, portal, environment.get("PRODUCT_SECRET"))
        server = uvicorn.Server(
            uvicorn.Config(
                control_app(desk),
                host=HOST,
                port=int(environment["PRODUCT_PORT"]),
                lifespan="off",
                log_level="warning",
                server_header=False,
                timeout_graceful_shutdown=2,
            )
        )
        living = asyncio.create_task(Product(Vendor(script), obedience, clock, events).live())
        serving = asyncio.create_task(server.serve())
        try:
            await asyncio.wait({living, serving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            server.should_exit = True
            await serving
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)
        if not living.cancelled():
            living.result()


if __name__ == "__main__":
    asyncio.run(main())

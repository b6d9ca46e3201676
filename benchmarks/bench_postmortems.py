"""The document of a postmortem with 100,000 facts in the range that it is assembled from (``postmortem_facts``).

What is judged is everything from the snapshot to the canonical bytes, each time anew as a draft's page does it, at
the 95th percentile. Beside it the page itself, as it is served, and what processor time an assembly takes: on a busy
machine the clock says how long it waited.
"""

from __future__ import annotations

import statistics
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import httpx

from benchmarks.installation import installation
from benchmarks.postmortem_facts import BEGAN, Filled, fill
from benchmarks.row import Row, at_least, at_most, context
from benchmarks.taking import Taken, take
from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import AddPerson, GrantRole
from trust_portal.access.sessions.model import Client, Method
from trust_portal.app import create_app
from trust_portal.house import House
from trust_portal.kernel.actor import Role
from trust_portal.kernel.canonical import canonical
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.postmortems.assembling import assemble
from trust_portal.learning.postmortems.repository import find_postmortem
from trust_portal.runtime.loading import settled
from trust_portal.settings import Settings
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.web.authentication import cookie_name

FACTS = 100_000
PROMISED_MS = 500.0
_RUNS = 40
_WARMING_UP = 3
_ORIGIN = "http://localhost"


async def run() -> list[Row]:
    with TemporaryDirectory() as name:
        clock = ManualClock(BEGAN + timedelta(days=1))
        more = {"base_url": _ORIGIN, "ingest_events_per_minute": 10_000_000}
        async with installation(Path(name), clock, **more) as place:
            house = place.house
            filled = await fill(house, place.servers)
            # As in the process that serves, where nobody looks for garbage among what was imported.
            settled()
            size = len(await _assembled(house, filled.postmortem_id))
            taken = await take(lambda: _assembled(house, filled.postmortem_id), _RUNS, warming_up=_WARMING_UP)
            page = await _page(house, place.settings, filled.postmortem_id)
    return [
        *_facts(filled),
        context("the document", size / 1024, "KiB"),
        at_most(f"assembling it from {filled.facts:,} facts, 95th percentile", taken.p95, "ms", PROMISED_MS, "promised"),
        context("… median", statistics.median(taken.wall), "ms"),
        context("… the slowest", max(taken.wall), "ms"),
        at_most("… processor time of one, here and in the database", taken.processor, "ms", PROMISED_MS, "promised"),
        context("… of that in the database", taken.database, "ms"),
        context("its page as served, 95th percentile", page.p95, "ms"),
        context("… median", statistics.median(page.wall), "ms"),
        context("… processor time of one, here and in the database", page.processor, "ms"),
    ]  # fmt: skip


def _facts(filled: Filled) -> list[Row]:
    rows = [at_least("facts in its range", filled.facts, "", FACTS, "promised")]
    return rows + [context(f"… {name}", count, "") for name, count in sorted(filled.in_range.items())]


async def _assembled(house: House, postmortem_id: UUID) -> bytes:
    async with house.storage.read(StaffScope(), snapshot=True) as session:
        postmortem = await find_postmortem(session, postmortem_id)
        made = await assemble(session, postmortem, house.clock.now(), vendor="Vendor Ltd")
    return canonical(made.body)


async def _page(house: House, settings: Settings, postmortem_id: UUID) -> Taken:
    owner = await house.people.add(AddPerson(VENDOR_ID, "ivo@vendor.example", "Ivo Owner"), CONSOLE)
    await house.people.grant(GrantRole(VENDOR_ID, owner.id, Role.INCIDENT_OWNER), CONSOLE)
    async with house.storage.write(TenantScope(VENDOR_ID)) as session:
        signed_in = await house.sessions.open(session, owner, Method.LINK, Client("benchmark"))
    app = create_app(settings)
    app.state.house = house
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url=_ORIGIN,
        cookies={cookie_name(secure=False): signed_in.cookie or ""},
    ) as browser:

        async def ask() -> None:
            answer = await browser.get(f"/postmortems/{postmortem_id}")
            assert answer.status_code == 200, answer.text

        return await take(ask, _RUNS, warming_up=_WARMING_UP)

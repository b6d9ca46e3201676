"""The document of a postmortem with 100,000 facts in its range: a year's worth of noise around one incident.

In the days around it lie adapter observations and operations of three customers, deploys and flag steps, and
measurements of the month so far; what is measured is everything from the snapshot to the canonical bytes.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from benchmarks.row import Row, at_most, context
from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.access.tokens.model import Admission, Bounds
from trust_portal.facts.framing import lines
from trust_portal.house import House, build_house
from trust_portal.kernel.canonical import canonical
from trust_portal.kernel.clock import ManualClock, rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.postmortems.assembling import assemble
from trust_portal.learning.postmortems.repository import find_postmortem, postmortems_page
from trust_portal.reliability.contracts.service import ImportContracts
from trust_portal.runtime.embedded import embedded_servers
from trust_portal.runtime.migrate import migrate
from trust_portal.settings import Settings
from trust_portal.storage.tenancy import StaffScope, TenantScope

FACTS = 100_000
RUNS = 15
BEGAN = datetime(2026, 6, 9, 10, tzinfo=UTC)
CUSTOMERS = ("northwind", "contoso", "fabrikam")
_CONTRACT = """
tenant: {key}
version: "1"
effective_from: 2026-01-01
currency: EUR
fee: "1000.00"
slas:
  - objective: api
    target: 99.9%
    period: month
    time_zone: UTC
    denominator: calendar
    slice: 1m
    slice_rule: error_ratio > 0.05
    min_run: 1
    aggregate: slices
    zero_traffic: up
    min_events_per_slice: 0
    missing_data: up
    rounding: none
    tiers:
      - {{from: 0%, from_inclusive: true, to: 99.9%, to_inclusive: false, credit_percent: 10}}
combine: max
credit_policy: {{auto_propose: false, approvers: [approver_finance]}}
"""


async def run() -> list[Row]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        async with embedded_servers(folder / "data") as servers:
            await migrate(servers.database_url)
            settings = Settings(
                database_url=servers.database_url,
                redis_url=servers.redis_url,
                key_file=folder / "keys.json",
                base_url="https://trust.example",
                ingest_events_per_minute=10_000_000,
            )
            house = build_house(settings, ManualClock(BEGAN + timedelta(days=1)))
            await house.open()
            try:
                postmortem_id = await _fill(house)
                times, size = await _measure(house, postmortem_id)
            finally:
                await house.close()
    return [
        context("the document", size / 1024, "KiB"),
        context("the slowest of them", max(times), "ms"),
        at_most(f"a postmortem with {FACTS:,} facts in range", statistics.median(times), "ms", 500, "500 ms"),
    ]


async def _measure(house: House, postmortem_id: UUID) -> tuple[list[float], int]:
    times, size = [], 0
    for _ in range(RUNS):
        begin = time.perf_counter()
        async with house.storage.read(StaffScope(), snapshot=True) as session:
            postmortem = await find_postmortem(session, postmortem_id)
            made = await assemble(session, postmortem, house.clock.now(), vendor="Aurora Cloud")
        size = len(canonical(made.body))
        times.append((time.perf_counter() - begin) * 1000)
    return times, size


async def _fill(house: House) -> UUID:
    for key in CUSTOMERS:
        onboarded = datetime(2026, 1, 1, tzinfo=UTC)
        await house.tenants.create(CreateTenant(key, key.title(), onboarded_at=onboarded), CONSOLE)
        await house.contracts.import_file(ImportContracts(_CONTRACT.format(key=key).encode()), CONSOLE)
    await _deliver(house, _noise())
    await _deliver(house, _measured())
    await _deliver(house, _incident())
    await house.incident_following.follow()
    async with house.storage.read(TenantScope(VENDOR_ID)) as session:
        (postmortem,) = (await postmortems_page(session, PageRequest(5))).items
    return postmortem.id


def _noise() -> Iterator[dict[str, Any]]:
    """A third of it changes: staging deploys and flag steps, of which the document names the last."""
    data: dict[str, Any]
    for number in range(FACTS):
        at = BEGAN - timedelta(hours=23) + timedelta(seconds=number * 0.8)
        customer = CUSTOMERS[number % 3]
        match number % 3:
            case 0:
                data = {
                    "service": f"s{number % 40}",
                    "version": f"1.{number}",
                    "environment": "staging",
                    "by": "ci",
                }
                yield _event("change.deployed", number, at, data)
            case 1:
                data = {
                    "tenant": customer, "operation": "export", "resource": f"r{number % 50}", "subsystem": "egress",
                    "quantity": 1, "unit": "GB", "duration_s": 3, "initiated_by": "cron",
                }  # fmt: skip
                yield _event("operation.completed", number, at, data)
            case _:
                data = {
                    "tenant": customer, "adapter": f"a{number % 20}", "calls": 9, "errors": 0, "retries": 0,
                    "p95_ms": 20, "bytes": 100,
                }  # fmt: skip
                yield _event("adapter.observed", number, at.replace(second=0, microsecond=0), data)


def _measured() -> Iterator[dict[str, Any]]:
    start = datetime(2026, 6, 1, tzinfo=UTC)
    for minute in range(int((BEGAN - start) / timedelta(minutes=1)) + 180):
        at = start + timedelta(minutes=minute)
        down = BEGAN <= at < BEGAN + timedelta(minutes=31)
        for key in CUSTOMERS:
            data = {"tenant": key, "objective": "api", "total": 100, "good": 0 if down else 100}
            yield _event("sli.measured", f"{key}-{minute}", at, data)


def _incident() -> Iterator[dict[str, Any]]:
    at = rfc3339(BEGAN)
    yield _event("incident.declared", "d", BEGAN, {
        "incident": "INC-1", "severity": "P1", "title": "Exports slow", "service": "s1", "tenants": list(CUSTOMERS),
        "began_at": at, "detected_at": at, "owner": "ivo@vendor.example",
    })  # fmt: skip
    for number in range(60):
        then = BEGAN + timedelta(minutes=number)
        data = {"incident": "INC-1", "kind": "note", "text": f"Note {number}"}
        yield _event("incident.updated", f"n{number}", then, data)
    end = BEGAN + timedelta(hours=2)
    yield _event("incident.resolved", "r", end, {"incident": "INC-1", "at": rfc3339(end), "text": "Over."})


def _event(type_: str, id_: object, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{type_}-{id_}",
        "source": "urn:bench",
        "type": f"trustportal.{type_}.v1",
        "time": rfc3339(at),
        "data": data,
    }


async def _deliver(house: House, events: Iterator[dict[str, Any]]) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for event in events:
            yield json.dumps(event).encode() + b"\n"

    outcome = await house.intake.deliver(lines(parts()), Admission(CONSOLE, Bounds(sources=("*",))))
    assert outcome.rejected_count == 0, outcome.rejected

"""Idempotent NDJSON ingest against a raw COPY of the same columns into a plain table.

The raw side is the fastest that PostgreSQL offers: rows parsed beforehand, copied in one statement
into a table without any index or constraint, one commit with fsync. The ingest side starts from the
bytes of a request and ends with every event checked, registered and committed.

Beside the rates stands what an event costs in processor time of this process and of PostgreSQL:
other programs on the machine slow the rates down and leave that nearly as it is.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import httpx
from starlette.applications import Starlette

from benchmarks.row import Row, at_least, context
from trust_portal.access.actors import CONSOLE
from trust_portal.access.denials import Denials
from trust_portal.access.gate import Gate
from trust_portal.access.policy import shipped_policies
from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import insert_tenant
from trust_portal.access.tokens.model import Admission, Bounds
from trust_portal.facts.framing import lines
from trust_portal.facts.intake import Intake
from trust_portal.kernel.clock import SystemClock
from trust_portal.kernel.ids import new_id
from trust_portal.runtime.embedded import embedded_servers
from trust_portal.runtime.migrate import migrate
from trust_portal.storage.engine import create_engine
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage
from trust_portal.web.views.events import NDJSON, routes

EVENTS = 120_000
ROUNDS = 3
LIMIT = 0.15
START = datetime(2026, 5, 1, tzinfo=UTC)
SENDER = Admission(CONSOLE, Bounds(sources=("*",)))


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds: by the clock, and of the processor in this process and in the database's."""

    wall: float
    python: float
    database: float


async def cost_of(work: Awaitable[float]) -> Cost:
    """``work`` answers how long it took by the clock."""
    python, database = time.process_time(), _database_seconds()
    wall = await work
    return Cost(wall, time.process_time() - python, _database_seconds() - database)


def _database_seconds() -> float:
    """Processor time of all processes below this one, from /proc (Linux; 0 elsewhere)."""
    try:
        stats = {int(path.parent.name): path.read_text() for path in Path("/proc").glob("[0-9]*/stat")}
    except OSError:
        return 0.0
    # The name of the program may hold spaces and ends with the last bracket.
    fields = {pid: stat.rpartition(")")[2].split() for pid, stat in stats.items()}
    family, newest = {os.getpid()}, {os.getpid()}
    while newest:
        newest = {pid for pid, values in fields.items() if int(values[1]) in newest}
        family |= newest
    # utime, stime and those of children that have ended: a backend ends with its connection.
    ticks = sum(int(each) for pid in family - {os.getpid()} for each in fields[pid][11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


class Doorman:
    """Knows one token, so that the HTTP figure is about events and not about people."""

    async def admit(self, _secret: str) -> Admission:
        return SENDER


def ndjson(round_: str) -> bytes:
    events = (
        {
            "specversion": "1.0",
            "id": f"{round_}-{number}",
            "source": "urn:probe:eu-west",
            "type": "trustportal.sli.measured.v1",
            "time": (START + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "data": {"tenant": "acme", "objective": "api", "total": 600 + number % 7, "good": 600},
        }
        for number in range(EVENTS)
    )
    return "\n".join(json.dumps(event, separators=(",", ":")) for event in events).encode()


async def raw_copy(url: str) -> float:
    """Seconds for the same events' columns, parsed already, into a table without an index."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    await connection.execute(
        "CREATE TABLE plain (tenant_id uuid, objective text, minute timestamptz, event_key bytea, total bigint,"
        " good bigint, source text, event_id text, received_at timestamptz)"
    )
    now = datetime.now(UTC)
    tenant_id = new_id()
    rows: Sequence[tuple[Any, ...]] = [
        (tenant_id, "api", START + timedelta(minutes=number), number.to_bytes(16, "big"), 600 + number % 7,
         600, "urn:probe:eu-west", f"r-{number}", now)
        for number in range(EVENTS)
    ]  # fmt: skip
    began = time.perf_counter()
    await connection.copy_records_to_table("plain", records=rows)
    seconds = time.perf_counter() - began
    await connection.execute("DROP TABLE plain")
    await connection.close()
    return seconds


async def through_service(intake: Intake, body: bytes) -> float:
    async def stream() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 1 << 16):
            yield body[start : start + (1 << 16)]

    began = time.perf_counter()
    outcome = await intake.deliver(lines(stream()), SENDER)
    seconds = time.perf_counter() - began
    assert outcome.accepted == EVENTS, outcome
    return seconds


async def through_http(intake: Intake, body: bytes, *, accepted: int) -> float:
    app = Starlette(routes=routes)
    app.state.house = SimpleNamespace(
        intake=intake, tokens=Doorman(), settings=SimpleNamespace(max_body_bytes=1)
    )
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://portal") as client:
        began = time.perf_counter()
        answer = await client.post(
            "/events",
            content=body,
            headers={"content-type": NDJSON, "authorization": "Bearer x"},
            timeout=120,
        )
        seconds = time.perf_counter() - began
    assert answer.json() == {"accepted": accepted, "duplicates": EVENTS - accepted, "rejected": []}
    return seconds


async def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        async with embedded_servers(Path(folder) / "data") as servers:
            url = servers.database_url
            await migrate(url)
            engine = create_engine(url)
            try:
                return await _measure(url, Storage(engine))
            finally:
                await engine.dispose()


async def _measure(url: str, storage: Storage) -> list[Row]:
    tenant = Tenant(new_id(), "acme", "Acme", "UTC", "eu", START, START, None)
    async with storage.write(TenantScope(tenant.id)) as session:
        await insert_tenant(session, tenant)
    intake = Intake(storage, Gate(shipped_policies(), Denials(storage)), SystemClock())
    raws, services, https = [], [], []
    # Turn by turn, and the best of each: other programs on the machine only ever make a round slower.
    for at in range(ROUNDS):
        bodies = ndjson(f"s{at}"), ndjson(f"h{at}")
        raws.append(await cost_of(raw_copy(url)))
        services.append(await cost_of(through_service(intake, bodies[0])))
        https.append(await cost_of(through_http(intake, bodies[1], accepted=EVENTS)))
    again = await cost_of(through_http(intake, ndjson("h0"), accepted=0))
    raw, service, http = (min(each.wall for each in costs) for costs in (raws, services, https))
    named = "raw COPY into a plain table"
    return [
        context("raw COPY", EVENTS / raw, "events/s"),
        context("idempotent NDJSON ingest", EVENTS / service, "events/s"),
        context("the same through POST /events", EVENTS / http, "events/s"),
        context("the same again, all duplicates", EVENTS / again.wall, "events/s"),
        *_processor_rows("raw COPY", raws),
        *_processor_rows("idempotent NDJSON ingest", services),
        at_least("idempotent NDJSON ingest", raw / service, "of raw COPY", LIMIT, named),
        at_least("the same through POST /events", raw / http, "of raw COPY", LIMIT, named),
    ]


def _processor_rows(name: str, costs: Sequence[Cost]) -> list[Row]:
    each = 1e6 / EVENTS
    return [
        context(f"{name}, processor: this process", min(cost.python for cost in costs) * each, "µs/event"),
        context(f"{name}, processor: PostgreSQL", min(cost.database for cost in costs) * each, "µs/event"),
    ]

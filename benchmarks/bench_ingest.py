"""Idempotent NDJSON ingest against a raw COPY of the same columns into a plain table.

The raw side has nothing to do but copy: one statement into a table without any index or constraint,
one commit with fsync. There are three ways to it, and all are measured:

* *text*: the columns as COPY's own text format, written before the clock starts, as ``psql`` copies
  a file. This is what is meant by a raw COPY, and what the bar is held against.
* *binary*: the rows as PostgreSQL's wire bytes, written before the clock starts. Nobody has such a
  file; it shows what storing alone costs.
* *by the driver*: Python tuples that asyncpg encodes while the clock runs. Not held against: a
  third of its time is the driver's.

The ingest side starts from the bytes of a request and ends with every event checked, registered and
committed.

Beside the rates stands what an event costs in processor time of this process and of PostgreSQL:
other programs on the machine slow the rates down and leave that nearly as it is.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from starlette.applications import Starlette

from benchmarks.cpu_time import below_seconds
from benchmarks.row import Row, at_least, context
from trust_portal.access.actors import CONSOLE
from trust_portal.access.denials import Denials
from trust_portal.access.gate import Gate
from trust_portal.access.policy import shipped_policies
from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import insert_tenant
from trust_portal.access.tokens.model import Admission, Bounds
from trust_portal.facts.copying import copy_rows, instant, raw, row, text
from trust_portal.facts.framing import lines
from trust_portal.facts.intake import Intake
from trust_portal.facts.reading import event_key
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
    python, database = time.process_time(), below_seconds(os.getpid())
    wall = await work
    await asyncio.sleep(0.1)  # a backend that has ended passes its time on when it is waited for
    return Cost(wall, time.process_time() - python, below_seconds(os.getpid()) - database)


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


PLAIN = (
    "CREATE TABLE plain (tenant_id uuid, objective text, minute timestamptz, event_key uuid, total bigint,"
    " good bigint, source text, event_id text, received_at timestamptz)"
)


def plain_rows() -> list[tuple[Any, ...]]:
    """The same events' columns, as ``measurements`` has them."""
    now, tenant_id = datetime.now(UTC), new_id()
    return [
        (tenant_id, "api", START + timedelta(minutes=number), UUID(bytes=event_key("urn:probe:eu-west", f"r-{number}")),
         600 + number % 7, 600, "urn:probe:eu-west", f"r-{number}", now)
        for number in range(EVENTS)
    ]  # fmt: skip


async def raw_copy(url: str, copy: Callable[[Any], Awaitable[object]]) -> float:
    """Seconds that ``copy`` takes on a connection with an empty table ``plain``."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    await connection.execute(PLAIN)
    began = time.perf_counter()
    await copy(connection)
    seconds = time.perf_counter() - began
    assert await connection.fetchval("SELECT count(*) FROM plain") == EVENTS
    await connection.execute("DROP TABLE plain")
    await connection.close()
    return seconds


def copies() -> dict[str, Callable[[Any], Awaitable[object]]]:
    """The three ways, each with what it copies made ready."""
    rows = plain_rows()
    as_text = "".join(
        "\t".join(each.isoformat() if isinstance(each, datetime) else str(each) for each in values) + "\n"
        for values in rows
    ).encode()
    as_wire = [
        row(
            raw(tenant.bytes), text(objective), instant(minute), raw(key.bytes), raw(total.to_bytes(8, "big")),
            raw(good.to_bytes(8, "big")), text(source), text(id_), instant(received_at),
        )
        for tenant, objective, minute, key, total, good, source, id_, received_at in rows
    ]  # fmt: skip
    return {
        "text": lambda connection: connection.copy_to_table("plain", source=BytesIO(as_text)),
        "binary": lambda connection: copy_rows(connection, "plain", as_wire),
        "by the driver": lambda connection: connection.copy_records_to_table("plain", records=rows),
    }


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
    ways = copies()
    raws: dict[str, list[Cost]] = {way: [] for way in ways}
    services, https = [], []
    # Turn by turn, and the best of each: other programs on the machine only ever make a round slower.
    for at in range(ROUNDS):
        bodies = ndjson(f"s{at}"), ndjson(f"h{at}")
        for way, copy in ways.items():
            raws[way].append(await cost_of(raw_copy(url, copy)))
        services.append(await cost_of(through_service(intake, bodies[0])))
        https.append(await cost_of(through_http(intake, bodies[1], accepted=EVENTS)))
    again = await cost_of(through_http(intake, ndjson("h0"), accepted=0))
    plain, service, http = (min(each.wall for each in costs) for costs in (raws["text"], services, https))
    named = "raw COPY (text) into a plain table"
    return [
        *(context(f"raw COPY, {way}", EVENTS / min(c.wall for c in raws[way]), "events/s") for way in ways),
        context("idempotent NDJSON ingest", EVENTS / service, "events/s"),
        context("the same through POST /events", EVENTS / http, "events/s"),
        context("the same again, all duplicates", EVENTS / again.wall, "events/s"),
        *(line for way in ways for line in _processor_rows(f"raw COPY, {way}", raws[way])),
        *_processor_rows("idempotent NDJSON ingest", services),
        at_least("idempotent NDJSON ingest", plain / service, "of raw COPY", LIMIT, named),
        at_least("the same through POST /events", plain / http, "of raw COPY", LIMIT, named),
    ]


def _processor_rows(name: str, costs: Sequence[Cost]) -> list[Row]:
    each = 1e6 / EVENTS
    return [
        context(f"{name}, processor: this process", min(cost.python for cost in costs) * each, "µs/event"),
        context(f"{name}, processor: PostgreSQL", min(cost.database for cost in costs) * each, "µs/event"),
    ]

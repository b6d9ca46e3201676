"""``POST /events`` and ``/schemas/`` over HTTP, as a producer sees them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from intake_door import Door, fact, sli
from starlette.applications import Starlette

from trust_portal.access.actors import CONSOLE
from trust_portal.access.tokens.model import Admission, Bounds
from trust_portal.errors import NotSignedIn
from trust_portal.facts.rate import RateLimit
from trust_portal.facts.reading import MAX_EVENT_BYTES
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.reliability.objectives.directory import DefinedObjectives
from trust_portal.reliability.objectives.model import Definition, ObjectiveKind, ObjectiveSource
from trust_portal.reliability.objectives.repository import append_objectives
from trust_portal.storage.tenancy import TenantScope
from trust_portal.web import errors
from trust_portal.web.views.events import BATCH, NDJSON, SINGLE, routes

NOTHING = {"accepted": 0, "duplicates": 0, "rejected": []}


class Tokens:
    """Stands in for the token service: three known secrets."""

    def __init__(self, door: Door) -> None:
        self.known = {
            "all": Admission(CONSOLE, Bounds(sources=("*",))),
            "acme": Admission(CONSOLE, Bounds(sources=("urn:probe:*",), tenants=frozenset({door.acme}))),
            "reader": Admission(SYSTEM, Bounds(sources=("*",))),
        }

    async def admit(self, secret: str) -> Admission:
        if secret not in self.known:
            raise NotSignedIn("this token is not valid", code="BAD_CREDENTIAL")
        return self.known[secret]


class Producer:
    def __init__(self, client: httpx.AsyncClient, door: Door) -> None:
        self.client, self.door = client, door

    async def post(
        self,
        content: Any,
        kind: str | None = SINGLE,
        token: str | None = "all",  # noqa: S107 - a stand-in
        **headers: str,
    ) -> httpx.Response:
        if not isinstance(content, bytes | AsyncIterator):
            content = json.dumps(content).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if kind is not None:
            sent["content-type"] = kind
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        return await self.client.post("/events", content=content, headers=sent)


@pytest.fixture
async def producer(door: Door) -> AsyncIterator[Producer]:
    app = Starlette(routes=routes)
    async with door.storage.write(TenantScope(VENDOR_ID)) as session:
        api = Definition("api", ObjectiveKind.AVAILABILITY, "API")
        at, receipt_id = door.storage.clock.now(), new_id()
        await append_objectives(
            session, VENDOR_ID, [(api, 1)], source=ObjectiveSource.OPENSLO, at=at, receipt_id=receipt_id
        )
    app.state.house = SimpleNamespace(
        intake=door.intake,
        objectives=SimpleNamespace(directory=DefinedObjectives(door.storage)),
        tokens=Tokens(door),
        settings=SimpleNamespace(max_body_bytes=1_000_000),
    )
    errors.install(app)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://portal") as client:
        yield Producer(client, door)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (SINGLE, json.dumps(sli()).encode()),
        (SINGLE + "; charset=UTF-8", json.dumps(sli(), indent=2).encode()),
        (BATCH, json.dumps([sli()]).encode()),
        (NDJSON, json.dumps(sli()).encode() + b"\n"),
    ],
)
async def test_an_event_is_accepted_once_in_each_content_type(
    producer: Producer, kind: str, body: bytes
) -> None:
    first, again = await producer.post(body, kind), await producer.post(body, kind)
    assert (first.status_code, first.json()) == (200, {**NOTHING, "accepted": 1})
    assert (again.status_code, again.json()) == (200, {**NOTHING, "duplicates": 1})
    assert await producer.door.counts() == (1, 0)


async def test_measurements_of_an_objective_that_nobody_has_defined_are_kept_and_named(
    producer: Producer,
) -> None:
    batch = [sli(0), sli(1, objective="apj"), sli(2, objective="apj"), sli(3, tenant="globex", objective="a")]
    first, again = await producer.post(batch, BATCH), await producer.post(batch, BATCH)
    unmapped = [{"tenant": "acme", "objective": "apj"}, {"tenant": "globex", "objective": "a"}]
    assert first.json() == {**NOTHING, "accepted": 4, "unmapped": unmapped}
    assert again.json() == {**NOTHING, "duplicates": 4, "unmapped": unmapped}
    defined = [(Definition("apj", ObjectiveKind.AVAILABILITY, "APJ"), 1)]
    async with producer.door.storage.write(TenantScope(producer.door.acme)) as session:
        at = producer.door.storage.clock.now()
        await append_objectives(
            session,
            producer.door.acme,
            defined,
            source=ObjectiveSource.CONTRACT,
            at=at,
            receipt_id=new_id(),
        )
    mapped = await producer.post(batch, BATCH)
    assert mapped.json() == {**NOTHING, "duplicates": 4, "unmapped": unmapped[1:]}


async def test_each_event_of_a_batch_is_answered_and_the_sound_ones_kept(producer: Producer) -> None:
    batch = [
        sli(0),
        sli(0),
        sli(0, good=1),
        sli(1, total=-1),
        {**sli(2), "type": "other"},
        sli(3, tenant="x"),
        7,
    ]
    answer = await producer.post(batch, BATCH)
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "accepted": 1,
            "duplicates": 1,
            "rejected": [
                {"index": 2, "id": "m-0", "code": "CONFLICT", "path": "$.id",
                 "message": "this source and id were received before with different content; a new fact needs a new id"},
                {"index": 3, "id": "m-1", "code": "INVALID", "message": "Expected `int` >= 0", "path": "$.data.total"},
                {"index": 4, "id": "m-2", "code": "UNKNOWN_TYPE", "message": "no event type other", "path": "$.type"},
                {"index": 5, "id": "m-3", "code": "UNKNOWN_TENANT", "message": "no tenant x", "path": "$.data.tenant"},
                {"index": 6, "id": None, "code": "MALFORMED", "message": "an event is a JSON object", "path": "$"},
            ],
        },
    )  # fmt: skip
    assert await producer.door.counts() == (1, 0)


async def test_a_bad_line_of_a_stream_costs_only_itself(producer: Producer) -> None:
    async def body() -> AsyncIterator[bytes]:
        text = b"\n".join(
            [json.dumps(sli(0)).encode(), b"{oops", b"x" * (MAX_EVENT_BYTES + 9), json.dumps(sli(1)).encode()]
        )
        for start in range(0, len(text), 10_000):
            yield text[start : start + 10_000]

    answer = await producer.post(body(), NDJSON)
    assert answer.status_code == 200
    assert answer.json()["accepted"] == 2
    assert [(r["index"], r["code"]) for r in answer.json()["rejected"]] == [
        (1, "MALFORMED"),
        (2, "TOO_LARGE"),
    ]


@pytest.mark.parametrize(
    ("content", "kind", "token", "status", "code"),
    [
        (sli(), SINGLE, None, 401, "NOT_SIGNED_IN"),
        (sli(), SINGLE, "wrong", 401, "BAD_CREDENTIAL"),
        (sli(), SINGLE, "reader", 403, "DENIED"),
        (sli(), "application/json", "all", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (sli(), None, "all", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (sli(), SINGLE + "; charset=latin-1", "all", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"x" * (MAX_EVENT_BYTES + 1), SINGLE, "all", 413, "TOO_LARGE"),
        (b"x" * 1_000_001, BATCH, "all", 413, "TOO_LARGE"),
        (sli(), BATCH, "all", 400, "MALFORMED"),
        (b"[{", BATCH, "all", 400, "MALFORMED"),
        (b"{", SINGLE, "all", 400, "MALFORMED"),
        (b"", SINGLE, "all", 400, "MALFORMED"),
    ],
)
async def test_a_request_that_cannot_be_taken_is_refused_as_a_whole(
    producer: Producer, content: Any, kind: str | None, token: str | None, status: int, code: str
) -> None:
    answer = await producer.post(content, kind, token)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await producer.door.counts() == (0, 0)


async def test_compressed_bodies_are_not_guessed_at(producer: Producer) -> None:
    assert (await producer.post(sli(), content_encoding="gzip")).status_code == 415


async def test_a_stream_of_nothing_but_an_endless_line_is_too_large(producer: Producer) -> None:
    answer = await producer.post(b"x" * (MAX_EVENT_BYTES + 1), NDJSON)
    assert (answer.status_code, answer.json()["rejected"][0]["code"]) == (413, "TOO_LARGE")


async def test_a_token_speaks_only_for_its_sources_and_tenants(producer: Producer) -> None:
    foreign = [
        {**sli(1), "source": "urn:vendor"},
        sli(2, tenant="globex"),
        {**fact("change.deployed", service="a", version="1", environment="p", by="x"), "source": "urn:probe:eu"},
        {**fact("change.flag", "f-2", flag="a", variant="1", percentage=1, tenants=["acme", "globex"], by="x"),
         "source": "urn:probe:eu"},
    ]  # fmt: skip
    mixed = await producer.post([sli(0), *foreign], BATCH, "acme")
    assert (mixed.status_code, mixed.json()["accepted"]) == (200, 1)
    assert [(r["index"], r["code"], r["path"]) for r in mixed.json()["rejected"]] == [
        (1, "FORBIDDEN_SOURCE", "$.source"),
        (2, "FORBIDDEN_TENANT", "$.data.tenant"),
        (3, "FORBIDDEN_TENANT", "$.data.tenants"),
        (4, "FORBIDDEN_TENANT", "$.data.tenants[1]"),
    ]
    only_foreign = await producer.post(foreign, BATCH, "acme")
    assert (only_foreign.status_code, only_foreign.json()["accepted"]) == (403, 0)
    assert await producer.door.counts() == (1, 0)


@pytest.mark.parametrize("source", ["portal", "pagerduty/main", "alertmanager/prod"])
async def test_no_token_speaks_for_the_portals_own_doors(producer: Producer, source: str) -> None:
    step = fact("incident.resolved", incident="INC-1", at="2026-06-02T10:00:00Z", text="Over")
    answer = await producer.post([{**step, "source": source}, sli(0)], BATCH)
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    [rejected] = answer.json()["rejected"]
    assert (rejected["index"], rejected["code"], rejected["path"]) == (0, "FORBIDDEN_SOURCE", "$.source")
    assert await producer.door.counts() == (1, 0)


async def test_an_empty_batch_is_no_error(producer: Producer) -> None:
    for kind, body in ((BATCH, b"[]"), (NDJSON, b""), (NDJSON, b"\n\n")):
        answer = await producer.post(body, kind)
        assert (answer.status_code, answer.json()) == (200, NOTHING)


async def test_who_sends_faster_than_agreed_is_told_when_to_go_on(producer: Producer) -> None:
    producer.door.intake.rate = RateLimit(2, lambda: 0.0)
    assert (await producer.post([sli(0), sli(1), sli(2)], BATCH)).json()["accepted"] == 3
    answer = await producer.post(sli(3))
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["code"]) == (
        429,
        "30",
        "TOO_MANY",
    )
    assert await producer.door.counts() == (3, 0)


async def test_without_a_database_the_producer_is_told_to_come_again(
    producer: Producer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("connection refused")

    monkeypatch.setattr(type(producer.door.storage), "_begin", refuse)
    answer = await producer.post([sli(0), sli(1)], BATCH)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (
        503,
        "UNAVAILABLE",
        "5",
    )
    monkeypatch.undo()
    assert (await producer.post([sli(0), sli(1)], BATCH)).json()["accepted"] == 2


async def test_schemas_are_listed_and_served(producer: Producer) -> None:
    listed = (await producer.client.get("/schemas/")).json()["schemas"]
    assert {
        "name": "trustportal.sli.measured.v1",
        "url": "/schemas/trustportal.sli.measured.v1.json",
    } in listed
    for schema in listed:
        answer = await producer.client.get(schema["url"])
        assert answer.headers["content-type"] == "application/schema+json"
        assert answer.json()["title"] == schema["name"]
        assert (await producer.client.get(schema["url"].removesuffix(".json"))).json() == answer.json()
    missing = await producer.client.get("/schemas/nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "NOT_FOUND")

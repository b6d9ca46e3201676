"""Seeded nonsense at every door that takes input: a refusal each time, never a 5xx and never a trace."""

from __future__ import annotations

import json
import random
import string
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from trust_portal.access.action import TokenScope
from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import AddPerson, GrantRole
from trust_portal.access.tokens.model import Bounds, CreateToken
from trust_portal.app import create_app
from trust_portal.cli import cli
from trust_portal.errors import TrustPortalError
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.settings import Settings

pytestmark = pytest.mark.takes(seconds=15)

_SEED = 7
_EVENT = {
    "specversion": "1.0",
    "type": "trustportal.sli.measured.v1",
    "source": "//s",
    "id": "1",
    "time": "2026-06-01T00:00:00Z",
    "data": {"tenant": "nobody", "objective": "api", "total": 1, "good": 1},
}
_QUERY = (
    'query Q($k: String!) { tenant(key: $k) { id slaReports(first: 2, after: "x") { edges { cursor } } } }'
)
_ODD: tuple[object, ...] = (
    None, True, -1, 0, 2**63, 2**64, 1e308, "", "\x00", "\ud800", "𝔘" * 400, "../../etc", "' OR 1=1 --",
    [], {}, [[[[]]]], {"": {}}, "9999-99-99T99:99:99Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59+23:59",
)  # fmt: skip


@pytest.fixture
async def client(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The application with a token that may do everything a token can."""
    app = create_app(Settings(database_url, redis_url, tmp_path / "keys.json", demo=True))
    async with app.router.lifespan_context(app):
        house = app.state.house
        person = await house.people.add(AddPerson(VENDOR_ID, "ops@vendor.example", "Ops"), CONSOLE)
        await house.people.grant(GrantRole(VENDOR_ID, person.id, Role.VENDOR_ADMIN, None), CONSOLE)
        await house.people.grant(GrantRole(VENDOR_ID, person.id, Role.SRE_OPERATOR, None), CONSOLE)
        token = await house.tokens.create(
            CreateToken(VENDOR_ID, "all", frozenset(TokenScope), Bounds(("*",)), person_id=person.id), CONSOLE
        )
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport,
            base_url="http://127.0.0.1:8400",
            headers={"authorization": f"Bearer {token.secret}"},
        ) as client:
            yield client


def _bent(chance: random.Random, value: object) -> object:
    """``value`` with one thing in it replaced, removed or added."""
    if isinstance(value, dict) and value:
        key = chance.choice(sorted(value))
        how = chance.random()
        if how < 0.2:
            return {name: item for name, item in value.items() if name != key}
        if how < 0.3:
            return {**value, chance.choice(["", "x", "tenant_id", "\u0000"]): chance.choice(_ODD)}
        return {**value, key: _bent(chance, value[key])}
    return chance.choice(_ODD)


def _broken(chance: random.Random, body: bytes) -> bytes:
    at, length = chance.randrange(len(body)), chance.randrange(1, 9)
    noise = chance.choice([b"", chance.randbytes(length), b"[" * 3000, b"\xff\xfe", b"\\u0000", b'"'])
    return body[:at] + noise + body[at + chance.randrange(0, 4) :]


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


async def test_events_of_any_shape_are_answered(client: httpx.AsyncClient) -> None:
    chance = random.Random(_SEED)
    for round_ in range(200):
        bent = _json(_bent(chance, _EVENT))
        body = bent if round_ % 2 else _broken(chance, bent)
        kind = chance.choice(["application/cloudevents+json", "application/x-ndjson"])
        if chance.random() < 0.3:
            kind, body = "application/cloudevents-batch+json", b"[" + body + b"," + body + b"]"
        answer = await client.post("/events", content=body, headers={"content-type": kind})
        assert answer.status_code < 500, (_SEED, round_, kind, body, answer.text)
        assert answer.status_code != 200 or answer.json()["accepted"] == 0


async def test_graphql_of_any_shape_is_answered(client: httpx.AsyncClient) -> None:
    chance = random.Random(_SEED)
    request = {"query": _QUERY, "variables": {"k": "vendor"}, "operationName": "Q"}
    for round_ in range(200):
        if round_ % 3 == 0:
            request_ = {**request, "query": _broken(chance, _QUERY.encode()).decode(errors="replace")}
            body = _json(request_)
        else:
            body = _json(_bent(chance, request))
            body = body if round_ % 3 == 1 else _broken(chance, body)
        answer = await client.post("/graphql", content=body, headers={"content-type": "application/json"})
        assert answer.status_code < 500, (_SEED, round_, body, answer.text)
        assert "INTERNAL" not in answer.text, (_SEED, round_, body, answer.text)


async def test_addresses_and_forms_of_any_shape_are_answered(client: httpx.AsyncClient) -> None:
    chance = random.Random(_SEED)
    paths = (
        "/t/{}",
        "/t/{}/reports",
        "/t/vendor/receipts/{}",
        "/runs",
        "/sign-in",
        "/t/vendor/people",
        "/t/{}/tokens",
    )
    for round_ in range(150):
        word = chance.choice(
            [
                "vendor",
                "%00",
                "%FF",
                "..%2f",
                "a" * 3000,
                "é",
                "' OR 1=1",
                "".join(chance.choices(string.printable, k=8)),
            ]
        )
        path = chance.choice(paths).format(
            httpx.QueryParams({"w": word}).__str__()[2:] if chance.random() < 0.7 else "vendor"
        )
        query = {
            chance.choice(["after", "before", "first", "period", "next"]): str(chance.choice(_ODD))
            .encode(errors="replace")
            .decode()
        }
        if chance.random() < 0.5:
            answer = await client.get(path, params=query)
        else:
            fields = dict.fromkeys(("period", "reason", "email", "label", "scopes", "days", "secret"), word)
            answer = await client.post(
                path, data=fields, headers={"accept": chance.choice(["text/html", "*/*"])}
            )
        assert answer.status_code < 500, (_SEED, round_, path, query, answer.text[:500])


@pytest.mark.parametrize("command", [["sla", "preview"], ["verify"]])
def test_files_of_any_shape_are_refused_without_a_trace(command: list[str], tmp_path: Path) -> None:
    chance = random.Random(_SEED)
    contract = b"tenant: a\nversion: '1'\neffective_from: 2026-01-01\ncurrency: EUR\nfee: '1'\nslas:\n  - objective: api\n    target: '99'\n    time_zone: UTC\n    tiers: [{to: '99', credit_percent: '10'}]\n"
    measurements = b"objective,time,total,good\napi,2026-06-01T00:00:00Z,1,1\n"
    for round_ in range(40):
        one, two = tmp_path / "one", tmp_path / "two.csv"
        one.write_bytes(_broken(chance, contract) if round_ % 3 else contract)
        two.write_bytes(_broken(chance, measurements) if round_ % 2 else measurements)
        arguments = (
            ["--contract", str(one), "--measurements", str(two), "--period", "2026-06"]
            if command == ["sla", "preview"]
            else [str(one)]
        )
        result = CliRunner().invoke(cli, [*command, *arguments], standalone_mode=False)
        known = result.exception is None or isinstance(result.exception, TrustPortalError | SystemExit)
        assert known, (_SEED, round_, one.read_bytes(), two.read_bytes(), result.exc_info)

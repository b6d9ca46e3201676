"""Events from outside the process: with a real token over a real socket, and from a file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from click.testing import CliRunner, Result
from intake_door import Door, sli, slis

from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import AddPerson, GrantRole
from trust_portal.access.tokens.model import Bounds, CreateToken, TokenScope
from trust_portal.access.tokens.service import Tokens
from trust_portal.app import create_app
from trust_portal.cli import cli
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.settings import Settings, load_settings
from trust_portal.web.views.events import NDJSON


@pytest.fixture
def environment(database_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "KEY_FILE": str(tmp_path / "keys.json"),
        "BASE_URL": "http://127.0.0.1",
    }


@pytest.fixture
async def portal(environment: dict[str, str]) -> AsyncIterator[tuple[str, str, str]]:
    """Address of a served portal, an ingest token for ``urn:probe:*``, and its id."""
    settings: Settings = load_settings(environment)
    app = create_app(settings)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done()
        await asyncio.sleep(0.01)
    house = app.state.house
    person = await house.people.add(AddPerson(VENDOR_ID, "ops@vendor.example", "Ops"), CONSOLE)
    await house.people.grant(GrantRole(VENDOR_ID, person.id, Role.SRE_OPERATOR, None), CONSOLE)
    issued = await house.tokens.create(
        CreateToken(
            VENDOR_ID,
            "probe",
            frozenset({TokenScope.INGEST}),
            Bounds(sources=("urn:probe:*",)),
            person_id=person.id,
        ),
        CONSOLE,
    )
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}", issued.secret, str(issued.token.id)
    server.should_exit = True
    await serving


async def test_a_stream_with_a_real_token_is_stored_and_the_token_looked_up_once(
    door: Door, portal: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, secret, _ = portal
    admitted: list[str] = []
    admit = Tokens.admit

    async def counted(self: Tokens, secret: str) -> object:
        admitted.append(secret)
        return await admit(self, secret)

    monkeypatch.setattr(Tokens, "admit", counted)

    async def body() -> AsyncIterator[bytes]:
        for event in [*slis(range(50)), {**sli(50), "source": "urn:other"}]:
            yield json.dumps(event).encode() + b"\n"

    headers = {"authorization": f"Bearer {secret}", "content-type": NDJSON}
    async with httpx.AsyncClient(base_url=address) as client:
        answer = await client.post("/events", content=body(), headers=headers)
    assert answer.status_code == 200
    assert (answer.json()["accepted"], [r["code"] for r in answer.json()["rejected"]]) == (
        50,
        ["FORBIDDEN_SOURCE"],
    )
    assert admitted == [secret]
    assert await door.counts() == (50, 0)


async def test_an_unknown_or_missing_token_stores_nothing(door: Door, portal: tuple[str, str, str]) -> None:
    address, secret, _ = portal
    async with httpx.AsyncClient(base_url=address) as client:
        codes = []
        for headers in ({}, {"authorization": f"Bearer {secret}x"}, {"authorization": "Basic eA=="}):
            answer = await client.post(
                "/events", content=json.dumps(sli(0)), headers={**headers, "content-type": NDJSON}
            )
            codes.append((answer.status_code, answer.json()["code"]))
    assert codes == [(401, "NOT_SIGNED_IN"), (401, "BAD_CREDENTIAL"), (401, "NOT_SIGNED_IN")]
    assert await door.counts() == (0, 0)


async def import_events(environment: dict[str, str], file: Path) -> Result:
    # A thread of its own, because the command brings its own event loop.
    return await asyncio.to_thread(
        CliRunner(env=environment).invoke, cli, ["import", "events", str(file)], catch_exceptions=False
    )


async def test_a_file_is_brought_in_once_however_often_it_is_imported(
    door: Door, environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text("\n".join(json.dumps(event) for event in slis(range(20))) + "\n\n")
    first, again = await import_events(environment, file), await import_events(environment, file)
    assert (first.exit_code, first.stdout) == (0, "20 accepted, 0 duplicates, 0 rejected\n")
    assert (again.exit_code, again.stdout) == (0, "0 accepted, 20 duplicates, 0 rejected\n")
    assert await door.counts() == (20, 0)


async def test_an_import_names_each_rejected_event_and_keeps_the_others(
    door: Door, environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text("\n".join([json.dumps(sli(0)), json.dumps(sli(1, good=61)), "{oops"]))
    result = await import_events(environment, file)
    assert (result.exit_code, result.stdout) == (2, "1 accepted, 0 duplicates, 2 rejected\n")
    told = result.stderr.splitlines()
    assert told[0] == "event 2 (m-1): INVALID at $.data.good: good (61) exceeds total (60)"
    assert told[1].startswith("event 3: MALFORMED: not JSON")
    assert await door.counts() == (1, 0)

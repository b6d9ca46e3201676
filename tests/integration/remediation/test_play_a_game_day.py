"""A game day is played against a served portal by the command alone, until people have signed both postmortems."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
import uvicorn
from click.testing import CliRunner, Result
from starlette.types import Receive, Scope, Send
from support.free_port import free_port
from support.learning_world import Vendor, declared
from support.passkeys import Devices
from support.postmortem_desk import Desk, actor_of
from support.remediation_world import World

from trust_portal.access.actors import CONSOLE
from trust_portal.access.tokens.model import Bounds, CreateToken, TokenScope
from trust_portal.app import create_app
from trust_portal.cli import cli
from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.errors import TrustPortalError
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.gameday import script
from trust_portal.learning.gameday.model import SOURCE, GameDay
from trust_portal.learning.incidents.acts_model import ChangeSeverity
from trust_portal.learning.incidents.model import Severity, incident_id
from trust_portal.learning.postmortems.model import Reopen
from trust_portal.learning.postmortems.repository import postmortem_of
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=15)


@dataclass
class Served:
    """The world behind a socket, a token for game days, and somebody who follows what is told."""

    world: World
    url: str
    token: str

    async def gameday(self, *arguments: str, token: str | None = None, url: str | None = None) -> Result:
        options = ["--url", url or self.url, "--token", token or self.token, "--json", *arguments]
        # A thread of its own: the command waits for this loop to answer.
        return await asyncio.to_thread(CliRunner().invoke, cli, ["gameday", *options])


@pytest.fixture
async def served(world: World) -> AsyncIterator[Served]:
    app = create_app(world.house.settings)
    app.state.house = world.house

    async def a_minute_each(scope: Scope, receive: Receive, send: Send) -> None:
        # Denials are kept by the minute: what is asked one after the other is told apart however fast it went.
        world.clock.advance(timedelta(seconds=61))
        await app(scope, receive, send)

    server = uvicorn.Server(uvicorn.Config(a_minute_each, port=0, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done()
        await asyncio.sleep(0.01)
    issued = await world.house.tokens.create(
        CreateToken(
            VENDOR_ID,
            "game days",
            frozenset({TokenScope.INGEST, TokenScope.OPERATE, TokenScope.READ}),
            Bounds(sources=(SOURCE,)),
            person_id=world.operator.person_id or world.operator.id,
        ),
        CONSOLE,
    )

    async def follow() -> None:
        while True:
            await world.house.incident_following.follow()
            await asyncio.sleep(0.05)

    following = asyncio.create_task(follow())
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Served(world, f"http://127.0.0.1:{port}", issued.secret)
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    server.should_exit = True
    await serving


async def desk_of(world: World, tenant_id: UUID) -> Desk:
    vendor = Vendor(world.house, world.clock)
    owner = actor_of(await vendor.person("Ivo Stern", Role.INCIDENT_OWNER))
    writer = actor_of(await vendor.person("Wera Lind", Role.SRE_OPERATOR))
    reviewer = actor_of(await vendor.person("Rui Alves", Role.SRE_OPERATOR))
    return Desk(vendor, owner, writer, reviewer, tenant_id, tenant_id, Devices(world.house))


def owed(found: dict) -> dict[str, list[tuple[str, str]]]:
    return {
        each["key"]: [(owing["what"], owing["who"]) for owing in each["owing"]] for each in found["incidents"]
    }


async def test_it_names_what_is_missing_until_both_postmortems_are_signed(
    served: Served, world: World, anomaly: CostAnomaly
):
    desk = await desk_of(world, anomaly.tenant_id)
    until_signed = [
        ("written parts: summary, impact, contributors", "an incident owner, SRE operator or vendor admin"),
        ("one to three prevention actions", "an incident owner or SRE operator"),
        ("its submission", "an incident owner, SRE operator or vendor admin"),
        ("its review", "a responder who wrote none of it"),
    ]
    played = await served.gameday("--tenant", "acme", "--name", "drill", "--owner", "ivo@vendor.example")
    assert played.exit_code == 3, played.exception
    found = json.loads(played.stdout)
    assert (found["covered"], found["declared"], found["notes"]) == (0, 2, [])
    assert owed(found) == {
        "drill-p1": [
            ("its mitigation by the playbook", "approvers, others than who asked"),
            *until_signed,
            ("its signature by passkey", "Ivo Stern"),
        ],
        "drill-p2": [*until_signed, ("its signature by passkey", "an incident owner")],
    }
    run = await world.run_of(anomaly)
    await world.executed(run)

    looked = await served.gameday("--check", "drill")
    assert looked.exit_code == 3, looked.exception
    first, second = json.loads(looked.stdout)["incidents"]
    assert first["owing"][0]["what"] == until_signed[0][0]
    assert (first["denials"], second["denials"]) == (1, 1), "each names its own, and not that of the other"
    assert (first["receipts"], second["receipts"]) == (4, 0)

    for source, key in ((SOURCE, "drill-p1"), ("portal", "drill-p2")):
        async with world.house.storage.read(TenantScope(VENDOR_ID)) as session:
            postmortem = await postmortem_of(session, incident_id(source, key))
        assert postmortem is not None
        await desk.signed(postmortem)
    done = await served.gameday("--check", "drill", "--wait", "60")
    assert done.exit_code == 0, done.stdout
    found = json.loads(done.stdout)
    assert (found["complete"], found["by_playbook"]) == (True, True)

    # One is written anew, which takes nothing away; the other was worse than its postmortem says.
    async with world.house.storage.read(TenantScope(VENDOR_ID)) as session:
        signed = await postmortem_of(session, incident_id(SOURCE, "drill-p1"))
    assert signed is not None
    await desk.house.postmortem_signing.reopen(Reopen(signed.id, "A log was found."), desk.owner)
    raised = ChangeSeverity(incident_id("portal", "drill-p2"), "It was worse", severity=Severity.P1)
    await desk.house.incidents.tell(raised, desk.writer)
    looked = await served.gameday("--check", "drill")
    assert looked.exit_code == 3, looked.exception
    found = json.loads(looked.stdout)
    assert [(each["postmortem"], each["cover"]) for each in found["incidents"]] == [
        ("DRAFT", "SIGNED"),
        ("SIGNED", "OUTDATED"),
    ]
    who = "an incident owner, SRE operator or vendor admin"
    what = "another version: what its postmortem has to say was told since"
    assert owed(found) == {"drill-p1": [], "drill-p2": [(what, who)]}


async def test_a_game_day_is_found_among_any_number_of_later_incidents_that_are_named_alike(
    served: Served, world: World
):
    vendor = Vendor(world.house, world.clock)
    began = world.clock.now()
    await vendor.tell(script.declared(GameDay("data", "acme"), "ivo@vendor.example", began))
    world.clock.advance(timedelta(minutes=1))
    later = [declared(f"data-p1-of-line-{number}", "P4", tenants=["acme"]) for number in range(101)]
    told_at = rfc3339(world.clock.now())
    await vendor.tell(*({**each, "time": told_at} for each in later))
    assert len(await vendor.register()) == 100, "a page, and more"

    looked = await served.gameday("--check", "data")

    assert looked.exit_code == 3, looked.exception
    found = json.loads(looked.stdout)
    assert [(each["key"], each["cover"]) for each in found["incidents"]] == [
        ("data-p1", "UNSIGNED"),
        ("data-p2", None),
    ]
    assert found["declared"] == 1


async def test_a_game_that_broke_off_before_its_p2_is_never_complete(
    served: Served, world: World, anomaly: CostAnomaly, monkeypatch: pytest.MonkeyPatch
):
    def down(*_: object) -> None:
        raise RuntimeError("the machine went down")

    desk = await desk_of(world, anomaly.tenant_id)
    with monkeypatch.context() as patched:
        patched.setattr(script, "p2_input", down)
        played = await served.gameday("--tenant", "acme", "--name", "half", "--owner", "ivo@vendor.example")
    assert str(played.exception) == "the machine went down"
    await world.house.incident_following.follow()
    ended = await served.gameday("--check", "half")
    assert ended.exit_code == 3, ended.exception
    async with world.house.storage.read(TenantScope(VENDOR_ID)) as session:
        postmortem = await postmortem_of(session, incident_id(SOURCE, "half-p1"))
    assert postmortem is not None
    await desk.signed(postmortem)

    looked = await served.gameday("--check", "half")
    assert looked.exit_code == 3, looked.exception
    found = json.loads(looked.stdout)
    assert (found["covered"], found["declared"], found["complete"]) == (1, 1, False)
    who = "whoever plays: declare it with this key, or play another game day"
    assert owed(found) == {"half-p1": [], "half-p2": [("its declaration", who)]}
    assert found["incidents"][1]["owing"][0]["where"] == f"{served.url}/incidents"


async def test_a_p1_that_no_playbook_fits_is_mitigated_by_hand_and_said_to_be(served: Served):
    played = await served.gameday("--tenant", "acme", "--name", "by-hand", "--playbook", "cache-adapter")
    assert played.exit_code == 3, played.exception
    found = json.loads(played.stdout)
    assert [each["resolved"] for each in found["incidents"]] == [True, True]
    (note,) = found["notes"]
    assert note.startswith("the P1 is mitigated by hand, for cache-adapter cannot be planned: GraphQL: ")


async def test_what_is_refused_says_by_what_and_leaves_nothing(served: Served, world: World):
    unused = f"http://127.0.0.1:{free_port()}"
    for arguments, changed, code in (
        (("--tenant", "acme"), {"token": "tp_wrong"}, "BAD_CREDENTIAL"),
        (("--tenant", "acme"), {"url": unused}, "NO_ANSWER"),
        (("--tenant", "acme"), {"url": "portal.example"}, "INVALID"),
        (("--tenant", "nobody"), {}, "NOT_FOUND"),
        (("--tenant", "acme", "--name", "Not so"), {}, "INVALID"),
        (("--check", "never-played"), {}, "NOT_FOUND"),
    ):
        refused = await served.gameday(*arguments, **changed)
        assert isinstance(refused.exception, TrustPortalError), (arguments, refused.exception)
        assert refused.exception.code == code, arguments
    register = await Vendor(world.house, world.clock).register()
    assert register == {}
    assert (await served.gameday()).exit_code == 2

"""``trust-portal cost stop | resume`` as an operator runs them at night."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from click.testing import CliRunner
from support.remediation_world import ProductProcess, World

from trust_portal.cli import cli
from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.remediation.model import RunState
from trust_portal.errors import Conflict, InvalidInput, NotFound


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Awaitable[str]]:
    settings = world.house.settings
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setenv("KEY_FILE", str(settings.key_file))

    async def run(*arguments: str) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, cli, arguments)
        if result.exception is not None:
            raise result.exception
        return result.stdout

    return run


async def test_what_is_stopped_from_a_shell_does_nothing_until_it_is_let_go(
    world: World, product: ProductProcess, anomaly: CostAnomaly, run: Callable[..., Awaitable[str]]
):
    planned = await world.planned(anomaly)
    await world.approve(planned)
    said = await run("cost", "stop", "--reason", "Pager at three.")
    assert said.startswith("everything  stopped")
    assert "stopped: everywhere, by Operator at the console: Pager at three." in said
    assert (await world.advance(planned)).state is RunState.DENIED
    assert product.calls == []
    assert "goes on" in await run("cost", "resume", "--reason", "It was the dashboard.")
    assert await world.house.kill_switches.in_force(world.operator) == ()


async def test_a_customer_or_a_playbook_can_be_stopped_alone(
    world: World, run: Callable[..., Awaitable[str]]
):
    assert "customer acme  stopped" in await run("cost", "stop", "--reason", "Theirs.", "--tenant", "acme")
    said = await run("cost", "stop", "--reason", "Odd.", "--playbook", "pause-ramp")
    assert "playbook pause-ramp  stopped" in said


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (("--playbook", "no-such"), InvalidInput),
        (("--tenant", "no-such"), NotFound),
        (("--tenant", "acme", "--playbook", "pause-ramp"), InvalidInput),
    ],
)
async def test_what_there_is_not_is_not_stopped(
    world: World, run: Callable[..., Awaitable[str]], arguments: tuple[str, ...], refusal: type[Exception]
):
    with pytest.raises(refusal):
        await run("cost", "stop", "--reason", "Typo.", *arguments)
    with pytest.raises(Conflict):
        await run("cost", "resume", "--reason", "Nothing to let go.")
    assert await world.house.kill_switches.history(world.operator) == ()

"""kill -9 of real workers at random moments, beside a real product that answers in every wrong way.

Seeded and hence repeatable: ``KILLS_SEED`` chooses moments and manners, ``PLAYBOOK_KILLS`` how many.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.remediation_world import HOUR, START, ProductProcess, World

from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.remediation.model import OVER, RollBackRun, Run, RunFilter, RunState, StepKind
from trust_portal.cost.remediation.playbooks import load_playbooks
from trust_portal.cost.remediation.switches_model import SetKillSwitch
from trust_portal.house import House, build_house
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.runtime.story_clock import StoryClock

pytestmark = pytest.mark.takes(seconds=60)

SEED = int(os.environ.get("KILLS_SEED", "20260611"))
COUNT = int(os.environ.get("PLAYBOOK_KILLS", "6"))
#: In an order that the seed chooses; from nine kills on each of them. One by one: ``test_answers_of_the_product``.
MANNERS = ("well", "silent", "500", "garbage", "wrong", "pending", "late", "endless", "lost")


@dataclass
class Workers:
    """``trust-portal worker`` as operators run it; killed, it is started again."""

    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = (sys.executable, "-P", "-m", "trust_portal.cli", "worker")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def playbooks(tmp_path: Path) -> Path:
    """Enough money for three runs, so that two acts an hour is the limit that counts."""
    path = tmp_path / "playbooks.yaml"
    path.write_text(load_playbooks().text.replace('EUR: "5000"', 'EUR: "9000"'))
    return path


@pytest.fixture
def story(tmp_path: Path) -> StoryClock:
    """The time of the tenants' history, for all processes alike."""
    return StoryClock.begin(tmp_path / "story.json", datetime.now(UTC) - (START + 243.3 * HOUR))


@pytest.fixture
async def house(house: House, story: StoryClock, tmp_path: Path) -> AsyncIterator[House]:
    beside = build_house(house.settings, story)
    yield beside
    await beside.close()


@pytest.fixture
def workers(house: House, playbooks: Path, tmp_path: Path) -> Iterator[Workers]:
    settings = house.settings
    assert settings.control_url is not None
    made = Workers(
        {
            **os.environ,
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "KEY_FILE": str(settings.key_file),
            "BASE_URL": settings.base_url,
            "CONTROL_URL": settings.control_url,
            "PLAYBOOKS": str(playbooks),
            "DEMO": "1",
            "STORY_CLOCK": str(tmp_path / "story.json"),
        },
        tmp_path / "workers.log",
    )
    yield made
    made.kill()


@asynccontextmanager
async def until(
    what: str, workers: Workers, patience: float = 240
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    deadline = time.monotonic() + patience

    async def wait() -> None:
        assert time.monotonic() < deadline, f"{what}: {workers.log.read_text(errors='replace')[-3000:]}"
        await asyncio.sleep(0.1)

    yield wait


async def throttles(world: World) -> list[Run]:
    page = await world.house.playbook_runs.page(
        SYSTEM, RunFilter(playbook="throttle-exports"), PageRequest(10)
    )
    return list(page.items)


async def approved(world: World, workers: Workers, anomalies: dict[str, CostAnomaly]) -> list[Run]:
    """All three planned by the worker and approved by a person."""
    async with until("every export is planned for", workers) as wait:
        while [run.state for run in await throttles(world)] != [RunState.WAITING] * len(anomalies):
            await wait()
    runs = await throttles(world)
    for run in runs:
        await world.approve(run)
    return runs


async def killed_again_and_again(
    chance: random.Random, product: ProductProcess, workers: Workers, count: int
) -> None:
    """While the product answers now this way, now that; it is well again when this returns."""
    manners = chance.sample(MANNERS, len(MANNERS))
    for number in range(count):
        product.answers(manners[number % len(manners)])
        await asyncio.sleep(chance.uniform(0.2, 3.0))
        workers.kill()
        workers.start()
    product.answers("well")


async def test_killed_at_any_moment_nothing_is_done_twice_nor_past_a_limit(
    world: World, product: ProductProcess, workers: Workers, anomalies: dict[str, CostAnomaly]
):
    chance = random.Random(SEED)
    workers.start()
    await approved(world, workers, anomalies)
    await killed_again_and_again(chance, product, workers, COUNT)
    settled = OVER | {RunState.EXECUTED}
    async with until("every run is settled", workers) as wait:
        while any(run.state not in settled for run in await throttles(world)):
            await wait()

    runs = {str(run.id): run for run in await throttles(world)}
    applied = Counter(each["key"] for each in product.applied)
    assert set(applied.values()) == {1}, applied
    assert len(applied) == 2, "as many as an hour may have"
    called = {each["idempotency_key"].partition(":")[0] for each in product.calls}
    for id_, run in runs.items():
        kinds = Counter(step.kind for step in run.steps)
        assert kinds[StepKind.APPROVED] <= 1
        assert kinds[StepKind.EXECUTED] <= 1
        assert (id_ in called) == (kinds[StepKind.APPROVED] == 1), "nothing is sent that was not permitted"
        assert (run.apply_key in applied) == (run.state is RunState.EXECUTED)
    denied = [run for run in runs.values() if run.state is RunState.DENIED]
    assert [run.last.detail["rules"] for run in denied] == [["limit-of-actions"]]
    for run in runs.values():
        receipts = Counter(
            kind
            for kind, predicate in await world.receipts(run.tenant_id)
            if predicate["result"]["run"] == str(run.id)
        )
        assert set(receipts.values()) == {1}, receipts

    done = [run for run in runs.values() if run.state is RunState.EXECUTED]
    for run in done:
        back = RollBackRun(run.tenant_id, run.id, "The export is mended.")
        await world.house.remediation.roll_back(back, world.operator)
    await killed_again_and_again(chance, product, workers, COUNT // 2)
    async with until("what was done is taken back", workers) as wait:
        while any(run.state not in OVER for run in await throttles(world)):
            await wait()
    applied = Counter(each["key"] for each in product.applied)
    assert applied == Counter(key for run in done for key in (run.apply_key, run.reverse_key))
    for run in done:
        back_again = await world.read(run)
        assert back_again.state is RunState.ROLLED_BACK
        assert Counter(step.kind for step in back_again.steps)[StepKind.ROLLED_BACK] == 1


async def test_a_refusal_stands_however_often_the_worker_is_killed_and_nothing_is_done(
    world: World, product: ProductProcess, workers: Workers, anomalies: dict[str, CostAnomaly]
):
    product.answers("refused")
    workers.start()
    await approved(world, workers, anomalies)
    async with until("the product is called", workers) as wait:
        while not product.calls:
            await wait()
    workers.kill()
    workers.start()
    async with until("every run is over", workers) as wait:
        while any(run.state not in OVER for run in await throttles(world)):
            await wait()
    runs = await throttles(world)
    assert Counter(run.state for run in runs) == {RunState.FAILED: 2, RunState.DENIED: 1}
    for run in runs:
        if run.state is RunState.FAILED:
            assert (run.last.detail["why"], run.last.detail["changed"]) == ("refused", "no")
    assert product.applied == []


async def test_no_call_reaches_the_product_after_the_switch_was_set(
    world: World, product: ProductProcess, workers: Workers, anomalies: dict[str, CostAnomaly]
):
    chance = random.Random(SEED + 1)
    workers.start()
    await approved(world, workers, anomalies)
    product.answers("500")  # so that it is sent again and again
    async with until("the product is called", workers) as wait:
        while not product.calls:
            await wait()
    await asyncio.sleep(chance.uniform(0.0, 1.5))
    await world.house.kill_switches.set(
        SetKillSwitch(VENDOR_ID, stopped=True, reason="Stop."), world.operator
    )
    set_at = datetime.now(UTC)
    workers.kill()
    workers.start()
    async with until("every run is over, or held", workers) as wait:
        while not all(run.state in OVER or run.last.kind is StepKind.HELD for run in await throttles(world)):
            await wait()
    await asyncio.sleep(2)
    late = [each for each in product.calls if datetime.fromisoformat(each["at"]) > set_at]
    assert late == []
    for run in await throttles(world):
        assert run.state in {RunState.DENIED, RunState.ROLLING_BACK}
        assert (run.state is RunState.ROLLING_BACK) == (run.sent(run.apply_key) > 0), (
            "sent before: nobody knows, and the switch holds what would take it back"
        )
    assert max(Counter(each["key"] for each in product.applied).values()) == 1

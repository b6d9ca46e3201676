"""kill -9 of web, worker, exports, PostgreSQL, one of its backends, Valkey, or the supervisor itself.

Seeded and hence repeatable: ``KILLS_SEED`` chooses victims and moments, ``KILLS_COUNT`` how many.
``make kills`` runs more of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import load
import pytest
import reckoning
from installation import Installation, installation, until

pytestmark = pytest.mark.takes(seconds=120)

#: One whose first twelve kills meet every part, and web, worker, exports and PostgreSQL also on their way up.
_DEFAULT_SEED, _DEFAULT_COUNT = 20260724, 12
SEED = int(os.environ.get("KILLS_SEED", _DEFAULT_SEED))
COUNT = int(os.environ.get("KILLS_COUNT", _DEFAULT_COUNT))
#: Victims by weight. The supervisor takes everything with it, so a little of that goes a long way.
_VICTIMS = {"web": 4, "worker": 6, "exports": 6, "postgres": 4, "backend": 5, "valkey": 3, "up": 2}
_RECOVERED = 0.7
_CONTRACT_VERSIONS = 3


@dataclass(frozen=True)
class Kill:
    """Wait, then kill the ``pick``-th (by fraction) process of the part.

    Most kills meet a house that has come to itself; the others meet one that is still getting up.
    """

    recovered: bool
    after: float
    victim: str
    pick: float


def schedule(seed: int, count: int) -> list[Kill]:
    chance = random.Random(seed)
    names, weights = list(_VICTIMS), list(_VICTIMS.values())
    return [
        Kill(
            chance.random() < _RECOVERED,
            chance.uniform(0.1, 1.5),
            chance.choices(names, weights)[0],
            chance.random(),
        )
        for _ in range(count)
    ]


def test_one_seed_is_one_schedule() -> None:
    """A longer run begins as the shorter one did."""
    assert schedule(SEED, 12) == schedule(SEED, 40)[:12]
    met = {(kill.victim, kill.recovered) for kill in schedule(_DEFAULT_SEED, _DEFAULT_COUNT)}
    on_their_way_up = {("web", False), ("worker", False), ("exports", False), ("postgres", False)}
    assert met == {(victim, True) for victim in _VICTIMS} | on_their_way_up


async def test_nothing_is_lost_doubled_or_forked_however_often_anything_is_killed() -> None:
    print(f"KILLS_SEED={SEED} KILLS_COUNT={COUNT}")
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        async with installation(Path(folder)) as house:
            vendor = load.Vendor(house)
            await vendor.move_in()
            began = time.monotonic()
            killed = await _kill_under_load(vendor, Path(folder))
            print(
                f"{time.monotonic() - began:.0f} s: killed {dict(killed)}; {vendor.told.refusals} requests were made again"
            )
            await _settles(vendor)
            print(f"{time.monotonic() - began:.0f} s: settled")
            await reckoning.events_are_stored_exactly_once(house, vendor.told)
            await reckoning.acts_have_their_receipts(house, vendor.told)
            await reckoning.logs_hold_every_receipt_once(house)
            await reckoning.audit_finds_nothing(house)
            bundles = await reckoning.bundles_verify_offline(vendor)
            print(
                f"{len(vendor.told.measurements)} measurements, {len(vendor.told.facts)} facts, "
                f"{len(vendor.told.contracts)} contracts, {bundles} bundles: all there, once"
            )
            assert await house.stop() == 0
        assert house.left_behind() == []
    assert killed.total() == COUNT
    assert vendor.told.refusals > 0, "nobody noticed anything: the kills did not meet the load"


async def _kill_under_load(vendor: load.Vendor, folder: Path) -> Counter[str]:
    """Load from every side while the schedule is carried out; then everybody finishes what they began."""
    async with asyncio.TaskGroup() as group:
        for tenant in load.TENANTS:
            group.create_task(vendor.send_events(tenant, "first"))
        group.create_task(vendor.send_events(load.TENANTS[0], "twin"))
        group.create_task(_operate(vendor, folder))
        killed = await _carry_out(vendor.installation, schedule(SEED, COUNT))
        vendor.stopping.set()
    return killed


async def _operate(vendor: load.Vendor, folder: Path) -> None:
    await vendor.import_contracts(folder, 1)
    await vendor.run_the_month()
    async with asyncio.TaskGroup() as group:
        group.create_task(vendor.restate_reports())
        group.create_task(vendor.import_contracts(folder, _CONTRACT_VERSIONS))


async def _carry_out(house: Installation, kills: list[Kill]) -> Counter[str]:
    killed: Counter[str] = Counter()
    for kill in kills:
        if kill.recovered:
            await house.ready()
        await asyncio.sleep(kill.after)

        victim = await _living(house, kill.victim)
        pids = house.pids(victim)
        with contextlib.suppress(ProcessLookupError, IndexError):
            house.kill(pids[int(kill.pick * len(pids))])
        killed[victim] += 1
        if victim == "up":
            await house.start()
    return killed


async def _living(house: Installation, wanted: str) -> str:
    """The victim, or the next in the list while that one is still on its way back."""
    names = list(_VICTIMS)
    at = names.index(wanted)
    order = [name for name in (*names[at:], *names[:at]) if name != "up" or wanted == "up"]

    async def anything() -> bool:
        return any(house.pids(name) for name in order)

    await until(anything, "something lives", house.said)
    return next((name for name in order if house.pids(name)), wanted)


async def _settles(vendor: load.Vendor) -> None:
    house = vendor.installation
    await house.ready()
    await vendor.run_the_month()
    waiting = "?"

    async def done() -> bool:
        nonlocal waiting
        run = await vendor.run_state()
        waiting = await reckoning.everything_is_done(house)
        return run is not None and run["state"] == "COMPLETE" and not waiting

    await until(done, "all work is done", lambda: f"{waiting}\n{house.said()}")
    run = await vendor.run_state()
    assert run is not None
    outcomes = {each["key"]: each["outcome"] for each in run["tenants"]}
    assert outcomes == dict.fromkeys(load.TENANTS, "ISSUED"), run

"""The whole house on a free port, seeded for its personas, and one Chromium for all tests."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from support.approvals_world import ask, person_with, retention_intent
from support.cost_world import HOUR, HOURS, runaway
from support.demo_process import Demo
from support.free_port import free_port
from support.portal_world import deliver, measured

from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.house import open_house
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.reliability.contracts.service import ImportContracts
from trust_portal.runtime.all_in_one import AllInOne, all_in_one
from trust_portal.runtime.story_clock import StoryClock
from trust_portal.settings import load_settings

#: What tests can let pass; more than a request for approval waits.
_BEHIND = timedelta(days=10)
CONTRACT = """\
tenant: {tenant}
version: "2026.1"
effective_from: {start}
currency: EUR
fee: "1000.00"
slas:
  - objective: api
    target: "99.9"
    denominator: subscribed
    time_zone: UTC
    tiers:
      - {{from: "99.0", to: "99.9", credit_percent: "10"}}
      - {{to: "99.0", credit_percent: "25"}}
"""


def chromium() -> str | None:
    """The system's Chromium where there is one; else the one playwright brought."""
    named = os.environ.get("CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass(frozen=True)
class Place:
    """A running portal with two customers; ``period`` is the month that can be reported.

    ``clock`` begins behind true time, so that it can be moved.
    """

    url: str
    period: str
    house: AllInOne
    clock: StoryClock

    def pass_time(self, by: timedelta) -> None:
        """For everybody: the pages, the jobs, and what leases, sessions and deadlines go by."""
        self.clock.move_to(self.clock.now() + by)


class _Loop:
    """An event loop in a thread: the house runs there while the tests drive a browser here."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="house")
        self.thread.start()

    def call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=300)

    def close(self) -> None:
        self.call(self.loop.shutdown_default_executor())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    loop = _Loop()
    quiet: list[str] = []
    folder = tmp_path_factory.mktemp("place")
    clock = StoryClock.begin(folder / "story-clock.json", _BEHIND)
    context = all_in_one(
        folder / "data",
        port=free_port(),
        environment={
            "DEMO": "1",
            "STORY_CLOCK": str(folder / "story-clock.json"),
            "VENDOR_NAME": "Meridian Cloud",
        },
        output=lambda *line: quiet.append(" ".join(map(str, line))),
    )
    try:
        house = loop.call(context.__aenter__())
        try:
            period = loop.call(_seed(house, clock.now()))
            yield Place(house.base_url, period, house, clock)
        finally:
            loop.call(context.__aexit__(None, None, None))
    finally:
        loop.close()


async def _seed(running: AllInOne, now: datetime) -> str:
    last_day = (now.replace(day=1) - timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    async with open_house(load_settings(running.environment)) as house:
        for key, name, bad in (("aurora", "Aurora Bank", 3), ("brightside", "Brightside Retail", 2)):
            tenant = await house.tenants.create(
                CreateTenant(key, name, onboarded_at=last_day - timedelta(days=100)), CONSOLE
            )
            if key == "aurora":
                await house.personas.establish(tenant)
                sre = await person_with(house, CONSOLE, Role.SRE_OPERATOR, VENDOR_ID)
                await ask(house, tenant.id, sre.as_actor(), retention_intent(key))
                hour = now.replace(minute=0, second=0, microsecond=0)
                await deliver(house, runaway(key, hour - (HOURS + 1) * HOUR))
            text = CONTRACT.format(tenant=key, start=last_day.strftime("%Y-%m-%dT00:00:00Z"))
            await house.contracts.import_file(ImportContracts(text.encode()), CONSOLE)
            await deliver(house, measured(key, last_day, bad))
    return last_day.strftime("%Y-%m")


@pytest.fixture(scope="session")
def chrome() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(),
            args=[
                "--no-sandbox",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield browser
        browser.close()


class Visitor:
    """A page whose console must stay silent: a refused script or style would be heard here."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.url = url
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def enter(self, role: str) -> None:
        self.open("/sign-in")
        self.page.click(f"button[value={role}]")
        self.page.wait_for_url(lambda address: "/sign-in" not in address)

    def open(self, path: str) -> None:
        self.page.goto(self.url + path)


@pytest.fixture
def visit(chrome: Browser, place: Place) -> Iterator[Any]:
    """Opens visitors with whatever a browser context can be given; their consoles are checked at the end."""
    visitors: list[Visitor] = []

    def visit(**context: Any) -> Visitor:
        visitor = Visitor(chrome.new_context(**context), place.url)
        visitors.append(visitor)
        return visitor

    yield visit
    complaints = [each for visitor in visitors for each in visitor.complaints]
    for visitor in visitors:
        visitor.context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bundles")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Starts a demo in a folder of that name; what still runs when the test is over is ended."""
    started: list[Demo] = []

    def start(name: str, *arguments: str, told: bool = True) -> Demo:
        started.append(Demo(tmp_path / name, *arguments, told=told))
        return started[-1]

    yield start
    for demo in started:
        if demo.process.poll() is None:
            demo.interrupt()

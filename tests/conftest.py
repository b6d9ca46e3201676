"""Real servers for every test that asks: one PostgreSQL and one Valkey a session, one database a test."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVar
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from redis.asyncio import Redis
from sla_bundle import SlaBundles, make_sla_bundles

from trust_portal.kernel.clock import ManualClock
from trust_portal.runtime.embedded import Servers, embedded_servers
from trust_portal.runtime.migrate import migrate
from trust_portal.storage.engine import create_engine
from trust_portal.storage.unit_of_work import Storage

T = TypeVar("T")

# The tests start many processes of the product: what one of them has compiled the next need not.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Properties are about results, not about time: a busy machine must not fail them.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

TEMPLATE = "migrated"
#: These servers are thrown away: nothing of them has to survive a power cut, or lies there long enough to age.
_THROWAWAY = ("fsync", "full_page_writes", "synchronous_commit", "autovacuum")


#: A database is some hundred files: to make and drop one costs a tenth in memory of what it costs on a disk.
_MEMORY = Path("/dev/shm")
_ROOM = 4 << 30
_PREFIX = "trust-portal-tests-"


class ServerThread:
    """The embedded servers under a supervisor of their own, beside the event loops of the tests."""

    def __init__(self) -> None:
        self.servers: Servers
        self._loop = asyncio.new_event_loop()

    @contextmanager
    def run(self, data_dir: Path) -> Iterator[Self]:
        thread = threading.Thread(target=self._loop.run_forever, name="servers")
        thread.start()
        try:
            context = embedded_servers(data_dir)
            self.servers = self.call(context.__aenter__())
            try:
                for setting in _THROWAWAY:
                    self.call(self._sql(f"ALTER SYSTEM SET {setting} = off"))
                self.call(self._sql("SELECT pg_reload_conf()"))
                self.call(self._sql(f"CREATE DATABASE {TEMPLATE} OWNER trust_portal"))
                self.call(migrate(self.servers.url_of(TEMPLATE)))
                yield self
            finally:
                self.call(context.__aexit__(None, None, None))
        finally:
            self.call(self._loop.shutdown_default_executor())
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=300)

    def clone(self, template: str = TEMPLATE) -> str:
        """The name of a fresh copy of the migrated database, or of another one."""
        name = f"test_{uuid4().hex}"
        # Files are copied at half the cost of logging every page.
        command = f"CREATE DATABASE {name} TEMPLATE {template} OWNER trust_portal STRATEGY file_copy"
        self.call(self._sql(command))
        return name

    def drop(self, name: str) -> None:
        self.call(self._sql(f"DROP DATABASE {name} WITH (FORCE)"))

    async def _sql(self, statement: str) -> None:
        connection = await self.servers.connect_as_bootstrap()
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first, so that workers side by side end together."""

    def seconds(item: pytest.Item) -> float:
        mark = item.get_closest_marker("takes")
        return mark.kwargs["seconds"] if mark else 0

    items.sort(key=seconds, reverse=True)


@contextmanager
def throwaway_folder() -> Iterator[Path]:
    """In memory where there is room; what killed test runs left there is removed first."""
    roomy = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM
    place = _MEMORY if roomy else Path(tempfile.gettempdir())
    for left in place.glob(f"{_PREFIX}*"):
        try:
            os.kill(int(left.name.removeprefix(_PREFIX).partition("-")[0]), 0)
        except ProcessLookupError:
            shutil.rmtree(left, ignore_errors=True)
        except PermissionError:
            continue
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", dir=place) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def server_thread() -> Iterator[ServerThread]:
    with throwaway_folder() as folder, ServerThread().run(folder / "data") as thread:
        yield thread


@pytest.fixture
def database_url(server_thread: ServerThread) -> Iterator[str]:
    """A migrated database of the test's own, as the ordinary login."""
    name = server_thread.clone()
    yield server_thread.servers.url_of(name)
    server_thread.drop(name)


@pytest.fixture(scope="session")
def sla_bundles(server_thread: ServerThread, tmp_path_factory: pytest.TempPathFactory) -> SlaBundles:
    """Real bundles of one tenant, made once."""
    name = server_thread.clone()
    servers, folder = server_thread.servers, tmp_path_factory.mktemp("sla-bundles")
    made = server_thread.call(make_sla_bundles(servers.url_of(name), servers.redis_url, folder))
    server_thread.drop(name)
    return made


@pytest.fixture
async def redis_url(server_thread: ServerThread) -> str:
    """An empty Valkey."""
    client = Redis.from_url(server_thread.servers.redis_url)
    await client.flushall()
    await client.aclose()
    return server_thread.servers.redis_url


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 7, 10, 9, tzinfo=UTC))


@pytest.fixture
async def storage(database_url: str, clock: ManualClock) -> AsyncIterator[Storage]:
    engine = create_engine(database_url, pool_size=5)
    yield Storage(engine, clock)
    await engine.dispose()

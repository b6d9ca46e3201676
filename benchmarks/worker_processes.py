"""Worker processes beside an installation, as an operator starts them, and waiting for what they do."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cpu_time import below_seconds, family_seconds
from trust_portal.settings import Settings

#: How often somebody looks, who is not to be in the way.
_LOOK = 0.25

Process = asyncio.subprocess.Process


@dataclass(slots=True)
class Done:
    """What so many workers did on the clock; seconds of the processors of them and of the servers."""

    reports: int = 0
    seconds: float = 0.0
    workers: float = 0.0
    servers: float = 0.0

    @property
    def rate(self) -> float:
        return self.reports / self.seconds

    @property
    def at_most(self) -> float:
        """Reports a second, were all processors at work all the time."""
        return len(os.sched_getaffinity(0)) * self.reports / (self.workers + self.servers)

    @contextmanager
    def counted(self, processes: Sequence[Process]) -> Iterator[None]:
        """Time and processors of the block are of what is done."""
        began, before = time.perf_counter(), _spent(processes)
        yield
        self.seconds += time.perf_counter() - began
        of_workers, of_servers = (now - then for now, then in zip(_spent(processes), before, strict=True))
        self.workers += of_workers
        self.servers += of_servers


@asynccontextmanager
async def workers(settings: Settings, *queues: str) -> AsyncIterator[Sequence[Process]]:
    """A worker process for each of ``queues`` (``default`` or ``exports``), which end with the block in good order."""
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "KEY_FILE": str(settings.key_file),
        "BASE_URL": settings.base_url,
    }
    command = (sys.executable, "-m", "trust_portal.cli", "worker", "--queue")
    quiet = asyncio.subprocess.DEVNULL
    processes = [
        await asyncio.create_subprocess_exec(*command, queue, env=environment, stdout=quiet, stderr=quiet)
        for queue in queues
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.terminate()
        await asyncio.gather(*(process.wait() for process in processes))


def _spent(processes: Sequence[Process]) -> tuple[float, float]:
    """Seconds of the processors so far: of these workers, and of the servers, which are the other children here."""
    of_workers = sum(family_seconds(each.pid) for each in processes)
    return of_workers, below_seconds(os.getpid()) - of_workers


def peak_megabytes(processes: Sequence[Process]) -> float:
    """The most memory that one of them held so far (Linux; nothing elsewhere)."""
    return max(_peak_megabytes(each.pid) for each in processes)


def _peak_megabytes(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(each.split()[1]) / 1024 for each in lines if each.startswith("VmHWM")), 0.0)


async def until(condition: Callable[[], Awaitable[bool]], patience: float, *, look: float = _LOOK) -> None:
    """Wait for ``condition``; ``TimeoutError`` after ``patience`` seconds."""
    async with asyncio.timeout(patience):
        while not await condition():  # noqa: ASYNC110 - the change is in another process
            await asyncio.sleep(look)

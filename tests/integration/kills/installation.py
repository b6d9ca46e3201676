"""``trust-portal up`` as an operator runs it: a process of its own, whose parts can be found and killed."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from support.free_port import free_port

from trust_portal.house import House, open_house
from trust_portal.runtime.ports import HOST
from trust_portal.settings import Settings, load_settings

TRUST_PORTAL = (sys.executable, "-P", "-m", "trust_portal.cli")
_PATIENCE = 180.0
#: Nothing here is TLS. By default each client would read the certificates of the world anew.
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
#: By what words in its command line a child of the supervisor is known.
_PARTS: dict[str, Callable[[str], bool]] = {
    "web": lambda line: " serve " in line,
    "worker": lambda line: line.endswith(" worker"),
    "exports": lambda line: line.endswith(" worker --queue exports"),
    "postgres": lambda line: "bin/postgres -D" in line,
    "valkey": lambda line: "valkey-server" in line and "launch.py" not in line,
}


class Installation:
    """One data directory and the processes that serve it; they may die, the directory stays."""

    def __init__(self, data_dir: Path, port: int, environment: dict[str, str] | None = None) -> None:
        self.data_dir = data_dir
        self.base_url = f"http://{HOST}:{port}"
        self._port = port
        self._overrides = environment or {}
        self._log = data_dir.with_suffix(".log")
        self._up: subprocess.Popen[bytes] | None = None
        self._environment: dict[str, str] = {}

    async def start(self) -> None:
        """Start ``up`` and return once it answers ``/readyz``."""
        command = (*TRUST_PORTAL, "up", "--data-dir", str(self.data_dir), "--port", str(self._port))
        with self._log.open("ab") as log:
            self._up = subprocess.Popen(
                command, env={**os.environ, **self._overrides}, stdout=log, stderr=subprocess.STDOUT
            )
        await self.ready()
        (web,) = self.pids("web")
        words = Path(f"/proc/{web}/environ").read_text().split("\0")
        self._environment = dict(word.split("=", 1) for word in words if "=" in word)

    async def ready(self) -> None:
        """Until database, queue and web answer."""
        await until(self.answers, "the installation answers", self.said)

    async def answers(self) -> bool:
        assert self._up is not None
        assert self._up.poll() is None, f"up ended by itself: {self.said()}"
        try:
            async with httpx.AsyncClient(timeout=5, verify=PLAIN) as client:
                return (await client.get(f"{self.base_url}/readyz")).is_success
        except httpx.HTTPError:
            return False

    @property
    def pid(self) -> int:
        """The supervising parent."""
        assert self._up is not None
        return self._up.pid

    @property
    def settings(self) -> Settings:
        return load_settings(self._environment)

    @asynccontextmanager
    async def house(self) -> AsyncIterator[House]:
        """The same installation's services in this process, as a command line would open them."""
        async with open_house(self.settings) as house:
            yield house

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Run ``trust-portal ARGUMENTS`` against this installation: exit status and all it said."""
        process = await asyncio.create_subprocess_exec(
            *TRUST_PORTAL,
            *arguments,
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, said.decode(errors="replace")

    def pids(self, part: str) -> list[int]:
        """The living processes of a part: ``web``, ``worker``, ``exports``, ``postgres``, ``valkey``,
        ``backend`` (a client's connection), ``postgres processes`` (all of them) or ``up``.
        """
        if part == "up":
            return [self.pid]
        if part in _PARTS:
            return [pid for pid in _children(self.pid) if _PARTS[part](_line(pid))]
        postgres = self.pids("postgres")
        processes = [child for parent in postgres for child in _children(parent)]
        if part == "postgres processes":
            return postgres + processes
        return [pid for pid in processes if "trust_portal trust_portal" in _line(pid)]

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        if self._up is not None and pid == self._up.pid:
            self._up.wait()

    async def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """Ask it to end, as Ctrl-C does; its exit status."""
        if self._up is None:
            return 0
        if self._up.poll() is None:
            self._up.send_signal(how)
        return await asyncio.to_thread(self._up.wait, 60)

    def left_behind(self) -> list[str]:
        """Processes that still speak of this data directory, by command line or environment."""
        mark = str(self.data_dir)
        return [
            f"{pid} {_line(pid)}"
            for pid in _all_pids()
            if pid != os.getpid() and (mark in _line(pid) or mark in _environ(pid))
        ]

    def said(self, around: str = "") -> str:
        """The end of the log, or what follows a word in it."""
        text = self._log.read_text(errors="replace")
        found = text.find(around) if around else -1
        return text[found : found + 20000] if found >= 0 else text[-4000:]


@asynccontextmanager
async def installation(
    folder: Path, environment: dict[str, str] | None = None
) -> AsyncIterator[Installation]:
    """An installation in ``folder``, stopped with the block; whatever did not stop is killed and told."""
    running = Installation(folder / "data", free_port(), environment)
    try:
        await running.start()
        yield running
    finally:
        try:
            await running.stop()
        except subprocess.TimeoutExpired:
            running.kill(running.pid)
            raise


async def until(
    holds: Callable[[], object], what: str, explain: Callable[[], object] = str, patience: float = _PATIENCE
) -> None:
    """Wait until ``await holds()`` is true; an assertion that says ``what`` did not come about."""
    deadline = time.monotonic() + patience
    while not await holds():  # type: ignore[misc]
        assert time.monotonic() < deadline, f"not within {patience:.0f} s: {what}. {explain()}"
        await asyncio.sleep(0.1)


def _children(parent: int) -> list[int]:
    try:
        return [
            int(child)
            for task in Path(f"/proc/{parent}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except FileNotFoundError:
        return []


def _all_pids() -> list[int]:
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdecimal()]


def _line(pid: int) -> str:
    return _proc(pid, "cmdline").rstrip("\0").replace("\0", " ")


def _environ(pid: int) -> str:
    return _proc(pid, "environ")


def _proc(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    except (OSError, ValueError):
        return ""

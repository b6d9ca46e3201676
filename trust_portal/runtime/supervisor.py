"""Keeps child processes running: starts them, restarts what dies, stops all in reverse order."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from trust_portal.errors import Unavailable

#: Seconds before the first restart; each further one waits twice as long, up to the last value.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
#: A program that ran this long starts again with the first pause.
_STEADY_AFTER = 30.0
_DRAIN_SECONDS = 1.0

Output = Callable[[str, str], None]
"""Takes a program's name and one line of what it said."""


async def _nothing() -> None:
    return


@dataclass(frozen=True, slots=True)
class Program:
    """What to run and how to end it.

    ``prepare`` runs before each start, ``ready`` returns when the program can be used;
    ``environment`` is the whole environment (``None``: ours). With ``log`` the output goes straight
    into that file, begun anew with each start of the house, else line by line to the supervisor.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] | None = None
    log: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 20.0
    start_seconds: float = 60.0
    prepare: Callable[[], Awaitable[None]] = field(default=_nothing)
    ready: Callable[[], Awaitable[None]] = field(default=_nothing)


def to_stderr(name: str, line: str) -> None:
    sys.stderr.write(f"{name}: {line}\n")


class Supervisor:
    """Owns programs for the length of an ``async with`` block."""

    def __init__(self, output: Output = to_stderr) -> None:
        self._output = output
        self._children: dict[str, _Child] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        # Shielded: a second Ctrl-C must not leave a server behind.
        await asyncio.shield(self.stop())

    async def start(self, program: Program) -> None:
        """Start ``program`` and return when it is ready.

        Raises ``Unavailable`` if it is not within ``start_seconds``.
        """
        child = _Child(program, self._output)
        self._children[program.name] = child
        await child.start()

    def pid(self, name: str) -> int:
        """The process now running; another one after a restart."""
        return self._children[name].pid

    def restarts(self, name: str) -> int:
        return self._children[name].restarts

    async def ready(self, name: str) -> None:
        """Wait until a program that is being restarted can be used again."""
        await self._children[name].is_ready.wait()

    async def stop(self) -> None:
        """Last started, first stopped; what does not go within its time is killed."""
        while self._children:
            _, child = self._children.popitem()
            await child.stop()


class _Child:
    """One program, the task that watches it, and its last words for error messages."""

    def __init__(self, program: Program, output: Output) -> None:
        self.program = program
        self.restarts = 0
        self.is_ready = asyncio.Event()
        self._output = output
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._last_line = ""
        self._stopping = False

    @property
    def pid(self) -> int:
        if self._process is None:
            raise Unavailable(f"{self.program.name} is not running")
        return self._process.pid

    async def start(self) -> None:
        self._watcher = asyncio.create_task(self._watch(), name=f"supervise {self.program.name}")
        ready = asyncio.create_task(self.is_ready.wait())
        await asyncio.wait(
            {ready, self._watcher},
            timeout=self.program.start_seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
        ready.cancel()
        if self._watcher.done():
            self._watcher.result()
        if not self.is_ready.is_set():
            raise Unavailable(
                f"{self.program.name} did not start within {self.program.start_seconds:.0f} s"
                f"{self._last_words()}",
                code="NOT_STARTED",
            )

    def _last_words(self) -> str:
        if self.program.log is not None:
            return f"; see {self.program.log}"
        return f"; it said: {self._last_line}" if self._last_line else ""

    async def stop(self) -> None:
        """End the process in order; the watcher forwards its last words and then ends by itself."""
        self._stopping = True
        process = self._process
        if process is not None and process.returncode is None:
            _send(process.pid, self.program.stop_signal)
            try:
                async with asyncio.timeout(self.program.stop_seconds):
                    await process.wait()
            except TimeoutError:
                self._output(self.program.name, "did not stop in time; killed")
                _send(process.pid, signal.SIGKILL)
                await process.wait()
            if self._watcher is not None:
                await asyncio.wait({self._watcher}, timeout=2 * _DRAIN_SECONDS)
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)

    async def _watch(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            began = time.monotonic()
            try:
                await self.program.prepare()
                reason = _reason(await self._run_once())
            except Exception as error:
                if self.restarts == 0:
                    raise  # to whoever starts it: it never ran
                reason = str(error)
            if self._stopping:
                return
            if time.monotonic() - began > _STEADY_AFTER:
                pause = _FIRST_PAUSE
            self._output(self.program.name, f"ended ({reason}); starting again in {pause:.1f} s")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            self.restarts += 1

    async def _run_once(self) -> int:
        log = None if self.program.log is None else self.program.log.open("ab" if self.restarts else "wb")
        with log or nullcontext():
            process = await asyncio.create_subprocess_exec(
                *self.program.command,
                env=self.program.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log or asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                # Ctrl-C in the terminal reaches the supervisor alone, which then keeps the order.
                start_new_session=True,
            )
        self._process = process
        forward = asyncio.create_task(self._forward(process))
        tasks = [asyncio.create_task(self._announce()), forward]
        try:
            code = await process.wait()
            # Not for ever: a child of the child may hold the pipe open.
            await asyncio.wait({forward}, timeout=_DRAIN_SECONDS)
            return code
        finally:
            self.is_ready.clear()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _announce(self) -> None:
        await self.program.ready()
        self.is_ready.set()

    async def _forward(self, process: asyncio.subprocess.Process) -> None:
        while process.stdout is not None:
            try:
                line = await process.stdout.readline()
            except ValueError:  # a line beyond the stream's limit; the rest of it follows
                continue
            if not line:
                return
            self._last_line = line.decode(errors="replace").rstrip()
            self._output(self.program.name, self._last_line)


def _send(pid: int, what: signal.Signals) -> None:
    try:
        os.kill(pid, what)
    except ProcessLookupError:
        return


def _reason(code: int) -> str:
    return f"exit {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"

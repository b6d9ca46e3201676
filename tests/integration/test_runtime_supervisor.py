"""Processes that die come back; processes that must end do; ports that are taken are told."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from trust_portal.errors import Conflict, Unavailable
from trust_portal.runtime.ports import DEFAULT_PORT, HOST, choose_port
from trust_portal.runtime.supervisor import Program, Supervisor

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def python(name: str, code: str, **options: object) -> Program:
    return Program(name, (sys.executable, "-I", "-c", code), **options)  # type: ignore[arg-type]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Output:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __call__(self, name: str, line: str) -> None:
        self.lines.append((name, line))

    async def until(self, line: str) -> None:
        async with asyncio.timeout(60):
            while not any(line in said for _, said in self.lines):
                await asyncio.sleep(0.02)


async def test_what_dies_is_started_again_and_its_output_forwarded() -> None:
    output = Output()
    async with Supervisor(output) as supervisor:
        await supervisor.start(python("one", "import time; print('up', flush=True); time.sleep(60)"))
        await output.until("up")
        first = supervisor.pid("one")
        output.lines.clear()
        os.kill(first, signal.SIGKILL)
        await output.until("up")
        second = supervisor.pid("one")
        assert (supervisor.restarts("one"), second == first) == (1, False)
        assert ("one", "ended (signal SIGKILL); starting again in 0.2 s") in output.lines
    assert not alive(second)


async def test_pauses_between_restarts_grow() -> None:
    output = Output()
    async with Supervisor(output) as supervisor:
        await supervisor.start(python("one", "raise SystemExit(3)"))
        await output.until("starting again in 0.8 s")
    said = [line for _, line in output.lines]
    assert said == [f"ended (exit 3); starting again in {pause} s" for pause in (0.2, 0.4, 0.8)]


async def test_a_program_that_ignores_the_signal_is_killed_and_the_others_stop_in_reverse_order(
    tmp_path: Path,
) -> None:
    goodbye = "import signal, sys, time; from pathlib import Path; log = Path(sys.argv[1])\n"
    polite = goodbye + (
        "def stop(*_):\n    log.open('a').write(sys.argv[2]); print('bye'); raise SystemExit\n"
        "signal.signal(signal.SIGTERM, stop); print('up', flush=True); time.sleep(60)"
    )
    output, log = Output(), tmp_path / "log"
    async with Supervisor(output) as supervisor:
        for name in ("a", "b"):
            command = (sys.executable, "-I", "-c", polite, str(log), name)
            await supervisor.start(Program(name, command))
        await supervisor.start(python("stubborn", STUBBORN, stop_seconds=0.3))
        while len(output.lines) < 3:
            await asyncio.sleep(0.02)
        pids = [supervisor.pid(name) for name in ("a", "b", "stubborn")]
        began = time.monotonic()
    assert time.monotonic() - began < 30
    assert log.read_text() == "ba"
    assert [name for name, line in output.lines if line == "bye"] == ["b", "a"]
    assert ("stubborn", "did not stop in time; killed") in output.lines
    assert not any(alive(pid) for pid in pids)


async def test_a_program_that_never_gets_ready_is_named_with_its_last_words() -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    pid = 0
    with pytest.raises(Unavailable, match="slow did not start within 1 s; it said: still loading"):
        async with Supervisor(Output()) as supervisor:
            # A shell says its words in no time, however busy the machine.
            command = ("/bin/sh", "-c", "echo still loading; exec sleep 60")
            try:
                await supervisor.start(Program("slow", command, ready=never, start_seconds=1))
            finally:
                pid = supervisor.pid("slow")
    assert not alive(pid)


async def test_a_line_of_any_length_does_not_stop_the_output() -> None:
    output = Output()
    async with Supervisor(output) as supervisor:
        code = "import time; print('x' * 300_000); print('after', flush=True); time.sleep(60)"
        await supervisor.start(python("one", code))
        await output.until("after")
    assert ("one", "after") in output.lines


def test_a_port_that_was_asked_for_is_taken_or_refused() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Conflict, match=f"port {port} is in use"):
            choose_port(port)
    assert choose_port(port) == port


def test_without_a_wish_another_port_is_found_while_ours_is_taken() -> None:
    try:
        held = socket.create_server((HOST, DEFAULT_PORT))
    except OSError:
        held = None  # somebody else holds it already: the same case
    try:
        port = choose_port(None)
        assert port != DEFAULT_PORT
        socket.create_server((HOST, port)).close()
    finally:
        if held is not None:
            held.close()

"""The demo as a visitor runs it: a process of its own in a folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PATIENCE = 900.0
#: The house on its stage, as always, and nothing told on it.
_UNTOLD = """
from trust_portal import cli
from trust_portal.demo.scenario import Scenario
async def play(scenario):
    scenario._tell.line("told nothing")
Scenario.play = play
cli.main()
"""


class Demo:
    """``trust-portal demo`` in a process of its own, whose temporary folder is ``folder``."""

    def __init__(self, folder: Path, *arguments: str, told: bool = True) -> None:
        folder.mkdir()
        self.folder = folder
        self._output = folder.parent / f"{folder.name}.out"
        inherited = {
            name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ
        }
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    *(("-m", "trust_portal.cli") if told else ("-c", _UNTOLD)),
                    "demo",
                    *arguments,
                ],
                # What a shell may say about a real installation must not reach the demo.
                env={**inherited, "TMPDIR": str(folder), "KEY_FILE": "/nonexistent/keys", "BASE_URL": "x"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def told(self) -> str:
        return self._output.read_text("utf-8")

    def wait_for(self, text: str) -> None:
        end = time.monotonic() + PATIENCE
        while text not in self.told:
            assert self.process.poll() is None, self.told
            assert time.monotonic() < end, self.told
            time.sleep(0.1)

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=120)

    def product(self) -> tuple[int, dict[str, str]]:
        """Process id and environment of the simulated product."""
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words, given = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
            except OSError:
                continue
            if b"trust_portal.demo.product\0" in words and os.fsencode(self.folder) in given:
                pairs = (each.partition("=") for each in given.decode().split("\0"))
                return int(process.name), {name: value for name, _, value in pairs}
        raise AssertionError("the product does not run")

    def left_behind(self) -> list[str]:
        """Files, and processes that speak of our folder in their command or environment."""
        found = [str(path) for path in self.folder.iterdir()]
        mark = os.fsencode(self.folder)
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            except OSError:
                continue
            if mark in words:
                found.append(words.replace(b"\0", b" ").decode(errors="replace")[:200])
        return found

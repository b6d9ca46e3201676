"""Cross-checks: a month of a hundred tenants against a Prometheus on this machine.

Each tenant has a counter of all requests and one of good ones, sampled each minute for thirty days:
8.6 million samples, back-filled by ``promtool``. What is measured is asking and comparing.

The promise is judged by the best of three rounds: what else the machine does in a round is no part of the work.
The first round, right after Prometheus has started and with nothing in its memory, stands beside it.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import numpy as np

from benchmarks.cpu_time import below_seconds
from benchmarks.row import Row, at_most, context
from trust_portal.kernel.clock import SystemClock
from trust_portal.reliability.attainment.model import Samples
from trust_portal.reliability.attainment.slices import minute_of
from trust_portal.reliability.contracts.model import CrossCheck, Sla
from trust_portal.reliability.crosscheck.comparison import CheckState, compare
from trust_portal.reliability.crosscheck.credentials import Admission
from trust_portal.reliability.crosscheck.model import Question, SourceDefinition, Span
from trust_portal.reliability.crosscheck.prometheus import Prometheus

START = datetime(2026, 6, 1, tzinfo=UTC)
MINUTES = 43_200
TENANTS = 100
ROUNDS = 3
SLA = Sla("api", Fraction(999, 1000))
SPAN = Span(START, START + timedelta(minutes=MINUTES))
#: By minute: all requests, and good ones.
TOTAL = [1000 + minute % 7 for minute in range(MINUTES)]
GOOD = [count - (minute % 500 == 0) for minute, count in enumerate(TOTAL)]


async def run() -> list[Row]:
    with TemporaryDirectory() as folder:
        begin = time.perf_counter()
        _back_fill(Path(folder))
        filled = time.perf_counter() - begin
        with _prometheus(Path(folder)) as url:
            seconds, processor = await _checks(url)
    return [
        context(f"back-filling {TENANTS} tenants' month with promtool", filled, "s"),
        at_most(f"cross-check of {TENANTS} tenants, best of {ROUNDS}", min(seconds), "s", 3, "3 s"),
        context("… the first, cold", seconds[0], "s"),
        context("… processor time of the first, asking and comparing", processor.asking, "s"),
        context("… and of Prometheus", processor.answering, "s"),
    ]


@dataclass(frozen=True, slots=True)
class Processor:
    """Seconds of processor time: of this process, and of the Prometheus below it."""

    asking: float
    answering: float

    @classmethod
    def now(cls) -> Processor:
        return cls(time.process_time(), below_seconds(os.getpid()))

    def since(self, then: Processor) -> Processor:
        return Processor(self.asking - then.asking, self.answering - then.answering)


async def _checks(url: str) -> tuple[list[float], Processor]:
    """Seconds of each round, and the processor time of the first."""
    first = minute_of(START)
    samples = Samples(np.arange(first, first + MINUTES), np.array(TOTAL), np.array(GOOD))
    questions = []
    for number in range(TENANTS):
        labels = (("tenant", f"tenant-{number}"),)
        definition = SourceDefinition(url, "requests_total", "requests_good_total", labels=labels)
        questions.append(Question("api", definition, 1, UUID(int=1), SPAN, definition.counters(SLA)))
    # The machine is asked for everything at once here; the limit is on the work, not on one objective.
    prometheus = Prometheus(SystemClock(), Admission(), patience=300)
    seconds: list[float] = []
    began = cold = Processor.now()
    try:
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            readings = await prometheus.read(questions)
            compared = [compare(SLA, samples, SPAN, each, CrossCheck.REQUIRED) for each in readings]
            seconds.append(time.perf_counter() - begin)
            if len(seconds) == 1:
                cold = Processor.now().since(began)
            assert all(each.state is CheckState.AGREED for each in compared), compared[0].findings
    finally:
        await prometheus.close()
    return seconds, cold


def _back_fill(folder: Path) -> None:
    source = folder / "history.om"
    with source.open("w") as file:
        for metric, counts in (("requests_good_total", GOOD), ("requests_total", TOTAL)):
            values = [0, *np.cumsum(counts).tolist()]
            at = int(START.timestamp())
            lines = [f"{value} {at + 60 * minute}" for minute, value in enumerate(values)]
            file.write(f"# TYPE {metric} unknown\n")
            for number in range(TENANTS):
                head = f'{metric}{{tenant="tenant-{number}"}} '
                file.write(head + f"\n{head}".join(lines) + "\n")
        file.write("# EOF\n")
    command = ("promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=768h")
    subprocess.run(
        [_program(command[0]), *command[1:], str(source), str(folder / "data")],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    source.unlink()


@contextmanager
def _prometheus(folder: Path) -> Iterator[str]:
    (folder / "prometheus.yml").write_text("global: {}\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"127.0.0.1:{probe.getsockname()[1]}"
    process = subprocess.Popen(
        [
            _program("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=10y",
            f"--web.listen-address={url}",
            "--log.level=error",
        ]
    )
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://{url}/-/ready", timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        yield f"http://{url}"
    finally:
        process.terminate()
        process.wait(30)


def _program(name: str) -> str:
    import sys

    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name) or name

"""A real Prometheus with history: back-filled by promtool, asked over HTTP, ended with the test."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

#: The day that the tests' contracts owe: see the reliability tests.
START = datetime(2026, 6, 30, tzinfo=UTC)
MINUTES = 1440


@dataclass(frozen=True)
class Series:
    """A counter: ``value`` by minute of the day (0 to 1,440), ``None`` where no sample was taken.

    Of several samples a minute (``seconds`` apart) all have the value of its start.
    """

    metric: str
    labels: Mapping[str, str]
    value: Callable[[int], float | None]
    seconds: int = 60

    def lines(self) -> Iterator[str]:
        plain = {name: text.replace("\\", "\\\\").replace('"', '\\"') for name, text in self.labels.items()}
        labels = ",".join(f'{name}="{text}"' for name, text in plain.items())
        for at in range(0, 60 * MINUTES + 1, self.seconds):
            value = self.value(at // 60)
            if value is not None:
                yield f"{self.metric}{{{labels}}} {value} {int(START.timestamp()) + at}"


def counters(
    key: str, total: Callable[[int], float | None], good: Callable[[int], float | None]
) -> list[Series]:
    """``requests_total`` and ``requests_good_total`` of one customer."""
    return [
        Series("requests_total", {"customer": key}, total),
        Series("requests_good_total", {"customer": key}, good),
    ]


@dataclass
class RealPrometheus:
    """``url`` is where it answers, once ``started``."""

    folder: Path
    url: str = ""
    _files: int = field(default=0)

    def backfill(self, series: Iterable[Series]) -> None:
        """A block of its own with these samples; a Prometheus that runs sees it when it starts again."""
        self._files += 1
        by_metric: dict[str, list[Series]] = {}
        for each in series:
            by_metric.setdefault(each.metric, []).append(each)
        text = []
        for metric, group in sorted(by_metric.items()):
            text.append(f"# TYPE {metric} unknown")
            text += [line for each in group for line in each.lines()]
        source = self.folder / f"history-{self._files}.om"
        source.write_text("\n".join([*text, "# EOF\n"]))
        subprocess.run(
            [
                program("promtool"), "tsdb", "create-blocks-from", "openmetrics",
                "--max-block-duration=768h", str(source), str(self.folder / "data"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip

    @contextmanager
    def started(self) -> Iterator[str]:
        """It answers at the address given for as long as the block lasts."""
        (self.folder / "prometheus.yml").write_text("global: {}\n")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        process = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={self.folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={self.folder / 'data'}",
                "--storage.tsdb.retention.time=10y",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=error",
            ]
        )
        self.url = f"http://127.0.0.1:{port}"
        try:
            self._until_ready(process)
            yield self.url
        finally:
            process.terminate()
            process.wait(30)

    def _until_ready(self, process: subprocess.Popen[bytes]) -> None:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                assert process.poll() is None, "Prometheus ended by itself"
            time.sleep(0.05)
        raise AssertionError("Prometheus did not become ready")


def program(name: str) -> str:
    """The system's, or the one that ``scripts/system-packages.sh`` laid beside the tests' Python."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    assert found, f"{name} is missing: scripts/system-packages.sh test"
    return found

"""Where the demo runs: its own data, its own servers, one log, and nothing left when it is over."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from trust_portal.demo.patience import patience
from trust_portal.demo.scene import BACKUP_LOCATION, DATABASE_LOCATION, VENDOR
from trust_portal.demo.script import Script, clock_file, settle
from trust_portal.runtime.all_in_one import AllInOne, all_in_one
from trust_portal.runtime.embedded.identity import Identity, launcher
from trust_portal.runtime.ports import HOST, NAME, choose_port, free_port
from trust_portal.runtime.supervisor import Program
from trust_portal.settings import Settings

_PRODUCT: Final = "product"
_SILENCE: Final = 120.0
#: The clockwork would begin the month while its events are still coming in. Here, you begin it.
_NOBODY_BUT_YOU: Final = str(366 * 24 * 3600)
_WHOLE_STORY: Final = str(31 * 24 * 3600)


class Playbill:
    """Takes what the processes say: all of it into the log, the product's reports also for the scenario."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._reports: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._through = ""

    def __call__(self, name: str, line: str) -> None:
        if not self.log.exists():  # nothing is said before the data directory is there
            self.log.touch(mode=0o600)
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"{name}: {line}\n")
        if name == _PRODUCT and line.startswith("{"):
            self._reports.put_nowait(json.loads(line))

    def last_words(self, lines: int = 15) -> list[str]:
        """The end of the log."""
        return self.log.read_text("utf-8").splitlines()[-lines:] if self.log.exists() else []

    async def product_is_through(self, moment: str) -> None:
        """Until the product has told of everything before ``moment`` (RFC 3339 in UTC)."""
        while self._through < moment:
            await self.product_report()

    async def product_report(self) -> dict[str, Any]:
        """The next report of the product. Raises ``Unavailable`` if none comes."""
        async with patience(_SILENCE, "the product's next delivery"):
            report = await self._reports.get()
        self._through = max(self._through, report["through"])
        return report


@dataclass(frozen=True, slots=True)
class Stage:
    """``environment`` names the installation, for processes of ours."""

    running: AllInOne
    playbill: Playbill
    script: Script
    product_port: int

    @property
    def folder(self) -> Path:
        return self.running.servers.data_dir

    @property
    def base_url(self) -> str:
        return self.running.base_url

    @property
    def environment(self) -> Mapping[str, str]:
        return self.running.environment

    async def start_product(self, token: str) -> None:
        """Start the simulated product. Of the portal it is given the address and a token, and nothing else."""
        await self.running.supervisor.start(
            Program(
                name=_PRODUCT,
                command=(
                    *launcher(Identity.SELF, stop_signal=signal.SIGTERM),
                    *(sys.executable, "-P", "-m", "trust_portal.demo.product"),
                ),
                environment={
                    "PRODUCT_PORTAL": self.base_url,
                    "PRODUCT_TOKEN": token,
                    "PRODUCT_SCRIPT": self.script.to_json(),
                    "PRODUCT_CLOCK": self.environment["STORY_CLOCK"],
                    "PRODUCT_FOLDER": str(self.folder / "product"),
                    "PRODUCT_PORT": str(self.product_port),
                },
            )
        )


@contextmanager
def data_folder(named: Path | None) -> Iterator[Path]:
    """``named``, which stays; or a new temporary folder, gone with the block.

    A temporary one stays too where the demo failed, so that there is something to look at.
    """
    if named is not None:
        yield named
        return
    folder = Path(tempfile.mkdtemp(prefix="trust-portal-demo-")).resolve()
    failed = False
    try:
        yield folder
    except Exception:
        failed = True
        raise
    finally:
        if not failed:
            shutil.rmtree(folder)
        elif not any(folder.iterdir()):
            folder.rmdir()


@asynccontextmanager
async def stage(data_dir: Path, port: int | None, playbill: Playbill) -> AsyncIterator[Stage]:
    """The house, up on ``data_dir`` (an absolute path)."""
    chosen, product_port = choose_port(port), free_port()
    settled: list[Script] = []
    playbill.log.unlink(missing_ok=True)
    environment = {
        # What the shell says about a real installation is not about this one.
        **{field.name.upper(): "" for field in fields(Settings)},
        "BACKUP_LOCATION": BACKUP_LOCATION,
        "BASE_URL": f"http://{NAME}:{chosen}",
        "CONTROL_URL": f"http://{HOST}:{product_port}/control",
        "DATABASE_LOCATION": DATABASE_LOCATION,
        "DEMO": "1",
        "KEY_FILE": str(data_dir / "keys.json"),
        "LOG_FORMAT": "console",
        # Whoever looks around while the story jumps stays signed in.
        "SESSION_ABSOLUTE": _WHOLE_STORY,
        "SESSION_IDLE": _WHOLE_STORY,
        "STORY_CLOCK": str(clock_file(data_dir)),
        "SLA_GRACE": _NOBODY_BUT_YOU,
        "VENDOR_NAME": VENDOR,
    }
    async with all_in_one(
        data_dir,
        port=chosen,
        environment=environment,
        output=playbill,
        prepare=lambda folder: settled.append(settle(folder)),
    ) as running:
        yield Stage(running, playbill, settled[0], product_port)

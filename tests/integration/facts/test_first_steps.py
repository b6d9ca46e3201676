"""The README's installation path, typed line by line with the files of ``examples/``."""

from __future__ import annotations

import asyncio
import re
import runpy
import shlex
import sys
from contextlib import nullcontext
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result
from support.worker_process import worker_process

from trust_portal.access.actors import CONSOLE
from trust_portal.app import create_app
from trust_portal.cli import cli
from trust_portal.house import open_house
from trust_portal.reliability.findings import State
from trust_portal.settings import load_settings

ROOT = Path(__file__).parents[3]
PATH = (ROOT / "README.md").read_text("utf-8").partition("Then, in another terminal")[2].partition("\n## ")[0]
LINES = re.findall(r"^    (\S.+)$", PATH, flags=re.MULTILINE)

pytestmark = pytest.mark.takes(seconds=40)


async def typed(line: str) -> Result:
    # A thread of its own, because the commands bring their own event loop.
    return await asyncio.to_thread(CliRunner().invoke, cli, shlex.split(line)[1:])


async def test_every_line_of_the_path_works_and_ends_in_a_signed_report_and_a_token_that_may_send(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "KEY_FILE": str(tmp_path / "keys.json"),
        "BASE_URL": "http://127.0.0.1:8400",
    }.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    said = {}
    for line in LINES:
        if line.startswith("trust-portal"):
            # The parts of the portal that run beside the commands: `trust-portal up` has them.
            async with worker_process(settings) if " sla " in line else nullcontext():
                done = await typed(line)
            assert done.exit_code == 0, (line, done.output, done.exception)
            said[line.split()[1] + " " + line.split()[2]] = done
        elif line.startswith("python3"):
            _, script, period, _, file = shlex.split(line)
            with Path(file).open("w") as out, monkeypatch.context() as patch:
                patch.setattr(sys, "argv", [script, period])
                patch.setattr(sys, "stdout", out)
                runpy.run_path(script, run_name="__main__")
        else:
            assert line.startswith("curl ")
    assert said["import events"].stdout == "43200 accepted, 0 duplicates, 0 rejected\n"
    assert "api-availability (availability) recorded as revision 1" in said["import objectives"].stdout
    async with open_house(settings) as house:
        northwind = await house.tenants.by_key(CONSOLE, "northwind", purpose="a look at its report")
        (report,) = await house.reports.of_period(CONSOLE, northwind.id, "2026-06")
        assert (report.state, report.revision) == (State.OK, 1)
    token = said["tokens create"].stdout.split()[0]
    curl = shlex.split(next(line for line in LINES if line.startswith("curl ")))
    headers = dict(each.split(": ", 1) for each in curl if ": " in each)
    assert headers["Authorization"] == "Bearer TOKEN"
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8400") as program,
    ):
        answer = await program.post(
            curl[1],
            headers={**headers, "Authorization": f"Bearer {token}"},
            content=Path(curl[-1].removeprefix("@")).read_bytes(),
        )
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "duplicates": 0, "rejected": []})

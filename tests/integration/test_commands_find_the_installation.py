"""What ``trust-portal up`` runs is what the other commands work on, with nothing else said."""

from __future__ import annotations

import asyncio
import stat
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.mail_server import mail_server

from trust_portal.access.tenants.repository import tenants_by_key
from trust_portal.cli import cli
from trust_portal.commands.console import installation
from trust_portal.errors import InvalidInput, Unavailable
from trust_portal.evidence.keyring import load_or_create_keyring
from trust_portal.kernel.clock import SystemClock
from trust_portal.runtime.embedded import embedded_servers
from trust_portal.runtime.migrate import migrate
from trust_portal.runtime.running import announced, environment_of
from trust_portal.storage.engine import create_engine
from trust_portal.storage.rounds import Round, Rounds
from trust_portal.storage.tenancy import StaffScope
from trust_portal.storage.unit_of_work import Storage


@pytest.fixture(autouse=True)
def no_servers_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "KEY_FILE", "MAIL_FROM", "SMTP_URL", "TRUST_PORTAL_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


async def run(*arguments: str) -> Result:
    # A thread of its own, because the commands bring their own event loop.
    return await asyncio.to_thread(CliRunner().invoke, cli, arguments)


async def something_fails(database_url: str) -> None:
    """A round, and another for one customer."""
    storage = Storage(create_engine(database_url, pool_size=1, application_name="test"))

    async def fail(_: object) -> None:
        raise ValueError("unforeseen")

    rounds = Rounds(storage)
    await rounds.failed("cost", ValueError("unforeseen"))
    async with storage.read(StaffScope()) as session:
        acme = (await tenants_by_key(session, ["acme"]))["acme"]
    assert await rounds.one_by_one(Round.ROLL_UP_USAGE, [acme], fail) == 0
    await storage.close()


async def test_a_command_works_on_the_data_directory_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data"
    closed = ExitStack()
    mail = closed.enter_context(mail_server(tmp_path / "mail"))
    async with embedded_servers(folder) as servers:
        await migrate(servers.database_url)
        said = {
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "KEY_FILE": str(folder / "keys.json"),
            "BASE_URL": "http://127.0.0.1:8417",
            "SMTP_URL": f"smtp://127.0.0.1:{mail.port}?tls=none",
            "MAIL_FROM": "Trust <trust@vendor.example>",
            "HOME": "no setting of ours",
        }
        with announced(folder, said):
            file = folder / "running.json"
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert environment_of(folder) == {key: said[key] for key in said if key != "HOME"}
            added = await run("tenants", "add", "acme", "--name", "Acme Ltd", "--data-dir", str(folder))
            assert "acme" in added.stdout, added.exception
            monkeypatch.setenv("TRUST_PORTAL_DATA_DIR", str(folder))
            listed = await run("tenants", "list")
            assert "Acme Ltd" in listed.stdout
            person = await run("people", "add", "ada@example.com", "--tenant", "acme", "--name", "Ada")
            assert "added to acme" in person.stdout
            link = await run("people", "sign-in-link", "ada@example.com")
            assert link.stdout.startswith("http://127.0.0.1:8417/")
            await run("keys", "export-policy")  # remembers the keys
            well = (await run("doctor")).stdout
            assert "the ones this database knows" in well
            assert f"ok       mail, by 127.0.0.1:{mail.port}\n" in well
            assert mail.taken() == []
            assert "the workers' rounds: none has run yet\n" in well
            await something_fails(servers.database_url)
            troubled = await run("doctor")
            assert "PROBLEM  the round cost failed at " in troubled.stdout
            assert "(ValueError), and was last well never\n" in troubled.stdout
            assert "PROBLEM  roll-up-usage fails for acme since " in troubled.stdout
            assert "1 time (ValueError); it goes on for the others\n" in troubled.stdout
            assert troubled.exit_code == 1
            closed.close()
            unwell = await run("doctor")
            assert "PROBLEM  mail\n" in unwell.stdout
            assert "the mail server does not take us in" in unwell.stdout
            assert unwell.exit_code == 1
            (folder / "keys.json").rename(tmp_path / "kept.json")
            assert "PROBLEM  signing keys" in (await run("doctor")).stdout
            lost = await run("tenants", "list")
            assert isinstance(lost.exception, InvalidInput)
            assert lost.exception.code == "KEY_FILE"
            assert not (folder / "keys.json").exists()
            await asyncio.to_thread(load_or_create_keyring, folder / "keys.json", SystemClock())
            foreign = await run("doctor")
            assert "not the one this database knows" in foreign.stdout
            assert foreign.exit_code == 1
        assert not file.exists()


def test_a_directory_nothing_runs_on_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUST_PORTAL_DATA_DIR", str(tmp_path))
    with pytest.raises(Unavailable, match=rf"trust-portal up --data-dir {tmp_path}") as refused:
        installation()
    assert refused.value.code == "NOT_RUNNING"


def test_what_a_killed_installation_left_is_not_taken_for_a_running_one(tmp_path: Path) -> None:
    (tmp_path / "running.json").write_text('{"DATABASE_URL": "postgresql+asyncpg:///x"}')
    (tmp_path / "lock").touch()
    with pytest.raises(Unavailable, match="no installation runs on"):
        environment_of(tmp_path)


def test_servers_in_the_environment_come_before_the_usual_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql+asyncpg:///mine")
    monkeypatch.setenv("REDIS_URL", "redis://mine")
    assert installation().database_url == "postgresql+asyncpg:///mine"

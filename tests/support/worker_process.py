"""A worker as it is run in production: a process of its own, killed at the end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from trust_portal.settings import Settings


@asynccontextmanager
async def worker_process(settings: Settings, queue: str = "default") -> AsyncIterator[Process]:
    """One of ``queue``, on the installation that ``settings`` name. What it says lies beside the key file."""
    told = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "KEY_FILE": str(settings.key_file),
        "BASE_URL": settings.base_url,
        "SMTP_URL": settings.smtp_url,
        "MAIL_FROM": settings.mail_from,
        "WEBHOOK_NETWORKS": ",".join(settings.webhook_networks),
    }
    with (settings.key_file.parent / f"{queue}.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "trust_portal.cli", "worker", "--queue", queue),
            env={**os.environ, **{name: value for name, value in told.items() if value}},
            stdout=log,
            stderr=log,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.wait()

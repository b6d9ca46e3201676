"""Real receivers: one mail server a session, its folder emptied for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from support.mail_server import MailServerProcess, mail_server
from support.notify_world import NOW, NotifyWorld, notify_settings
from support.webhook_receiver import Receiver, webhook_receiver

from trust_portal.house import build_house
from trust_portal.kernel.clock import ManualClock


@pytest.fixture(scope="session")
def mail_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServerProcess]:
    with mail_server(tmp_path_factory.mktemp("mail")) as server:
        yield server


@pytest.fixture
def mail(mail_process: MailServerProcess) -> MailServerProcess:
    for path in mail_process.folder.iterdir():
        path.unlink()
    return mail_process


@pytest.fixture
async def world(
    database_url: str, redis_url: str, mail: MailServerProcess, tmp_path
) -> AsyncIterator[NotifyWorld]:
    clock = ManualClock(NOW)
    settings = notify_settings(
        database_url,
        redis_url,
        tmp_path,
        smtp_url=f"smtp://127.0.0.1:{mail.port}?tls=none",
        mail_from="Trust at Aurora <trust@aurora.example>",
        webhook_networks=("127.0.0.0/8",),
    )
    house = build_house(settings, clock)
    await house.open()
    yield NotifyWorld(house, clock)
    await house.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody's server that takes webhooks."""
    with webhook_receiver() as receiver:
        yield receiver

"""A worker is killed while it delivers: nothing is lost, and nothing is on record as done that was not sent."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import select, update
from support.mail_server import MailServerProcess
from support.notify_world import NotifyWorld, notify_settings, spike
from support.webhook_receiver import Receiver
from support.worker_process import worker_process

from trust_portal.access.actors import CONSOLE
from trust_portal.access.notifications.model import CreateEndpoint
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.house import build_house
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import SystemClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.notify.log import DeliveryFilter, LoggedDelivery
from trust_portal.notify.model import Channel, Verdict
from trust_portal.notify.topics import Topic
from trust_portal.storage.backlog import Backlog
from trust_portal.storage.outbox import Job, outbox
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=15)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + 60
    while not await holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_a_mail_and_a_webhook_of_a_killed_worker_are_sent_by_the_next_under_the_same_id(
    database_url: str, redis_url: str, tmp_path: Path, mail: MailServerProcess, receiver: Receiver
) -> None:
    settings = notify_settings(
        database_url,
        redis_url,
        tmp_path,
        smtp_url=f"smtp://127.0.0.1:{mail.port}?tls=none",
        mail_from="Trust at Aurora <trust@aurora.example>",
        webhook_networks=("127.0.0.0/8",),
    )
    house = build_house(settings, SystemClock())
    await house.open()
    world = NotifyWorld(house, house.clock)
    acme = await house.tenants.create(CreateTenant("acme", "Acme Ltd"), CONSOLE)
    carla = (await world.person(acme.id, "carla@acme.example", Role.CUSTOMER_ADMIN)).as_actor()
    admin = (await world.staff("ada@aurora.example", Role.VENDOR_ADMIN)).as_actor()
    await world.staff("fin@aurora.example", Role.FINOPS_OPERATOR)
    endpoint = CreateEndpoint(acme.id, "Ops", receiver.url("/slow"), frozenset({Topic.ANOMALY_OPENED}))
    await house.endpoints.create(endpoint, carla)
    await world.work()
    mail_before = len(mail.taken())
    notification_id = await world.announce(acme.id, spike())

    async def deliveries() -> dict[Channel, LoggedDelivery]:
        found = [
            each
            for reader, tenant_id in ((carla, acme.id), (admin, VENDOR_ID))
            for each in (
                await house.delivery_log.page(reader, DeliveryFilter(tenant_id), PageRequest(50))
            ).items
            if each.notification.topic is Topic.ANOMALY_OPENED
        ]
        return {each.delivery.channel: each for each in found}

    async def verdicts() -> dict[Channel, list[Verdict | None]]:
        return {
            channel: [attempt.verdict for attempt in each.attempts]
            for channel, each in (await deliveries()).items()
        }

    async def waiting() -> int:
        async with house.storage.read(TenantScope(acme.id)) as session:
            query = select(outbox.c.id).where(outbox.c.job == Job.DELIVER_NOTIFICATION)
            return len((await session.execute(query)).all())

    async def both_under_way() -> bool:
        begun = await verdicts()
        return bool(receiver.received) and begun == {Channel.MAIL: [None], Channel.WEBHOOK: [None]}

    # The mail server takes the connection and says nothing; the receiver has the message and does not answer.
    os.kill(mail.pid, signal.SIGSTOP)
    try:
        async with worker_process(settings) as worker:
            await until(both_under_way)
            worker.kill()
            await worker.wait()
    finally:
        os.kill(mail.pid, signal.SIGCONT)
    assert await verdicts() == {Channel.MAIL: [None], Channel.WEBHOOK: [None]}, "neither is done"
    assert (await waiting(), len(mail.taken()) - mail_before) == (2, 0)

    receiver.release.set()
    async with house.storage.write(TenantScope(acme.id)) as session:
        # As if the lease of the dead worker had run out by itself.
        await session.execute(update(outbox).values(leased_until=house.clock.now()))

    async def both_delivered() -> bool:
        ends = await verdicts()
        return all(verdict[-1] is Verdict.DELIVERED for verdict in ends.values())

    async def nothing_waits() -> bool:
        return await Backlog(house.storage).waiting() == ()

    async with worker_process(settings):
        await until(both_delivered)
        await until(nothing_waits)
    lost_then_sent = [Verdict.LOST, Verdict.DELIVERED]
    assert await verdicts() == {Channel.MAIL: lost_then_sent, Channel.WEBHOOK: lost_then_sent}
    assert {each.headers["webhook-id"] for each in receiver.received} == {f"msg_{notification_id.hex}"}
    assert len(receiver.received) == 2, "at least once: the first was sent, and nobody heard the answer"
    assert len({each.body for each in receiver.received}) == 1
    (letter,) = mail.taken()[mail_before:]
    by_mail = (await deliveries())[Channel.MAIL]
    assert str(letter["message-id"]) == f"<{by_mail.delivery.id}@trust.example>"
    assert await waiting() == 0
    await house.close()

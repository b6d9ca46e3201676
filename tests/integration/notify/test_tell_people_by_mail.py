"""From an act's transaction to a real mail server, and into the log."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.mail_server import MailServerProcess
from support.notify_world import NOW, NotifyWorld, spike

from trust_portal.errors import Conflict
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.notify.announcing import announce
from trust_portal.notify.attempts_repository import attempts_of
from trust_portal.notify.model import Attempt, Audience, Verdict
from trust_portal.storage.tenancy import TenantScope


async def log_of(world: NotifyWorld, tenant_id=VENDOR_ID) -> list[tuple[Attempt, ...]]:
    """The attempts at every delivery of one home, oldest delivery first."""
    from sqlalchemy import select

    from trust_portal.notify.tables import notification_deliveries

    async with world.house.storage.read(TenantScope(tenant_id)) as session:
        rows = await session.execute(
            select(notification_deliveries.c.id)
            .where(
                notification_deliveries.c.tenant_id == tenant_id,
                notification_deliveries.c.channel == "mail",
            )
            .order_by(notification_deliveries.c.id)
        )
        ids = [row.id for row in rows]
        found = await attempts_of(session, tenant_id, ids)
    # Ids of the same millisecond have no order.
    return sorted((found.get(id_, ()) for id_ in ids), key=lambda log: log[0].sent_to)


async def test_whoever_holds_the_role_gets_one_mail_and_the_log_says_so(
    world: NotifyWorld, mail: MailServerProcess
) -> None:
    northwind = await world.tenant("northwind", "Northwind Traders")
    await world.staff("fina@aurora.example", Role.FINOPS_OPERATOR, Role.SRE_OPERATOR, name="Fína Ôps")
    await world.staff("sam@aurora.example", Role.SRE_OPERATOR)
    await world.staff("ada@aurora.example", Role.VENDOR_ADMIN)
    await world.person(northwind.id, "carla@northwind.example", Role.CUSTOMER_ADMIN)

    await world.announce(northwind.id, spike(roles=(Role.FINOPS_OPERATOR, Role.SRE_OPERATOR)))
    assert mail.taken() == [], "nothing leaves before the commit's work is taken up"
    await world.work()

    first, second = mail.taken()
    assert mail.recipients() == [["fina@aurora.example"], ["sam@aurora.example"]]
    assert first["to"] == "Fína Ôps <fina@aurora.example>"
    assert first["from"] == "Trust at Aurora <trust@aurora.example>"
    assert first["subject"] == "Compute costs four times as much as expected"
    assert first["date"].datetime == NOW
    assert first["auto-submitted"] == "auto-generated"
    assert first["message-id"] != second["message-id"]
    assert first["references"] == second["references"]
    text = first.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert "Customer: Northwind Traders" in text
    assert "Excess: 512.00 EUR" in text
    assert "https://trust.example/t/northwind/cost\n" in text
    assert '<a href="https://trust.example/t/northwind/cost">' in first.get_body(("html",)).get_content()

    (one,), (other,) = await log_of(world)
    assert (one.ordinal, one.verdict, one.status, one.sent_to) == (
        1,
        Verdict.DELIVERED,
        250,
        "f…@aurora.example",
    )
    assert one.words.startswith("2.0.0 Ok: queued as ")
    assert other.verdict is Verdict.DELIVERED
    assert await world.work() == 0


async def test_an_occasion_is_told_once_however_often_it_is_announced(
    world: NotifyWorld, mail: MailServerProcess
) -> None:
    northwind, globex = await world.tenant("northwind"), await world.tenant("globex")
    await world.staff("fina@aurora.example", Role.FINOPS_OPERATOR)
    first = await world.announce(northwind.id, spike())
    assert await world.announce(northwind.id, spike()) is None
    await world.work()
    assert await world.announce(northwind.id, spike()) is None
    await world.house.dispatcher.dispatch(northwind.id, first)
    await world.work()
    assert len(mail.taken()) == 1
    await world.announce(globex.id, spike())
    await world.work()
    assert len(mail.taken()) == 2, "the same key in another tenant is another occasion"


async def test_an_act_that_is_rolled_back_tells_nobody(world: NotifyWorld, mail: MailServerProcess) -> None:
    northwind = await world.tenant("northwind")
    await world.staff("fina@aurora.example", Role.FINOPS_OPERATOR)
    with pytest.raises(Conflict):
        async with world.house.storage.write(TenantScope(northwind.id)) as session:
            await announce(session, spike())
            raise Conflict("the act does not happen")
    assert await world.work() == 0
    assert mail.taken() == []


async def test_people_are_told_by_name_in_either_house_but_not_who_is_left_out(
    world: NotifyWorld, mail: MailServerProcess
) -> None:
    northwind = await world.tenant("northwind")
    carla = await world.person(northwind.id, "carla@northwind.example", Role.CUSTOMER_ADMIN)
    olga = await world.staff("olga@aurora.example", Role.CSM)
    fina = await world.staff("fina@aurora.example", Role.FINOPS_OPERATOR)
    await world.staff("finn@aurora.example", Role.FINOPS_OPERATOR)
    gone = await world.staff("gone@aurora.example", Role.FINOPS_OPERATOR)
    audience = Audience(
        frozenset({Role.FINOPS_OPERATOR}), people=frozenset({carla.id, olga.id}), without=frozenset({fina.id})
    )
    await world.announce(northwind.id, spike(audience=audience))
    from trust_portal.access.actors import CONSOLE

    await world.house.people.suspend(CONSOLE, VENDOR_ID, gone.id)
    await world.work()
    assert sorted(to for (to,) in mail.recipients()) == [
        "carla@northwind.example",
        "finn@aurora.example",
        "olga@aurora.example",
    ]


async def test_a_server_that_puts_it_off_is_asked_again_by_the_schedule_under_the_same_id(
    world: NotifyWorld, mail: MailServerProcess
) -> None:
    await world.staff("later-2@aurora.example", Role.FINOPS_OPERATOR)
    northwind = await world.tenant("northwind")
    await world.announce(northwind.id, spike())
    await world.work()
    ((first,),) = await log_of(world)
    assert (first.verdict, first.status, first.words) == (
        Verdict.FAILED,
        451,
        "451 4.7.1 greylisted, come back later",
    )
    assert timedelta(seconds=5) <= first.next_try_at - NOW <= timedelta(seconds=5.5)
    assert await world.work() == 0, "not before its time"

    world.clock.advance(timedelta(seconds=6))
    await world.work()
    world.clock.advance(timedelta(minutes=6))
    await world.work()
    ((_, second, third),) = await log_of(world)
    assert timedelta(minutes=5) <= second.next_try_at - second.ended_at <= timedelta(minutes=5.5)
    assert (third.ordinal, third.verdict, third.next_try_at) == (3, Verdict.DELIVERED, None)
    assert len(mail.taken()) == 1


@pytest.mark.parametrize(("who", "status"), [("never", 550), ("spam", 554)])
async def test_a_refusal_for_good_is_not_repeated_and_the_administrators_hear_of_it_once(
    world: NotifyWorld, mail: MailServerProcess, who: str, status: int
) -> None:
    northwind = await world.tenant("northwind")
    await world.staff(f"{who}@aurora.example", Role.FINOPS_OPERATOR)
    await world.staff("ada@aurora.example", Role.VENDOR_ADMIN)
    await world.announce(northwind.id, spike())
    await world.announce(northwind.id, spike(key="anomaly/2"))
    await world.work()
    given_up = [each[-1] for each in await log_of(world) if each[-1].given_up]
    assert [each.status for each in given_up] == [status, status]
    (told,) = mail.taken()
    assert mail.recipients() == [["ada@aurora.example"]]
    assert told["subject"] == "A mail could not be delivered: Compute costs four times as much as expected"


async def test_who_may_not_sign_in_any_more_is_not_written_to(
    world: NotifyWorld, mail: MailServerProcess
) -> None:
    from trust_portal.access.actors import CONSOLE

    northwind = await world.tenant("northwind")
    late = await world.staff("later-1@aurora.example", Role.FINOPS_OPERATOR)
    await world.announce(northwind.id, spike())
    await world.work()
    await world.house.people.suspend(CONSOLE, VENDOR_ID, late.id)
    world.clock.advance(timedelta(minutes=1))
    await world.work()
    ((_, last),) = await log_of(world)
    assert (last.verdict, last.words) == (Verdict.SKIPPED, "this person may not sign in any more")
    assert mail.taken() == []

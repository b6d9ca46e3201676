"""The list of accounts and a draft's own page judge its age by one rule, at every moment; the list reads as much for many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from qbr_desk import prepare
from report_desk import CORA, Q2, publish
from sqlalchemy import event
from sqlalchemy.engine import make_url
from support.portal_fixtures import Portal

from schema.context import Context
from schema.root import schema
from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.house import House
from trust_portal.trust.accounts.model import Account, Readiness, SetAccount
from trust_portal.trust.qbr.model import EntryKind, Qbr, Say
from trust_portal.trust.report.model import blocking

CAME = datetime(2026, 2, 1, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
#: After gathering: incidents may be an hour old, most of the rest a day, posture two, a Trust Report 31.
MOMENTS = (
    timedelta(), HOUR, HOUR + SECOND, 23 * HOUR, 24 * HOUR, 24 * HOUR + SECOND, 48 * HOUR + SECOND, 31 * 24 * HOUR + SECOND,
)  # fmt: skip


async def listed(house: House) -> dict[UUID, Account]:
    """By tenant; every door to the list says the same."""
    found = {each.tenant.id: each for each in await house.accounts.list(CORA)}
    query = "{ accounts(first: 50) { nodes { key readiness blockingCount } } }"
    answer = await schema.execute(query, context_value=Context(house, CORA))
    assert answer.errors is None, answer.errors
    assert answer.data is not None
    assert {
        each["key"]: (each["readiness"], each["blockingCount"]) for each in answer.data["accounts"]["nodes"]
    } == {each.tenant.key: (each.readiness.name, each.blocking) for each in found.values()}
    for id_, each in found.items():
        alone = await house.accounts.look(CORA, id_)
        assert (alone.readiness, alone.blocking) == (each.readiness, each.blocking)
    return found


async def of_the_page(house: House, qbr: Qbr) -> tuple[Readiness, int]:
    """As the draft's own page has it."""
    draft = await house.qbr_reader.draft(CORA, qbr.tenant_id, qbr.id)
    assert draft.newer == ()
    locked = {each.id for each in blocking(draft.sections)}
    found = {each.id for each in blocking(draft.told)}
    if found - locked:
        return Readiness.AGED, len(found)
    return (Readiness.BLOCKED if found else Readiness.DRAFT), len(found)


async def two_drafts(portal: Portal) -> tuple[Qbr, Qbr]:
    """Of the next reviews of Aurora, and of a customer without incidents; nothing moved for two hours before."""
    house, clock = portal.house, portal.clock
    calm = await house.tenants.create(CreateTenant("calm", "Calm", onboarded_at=CAME), CONSOLE)
    found = []
    for each in (portal.world.aurora, calm):
        await house.accounts.set(SetAccount(each.id, None, date(2026, 9, 20)), CORA)
    clock.advance(2 * HOUR)
    for each in (portal.world.aurora, calm):
        await publish(house, each.id)
        found.append(await prepare(house, each.id))
    first, second = found
    return first, second


async def test_the_list_calls_a_draft_aged_from_the_moment_at_which_its_page_does_whatever_is_left_out(
    portal: Portal,
) -> None:
    house = portal.house
    aurora, calm = drafts = await two_drafts(portal)
    begun, seen = portal.clock.now(), []
    for after in MOMENTS:
        portal.clock.advance(begun + after - portal.clock.now())
        found = await listed(house)
        for each in drafts:
            account = found[each.tenant_id]
            assert (account.readiness, account.blocking) == await of_the_page(house, each), after
        seen.append([found[each.tenant_id].readiness for each in drafts])
    # Aurora's incidents are missing from the beginning: nothing of it is older than it may be before a day is over.
    assert [each for each, _ in seen] == [Readiness.BLOCKED] * 5 + [Readiness.AGED] * 3
    assert [each for _, each in seen] == [Readiness.BLOCKED] * 2 + [Readiness.AGED] * 6
    again = await prepare(house, calm.tenant_id)
    assert (await listed(house))[again.tenant_id].readiness is Readiness.BLOCKED
    for section in ("incidents", "outcome", "changes"):
        await house.qbrs.say(Say(again.tenant_id, Q2, EntryKind.OMISSION, section, "Told by mail."), CORA)
    portal.clock.advance(2 * HOUR)
    account = (await listed(house))[again.tenant_id]
    assert (account.readiness, account.blocking) == await of_the_page(house, again)
    assert account.readiness is Readiness.BLOCKED, "what is left out may grow old"
    await house.qbrs.say(Say(again.tenant_id, Q2, EntryKind.OMISSION, "incidents", ""), CORA)
    account = (await listed(house))[again.tenant_id]
    assert (account.readiness, account.blocking) == await of_the_page(house, again)
    assert account.readiness is Readiness.AGED, "it goes out again"
    assert (await of_the_page(house, aurora))[0] is Readiness.AGED


async def test_of_a_draft_from_before_obstacles_were_kept_the_list_says_the_same(
    portal: Portal, server_thread
) -> None:
    house = portal.house
    drafts = await two_drafts(portal)
    portal.clock.advance(HOUR + SECOND)
    before = await listed(house)
    name = make_url(house.settings.database_url).database
    superuser = await server_thread.servers._postgres.connect_as_bootstrap(name)
    await superuser.execute("SET session_replication_role = replica")  # rows of qbrs are never changed
    assert await superuser.execute("UPDATE qbrs SET obstacles = NULL") == "UPDATE 2"
    await superuser.close()
    assert await listed(house) == before
    assert [before[each.tenant_id].readiness for each in drafts] == [Readiness.BLOCKED, Readiness.AGED]


async def test_the_list_asks_no_more_of_the_database_for_more_drafts(portal: Portal) -> None:
    house = portal.house
    _, calm = await two_drafts(portal)
    portal.clock.advance(24 * HOUR)
    await house.accounts.set(SetAccount(calm.tenant_id, None, None), CORA)
    with counted(house) as one:
        await house.accounts.list(CORA)
    await house.accounts.set(SetAccount(calm.tenant_id, None, date(2026, 9, 20)), CORA)
    with counted(house) as both:
        found = await house.accounts.list(CORA)
    assert [each.readiness for each in found][:2] == [Readiness.BLOCKED, Readiness.AGED]
    assert len(both) == len(one) > 0


@contextmanager
def counted(house: House) -> Iterator[list[str]]:
    """Every statement that SQLAlchemy sends, in order."""
    engine, seen = house.storage.engine.sync_engine, list[str]()

    def sent(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", sent)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", sent)

"""A no is written down, once; a look is, too."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from trust_portal.access.access_log.model import Access, AccessFilter, Group, Looker, Verb
from trust_portal.access.access_log.repository import tallies_between
from trust_portal.access.action import Action
from trust_portal.access.actors import CONSOLE
from trust_portal.access.denials import PER_ACTOR_AND_MINUTE, Denials
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource, shipped_policies
from trust_portal.access.tables import access_log, policy_decisions
from trust_portal.errors import Denied, InvalidInput, NotFound, Unavailable
from trust_portal.kernel.actor import SYSTEM, Role
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import PageRequest, encode_cursor
from trust_portal.storage.tenancy import TenantScope


@pytest.fixture
async def vera(acme, member):
    return (await member(acme, "vera@acme.example", Role.CUSTOMER_VIEWER)).as_actor()


async def denials(access, tenant_id):
    async with access.storage.read(TenantScope(tenant_id)) as session:
        query = select(policy_decisions).where(policy_decisions.c.tenant_id == tenant_id)
        return (await session.execute(query)).all()


async def test_a_denial_is_recorded_with_what_decided(access, acme, vera):
    with pytest.raises(Denied, match="Vera may not restate sla report"):
        await access.gate.require(vera, Action.SLA_REPORT_RESTATE, Resource("SLA report", acme.id, "r1"))

    [row] = await denials(access, acme.id)
    assert (row.actor_id, row.action, row.resource_kind, row.resource_id) == (
        vera.id,
        "tenant:sla_report:restate",
        "SLA report",
        "r1",
    )
    assert (row.policies, row.policy_version) == ([], shipped_policies().version)


async def test_a_reach_into_another_tenant_is_recorded_at_home(access, acme, globex, vera):
    with pytest.raises(NotFound, match="no such SLA report"):
        await access.gate.require(vera, Action.SLA_REPORT_READ, Resource("SLA report", globex.id, "r1"))

    [row] = await denials(access, acme.id)
    assert (row.resource_tenant_id, row.policies) == (globex.id, ["customers-stay-at-home"])
    assert await denials(access, globex.id) == []


async def test_repeats_within_a_minute_are_one_row_also_across_processes(access, acme, vera, clock):
    gates = (access.gate, Gate(shipped_policies(), Denials(access.storage)))
    resource = Resource("SLA report", acme.id, "r1")

    for _ in range(2):
        for gate in gates:
            for _ in range(5):
                with pytest.raises(Denied):
                    await gate.require(vera, Action.SLA_REPORT_ISSUE, resource)
        clock.advance(timedelta(minutes=1))

    assert len(await denials(access, acme.id)) == 2


async def test_a_denial_that_could_not_be_written_still_refuses_and_is_written_next_time(
    access, acme, vera, monkeypatch
):
    resource = Resource("SLA report", acme.id, "r1")
    with monkeypatch.context() as patch:
        patch.setattr(access.storage, "write", away)
        with pytest.raises(Unavailable):
            await access.gate.require(vera, Action.SLA_REPORT_ISSUE, resource)
    assert await denials(access, acme.id) == []

    with pytest.raises(Denied):
        await access.gate.require(vera, Action.SLA_REPORT_ISSUE, resource)
    assert len(await denials(access, acme.id)) == 1


def away(scope):
    raise Unavailable("the database does not answer")


async def test_a_flood_of_different_questions_stays_bounded(access, acme, vera):
    for _ in range(PER_ACTOR_AND_MINUTE + 20):
        with pytest.raises(NotFound):
            await access.gate.require(vera, Action.PROFILE_READ, Resource.tenant(new_id()))

    assert len(await denials(access, acme.id)) == PER_ACTOR_AND_MINUTE


async def test_asking_whether_it_would_be_allowed_records_nothing(access, acme, vera):
    assert not access.gate.allows(vera, Action.SLA_REPORT_ISSUE, Resource("SLA report", acme.id))
    assert access.gate.allows(vera, Action.SLA_REPORT_READ, Resource("SLA report", acme.id))
    assert await denials(access, acme.id) == []


async def test_the_log_says_who_looked_whatever_they_are(access, acme, vera, clock):
    auditor = replace(vera, id=new_id(), name="Aiko", roles=frozenset({Role.AUDITOR}))
    staff = replace(vera, id=new_id(), name="Sam", tenant_id=VENDOR_ID)
    for actor in (vera, auditor, staff, SYSTEM):
        clock.advance(timedelta(seconds=1))
        await access.access_log.trace(actor, [acme.id, VENDOR_ID], Access(Verb.DOWNLOADED, "export", "e1"))

    page = await access.access_log.page(vera, acme.id, PageRequest())

    assert [(e.actor_name, e.group) for e in page.items] == [
        ("Sam", Group.STAFF),
        ("Aiko", Group.AUDITOR),
        ("Vera", Group.CUSTOMER),
    ]


async def test_who_looks_at_the_console_is_the_vendor_also_in_rows_that_say_the_installation(
    access, acme, vera, clock
):
    start = clock.now()
    for what in ("then", "now"):
        clock.advance(timedelta(minutes=2))
        await access.access_log.trace(CONSOLE, [acme.id], Access(Verb.READ, what))
    scope = TenantScope(acme.id)
    async with access.storage.read(scope) as session:
        query = select(access_log).where(access_log.c.tenant_id == acme.id).order_by(access_log.c.at)
        rows = (await session.execute(query)).all()
    assert [(row.what, row.actor_group) for row in rows] == [("then", "staff"), ("now", "staff")]
    clock.advance(timedelta(minutes=2))
    row = {
        **rows[0]._mapping,
        "id": new_id(),
        "at": clock.now(),
        "minute": clock.now(),
        "what": "before",
        "actor_group": "system",
    }
    async with access.storage.write(scope) as session:
        await session.execute(insert(access_log).values(row))
    page = await access.access_log.page(vera, acme.id, PageRequest(), AccessFilter(Looker.STAFF))
    assert [(e.access.what, e.actor_name, e.group) for e in page.items] == [
        (what, CONSOLE.name, Group.STAFF) for what in ("before", "now", "then")
    ]
    async with access.storage.read(scope) as session:
        (tally,) = await tallies_between(session, acme.id, start, clock.now() + timedelta(seconds=1))
    assert (tally.group, tally.read) == (Group.STAFF, 3)


async def test_the_same_look_within_a_minute_is_one_entry(access, acme, vera, clock):
    for seconds in (0, 1, 58, 1):
        clock.advance(timedelta(seconds=seconds))
        await access.access_log.trace(vera, [acme.id], Access(Verb.READ, "SLA report", "r1"))

    page = await access.access_log.page(vera, acme.id, PageRequest())
    assert len(page.items) == 2


async def test_the_log_is_paged_newest_first_in_both_directions(access, acme, vera, clock):
    for number in range(5):
        clock.advance(timedelta(seconds=1))
        await access.access_log.trace(vera, [acme.id], Access(Verb.READ, "SLA report", str(number)))

    async def page(**cursor):
        return await access.access_log.page(vera, acme.id, PageRequest(size=2, **cursor))

    first = await page()
    second = await page(after=first.cursors[-1])
    third = await page(after=second.cursors[-1])
    back = await page(before=third.cursors[0])

    subjects = [[e.access.subject for e in p.items] for p in (first, second, third, back)]
    assert subjects == [["4", "3"], ["2", "1"], ["0"], ["2", "1"]]
    assert (third.has_next, back.has_next, back.has_previous) == (False, True, True)


async def test_a_cursor_of_another_list_is_refused(access, acme, vera):
    for cursor in (encode_cursor("acme"), encode_cursor("x", "y"), "%%%"):
        with pytest.raises(InvalidInput) as refused:
            await access.access_log.page(vera, acme.id, PageRequest(after=cursor))
        assert refused.value.field == "cursor"


async def test_another_tenants_log_does_not_exist(access, globex, vera):
    with pytest.raises(NotFound, match="no such access log"):
        await access.access_log.page(vera, globex.id, PageRequest())

"""A storm over the real database: however it comes, every P1 and P2 has a postmortem or is a named gap."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select
from support.incident_storms import Storm, pager_storms
from support.learning_world import Vendor, declared
from support.postmortem_desk import desk_of
from support.storm_weather import Weather, register, weather_over

from trust_portal.access.rights import actor_with
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.incidents import repository
from trust_portal.learning.incidents.facts_repository import all_keys, downgrades_of, facts_of
from trust_portal.learning.incidents.folding import fold
from trust_portal.learning.incidents.integrations_model import Reception
from trust_portal.learning.incidents.model import Severity, incident_id
from trust_portal.learning.incidents.naming import history_of
from trust_portal.learning.postmortems.gathering.everything import gather
from trust_portal.learning.postmortems.gathering.model import FactKind
from trust_portal.learning.postmortems.tables import postmortems
from trust_portal.learning.switchboard.coverage import Cover
from trust_portal.learning.switchboard.repository import read_ledger
from trust_portal.storage.tenancy import StaffScope, TenantScope

VENDOR = TenantScope(VENDOR_ID)
EXAMPLES = 20


def drawn() -> list[Storm]:
    """Hypothesis draws, the test's own event loop runs: each storm adds to what was there before."""
    found: list[Storm] = []

    @settings(max_examples=EXAMPLES, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(pager_storms(smallest=8))
    def draw(storm: Storm) -> None:
        found.append(storm)

    draw()
    return found


def renamed(event: dict[str, Any], run: int) -> dict[str, Any]:
    """Keys of its own for each storm."""
    data = dict(event["data"])
    for field in ("incident", "into"):
        if field in data:
            data[field] = f"{run}-{data[field]}"
    return {**event, "id": f"{run}-{event['id']}", "data": data}


async def unnamed(vendor: Vendor, events: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """By source and key what was told to be a P1 or P2 and the coverage ledger has nowhere, taken in or not.

    What waits is named by its key; what a source tells of an incident that it did not declare is of the one that
    declared it alone.
    """
    async with vendor.house.storage.read(VENDOR, snapshot=True) as session:
        ledger = await read_ledger(session)
        keys = {each["data"]["incident"] for each in events}
        known = await repository.incidents_of_keys(session, keys)
    in_ledger = {each.incident.id for each in ledger.lines if each.incident is not None}
    gaps = {each.name for each in ledger.gaps}
    declaring: dict[str, set[str]] = {}
    for incident in known:
        declaring.setdefault(incident.key, set()).add(incident.source)
    severe = {
        (each["source"], each["data"]["incident"])
        for each in events
        if each["data"].get("severity") in {"P1", "P2"}
    }

    def named(source: str, key: str) -> bool:
        if {key, f"{source}/{key}"} & gaps:
            return True
        sources = declaring.get(key, set())
        whose = {source} & sources or sources
        return len(whose) == 1 and incident_id(min(whose), key) in in_ledger

    return {each for each in severe if not named(*each)}


@pytest.fixture
async def weather(vendor: Vendor) -> Weather:
    return await weather_over(vendor, await desk_of(vendor, declared("DESK", "P4")))


@pytest.mark.takes(seconds=15)
async def test_no_p1_or_p2_is_ever_without_a_postmortem_or_a_named_gap(
    vendor: Vendor, weather: Weather
) -> None:
    """Events and pagers, repeated and out of order, people at the portal, and a token for one customer; and meanwhile
    some of it is lowered by two approvals, some is merged and parted again by two, and some is signed.
    """
    following, chance = vendor.house.incident_following, random.Random(5)
    so_far: list[dict[str, Any]] = []
    for run, storm in enumerate(drawn()):
        alarms = list(storm.alarms)
        for number, portion in enumerate(storm.deliveries, start=1):
            vendor.clock.advance(timedelta(seconds=1))
            events = [renamed(event, run) for event in portion]
            await vendor.tell(*events)
            so_far += events
            assert await unnamed(vendor, so_far) == set(), "before anything of the portion is taken in"
            if alarms:
                await weather.alarm(alarms.pop(), run)
                assert await weather.unheard() == []
            if chance.random() < 0.6:
                await following.follow()
            for when, severity in storm.lowered:
                if when == min(number, len(storm.deliveries)):
                    await weather.lower(severity, run)
            assert await unnamed(vendor, so_far) == set()
            assert await weather.unheard() == []
        for paged in alarms:
            await weather.alarm(paged, run)
            assert await weather.unheard() == []
        if run % 10 == 0:
            await weather.again_and_again(run)
        if run % 3 == 0:
            so_far.append(await weather.bound(run, "INC-1" if run % 2 else "BOUND"))
            assert await unnamed(vendor, so_far) == set()
        if run % 4 == 0:
            by_hand = await weather.by_hand(run)
            await weather.assign(by_hand, run)
            assert await weather.unheard() == []
            if run % 8 == 0:
                await weather.merged_and_undone(by_hand, run)
                assert (await unnamed(vendor, so_far), await weather.unheard()) == (set(), [])
        if run % 10 == 5:
            await weather.made_less(run)
            assert (await unnamed(vendor, so_far), await weather.unheard()) == (set(), [])
        if run % 5 == 0:
            await weather.sign(run)
            assert (await unnamed(vendor, so_far), await weather.unheard()) == (set(), [])
    await following.follow()
    assert weather.lowered >= 3
    assert len(weather.heard) > EXAMPLES / 2
    assert {each.reception for each in weather.heard} >= {Reception.TOLD, Reception.UNMATCHED}
    assert len(weather.signed) >= 3
    assert len(weather.assigned) >= 1
    assert len(weather.parted) == 3
    assert len(weather.burning) == 2

    incidents, gaps = await register(vendor)
    async with vendor.house.storage.read(VENDOR) as session:
        told = await facts_of(session, await all_keys(session))
        downgrades = await downgrades_of(session, {each.id for each in incidents})
        ledger = await read_ledger(session)
        rows = await session.execute(select(postmortems).where(postmortems.c.tenant_id == VENDOR_ID))
        opened: dict[UUID, UUID] = {row.incident_id: row.receipt_id for row in rows}
    assert len(downgrades) == weather.lowered
    people = {"ivo@vendor.example": weather.desk.owner.id, "sam@vendor.example": weather.sre.id}
    whole = fold(told, downgrades, people)
    by_name = sorted(incidents, key=lambda each: (each.source, each.key))
    assert by_name == list(whole.incidents)
    assert sorted(gaps, key=lambda gap: (gap.source, gap.key)) == list(whole.gaps)
    majors = {each.id for each in incidents if each.needs_postmortem}
    assert len(majors) > EXAMPLES
    assert majors <= set(opened)
    severe = [each for each in told if each.body.get("severity") in {"P1", "P2"}]
    named = {(gap.source, gap.key) for gap in gaps if gap.worst_severity in {"P1", "P2"}}
    told_of = {
        (each.source, each.key): history_of(
            [fact for fact in told if fact.subject == each.key], (each.source, each.key)
        )
        for each in incidents
    }
    held = {fact.key: name for name, history in told_of.items() for fact in history}
    major_names = {(each.source, each.key) for each in incidents if each.id in majors}
    assert all(held.get(fact.key) in major_names or (fact.source, fact.subject) in named for fact in severe)

    by_id = {each.id: each for each in incidents}
    merged = [each for each in incidents if each.merged_into is not None]
    lowered = {each.incident_id for each in downgrades}
    for each in merged:
        assert each.merged_into is not None
        into = by_id[each.merged_into]
        assert not each.worst_severity.outranks(into.worst_severity)
        if each.severity.is_major and into.id not in lowered:
            assert not each.severity.outranks(into.severity), "nothing gets less by a merger"
    undone = [fact for fact in told if fact.body.get("kind") == "unmerged" and held.get(fact.key) is not None]
    assert len(merged) >= 5
    assert len(undone) >= 3

    ends = sorted({each.ends_in for each in merged if each.ends_in is not None})
    async with vendor.house.storage.read(StaffScope(), snapshot=True) as session:
        for end in ends[:8]:
            gathered = await gather(session, by_id[end], vendor.clock.now(), whole=True)
            every = [each for each in incidents if end in {each.id, each.ends_in}]
            lines = [each.source for each in gathered.facts if each.kind is FactKind.TIMELINE]
            facts = [fact for each in every for fact in told_of[each.source, each.key]]
            approvals = [one for one in downgrades if one.incident_id in {each.id for each in every}]
            assert sorted(lines) == sorted(
                [f"{fact.source} {fact.origin.event_id}" for fact in facts]
                + [f"receipt/{each.receipt_id}" for each in approvals]
            )
            assert gathered.incident.began_at == min(each.began_at for each in every)
            assert {each.id for each in gathered.incident.merged} == {each.id for each in every} - {end}

    in_ledger = {each.incident.id: each for each in ledger.lines if each.incident is not None}
    assert set(in_ledger) == majors, "downgraded or not"
    assert {each.incident_id for each in downgrades} <= {
        id_ for id_, each in in_ledger.items() if each.worst_severity in {Severity.P1, Severity.P2}
    }
    outdated = {each.incident.id for each in ledger.gaps if each.incident and each.cover is Cover.OUTDATED}
    assert set(weather.signed) <= outdated
    assert await weather.unheard() == []

    receipts, after = set[UUID](), None
    while True:
        asked = PageRequest(100, after)
        page = await vendor.house.archive.receipts(actor_with(Role.VENDOR_ADMIN), VENDOR_ID, asked)
        receipts |= {each.id for each in page.items if each.kind is ReceiptKind.POSTMORTEM_OPENED}
        if not page.has_next:
            break
        after = page.cursors[-1]
    assert receipts == set(opened.values()), "each leaves one, and no other is left"

    await following.rebuild()
    assert await register(vendor) == (incidents, gaps)

"""A storm over the real database: however it comes, every P1 and P2 has a postmortem or is a named gap."""

from __future__ import annotations

import hashlib
import hmac
import random
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select
from support.incident_storms import Paged, Storm, pager_storms
from support.learning_world import Vendor
from support.passkeys import Devices

from trust_portal.access.approvals.recording import load
from trust_portal.access.rights import actor_with
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.incidents import repository
from trust_portal.learning.incidents.acts_model import ChangeSeverity
from trust_portal.learning.incidents.alarms import AlarmSource
from trust_portal.learning.incidents.facts_repository import all_keys, downgrades_of, facts_of
from trust_portal.learning.incidents.folding import fold
from trust_portal.learning.incidents.integrations_model import Reception, SetIntegration
from trust_portal.learning.incidents.model import Incident, IncidentGap, Severity, incident_id
from trust_portal.learning.incidents.naming import history_of
from trust_portal.learning.postmortems.gathering.everything import gather
from trust_portal.learning.postmortems.gathering.model import FactKind
from trust_portal.learning.postmortems.tables import postmortems
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


async def register(vendor: Vendor) -> tuple[list[Incident], tuple[IncidentGap, ...]]:
    async with vendor.house.storage.read(VENDOR) as session:
        keys = await all_keys(session)
        return list(await repository.incidents_of_keys(session, keys)), await repository.gaps(session)


RULES = "- {severity: '{%s}', service: s, title: t}"
SECRET = "made by PagerDuty"
PAGERS = tuple(f"{source.value}/main" for source in AlarmSource)


class Weather:
    """What comes beside events: pagers, and two persons who approve that something was less."""

    def __init__(self, vendor: Vendor, sre: Actor, two: list[Actor], token: str) -> None:
        self.vendor, self.sre, self.two, self.token = vendor, sre, two, token
        self.devices = Devices(vendor.house)
        self.lowered = 0
        self.severe: set[tuple[str, str]] = set()

    async def alarm(self, paged: Paged, run: int) -> Reception:
        """Delivered twice, as pagers do that had no answer; a P1 or P2 of them is remembered by name."""
        body = paged.body(run)
        signature = "v1=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        first, again = [
            await self.vendor.house.alarms.receive(
                paged.source, "main", body, signature=signature, token=self.token
            )
            for _ in range(2)
        ]
        assert again in {Reception.DUPLICATE, Reception.UNMATCHED}
        states = paged.word in {"triggered", "priority_updated"} or (
            paged.word == "firing" and first in {Reception.TOLD, Reception.UNMATCHED}
        )
        if states and paged.severity not in {"P3", "P4"}:
            self.severe.add((f"{paged.source.value}/main", f"{run}-{paged.key}"))
        return first

    async def lower(self, severity: Severity, run: int) -> None:
        """The first P1 or P2 of this storm that is worse, asked for by one, approved by two, and settled."""
        house = self.vendor.house
        await house.incident_following.follow()
        incidents, _ = await register(self.vendor)
        worse = [
            each for each in incidents if each.key.startswith(f"{run}-") and each.severity.outranks(severity)
            and each.severity.is_major
        ]  # fmt: skip
        if not worse:
            return
        self.vendor.clock.advance(timedelta(seconds=1))
        command = ChangeSeverity(worse[0].id, "It hurt nobody", severity=severity)
        request_id = await house.downgrades.ask(command, self.sre)
        async with house.storage.read(VENDOR) as session:
            request = (await load(session, VENDOR_ID, request_id)).request
        for actor in self.two:
            await self.devices.approve(request, actor)
        settled = await house.downgrades.approval_settled(request_id)
        assert settled is not None
        assert (settled.severity, settled.needs_postmortem) == (severity, True)
        self.lowered += 1


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
    sre = (await vendor.person("Sam Operator", Role.SRE_OPERATOR)).as_actor()
    two = [
        (await vendor.person("Rob Reliable", Role.APPROVER_RELIABILITY)).as_actor(),
        (await vendor.person("Sue Secure", Role.APPROVER_SECURITY)).as_actor(),
    ]
    pagers = vendor.house.incident_integrations
    for kind, field in (
        (AlarmSource.PAGERDUTY, "priority.summary"),
        (AlarmSource.ALERTMANAGER, "labels.severity"),
    ):
        secret = SECRET if kind is AlarmSource.PAGERDUTY else None
        await pagers.set(SetIntegration(kind, "main", RULES % field, "It wakes us", secret=secret), sre)
    view = await pagers.get(sre, AlarmSource.ALERTMANAGER, "main")
    assert view.token is not None
    return Weather(vendor, sre, two, view.token)


@pytest.mark.takes(seconds=15)
async def test_no_p1_or_p2_is_ever_without_a_postmortem_or_a_named_gap(
    vendor: Vendor, weather: Weather
) -> None:
    """Events and pagers, repeated and out of order; and meanwhile some of it is lowered by two approvals."""
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
            if chance.random() < 0.6:
                await following.follow()
            for when, severity in storm.lowered:
                if when == min(number, len(storm.deliveries)):
                    await weather.lower(severity, run)
            assert await unnamed(vendor, so_far) == set()
        for paged in alarms:
            await weather.alarm(paged, run)
    await following.follow()
    assert weather.lowered >= 3
    assert len(weather.severe) > EXAMPLES / 2

    incidents, gaps = await register(vendor)
    async with vendor.house.storage.read(VENDOR) as session:
        told = await facts_of(session, await all_keys(session))
        downgrades = await downgrades_of(session, {each.id for each in incidents})
        ledger = await read_ledger(session)
        rows = await session.execute(select(postmortems).where(postmortems.c.tenant_id == VENDOR_ID))
        opened: dict[UUID, UUID] = {row.incident_id: row.receipt_id for row in rows}
    assert len(downgrades) == weather.lowered
    whole = fold(told, downgrades)
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
            gathered = await gather(session, by_id[end], vendor.clock.now())
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
    covered = {(each.source, each.key) for each in incidents if each.id in opened}
    gaps_by_name = {each.name for each in ledger.gaps}
    assert all(name in covered or "/".join(name) in gaps_by_name for name in weather.severe)

    page = await vendor.house.archive.receipts(actor_with(Role.VENDOR_ADMIN), VENDOR_ID, PageRequest(100))
    receipts = [each.id for each in page.items if each.kind is ReceiptKind.POSTMORTEM_OPENED]
    assert set(receipts) <= set(opened.values())

    await following.rebuild()
    assert await register(vendor) == (incidents, gaps)

"""Alertmanager says it anew as long as it fires: what was told before an approval does not speak again after it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.incident_storms import Paged
from support.learning_world import Vendor, declared
from support.postmortem_desk import desk_of
from support.storm_weather import Weather, register, weather_over

from trust_portal.access.approvals.recording import load
from trust_portal.facts.events import AlarmSource
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.incidents.acts_model import ChangeSeverity, MergeIncident, UnmergeIncident
from trust_portal.learning.incidents.integrations_model import Reception, SetIntegration
from trust_portal.learning.incidents.model import Incident, Severity
from trust_portal.storage.tenancy import TenantScope

VENDOR = TenantScope(VENDOR_ID)
ALERTMANAGER = AlarmSource.ALERTMANAGER


@pytest.fixture
async def weather(vendor: Vendor) -> Weather:
    return await weather_over(vendor, await desk_of(vendor, declared("DESK", "P4")))


def firing(minute: int, severity: str = "P1", key: str = "GROUP") -> Paged:
    return Paged(ALERTMANAGER, "firing", key, minute, severity)


async def sent(weather: Weather, paged: Paged) -> Reception:
    """An hour after whatever was before."""
    weather.vendor.clock.advance(timedelta(hours=1))
    return await weather.alarm(paged, 0)


async def known(weather: Weather, key: str = "GROUP") -> Incident:
    incidents, _ = await register(weather.vendor)
    return next(each for each in incidents if each.key == f"0-{key}")


async def kinds(weather: Weather) -> list[str]:
    view = await weather.vendor.house.incidents.get(weather.sre, (await known(weather)).id)
    return [each.kind for each in view.entries]


async def test_what_declared_a_p1_that_two_made_less_changes_nothing_when_it_is_sent_again(
    weather: Weather,
) -> None:
    assert await sent(weather, firing(0)) is Reception.TOLD
    lowered = await weather.approved((await known(weather)).id, Severity.P3)
    assert await sent(weather, firing(0)) is Reception.DUPLICATE
    assert await known(weather) == lowered
    assert (lowered.severity, lowered.worst_severity) == (Severity.P3, Severity.P1)
    assert await sent(weather, firing(200)) is Reception.TOLD, "another alarm the approvers had not seen"
    assert (await known(weather)).severity is Severity.P1


async def test_an_alarm_that_made_nothing_worse_is_a_note_and_speaks_no_other_time(weather: Weather) -> None:
    """The group grew by an alert that is as bad as those before; also of what was reopened meanwhile."""
    assert await sent(weather, firing(0)) is Reception.TOLD
    assert await sent(weather, firing(5)) is Reception.TOLD
    assert await kinds(weather) == ["declared", "note"]
    resolved = Paged(ALERTMANAGER, "resolved", "GROUP", 10, "P1")
    assert await sent(weather, resolved) is Reception.TOLD
    assert await sent(weather, firing(20)) is Reception.TOLD
    lowered = await weather.approved((await known(weather)).id, Severity.P3)
    assert (lowered.severity, lowered.is_open, lowered.reopened) == (Severity.P3, True, 1)
    for minute in (5, 20):
        assert await sent(weather, firing(minute)) is Reception.DUPLICATE
    assert await known(weather) == lowered


async def test_what_one_made_a_p4_stays_one_when_its_alarm_is_sent_again(weather: Weather) -> None:
    assert await sent(weather, firing(0, "P3")) is Reception.TOLD
    house = weather.vendor.house
    id_ = (await known(weather)).id
    less = await house.incidents.tell(ChangeSeverity(id_, "Nobody saw it", severity=Severity.P4), weather.sre)
    assert await sent(weather, firing(0, "P3")) is Reception.DUPLICATE
    assert await known(weather) == less
    assert less.severity is Severity.P4


async def test_a_rule_that_was_changed_in_between_speaks(weather: Weather) -> None:
    assert await sent(weather, firing(0, "P2")) is Reception.TOLD
    await weather.approved((await known(weather)).id, Severity.P3)
    rules = "- {severity: P1, service: s, title: t}"
    command = SetIntegration(ALERTMANAGER, "main", rules, "It was a P1", version=1)
    await weather.vendor.house.incident_integrations.set(command, weather.sre)
    assert await sent(weather, firing(0, "P2")) is Reception.TOLD
    assert (await known(weather)).severity is Severity.P1
    assert await sent(weather, firing(0, "P2")) is Reception.DUPLICATE


async def test_an_alarm_as_bad_as_what_only_weighs_on_its_incident_outlives_the_merger(
    weather: Weather,
) -> None:
    house = weather.vendor.house
    assert await sent(weather, firing(0, "P3")) is Reception.TOLD
    assert await sent(weather, firing(1, "P1", "OTHER")) is Reception.TOLD
    into, part = await known(weather), await known(weather, "OTHER")
    weather.vendor.clock.advance(timedelta(minutes=1))
    await house.incidents.tell(MergeIncident(part.id, "The same", into_id=into.id), weather.sre)
    assert (await known(weather)).severity is Severity.P1
    assert await sent(weather, firing(5)) is Reception.TOLD
    weather.vendor.clock.advance(timedelta(minutes=1))
    request_id = await house.lowering.tell_or_ask(UnmergeIncident(part.id, "Not the same"), weather.sre)
    if request_id is not None:
        async with house.storage.read(VENDOR) as session:
            request = (await load(session, VENDOR_ID, request_id)).request
        for actor in weather.two:
            await weather.desk.devices.approve(request, actor)
        await house.retractions.approval_settled(request_id)
    alone = await known(weather)
    assert ((await known(weather, "OTHER")).merged_into, alone.severity) == (None, Severity.P1)

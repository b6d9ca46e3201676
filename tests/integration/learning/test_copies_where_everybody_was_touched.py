"""Copies of a postmortem of an incident that may have touched everybody, where customers are many."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from support.learning_world import BEGAN, declared, step
from support.postmortem_desk import desk_of
from support.reliability_vendor import Vendor as Measuring

from trust_portal.errors import InvalidInput
from trust_portal.learning.postmortems.gathering.whom import MOST_CUSTOMERS
from trust_portal.learning.postmortems.model import Release

pytestmark = pytest.mark.takes(seconds=15)


async def test_whoever_was_not_hurt_gets_a_copy_too_where_it_may_have_touched_everybody(vendor):
    desk = await desk_of(vendor, declared("INC-1"), step("INC-1", "resolved", minute=60))
    for number in range(MOST_CUSTOMERS):
        await vendor.customer(f"b{number:02}")
    last = await vendor.customer("zenith")
    await Measuring(vendor.house).measure("zenith", start=BEGAN - timedelta(minutes=10), minutes=70)
    signed = await desk.signed(await desk.postmortem())
    command = Release(signed.id, 1, last, "customer", "They asked.")
    copy = json.loads((await desk.house.postmortem_releases.release(command, desk.owner)).document)
    assert (copy["customer"]["key"], set(copy["document"]["customers"])) == ("zenith", {"_sd"})
    assert {
        "source": "customers",
        "why": "it may have touched every one; who is not named was measured in every minute of it, without a failed "
        "call or a cost anomaly",
    } in copy["document"]["missing"]


async def test_whoever_was_not_measured_is_told_so_in_its_copy(vendor):
    desk = await desk_of(vendor, declared("INC-1"), step("INC-1", "resolved", minute=60))
    for number in range(MOST_CUSTOMERS):
        await vendor.customer(f"b{number:02}")
    last = await vendor.customer("zenith")
    signed = await desk.signed(await desk.postmortem())
    command = Release(signed.id, 1, last, "customer", "They asked.")
    copy = json.loads((await desk.house.postmortem_releases.release(command, desk.owner)).document)
    assert copy["document"]["customers"]["zenith"]["missing"] == [
        {"source": "SLA attainment", "why": "no contract is on record"},
        {"source": "cost anomalies", "why": "no usage of this customer is metered"},
    ]
    assert [each for each in copy["document"]["missing"] if each["source"] == "customers"] == []


async def test_who_came_when_it_was_over_is_given_no_copy(vendor):
    """The incidents page of that customer has nothing of it, and "what it cost you" would be of nobody."""
    desk = await desk_of(vendor, declared("INC-1"), step("INC-1", "resolved", minute=60))
    signed = await desk.signed(await desk.postmortem())
    late, just_in_time = [
        await vendor.customer(key, BEGAN + timedelta(minutes=minute))
        for key, minute in (("zeta", 60), ("eta", 59))
    ]
    releases = desk.house.postmortem_releases
    offered = {each.key for each in await releases.concerned(desk.owner, signed.incident_id)}
    assert offered == {"northwind", "contoso", "eta"}
    with pytest.raises(InvalidInput) as refused:
        await releases.release(Release(signed.id, 1, late, "customer", "They asked."), desk.owner)
    assert refused.value.code == "NOT_AFFECTED"
    assert await releases.of_postmortem(desk.owner, signed.id) == ()
    given = await releases.release(Release(signed.id, 1, just_in_time, "customer", "They asked."), desk.owner)
    assert [each.id for each in await releases.of_postmortem(desk.owner, signed.id)] == [given.id]


async def test_who_came_when_it_was_over_is_given_no_copy_also_where_its_end_was_told_after_the_signature(
    vendor,
):
    desk = await desk_of(vendor, declared("INC-1"))
    late = await vendor.customer("zeta", BEGAN + timedelta(minutes=60))
    signed = await desk.signed(await desk.postmortem())
    releases = desk.house.postmortem_releases
    preview = await releases.preview(desk.owner, signed.id, late, "customer")
    assert "zeta" in preview.copy["document"]["customers"], "as far as anybody knew it went on"
    await vendor.tell(step("INC-1", "resolved", minute=60))
    await vendor.register()

    with pytest.raises(InvalidInput) as refused:
        await releases.release(Release(signed.id, 1, late, "customer", "They asked."), desk.owner)

    assert refused.value.code == "NOT_AFFECTED"
    assert await releases.of_postmortem(desk.owner, signed.id) == ()
    offered = {each.key for each in await releases.concerned(desk.owner, signed.incident_id)}
    assert offered == {"northwind", "contoso"}

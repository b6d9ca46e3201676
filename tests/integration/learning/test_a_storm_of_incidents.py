"""A storm over the real database: however it comes, every P1 and P2 has a postmortem or is a named gap."""

from __future__ import annotations

import random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select
from support.incident_storms import Storm, storms
from support.learning_world import Vendor

from trust_portal.access.rights import actor_with
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.incidents import repository
from trust_portal.learning.incidents.facts_repository import all_keys, facts_of
from trust_portal.learning.incidents.folding import fold
from trust_portal.learning.incidents.model import Incident, IncidentGap
from trust_portal.learning.postmortems.tables import postmortems
from trust_portal.storage.tenancy import TenantScope

VENDOR = TenantScope(VENDOR_ID)
EXAMPLES = 25


def drawn() -> list[Storm]:
    """Hypothesis draws, the test's own event loop runs: each storm adds to what was there before."""
    found: list[Storm] = []

    @settings(max_examples=EXAMPLES, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(storms(smallest=8))
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


@pytest.mark.takes(seconds=15)
async def test_no_p1_or_p2_is_ever_without_a_postmortem_or_a_named_gap(vendor: Vendor) -> None:
    following, chance = vendor.house.incident_following, random.Random(5)
    for run, storm in enumerate(drawn()):
        for portion in storm.deliveries:
            await vendor.tell(*(renamed(event, run) for event in portion))
            if chance.random() < 0.6:
                await following.follow()
    await following.follow()

    incidents, gaps = await register(vendor)
    async with vendor.house.storage.read(VENDOR) as session:
        told = await facts_of(session, await all_keys(session))
        rows = await session.execute(select(postmortems).where(postmortems.c.tenant_id == VENDOR_ID))
        opened: dict[UUID, UUID] = {row.incident_id: row.receipt_id for row in rows}
    whole = fold(told)
    by_name = sorted(incidents, key=lambda each: (each.source, each.key))
    assert by_name == list(whole.incidents)
    assert sorted(gaps, key=lambda gap: (gap.source, gap.key)) == list(whole.gaps)
    majors = {each.id for each in incidents if each.needs_postmortem}
    assert len(majors) > EXAMPLES
    assert majors <= set(opened)
    severe = [each for each in told if each.body.get("severity") in {"P1", "P2"}]
    named = {(gap.source, gap.key) for gap in gaps if gap.worst_severity in {"P1", "P2"}}
    keys = {each.key for each in incidents if each.id in majors}
    assert all(fact.subject in keys or (fact.source, fact.subject) in named for fact in severe)

    page = await vendor.house.archive.receipts(actor_with(Role.VENDOR_ADMIN), VENDOR_ID, PageRequest(100))
    receipts = [each.id for each in page.items if each.kind is ReceiptKind.POSTMORTEM_OPENED]
    assert set(receipts) <= set(opened.values())

    await following.rebuild()
    assert await register(vendor) == (incidents, gaps)

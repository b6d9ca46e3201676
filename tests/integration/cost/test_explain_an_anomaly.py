"""Why cost spiked: causes, drivers and links of an anomaly, and the receipt of the explanation."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from alembic import command
from support.cost_vendor import HOUR, START, Vendor, usage

from trust_portal.access.rights import actor_with
from trust_portal.cost.anomalies.model import AnomalyFilter, CostAnomaly
from trust_portal.cost.anomalies.repository import anomalies_page
from trust_portal.cost.explanation.evidence import LinkKind, Strength
from trust_portal.cost.explanation.origins import Figure, FindOrigins, Share
from trust_portal.cost.explanation.service import Explanations
from trust_portal.cost.kpis.model import Durations
from trust_portal.cost.metering.repository import read_parts, read_places
from trust_portal.errors import NotFound
from trust_portal.kernel.actor import SYSTEM, Role
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.runtime.migrate import alembic_config, migrate
from trust_portal.storage.tenancy import StaffScope

SPIKE = range(240, 246)
ONSET = START + SPIKE.start * HOUR


def hourly(tenant: str, n: int) -> list[dict[str, object]]:
    """Reads in two regions and a small export, which runs away in the spike."""
    at = START + n * HOUR
    export = "90.00" if n in SPIKE else "1.00"
    flagged = {"labels": {"flag": "bulk-export"}} if n in SPIKE else {}
    return [
        usage(tenant, f"{tenant}-{n}-eu", at, f"{5 + (n % 3) / 10:.2f}", operation="read"),
        usage(tenant, f"{tenant}-{n}-us", at, f"{4 + (n % 2) / 10:.2f}", operation="read", region="us-east"),
        usage(tenant, f"{tenant}-{n}-export", at, export, operation="export", **flagged),
    ]


def reported(kind: str, id: str, at: Any, **data: object) -> dict[str, object]:
    return {
        "specversion": "1.0", "type": f"trustportal.{kind}.v1", "source": "//test", "id": id,
        "time": rfc3339(at), "data": data,
    }  # fmt: skip


@pytest.fixture
async def anomaly(vendor: Vendor) -> CostAnomaly:
    """The runaway export of acme, with what was reported around it."""
    await vendor.tenant("acme")
    await vendor.tenant("globex")
    vendor.until(START + 260 * HOUR)
    await vendor.deliver(event for n in range(260) for event in hourly("acme", n))
    await vendor.deliver(
        [
            reported("change.flag", "flag-1", ONSET + timedelta(minutes=2), flag="bulk-export", variant="on",
                     percentage=100, tenants=["acme"], by="j.doe"),
            reported("change.flag", "flag-2", ONSET, flag="dark-mode", variant="on", percentage=100,
                     tenants=["globex"], by="j.doe"),
            reported("change.deployed", "deploy-1", ONSET - HOUR, service="web", version="7.1",
                     environment="production", by="ci"),
            reported("operation.completed", "op-1", ONSET + 5 * HOUR, tenant="acme", operation="export",
                     resource="vm-1", subsystem="compute", quantity=900, unit="GB", duration_s=18000,
                     initiated_by="u-7", receipt="r-9"),
            *(
                reported("adapter.observed", f"adapter-{minute}", ONSET + timedelta(minutes=minute), tenant="acme",
                         adapter="s3", calls=100, errors=1, retries=40 if minute == 7 else 2 + 20 * (minute >= 0),
                         p95_ms=20, bytes=5000)
                for minute in range(-300, 300)
            ),
        ]
    )  # fmt: skip
    await vendor.close(260)
    async with vendor.house.storage.read(StaffScope()) as session:
        page = await anomalies_page(session, AnomalyFilter(), PageRequest(100))
    (found,) = page.items
    return found


@pytest.fixture
def explanations(vendor: Vendor) -> Explanations:
    house = vendor.house
    return Explanations(house.storage, gate=house.gate, ledger=house.ledger, access_log=house.access_log)


async def test_the_explanation_names_the_export_and_adds_up_to_the_excess(
    anomaly: CostAnomaly, explanations: Explanations
) -> None:
    found = await explanations.explain(SYSTEM, anomaly.tenant_id, anomaly.id)
    delta = found.attribution.delta
    assert delta == anomaly.figures.excess
    contributions = sum((cause.contribution for cause in found.attribution.causes), Decimal(0))
    assert contributions + found.attribution.unexplained == delta
    assert found.attribution.causes[0].where.get("flag") == "bulk-export" or (
        found.attribution.causes[0].where.get("operation") == "export"
    )
    assert found.attribution.causes[0].share > 0.9
    for dimension in {driver.dimension for driver in found.drivers}:
        assert sum(each.contribution for each in found.drivers if each.dimension == dimension) == delta


async def test_the_explanation_links_the_flag_and_the_export_and_not_another_tenants_flag(
    anomaly: CostAnomaly, explanations: Explanations
) -> None:
    found = await explanations.explain(SYSTEM, anomaly.tenant_id, anomaly.id)
    links = {(link.kind, link.reference.event_id): link for link in found.links}
    assert links[LinkKind.FLAG, "flag-1"].strength is not Strength.WEAK
    assert links[LinkKind.OPERATION, "op-1"].reference.receipt == "r-9"
    adapter = links[LinkKind.ADAPTER, "adapter-7"]  # its worst minute stands for it
    assert "retries a call rose from 0.020 to 0.221" in adapter.reasons
    assert links[LinkKind.DEPLOY, "deploy-1"].strength is Strength.WEAK
    assert all(event_id != "flag-2" for _, event_id in links)


async def test_recording_leaves_one_receipt_and_what_stays_unexplained(
    anomaly: CostAnomaly, explanations: Explanations
) -> None:
    receipt_id = await explanations.record(SYSTEM, anomaly.tenant_id, anomaly.id)
    found = await explanations.explain(SYSTEM, anomaly.tenant_id, anomaly.id)
    assert receipt_id is not None
    assert found.anomaly.explained_receipt_id == receipt_id
    assert found.anomaly.unexplained == found.attribution.unexplained
    assert await explanations.record(SYSTEM, anomaly.tenant_id, anomaly.id) is None


async def test_an_anomaly_that_is_explained_again_keeps_the_time_of_its_first_explanation(
    anomaly: CostAnomaly, explanations: Explanations, vendor: Vendor
) -> None:
    kpis, began = vendor.house.cost_kpis, vendor.clock.now()
    vendor.until(began + timedelta(minutes=7))
    assert await explanations.record(SYSTEM, anomaly.tenant_id, anomaly.id) is not None
    vendor.until(began + timedelta(hours=30))
    late = usage("acme", "late", ONSET + HOUR, "33.00", operation="export")
    await vendor.deliver([late])
    await vendor.close()
    assert await explanations.record(SYSTEM, anomaly.tenant_id, anomaly.id) is not None

    (stands,) = (await vendor.house.anomalies.page(SYSTEM, AnomalyFilter(), PageRequest(10))).items

    assert stands.figures.actual == anomaly.figures.actual + 33
    assert stands.explained_at == began + timedelta(hours=30)
    assert stands.first_explained_at == began + timedelta(minutes=7)
    seven = Durations(1, timedelta(minutes=7), timedelta(minutes=7))
    assert (await kpis.overall(SYSTEM)).to_explain == seven
    assert (await kpis.of_tenant(SYSTEM, anomaly.tenant_id)).to_explain == seven


async def test_migrating_finds_the_first_explanation_in_its_receipt(
    anomaly: CostAnomaly, explanations: Explanations, vendor: Vendor, database_url: str
) -> None:
    first = vendor.clock.now()
    await explanations.record(SYSTEM, anomaly.tenant_id, anomaly.id)
    vendor.until(first + HOUR)
    await vendor.deliver([usage("acme", "late", ONSET + HOUR, "33.00", operation="export")])
    await vendor.close()
    await explanations.record(SYSTEM, anomaly.tenant_id, anomaly.id)

    await asyncio.to_thread(command.downgrade, alembic_config(database_url), "0012")
    await migrate(database_url)

    stands = await vendor.house.anomalies.get(SYSTEM, anomaly.tenant_id, anomaly.id)
    assert (stands.first_explained_at, stands.explained_at) == (first, first + HOUR)


async def test_every_figure_opens_the_events_it_is_made_of(
    anomaly: CostAnomaly, explanations: Explanations
) -> None:
    def ask(**what: Any) -> FindOrigins:
        return FindOrigins(anomaly.tenant_id, anomaly.id, **what)

    found = await explanations.explain(SYSTEM, anomaly.tenant_id, anomaly.id)
    for driver in found.drivers:
        where = {driver.dimension: driver.value}
        origins = await explanations.origins(SYSTEM, ask(where=where))
        assert len(origins.events) == origins.total
        assert sum((event.cost for event in origins.events), Decimal(0)) == origins.cost == driver.actual
        assert origins.share == Share(driver.expected, driver.actual)
    for cause in found.attribution.causes:
        origins = await explanations.origins(SYSTEM, ask(figure=Figure.CAUSE, where=cause.where))
        assert (origins.cost, origins.share) == (cause.actual, Share(cause.expected, cause.actual))
        assert {event.source for event in origins.events} <= {"//test"}
    rest = await explanations.origins(SYSTEM, ask(figure=Figure.UNEXPLAINED))
    assert rest.cost - rest.share.expected == found.attribution.unexplained
    whole = await explanations.origins(SYSTEM, ask())
    assert whole.cost == anomaly.figures.actual
    before = await explanations.origins(SYSTEM, ask(where={"operation": "export"}, comparable=True))
    assert before.cost == len(SPIKE) * Decimal("1.00") * len(found.comparable)
    (hour,) = (await explanations.origins(SYSTEM, ask(hour=ONSET - HOUR))).spans
    assert hour == (ONSET - HOUR, ONSET)
    with pytest.raises(NotFound):
        await explanations.origins(SYSTEM, ask(figure=Figure.CAUSE, where={"operation": "import"}))


async def test_what_the_database_sums_up_by_place_is_what_its_hours_come_to(
    vendor: Vendor, anomaly: CostAnomaly
) -> None:
    """To the last digit, over spans apart; an hour that lies in two of them counts twice."""
    spans = [ONSET - 100 * HOUR, ONSET - 2 * HOUR, ONSET]
    sums: dict[tuple[object, ...], Decimal] = {}
    async with vendor.house.storage.read(StaffScope()) as session:
        for start in spans:
            for part in await read_parts(session, anomaly.tenant_id, anomaly.series, start, start + 4 * HOUR):
                place = (part.resource, part.operation, part.region, part.adapter, str(part.labels))
                sums[place] = sums.get(place, Decimal(0)) + part.cost
        places = await read_places(session, anomaly.tenant_id, anomaly.series, spans, 4 * HOUR)
        assert await read_places(session, anomaly.tenant_id, anomaly.series, [], 4 * HOUR) == ()
    assert {(*each[:4], str(each.labels)): each.cost for each in places} == sums
    assert len(places) == 4
    assert list(places) == sorted(places, key=lambda each: (each.resource, each.operation, each.region))[:4]


async def test_what_a_correction_replaced_is_no_part_of_a_figure_and_is_said(
    vendor: Vendor, anomaly: CostAnomaly, explanations: Explanations
) -> None:
    fix = usage("acme", "fix", ONSET, "40.00", operation="export", correction_of=f"acme-{SPIKE.start}-export")
    await vendor.deliver([fix])
    await vendor.close()
    found = await explanations.explain(SYSTEM, anomaly.tenant_id, anomaly.id)
    query = FindOrigins(anomaly.tenant_id, anomaly.id, where={"operation": "export"})
    origins = await explanations.origins(SYSTEM, query)
    (export,) = [each for each in found.drivers if each.value == "export"]
    assert origins.cost == export.actual
    assert (origins.total, origins.replaced) == (len(SPIKE), 1)


async def test_of_causes_that_overlap_each_opens_its_own_events_only(
    vendor: Vendor, explanations: Explanations
) -> None:
    """An export runs away everywhere, and in one region everything does: both names fit the export there."""
    acme = await vendor.tenant("acme")
    vendor.until(START + 260 * HOUR)
    operations, regions = ("read", "sync", "index", "export"), ("eu", "us", "ap", "sa")

    def cost(n: int, number: int, operation: str, region: str) -> Decimal:
        usual = Decimal(2 + number) + Decimal(n % 3) / 10
        if n in SPIKE and operation == "export":
            return usual * 9
        return usual * 4 if n in SPIKE and region == "eu" else usual

    await vendor.deliver(
        usage("acme", f"{n}-{operation}-{region}-{number}", START + n * HOUR,
              cost(n, number, operation, region), operation=operation, region=region, resource=f"r{number}")
        for n in range(260) for operation in operations for region in regions for number in range(5)
    )  # fmt: skip
    await vendor.close(260)
    (anomaly,) = (await vendor.house.anomalies.page(SYSTEM, AnomalyFilter(acme.id), PageRequest(5))).items
    found = await explanations.explain(SYSTEM, acme.id, anomaly.id)
    causes = found.attribution.causes
    assert [dict(each.where) for each in causes[:2]] == [{"operation": "export"}, {"region": "eu"}]

    viewer = replace(actor_with(Role.CUSTOMER_VIEWER), tenant_id=acme.id)
    opened = [
        await explanations.origins(viewer, FindOrigins(acme.id, anomaly.id, Figure.CAUSE, each.where))
        for each in causes
    ]
    rest = await explanations.origins(viewer, FindOrigins(acme.id, anomaly.id, Figure.UNEXPLAINED))

    assert [each.cost for each in opened] == [each.actual for each in causes]
    assert sum(each.cost for each in [*opened, rest]) == anomaly.figures.actual
    assert sum(each.total for each in [*opened, rest]) == 80 * int((found.end - anomaly.started_at) / HOUR)


async def test_there_is_no_explanation_of_what_is_not_there(
    anomaly: CostAnomaly, explanations: Explanations
) -> None:
    with pytest.raises(NotFound):
        await explanations.explain(SYSTEM, anomaly.tenant_id, new_id())

"""A spike that is going on is told to the operators once; what is over, small or suppressed is not."""

from __future__ import annotations

from sqlalchemy import select
from support.cost_vendor import HOUR, START, Vendor, usage

from trust_portal.access.actors import CONSOLE
from trust_portal.cost.anomalies.model import AnomalyFilter, CostAnomaly
from trust_portal.cost.anomalies.suppressions_model import CreateSuppression, EndSuppression
from trust_portal.cost.detection.model import Severity
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.page import PageRequest
from trust_portal.notify.tables import notifications
from trust_portal.storage.outbox import Job, outbox
from trust_portal.storage.tenancy import StaffScope, TenantScope


async def told(vendor: Vendor, tenant_id) -> list[tuple[str, str, dict[str, object]]]:
    async with vendor.house.storage.read(TenantScope(tenant_id)) as session:
        rows = await session.execute(select(notifications).where(notifications.c.tenant_id == tenant_id))
        return [(row.topic, row.path, row.facts | {"roles": row.audience["roles"]}) for row in rows]


async def the_one(vendor: Vendor, tenant_id) -> CostAnomaly:
    (only,) = (await vendor.house.anomalies.page(SYSTEM, AnomalyFilter(tenant_id), PageRequest(10))).items
    return only


async def asked(vendor: Vendor) -> set[str | None]:
    """The keys of all jobs that wait."""
    async with vendor.house.storage.read(StaffScope()) as session:
        return set((await session.execute(select(outbox.c.dedupe_key))).scalars())


async def test_a_spike_that_is_going_on_is_told_once_however_often_its_hours_are_closed(
    vendor: Vendor,
) -> None:
    acme = await vendor.tenant("acme")
    await vendor.use("acme", range(244), lambda n: "900.00" if n >= 240 else "10.00")
    await vendor.close(243)
    (anomaly,) = (await vendor.house.anomalies.page(SYSTEM, AnomalyFilter(acme.id), PageRequest(10))).items
    assert (anomaly.is_open, anomaly.severity in {Severity.HIGH, Severity.CRITICAL}) == (True, True)
    (first,) = await told(vendor, acme.id)
    assert first[:2] == ("anomaly.opened", f"/t/acme/cost/anomalies/{anomaly.id}")
    assert first[2]["roles"] == ["finops_operator", "sre_operator"]
    assert first[2]["anomaly"] == str(anomaly.id)
    await vendor.use("acme", range(244, 246), lambda _: "900.00")
    await vendor.close(245)
    assert await told(vendor, acme.id) == [first]


async def test_a_spike_that_is_over_when_it_is_found_disturbs_nobody(vendor: Vendor) -> None:
    acme = await vendor.tenant("acme")
    await vendor.use("acme", range(300), lambda n: "900.00" if 240 <= n < 246 else "10.00")
    vendor.until(START + 300 * HOUR)
    await vendor.close(299)
    assert (await vendor.house.anomalies.counts(SYSTEM, AnomalyFilter())).total == 1
    assert await told(vendor, acme.id) == []


async def test_a_spike_that_outlasts_its_suppression_is_told_and_counted(vendor: Vendor) -> None:
    acme = await vendor.tenant("acme")
    load_test = CreateSuppression(acme.id, "compute", "load test", START + 240 * HOUR, START + 243 * HOUR)
    made = await vendor.house.suppressions.create(load_test, CONSOLE)
    await vendor.use("acme", range(243), lambda n: "900.00" if n >= 240 else "10.00")
    await vendor.close(243)
    silent = await the_one(vendor, acme.id)
    assert (silent.suppression_id, await told(vendor, acme.id)) == (made.id, [])
    assert (await vendor.house.cost_kpis.of_tenant(SYSTEM, acme.id)).anomalies == 0

    await vendor.use("acme", range(243, 246), lambda _: "900.00")
    await vendor.close(246)

    loud = await the_one(vendor, acme.id)
    assert (loud.id, loud.suppression_id, loud.revision) == (silent.id, None, silent.revision + 1)
    assert [each[1] for each in await told(vendor, acme.id)] == [f"/t/acme/cost/anomalies/{loud.id}"]
    assert (await vendor.house.cost_kpis.of_tenant(SYSTEM, acme.id)).anomalies == 1
    assert f"{Job.EXPLAIN_ANOMALY}/{loud.id}/{loud.revision}" in await asked(vendor)


async def test_a_suppression_that_is_ended_early_silences_the_hour_of_its_end_no_more(
    vendor: Vendor,
) -> None:
    acme = await vendor.tenant("acme")
    migration = CreateSuppression(acme.id, None, "migration", START + 239 * HOUR, START + 300 * HOUR)
    made = await vendor.house.suppressions.create(migration, CONSOLE)
    await vendor.use("acme", range(244), lambda n: "900.00" if n >= 240 else "10.00")
    await vendor.close(244)
    await vendor.house.suppressions.end(EndSuppression(acme.id, made.id, "it runs away"), CONSOLE)
    await vendor.close(244)
    assert (await the_one(vendor, acme.id)).suppression_id == made.id
    assert await told(vendor, acme.id) == []

    await vendor.use("acme", [244], lambda _: "900.00")
    await vendor.close(245)

    assert (await the_one(vendor, acme.id)).suppression_id is None
    assert len(await told(vendor, acme.id)) == 1


async def test_a_suppression_silences_what_goes_on_and_leaves_what_is_over(vendor: Vendor) -> None:
    acme = await vendor.tenant("acme")
    await vendor.use("acme", range(300), lambda n: "900.00" if 240 <= n < 246 or n >= 298 else "10.00")
    await vendor.close(300)
    going_on, over = (
        await vendor.house.anomalies.page(SYSTEM, AnomalyFilter(acme.id), PageRequest(10))
    ).items
    assert (going_on.suppression_id, going_on.is_open, over.is_open) == (None, True, False)
    meant = CreateSuppression(acme.id, None, "we meant to", START + 230 * HOUR, START + 310 * HOUR)
    made = await vendor.house.suppressions.create(meant, CONSOLE)

    await vendor.use("acme", [300], lambda _: "900.00")
    await vendor.deliver([usage("acme", "late", START + 242 * HOUR, "7.50")])
    await vendor.close(301)

    now, then = (await vendor.house.anomalies.page(SYSTEM, AnomalyFilter(acme.id), PageRequest(10))).items
    assert (now.id, now.suppression_id) == (going_on.id, made.id)
    assert (then.id, then.suppression_id) == (over.id, None)
    assert then.revision == over.revision + 1, "its figures moved"

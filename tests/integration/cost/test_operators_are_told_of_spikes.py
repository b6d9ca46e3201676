"""A spike that is going on is told to the operators once; what is over, small or suppressed is not."""

from __future__ import annotations

from conftest import HOUR, START, Vendor
from sqlalchemy import select

from trust_portal.cost.anomalies.model import AnomalyFilter
from trust_portal.cost.detection.model import Severity
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.page import PageRequest
from trust_portal.notify.tables import notifications
from trust_portal.storage.tenancy import TenantScope


async def told(vendor: Vendor, tenant_id) -> list[tuple[str, str, dict[str, object]]]:
    async with vendor.house.storage.read(TenantScope(tenant_id)) as session:
        rows = await session.execute(select(notifications).where(notifications.c.tenant_id == tenant_id))
        return [(row.topic, row.path, row.facts | {"roles": row.audience["roles"]}) for row in rows]


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

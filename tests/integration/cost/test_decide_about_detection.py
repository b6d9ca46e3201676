"""Thresholds, suppressions, budgets and feedback: with reasons, receipts, and for those who may."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from support.cost_vendor import HOUR, START, Vendor
from support.thresholds_desk import open_desk

from trust_portal.access.actors import CONSOLE
from trust_portal.access.rights import actor_with
from trust_portal.cost.anomalies.model import AnomalyFilter, GiveFeedback, Verdict
from trust_portal.cost.anomalies.suppressions_model import CreateSuppression, EndSuppression
from trust_portal.cost.anomalies.thresholds import SetThresholds
from trust_portal.cost.budgets.service import SetBudget
from trust_portal.cost.kpis.model import Durations
from trust_portal.errors import Conflict, Denied, InvalidInput, NotFound
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.kernel.actor import SYSTEM, Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest

ALL = PageRequest(100)


def spiky(n: int) -> str:
    return "80.00" if 240 <= n < 246 else "10.00"


async def kinds(vendor: Vendor, tenant_id) -> list[ReceiptKind]:
    page = await vendor.house.archive.receipts(actor_with(Role.VENDOR_ADMIN), tenant_id, ALL)
    return [receipt.kind for receipt in page.items]


async def test_thresholds_of_a_tenant_decide_what_is_found(vendor: Vendor) -> None:
    acme, globex = await vendor.tenant("acme"), await vendor.tenant("globex")
    command = SetThresholds(acme.id, "compute", {"min_impact": 100_000.0}, "a test account")
    revision = await (await open_desk(vendor, acme)).loosen(command)
    await vendor.use("acme", range(300), spiky)
    await vendor.use("globex", range(300), spiky)
    await vendor.close(300)

    page = await vendor.house.anomalies.page(SYSTEM, AnomalyFilter(), ALL)

    assert [each.tenant_id for each in page.items] == [globex.id]
    assert page.items[0].evidence["thresholds"]["min_impact"] == "10"
    assert (await kinds(vendor, acme.id))[0] is ReceiptKind.THRESHOLD_CHANGED
    with pytest.raises(Conflict, match="revision 1"):
        await vendor.house.thresholds.set(replace(command, expected_revision=0), CONSOLE)
    assert await vendor.house.thresholds.history(CONSOLE, acme.id) == (revision,)


async def test_what_lies_nearer_wins(vendor: Vendor) -> None:
    acme = await vendor.tenant("acme")
    keeper = vendor.house.thresholds
    await keeper.set(SetThresholds(VENDOR_ID, None, {"min_impact": 7.0, "burn_rate": 2.0}, "all"), CONSOLE)
    await keeper.set(SetThresholds(acme.id, None, {"min_impact": 6.0}, "acme"), CONSOLE)
    desk = await open_desk(vendor, acme)
    await desk.loosen(SetThresholds(acme.id, "egress", {"min_impact": 70.0}, "egress"))
    await keeper.set(SetThresholds(acme.id, "egress", {}, "back"), CONSOLE)

    effective = {each.subsystem: each.thresholds for each in await keeper.effective(CONSOLE, acme.id)}

    assert {each.min_impact for each in effective.values()} == {6.0}
    assert {each.burn_rate for each in effective.values()} == {2.0}
    with pytest.raises(InvalidInput, match="no such threshold"):
        SetThresholds(acme.id, None, {"loudness": 1.0}, "why")


async def test_what_falls_under_a_suppression_is_kept_and_marked(vendor: Vendor) -> None:
    acme = await vendor.tenant("acme")
    made = await vendor.house.suppressions.create(
        CreateSuppression(acme.id, "compute", "load test", START + 239 * HOUR, START + 260 * HOUR), CONSOLE
    )
    await vendor.use("acme", range(300), spiky)
    await vendor.close(250)

    suppressed = AnomalyFilter(acme.id, suppressed=True)
    (anomaly,) = (await vendor.house.anomalies.page(SYSTEM, suppressed, ALL)).items

    assert anomaly.suppression_id == made.id
    assert (await vendor.house.anomalies.counts(SYSTEM, AnomalyFilter(suppressed=False))).total == 0
    assert (await vendor.house.cost_kpis.of_tenant(SYSTEM, acme.id)).anomalies == 0


async def test_a_suppression_is_ended_once_with_a_reason(vendor: Vendor) -> None:
    acme = await vendor.tenant("acme")
    made = await vendor.house.suppressions.create(
        CreateSuppression(acme.id, None, "migration", START, START + timedelta(days=3)), CONSOLE
    )
    vendor.until(START + HOUR)
    ended = await vendor.house.suppressions.end(EndSuppression(acme.id, made.id, "done early"), CONSOLE)

    assert (ended.until, ended.end_reason) == (START + HOUR, "done early")
    with pytest.raises(Conflict, match="over already"):
        await vendor.house.suppressions.end(EndSuppression(acme.id, made.id, "again"), CONSOLE)
    assert (await kinds(vendor, acme.id))[:2] == [
        ReceiptKind.SUPPRESSION_ENDED, ReceiptKind.SUPPRESSION_CREATED,
    ]  # fmt: skip
    with pytest.raises(InvalidInput):
        CreateSuppression(acme.id, None, "for ever", START, START + timedelta(days=400))
    with pytest.raises(InvalidInput):
        CreateSuppression(acme.id, None, " ", START, START + HOUR)


async def test_feedback_counts_in_the_figures(vendor: Vendor) -> None:
    acme = await vendor.tenant("acme")
    await vendor.use("acme", range(300), spiky)
    await vendor.close(300)
    (anomaly,) = (await vendor.house.anomalies.page(SYSTEM, AnomalyFilter(acme.id), ALL)).items
    before = await vendor.house.cost_kpis.overall(SYSTEM)
    assert before.unexplained["EUR"].current == anomaly.unexplained
    assert before.to_explain == Durations(0, None, None)

    command = GiveFeedback(acme.id, anomaly.id, Verdict.FALSE, "a batch that was announced")
    await vendor.house.anomalies.give_feedback(command, CONSOLE)
    after = await vendor.house.cost_kpis.overall(SYSTEM)

    assert (after.judged, after.false_positives, after.false_positive_rate) == (1, 1, Decimal(1))
    assert after.unexplained["EUR"].current == 0
    assert (await vendor.house.anomalies.get(SYSTEM, acme.id, anomaly.id)).verdict is Verdict.FALSE
    assert (await kinds(vendor, acme.id))[0] is ReceiptKind.ANOMALY_FEEDBACK


async def test_a_customer_sees_its_own_and_changes_no_detection(vendor: Vendor) -> None:
    acme, globex = await vendor.tenant("acme"), await vendor.tenant("globex")
    await vendor.use("acme", range(300), spiky)
    await vendor.close(300)
    viewer = replace(actor_with(Role.CUSTOMER_VIEWER), tenant_id=acme.id)
    stranger = replace(viewer, tenant_id=globex.id)

    (anomaly,) = (await vendor.house.anomalies.page(viewer, AnomalyFilter(acme.id), ALL)).items

    assert len(await vendor.house.anomalies.timeline(viewer, acme.id, anomaly.id)) > 6
    with pytest.raises(NotFound):
        await vendor.house.anomalies.get(stranger, acme.id, anomaly.id)
    with pytest.raises(Denied):
        await vendor.house.anomalies.page(viewer, AnomalyFilter(), ALL)
    with pytest.raises(Denied):
        await vendor.house.anomalies.give_feedback(
            GiveFeedback(acme.id, anomaly.id, Verdict.PLANNED, "ours"), viewer
        )
    with pytest.raises(Denied):
        await vendor.house.thresholds.set(SetThresholds(acme.id, None, {}, "quiet"), viewer)
    assert (await vendor.house.anomalies.get(SYSTEM, acme.id, anomaly.id)).verdict is None


async def test_a_budget_shows_spending_pace_and_forecast(vendor: Vendor) -> None:
    acme = await vendor.tenant("acme")
    june = date(2026, 6, 1)
    await vendor.house.budgets.set(
        SetBudget(acme.id, None, "EUR", Decimal("3600.00"), june, "agreed"), CONSOLE
    )
    await vendor.use("acme", range(72))
    await vendor.close(72)

    (status,) = await vendor.house.budgets.status(CONSOLE, acme.id)

    assert (status.spent, status.forecast, status.pace) == (
        Decimal("720.00"), Decimal("7200.00"), Decimal("2.000"),
    )  # fmt: skip
    await vendor.house.budgets.set(SetBudget(acme.id, None, "EUR", None, june, "withdrawn"), CONSOLE)
    assert await vendor.house.budgets.status(CONSOLE, acme.id) == ()
    assert [each.revision for each in await vendor.house.budgets.history(CONSOLE, acme.id)] == [1, 2]

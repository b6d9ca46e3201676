"""The cost section: what stood out and why, to the last digit, and what people decide about it."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from support.approvals_world import person_with
from support.cost_world import calm, drop, spike
from support.portal_fixtures import Portal
from support.portal_world import NOW, STRANGER, sign_in

from trust_portal.access.actors import CONSOLE
from trust_portal.access.rights import actor_with
from trust_portal.cost.anomalies.model import CostAnomaly, GiveFeedback, Verdict
from trust_portal.cost.budgets.alerts_model import AlertKind
from trust_portal.cost.budgets.service import SetBudget
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.kernel.actor import SYSTEM, Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest

pytestmark = pytest.mark.takes(seconds=25)


@pytest.fixture
async def anomaly(portal: Portal) -> CostAnomaly:
    return await spike(portal.house, "aurora", NOW)


def address(anomaly: CostAnomaly) -> str:
    return f"/t/aurora/cost/anomalies/{anomaly.id}"


async def kinds(portal: Portal) -> list[ReceiptKind]:
    page = await portal.house.archive.receipts(
        actor_with(Role.VENDOR_ADMIN), portal.world.aurora.id, PageRequest(100)
    )
    return [receipt.kind for receipt in page.items]


PEOPLE = ("customer_viewer", "customer_admin", "auditor", STRANGER, "finops_operator", "csm", "pmo", "approver_security")  # fmt: skip
EXPECTED = {
    "/t/aurora/cost": "200 200 200 404 200 200 403 403",
    "/t/aurora/cost/anomalies/{anomaly}": "200 200 200 404 200 200 403 403",
    "/t/aurora/cost/anomalies/{anomaly}/events?operation=export": "200 200 200 404 200 200 403 403",
    "/t/aurora/cost/figures": "200 200 200 404 200 200 403 403",
    "/t/aurora/cost/budgets": "200 200 403 404 200 200 403 403",
    "/t/aurora/cost/suppressions": "403 200 403 404 200 200 403 403",
    "/t/aurora/cost/thresholds": "403 403 403 404 200 200 403 403",
    "/t/aurora/cost/thresholds?try=1&min_impact=1000": "403 403 403 404 200 200 403 403",
    "/cost": "403 403 403 403 200 200 403 403",
    "/t/vendor/cost/thresholds": "404 404 404 404 200 200 403 403",
    "/t/vendor/cost/suppressions": "404 404 404 404 200 200 403 403",
}


async def test_everybody_gets_the_cost_pages_of_their_role(portal: Portal, anomaly: CostAnomaly):
    got: dict[str, list[str]] = {path: [] for path in EXPECTED}
    for who in PEOPLE:
        async with portal.browser(who) as browser:
            for path in EXPECTED:
                got[path].append(str((await browser.get(path.format(anomaly=anomaly.id))).status_code))
    assert {path: " ".join(row) for path, row in got.items()} == EXPECTED


async def test_the_page_says_why_and_its_parts_are_the_excess_to_the_last_digit(
    portal: Portal, anomaly: CostAnomaly
):
    await portal.house.explanations.record(SYSTEM, anomaly.tenant_id, anomaly.id)
    async with portal.browser("customer_viewer") as browser:
        page = (await browser.get(address(anomaly))).text
    parts = [Decimal(each) for each in re.findall(r'data-part="([^"]+)"', page)]
    (whole,) = [Decimal(each) for each in re.findall(r'data-whole="([^"]+)"', page)]
    assert len(parts) >= 2
    assert sum(parts) == whole == anomaly.figures.excess
    drivers = re.findall(r'data-driver="([^"]+)"', page)
    assert sum(map(Decimal, drivers)) % whole == 0
    assert anomaly.figures.actual == Decimal("594.90")
    assert "compute cost EUR\u00a0594.90 where EUR\u00a0" in page
    assert "Why did compute cost spike?" in page
    assert "flag bulk-export" in page
    assert "own-tail" in page
    assert f"/t/aurora/receipts/{anomaly.opened_receipt_id}" in page
    for said in ("Flag bulk-export", "Operation export", "Deploy web 7.1"):
        assert re.search(said.replace(" ", r".{0,20}"), page), said


async def test_one_drawing_shows_cost_expectation_changes_and_heavy_operations(
    portal: Portal, anomaly: CostAnomaly
):
    async with portal.browser("customer_viewer") as browser:
        page = (await browser.get(address(anomaly))).text
    (drawing,) = re.findall(r'<div class="chart-drawing".*?<svg.*?</svg>', page, re.DOTALL)
    for line in ("chart-line", "chart-expected"):
        (course,) = re.findall(rf'<path class="{line}" d="([^"]+)"', drawing)
        assert course.count("H") > 24, line
    marks = dict(re.findall(r'<title>[A-Z]: (.+?), \d.*?class="chart-mark" d="([^"]+)"', drawing, re.DOTALL))
    assert "a8 8" in marks["bulk-export"]
    assert "h14v14h-14z" in marks["export on vm-1"]
    letters = re.findall(r"<title>([A-Z]): ", drawing)
    assert sorted(letters) == sorted(re.findall(r'class="link-letter[^"]*"[^>]*>([A-Z])<', page))


async def test_every_number_opens_the_events_behind_it(portal: Portal, anomaly: CostAnomaly):
    async with portal.browser("customer_viewer") as browser:
        page = (await browser.get(address(anomaly))).text
        opened = sorted(set(re.findall(r'href="([^"]+/(?:events|reported)[^"]*)"', page)))
        assert {kind for href in opened for kind in ("part", "cause", "unexplained", "reported") if kind in href} == {
            "part", "cause", "unexplained", "reported",
        }  # fmt: skip
        for href in opened:
            if "Z" not in href or href.endswith(f"{anomaly.peak_at:%Y-%m-%dT%H}:00:00Z"):
                assert (await browser.get(href.replace("&amp;", "&"))).status_code == 200, href
        exports = (await browser.get(f"{address(anomaly)}/events?operation=export")).text
        nothing = (await browser.get(f"{address(anomaly)}/events?operation=import")).text
        crowded = await browser.get(f"{address(anomaly)}/events", params={f"d{n}": "x" for n in range(21)})
        flag = (await browser.get(f"{address(anomaly)}/reported?source=//test&id=aurora-flag")).text
        operation = (await browser.get(f"{address(anomaly)}/reported?source=//test&id=aurora-op")).text
        wrong = [
            (await browser.get(f"{address(anomaly)}/{below}")).status_code
            for below in ("events/cause?operation=import", "events/odd", "events/part/odd", "reported?id=x")
        ]
    assert wrong == [404, 422, 422, 404]
    assert "made for this customer alone" in flag
    assert "<code>r-9</code>" in operation
    assert "6 events come to EUR\u00a0540.00." in exports
    assert exports.count("<code>aurora-") == 6
    assert "No event in this part" in nothing
    assert crowded.status_code == 422


async def test_the_list_is_filtered_by_its_address(portal: Portal, anomaly: CostAnomaly):
    began = anomaly.started_at.date()
    found = {
        "": 1, "?state=open": 1, "?state=closed": 0, "?subsystem=compute": 1, "?subsystem=egress": 0,
        f"?severity={anomaly.severity.value}": 1, f"?since={began}": 1, "?since=2030-01-01": 0,
        f"?until={began}": 0, "?until=2030-01-01": 1, "?suppressed=no": 1, "?suppressed=yes": 0,
        "?verdict=planned": 1, "?verdict=real": 0,
    }  # fmt: skip
    meant = GiveFeedback(anomaly.tenant_id, anomaly.id, Verdict.PLANNED, "A move.")
    await portal.house.anomalies.give_feedback(meant, CONSOLE)
    async with portal.browser("customer_viewer") as browser:
        for query, count in found.items():
            page = (await browser.get(f"/t/aurora/cost{query}")).text
            assert page.count(f'href="{address(anomaly)}"') == count, query
        for wrong in ("?state=x", "?subsystem=x", "?severity=x", "?since=x", "?verdict=x", "?suppressed=x",
                      "?until=x"):  # fmt: skip
            assert (await browser.get(f"/t/aurora/cost{wrong}")).status_code == 422
    async with portal.browser("finops_operator") as browser:
        assert address(anomaly) in (await browser.get("/cost")).text
        assert address(anomaly) not in (await browser.get("/cost?suppressed=yes")).text
        kept = (await browser.get("/cost?verdict=planned&suppressed=no&until=2030-01-01")).text
    assert address(anomaly) in kept
    for chosen in ('value="planned" selected', 'value="no" selected', 'value="2030-01-01"'):
        assert chosen in kept


async def test_feedback_is_given_by_form_and_refused_without_words(portal: Portal, anomaly: CostAnomaly):
    before = await kinds(portal)
    async with portal.browser("customer_viewer") as browser:
        denied = await browser.post(f"{address(anomaly)}/feedback", data={"verdict": "real", "note": "we"})
    async with portal.browser("customer_admin") as browser:
        silent = await browser.post(f"{address(anomaly)}/feedback", data={"verdict": "planned", "note": " "})
        wrong = await browser.post(f"{address(anomaly)}/feedback", data={"verdict": "odd", "note": "x"})
        assert (denied.status_code, silent.status_code, wrong.status_code) == (403, 422, 422)
        assert "nothing was changed" in silent.text
        assert await kinds(portal) == before
        said = await browser.post(
            f"{address(anomaly)}/feedback", data={"verdict": "planned", "note": "Year-end export."}
        )
        assert said.headers["location"] == address(anomaly)
        page = (await browser.get(address(anomaly))).text
    assert "Called planned" in page
    assert "Year-end export." in page
    assert await kinds(portal) == [ReceiptKind.ANOMALY_FEEDBACK, *before]


async def test_the_explanation_is_put_on_record_once_by_those_who_may(portal: Portal, anomaly: CostAnomaly):
    async with portal.browser("customer_admin") as browser:
        assert (await browser.post(f"{address(anomaly)}/explanation")).status_code == 403
    assert ReceiptKind.ANOMALY_EXPLAINED not in await kinds(portal)
    async with portal.browser("finops_operator") as browser:
        for _ in range(2):
            assert (await browser.post(f"{address(anomaly)}/explanation")).status_code == 303
        page = (await browser.get(address(anomaly))).text
    assert (await kinds(portal)).count(ReceiptKind.ANOMALY_EXPLAINED) == 1
    assert "Put this explanation on record" not in page


async def test_a_suppression_is_made_and_ended_by_form(portal: Portal):
    form = {"subsystem": "egress", "reason": "Migration", "starts_at": "2026-07-10T09:00", "ends_at": "2026-07-12T09:00"}  # fmt: skip
    where = "/t/aurora/cost/suppressions"
    async with portal.browser("customer_admin") as browser:
        assert (await browser.post(where, data=form)).status_code == 403
        assert "Nothing is suppressed" in (await browser.get(where)).text
    async with portal.browser("sre_operator") as browser:
        for wrong in (
            {"ends_at": "soon"},
            {"ends_at": "2027-07-12T09:00"},
            {"reason": ""},
            {"subsystem": "x"},
        ):
            refused = await browser.post(where, data=form | wrong)
            assert (refused.status_code, "nothing was changed" in refused.text) == (422, True), wrong
        assert "Nothing is suppressed" in (await browser.get(where)).text
        assert (await browser.post(where, data=form)).headers["location"] == where
        page = (await browser.get(where)).text
        (end,) = re.findall(r'action="([^"]+/end)"', page)
        assert (await browser.post(end, data={"end_reason": ""})).status_code == 422
        assert (await browser.post(end, data={"end_reason": "Done early"})).status_code == 303
        assert (await browser.post(end, data={"end_reason": "again"})).status_code == 409
        assert "Done early" in (await browser.get(where)).text


async def test_thresholds_are_tried_on_history_before_they_are_set(portal: Portal, anomaly: CostAnomaly):
    where = "/t/aurora/cost/thresholds"
    async with portal.browser("csm") as browser:
        tried = (await browser.get(f"{where}?try=1&subsystem=compute&min_impact=100000&weeks=4")).text
        assert (await browser.post(where, data={"min_impact": "1", "reason": "x"})).status_code == 403
        assert (await browser.get(f"{where}?try=1&min_impact=loud")).status_code == 422
        assert (await browser.get(f"{where}?try=1&weeks=5")).status_code == 422
    assert "With what is tried, 0 anomalies; with what holds now, 1 anomaly." in tried
    assert "Every change" not in tried
    async with portal.browser("finops_operator") as browser:
        for wrong in ({"sensitivity": "99", "reason": "x"}, {"sensitivity": "2", "reason": ""}):
            assert (await browser.post(where, data=wrong)).status_code == 422
        assert await portal.house.thresholds.history(CONSOLE, portal.world.aurora.id) == ()
        kept = await browser.post(
            where, data={"subsystem": "compute", "sensitivity": "2", "reason": "Noisy month"}
        )
        assert kept.headers["location"] == where
        assert "Noisy month" in (await browser.get(where)).text
    (revision,) = await portal.house.thresholds.history(CONSOLE, portal.world.aurora.id)
    assert (revision.subsystem, dict(revision.figures)) == ("compute", {"sensitivity": 2.0})


async def test_looser_thresholds_lead_to_the_request_and_wait_there(portal: Portal, anomaly: CostAnomaly):
    where = "/t/aurora/cost/thresholds"
    async with portal.browser("finops_operator") as browser:
        asked = await browser.post(
            where, data={"subsystem": "compute", "min_impact": "100000", "reason": "Noisy month"}
        )
        assert asked.status_code == 303
        request = asked.headers["location"]
        assert request.startswith("/t/aurora/approvals/")
        page = (await browser.get(request)).text.replace("\u00a0", " ")
        assert "100000 instead of 10, finds less" in page
        assert "0 anomalies found with this, 1 with what holds now" in page
        assert "Looser thresholds wait for approval" in (await browser.get(where)).text
    assert await portal.house.thresholds.history(CONSOLE, portal.world.aurora.id) == ()
    async with portal.browser("approver_reliability") as browser:
        page = (await browser.get(request)).text
        trial = page.split('<ul class="plain evidence">')[1].split('href="')[1].split('"')[0]
        assert "With what is tried, 0 anomalies" in (await browser.get(trial.replace("&amp;", "&"))).text


async def test_a_budget_is_set_by_form_and_shows_how_far_the_month_has_come(
    portal: Portal, anomaly: CostAnomaly
):
    form = {"amount": "5000.00", "currency": "eur", "from_month": "2026-07", "reason": "Agreed in June"}
    where = "/t/aurora/cost/budgets"
    async with portal.browser("sre_operator") as browser:
        assert (await browser.post(where, data=form)).status_code == 403
    async with portal.browser("finops_operator") as browser:
        for wrong in (
            {"amount": "1.005"},
            {"amount": "-1"},
            {"currency": "XYZ"},
            {"from_month": "July"},
            {"reason": ""},
        ):
            assert (await browser.post(where, data=form | wrong)).status_code == 422, wrong
        assert await portal.house.budgets.history(CONSOLE, portal.world.aurora.id) == ()
        assert (await browser.post(where, data=form)).headers["location"] == where
    (status,) = await portal.house.budgets.status(CONSOLE, portal.world.aurora.id)
    async with portal.browser("customer_viewer") as browser:
        page = (await browser.get(where)).text
        assert "No budget for June 2026" in (await browser.get(f"{where}?month=2026-06")).text
    assert "EUR\u00a05,000.00" in page
    assert "Used up" not in page
    assert f"EUR\u00a0{status.spent:,.2f}" in page


async def test_a_budget_that_is_used_up_is_said_with_its_receipt_and_by_subsystem(
    portal: Portal, anomaly: CostAnomaly
):
    command = SetBudget(anomaly.tenant_id, None, "EUR", Decimal("600.00"), date(2026, 7, 1), "Agreed")
    await portal.house.budgets.set(command, CONSOLE)
    await portal.house.budget_alerts.look()
    burning, alert = await portal.house.budgets.alerts(CONSOLE, anomaly.tenant_id)
    async with portal.browser("customer_viewer") as browser:
        page = (await browser.get("/t/aurora/cost/budgets")).text
    assert (alert.kind, alert.allowed) == (AlertKind.USED_UP, Decimal("600.00"))
    assert (burning.kind, burning.end - burning.start) == (AlertKind.BURNING, timedelta(hours=24))
    assert "Burns too fast" in page
    assert "Used up" in page
    assert f"EUR\u00a0{alert.spent:,.2f}" in page
    assert f"/t/aurora/receipts/{alert.receipt_id}" in page
    assert '<a href="/t/aurora/cost?subsystem=compute">Compute</a>' in page


async def test_a_drop_is_told_as_one_on_every_page_and_can_be_asked_for(portal: Portal):
    fallen = await drop(portal.house, "aurora", NOW)
    assert (fallen.is_drop, fallen.figures.actual) == (True, Decimal("12.00"))
    assert Decimal(-205) < fallen.figures.excess < Decimal(-190)
    async with portal.browser("finops_operator") as browser:
        page = (await browser.get(address(fallen))).text
        listed = (await browser.get("/t/aurora/cost?direction=down")).text
        rises = (await browser.get("/t/aurora/cost?direction=up")).text
        wrong = await browser.get("/t/aurora/cost?direction=sideways")
    assert "Why did compute cost fall?" in page
    assert " less, farthest off in the hour from" in page
    assert "a drop: less was spent than expected" in page
    assert "No playbook can be planned, because it is a drop: less was spent than expected." in page
    assert 'name="playbook"' not in page
    assert "a drop" in listed
    assert str(fallen.id) in listed
    assert str(fallen.id) not in rises
    assert wrong.status_code == 422


async def test_for_one_that_is_over_a_playbook_is_planned_only_by_who_asks_for_it_all_the_same(
    portal: Portal, anomaly: CostAnomaly
):
    async with portal.browser("finops_operator") as browser:
        going_on = (await browser.get(address(anomaly))).text
    portal.clock.advance(timedelta(days=4))
    await calm(portal.house, "aurora", NOW)
    _, cookie = await sign_in(
        portal.house, await person_with(portal.house, CONSOLE, Role.FINOPS_OPERATOR, VENDOR_ID)
    )
    async with portal.browser(cookie=cookie) as browser:
        over = (await browser.get(address(anomaly))).text
    assert "Plan for it all the same" not in going_on
    assert 'class="stamp-word">Judged' in going_on
    assert "It is over, so there is nothing left to stop." in over
    assert over.index("<summary>Plan for it all the same</summary>") < over.index('name="playbook"')
    assert 'class="stamp-word">Judged' not in over

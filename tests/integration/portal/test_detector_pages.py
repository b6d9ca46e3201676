"""Detectors at the doors: tried on history, switched on that, compared and judged, by page and GraphQL."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest
from support.cost_world import spike
from support.portal_fixtures import Portal
from support.portal_world import NOW

from schema.ids import encode
from trust_portal.access.actors import CONSOLE
from trust_portal.cost.anomalies.model import CostAnomaly, GiveFeedback, Verdict
from trust_portal.kernel.ids import VENDOR_ID

pytestmark = pytest.mark.takes(seconds=15)

WHERE = "/t/aurora/cost/detectors"
SIDES = ("Both found", "Only the live one", "Only the one in shadow")
TRY = """mutation ($tenant: ID!, $detector: String!) {
  backTestCostDetector(input: {tenantId: $tenant, detector: $detector, weeks: 4}) {
    run { id detector live weeks state done total failure } userErrors { code path } } }"""
RUNS = """{ tenant(key: "aurora") { costBackTestRuns { id state done total failure finishedAt }
  costBackTests { id detector live hours tenants sha256 receiptId found { live { anomalies } }
    judged { verdict onRecord live shadow } } } }"""
SET = """mutation ($tenant: ID!, $on: Boolean!, $test: ID, $why: String!) {
  setCostDetector(input: {tenantId: $tenant, flag: SHADOW, enabled: $on, backTestId: $test, reason: $why}) {
    detectors { live shadow shadowBy { backTestSha256 reason receiptId } history { enabled detector } }
    userErrors { code path } } }"""
REPORT = """query ($key: String!) { tenant(key: $key) { costDetectors { live shadow }
  costBackTests { sha256 }
  costDetectorReport { comparison { live { anomalies excess { currency amount } } shadow { anomalies } }
    quality { detector found false unjudged precision } qualityInParts { subsystem } } } }"""


@pytest.fixture
async def anomaly(portal: Portal) -> CostAnomaly:
    return await spike(portal.house, "aurora", NOW)


async def ask(client: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    return (await client.post("/graphql", json={"query": query, "variables": variables})).json()


async def worked(portal: Portal, tenant_id: UUID) -> UUID:
    """What a worker does with the one that was asked for."""
    (run,) = await portal.house.detector_backtests.unfinished(CONSOLE, tenant_id)
    await portal.house.detector_backtests.work(tenant_id, run.id)
    return run.id


async def test_the_page_of_a_back_test_says_how_far_it_is_why_it_failed_and_what_it_came_to(
    portal: Portal, anomaly: CostAnomaly
):
    house, aurora = portal.house, anomaly.tenant_id
    form = {"detector": "forecast@2", "weeks": "4"}
    async with portal.browser("finops_operator") as browser:
        where = (await browser.post(f"{WHERE}/back-tests", data=form)).headers["location"]
        assert (await browser.post(f"{WHERE}/back-tests", data=form)).headers["location"] == where
        waiting = (await browser.get(where)).text
        assert "waiting for a worker" in waiting
        assert f'hx-get="{where}"' in waiting
        assert "Look again" in waiting  # without JavaScript
        part = (await browser.get(where, headers={"HX-Request": "true", "HX-Target": "outcome"})).text
        assert part.lstrip().startswith('<section id="outcome"')
        assert f'href="{where}"' in (await browser.get(WHERE)).text

        await house.detector_backtests.fail(aurora, UUID(where[-36:]), "the worker ended before it was done")
        failed = (await browser.get(where)).text
        assert "the worker ended before it was done" in failed
        assert "hx-get" not in failed
        assert "Try again" in failed
        assert "the worker ended before it was done" in (await browser.get(WHERE)).text
        again = (await browser.post(f"{WHERE}/back-tests", data=form)).headers["location"]
        assert again != where
        await house.detector_backtests.work(aurora, UUID(again[-36:]))
        (test,) = await house.detector_backtests.newest(CONSOLE, aurora)
        done = (await browser.get(again)).text
        assert test.digest in done
        assert "hx-get" not in done
    async with portal.browser("csm") as browser:
        assert "Try again" not in (await browser.get(where)).text


async def test_a_trial_is_run_decided_on_and_ended_by_form(portal: Portal, anomaly: CostAnomaly):
    house, aurora = portal.house, portal.world.aurora.id
    async with portal.browser("csm") as browser:
        seen = (await browser.get(WHERE)).text
        assert "own-tail@2" in seen
        assert "Decide" not in seen
        for path, form in ((WHERE, {"step": "end"}), (f"{WHERE}/back-tests", {"detector": "forecast@2"})):
            assert (await browser.post(path, data=form | {"reason": "x", "weeks": "4"})).status_code == 403
    async with portal.browser("finops_operator") as browser:
        for wrong in ({"detector": "oracle@1"}, {"detector": "own-tail@2"}, {"weeks": "5"}):
            form = {"detector": "forecast@2", "weeks": "4"} | wrong
            assert (await browser.post(f"{WHERE}/back-tests", data=form)).status_code == 422, wrong
        assert await house.detector_backtests.newest(CONSOLE, aurora) == ()
        ran = await browser.post(f"{WHERE}/back-tests", data={"detector": "forecast@2", "weeks": "4"})
        assert ran.headers["location"] == f"{WHERE}/back-tests/{await worked(portal, aurora)}"
        (test,) = await house.detector_backtests.newest(CONSOLE, aurora)
        assert ran.headers["location"].endswith(str(test.id))
        shown = (await browser.get(ran.headers["location"])).text
        assert test.digest in shown
        assert f"/t/aurora/receipts/{test.receipt_id}" in shown

        form = {"step": "shadow", "back_test": str(test.id), "reason": "Sees drift earlier"}
        for wrong in (
            {"reason": ""},
            {"back_test": ""},
            {"back_test": "x"},
            {"step": "promote"},
            {"step": ""},
        ):
            assert (await browser.post(WHERE, data=form | wrong)).status_code == 422, wrong
        assert (await house.detector_flags.standing(CONSOLE, aurora)).history == ()
        assert (await browser.post(WHERE, data=form)).headers["location"] == WHERE
        (made,) = (await house.detector_flags.standing(CONSOLE, aurora)).history
        page = (await browser.get(WHERE)).text
        assert "Sees drift earlier" in page
        assert f"/t/aurora/receipts/{made.receipt_id}" in page
        assert f"{WHERE}/back-tests/{test.id}" in page
        assert "has found nothing in that time" in page
        ended = await browser.post(WHERE, data={"step": "end", "reason": "Seen enough"})
        assert ended.headers["location"] == WHERE
        assert (await browser.post(WHERE, data={"step": "end", "reason": "Again"})).status_code == 409
    assert [each.enabled for each in (await house.detector_flags.standing(CONSOLE, aurora)).history] == [
        False, True,
    ]  # fmt: skip


async def test_what_holds_for_everybody_is_decided_at_the_vendor(portal: Portal, anomaly: CostAnomaly):
    async with portal.browser("sre_operator") as browser:
        where = "/t/vendor/cost/detectors"
        await browser.post(f"{where}/back-tests", data={"detector": "forecast@2", "weeks": "4"})
        await worked(portal, VENDOR_ID)
        (test,) = await portal.house.detector_backtests.newest(CONSOLE, VENDOR_ID)
        await browser.post(where, data={"step": "shadow", "back_test": str(test.id), "reason": "A month"})
        other = await spike(portal.house, "brightside", NOW)
        everybodys = (await browser.get(where)).text
        aurora = (await browser.get(WHERE)).text
    assert "A month" in everybodys
    found = {
        each: re.search(rf">{each}<.*?num\">(?:<a[^>]*>)?(\d+)<", everybodys, re.DOTALL)[1] for each in SIDES
    }
    assert found == {"Both found": "1", "Only the live one": "1", "Only the one in shadow": "0"}
    assert f"/t/brightside/cost/anomalies/{other.id}" in everybodys
    assert f"/t/aurora/cost/anomalies/{anomaly.id}" in everybodys
    assert "forecast@2" in aurora
    assert '<a href="/t/vendor/cost/detectors">for everybody</a>' in aurora


async def test_graphql_tries_switches_and_reports_what_the_page_says(portal: Portal, anomaly: CostAnomaly):
    command = GiveFeedback(anomaly.tenant_id, anomaly.id, Verdict.FALSE, "A test account")
    await portal.house.anomalies.give_feedback(command, CONSOLE)
    tenant = encode("Tenant", anomaly.tenant_id, anomaly.tenant_id)
    async with portal.browser("customer_admin") as browser:
        for document in (TRY, SET):
            denied = await ask(browser, document, tenant=tenant, detector="forecast@2", on=False, why="x")
            assert denied["errors"][0]["extensions"]["code"] == "DENIED"
        refused = await ask(browser, REPORT, key="aurora")
        assert {each["extensions"]["code"] for each in refused["errors"]} == {"DENIED"}
    async with portal.browser("finops_operator") as browser:
        wrong = (await ask(browser, TRY, tenant=tenant, detector="own-tail@2"))["data"][
            "backTestCostDetector"
        ]
        assert wrong == {"run": None, "userErrors": [{"code": "INVALID", "path": ["input", "detector"]}]}
        run = (await ask(browser, TRY, tenant=tenant, detector="forecast@2"))["data"]["backTestCostDetector"][
            "run"
        ]
        assert run == {
            "id": run["id"], "detector": "forecast@2", "live": "own-tail@2", "weeks": 4,
            "state": "RUNNING", "done": 0, "total": None, "failure": None,
        }  # fmt: skip
        (listed,) = (await ask(browser, RUNS))["data"]["tenant"]["costBackTestRuns"]
        assert (listed["id"], listed["state"], listed["finishedAt"]) == (run["id"], "RUNNING", None)
        await worked(portal, anomaly.tenant_id)
        after = (await ask(browser, RUNS))["data"]["tenant"]
        assert after["costBackTestRuns"] == []
        (test,) = after["costBackTests"]
        assert test["id"] == run["id"]
        assert (test["live"], test["hours"], test["tenants"]) == ("own-tail@2", 260, 1)
        assert {"verdict": "FALSE", "onRecord": 1, "live": 1, "shadow": 1} in test["judged"]
        bare = await ask(browser, SET, tenant=tenant, on=True, test=None, why="Why not")
        assert bare["data"]["setCostDetector"]["userErrors"] == [
            {"code": "INVALID", "path": ["input", "backTestId"]}
        ]
        on = await ask(browser, SET, tenant=tenant, on=True, test=test["id"], why="Worth a trial")
        standing = on["data"]["setCostDetector"]["detectors"]
        assert (standing["live"], standing["shadow"]) == ("own-tail@2", "forecast@2")
        assert standing["shadowBy"]["backTestSha256"] == test["sha256"]
        assert standing["history"] == [{"enabled": True, "detector": "forecast@2"}]
        got = (await ask(browser, REPORT, key="aurora"))["data"]["tenant"]
        page = (await browser.get(WHERE)).text
    assert got["costDetectors"] == {"live": "own-tail@2", "shadow": "forecast@2"}
    assert got["costBackTests"] == [{"sha256": test["sha256"]}]
    report = got["costDetectorReport"]
    (excess,) = report["comparison"]["live"]["excess"]
    assert (excess["currency"], Decimal(excess["amount"])) == ("EUR", anomaly.figures.excess)
    assert report["comparison"]["shadow"] == {"anomalies": 0}
    (quality,) = report["quality"]
    assert Decimal(quality.pop("precision")) == 0
    assert quality == {"detector": "own-tail@2", "found": 1, "false": 1, "unjudged": 0}
    assert report["qualityInParts"] == [{"subsystem": "COMPUTE"}]
    assert re.search('<td class="cell-num"[^>]*>0\u00a0%</td>', page)


async def test_graphql_tries_thresholds_as_the_portal_does(portal: Portal, anomaly: CostAnomaly):
    query = """query ($impact: Float!, $weeks: Int!) { tenant(key: "aurora") {
      costThresholdTrial(tried: {subsystem: COMPUTE, minImpact: $impact, weeks: $weeks}) {
        hours detector now { subsystem startedAt severity excess } tried { subsystem } }
      costThresholds { minImpact } } }"""
    async with portal.browser("finops_operator") as browser:
        got = (await ask(browser, query, impact=100_000, weeks=4))["data"]["tenant"]
        wrong = await ask(browser, query, impact=-1, weeks=4)
        assert wrong["errors"][0]["extensions"]["code"] == "INVALID"
    trial = got["costThresholdTrial"]
    assert (trial["hours"], trial["detector"], trial["tried"]) == (260, "own-tail@2", [])
    (seen,) = trial["now"]
    assert seen["startedAt"] == anomaly.started_at.isoformat()
    assert abs(Decimal(seen["excess"]) - anomaly.figures.excess) < 1
    assert {each["minImpact"] for each in got["costThresholds"]} == {10.0}  # nothing was set
    async with portal.browser("customer_admin") as browser:
        denied = await ask(browser, query, impact=100_000, weeks=4)
        assert {each["extensions"]["code"] for each in denied["errors"]} == {"DENIED"}

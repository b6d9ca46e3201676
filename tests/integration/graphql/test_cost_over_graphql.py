"""Cost over GraphQL: the same rules and the same figures as the portal."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest
from support.cost_world import spike
from support.portal_fixtures import Portal
from support.portal_world import NOW

from schema.ids import encode
from trust_portal.access.actors import CONSOLE
from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.kernel.actor import SYSTEM

EXPLANATION = """query ($id: ID!) { costAnomaly(id: $id) {
  subsystem state expected actual excess detector openedReceiptId explainedReceiptId
  explanation { delta unexplained causes { where { name value } contribution }
    drivers { dimension contribution } links { kind key strength reasons eventSource eventId }
    timeline { hour cost expected } } } }"""
ALERTS = """{ tenant(key: "aurora") { costBudgetAlerts { kind subsystem spent allowed receiptId
  portions { subsystem spent expected } } } }"""
BEHIND = """query ($id: ID!, $where: [NamedValueInput!]) { costAnomaly(id: $id) { explanation {
  origins(figure: CAUSE, where: $where) { total cost replaced events { cost operation eventId } }
  reported(source: "//test", eventId: "aurora-flag") { fields others } } } }"""


@pytest.fixture
async def anomaly(portal: Portal) -> CostAnomaly:
    found = await spike(portal.house, "aurora", NOW)
    await portal.house.explanations.record(SYSTEM, found.tenant_id, found.id)
    return found


async def ask(client: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    return (await client.post("/graphql", json={"query": query, "variables": variables})).json()


def ids(portal: Portal, anomaly: CostAnomaly) -> tuple[str, str]:
    return (
        encode("Tenant", portal.world.aurora.id, portal.world.aurora.id),
        encode("CostAnomaly", anomaly.tenant_id, anomaly.id),
    )


async def test_a_customer_reads_why_its_cost_spiked_to_the_last_digit(portal: Portal, anomaly: CostAnomaly):
    async with portal.program(portal.world.tokens["customer_admin:read"]) as program:
        got = (await ask(program, EXPLANATION, id=ids(portal, anomaly)[1]))["data"]["costAnomaly"]
    why = got["explanation"]
    assert Decimal(got["actual"]) == Decimal("594.90")
    assert Decimal(got["actual"]) - Decimal(got["expected"]) == Decimal(got["excess"])
    parts = sum(Decimal(each["contribution"]) for each in why["causes"]) + Decimal(why["unexplained"])
    assert parts == Decimal(why["delta"]) == Decimal(got["excess"])
    for dimension in {each["dimension"] for each in why["drivers"]}:
        split = [Decimal(each["contribution"]) for each in why["drivers"] if each["dimension"] == dimension]
        assert sum(split) == Decimal(why["delta"])
    assert why["causes"][0]["where"] == [{"name": "flag", "value": "bulk-export"}]
    assert {each["kind"] for each in why["links"]} == {"FLAG", "OPERATION", "DEPLOY"}
    assert (got["detector"], got["state"]) == ("own-tail@2", "OPEN")
    where = why["causes"][0]["where"]
    async with portal.program(portal.world.tokens["customer_admin:read"]) as program:
        behind = (await ask(program, BEHIND, id=ids(portal, anomaly)[1], where=where))["data"]
    opened = behind["costAnomaly"]["explanation"]
    assert (opened["origins"]["total"], Decimal(opened["origins"]["cost"])) == (6, Decimal("540.00"))
    assert {each["operation"] for each in opened["origins"]["events"]} == {"export"}
    assert (opened["reported"][0]["fields"]["flag"], opened["reported"][0]["others"]) == ("bulk-export", 0)
    assert got["explainedReceiptId"]


async def test_an_anomaly_of_another_house_is_none(portal: Portal, anomaly: CostAnomaly):
    query = "query ($id: ID!) { node(id: $id) { __typename } }"
    async with portal.browser("stranger") as browser:
        got = await ask(browser, EXPLANATION, id=ids(portal, anomaly)[1])
        assert await ask(browser, query, id=ids(portal, anomaly)[1]) == {"data": {"node": None}}
    assert got["data"] == {"costAnomaly": None}
    assert got["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_lists_and_figures_follow_the_policies(portal: Portal, anomaly: CostAnomaly):
    lists = """{ viewer { tenant { costAnomalies(first: 5, state: OPEN) { nodes { id } }
      costBudgets { amount } costKpis { anomalies open unexplained { currency current } } } } }"""
    async with portal.browser("customer_viewer") as browser:
        got = (await ask(browser, lists))["data"]["viewer"]["tenant"]
        for refused in ("costThresholds { subsystem }", "costSuppressions(first: 1) { nodes { id } }"):
            denied = await ask(browser, "{ viewer { tenant { " + refused + " } } }")
            assert denied["errors"][0]["extensions"]["code"] == "DENIED"
        overall = await ask(browser, "{ costKpis { anomalies } }")
        assert overall["errors"][0]["extensions"]["code"] == "DENIED"
        greedy = "{ viewer { tenant { costAnomalies(first: 50) { nodes { explanation { delta } } } } } }"
        assert (await ask(browser, greedy))["errors"][0]["extensions"]["limit"] == "cost"
        found = {
            wanted: len((await ask(browser, f"{{ viewer {{ tenant {{ costAnomalies(first: 5, {wanted}) {{ nodes {{ id }} }} }} }} }}"))
                        ["data"]["viewer"]["tenant"]["costAnomalies"]["nodes"])
            for wanted in ("suppressed: false", "suppressed: true", "verdict: REAL",
                           'until: "2030-01-01T00:00:00Z"', 'until: "2020-01-01T00:00:00Z"')
        }  # fmt: skip
    assert list(found.values()) == [1, 0, 0, 1, 0], found
    assert got["costAnomalies"]["nodes"] == [{"id": ids(portal, anomaly)[1]}]
    assert (got["costKpis"]["anomalies"], got["costKpis"]["open"]) == (1, 1)
    async with portal.browser("finops_operator") as browser:
        assert (await ask(browser, "{ costKpis { anomalies } }"))["data"]["costKpis"] == {"anomalies": 1}


async def test_detection_is_steered_by_those_who_may_and_refusals_change_nothing(
    portal: Portal, anomaly: CostAnomaly
):
    tenant, of_anomaly = ids(portal, anomaly)
    feedback = """mutation ($id: ID!, $note: String!) { giveCostFeedback(input: {anomalyId: $id, verdict: PLANNED, note: $note}) {
      anomaly { verdict feedback { note } } userErrors { code path } } }"""
    suppress = """mutation ($id: ID!, $end: DateTime!) { suppressCost(input: {tenantId: $id, subsystem: EGRESS, reason: "Move",
      startsAt: "2026-07-10T09:00:00Z", endsAt: $end}) { suppression { id subsystem } userErrors { code path } } }"""
    end = """mutation ($id: ID!) { endCostSuppression(input: {suppressionId: $id, reason: "Done"}) {
      suppression { endReason } userErrors { code } } }"""
    thresholds = """mutation ($id: ID!, $s: Float!, $seen: Int) { setCostThresholds(input: {tenantId: $id, subsystem: COMPUTE,
      sensitivity: $s, reason: "Noisy", expectedRevision: $seen}) { thresholds { subsystem sensitivity } userErrors { code path } } }"""
    budget = """mutation ($id: ID!, $amount: Decimal!) { setCostBudget(input: {tenantId: $id, currency: "EUR", amount: $amount,
      fromMonth: "2026-07-01", reason: "Agreed"}) { budgets { amount spent } userErrors { code path } } }"""
    async with portal.browser("customer_admin") as browser:
        silent = (await ask(browser, feedback, id=of_anomaly, note=" "))["data"]["giveCostFeedback"]
        assert silent == {"anomaly": None, "userErrors": [{"code": "INVALID", "path": ["input", "note"]}]}
        for mutation, variables in (
            (suppress, {"end": "2026-07-11T09:00:00Z"}), (thresholds, {"s": 2.0}), (budget, {"amount": "10"}),
        ):  # fmt: skip
            denied = await ask(browser, mutation, id=tenant, **variables)
            assert denied["errors"][0]["extensions"]["code"] == "DENIED"
        said = (await ask(browser, feedback, id=of_anomaly, note="Known"))["data"]["giveCostFeedback"]
    assert said["anomaly"] == {"verdict": "PLANNED", "feedback": [{"note": "Known"}]}
    assert await portal.house.thresholds.history(CONSOLE, portal.world.aurora.id) == ()
    assert await portal.house.budgets.history(CONSOLE, portal.world.aurora.id) == ()
    async with portal.browser("finops_operator") as browser:
        late = (await ask(browser, suppress, id=tenant, end="2026-07-09T09:00:00Z"))["data"]["suppressCost"]
        assert late["userErrors"] == [{"code": "INVALID", "path": ["input", "endsAt"]}]
        made = (await ask(browser, suppress, id=tenant, end="2026-07-11T09:00:00Z"))["data"]["suppressCost"]
        assert made["suppression"]["subsystem"] == "EGRESS"
        ended = [
            (await ask(browser, end, id=made["suppression"]["id"]))["data"]["endCostSuppression"]
            for _ in range(2)
        ]
        assert ended[0]["suppression"] == {"endReason": "Done"}
        assert ended[1]["userErrors"] == [{"code": "CONFLICT"}]
        held = (await ask(browser, thresholds, id=tenant, s=2.0))["data"]["setCostThresholds"]["thresholds"]
        assert {"subsystem": "COMPUTE", "sensitivity": 2.0} in held
        looser = await ask(
            browser, thresholds.replace("thresholds {", "approvalRequestId thresholds {"), id=tenant, s=0.5
        )
        answer = looser["data"]["setCostThresholds"]
        assert answer["approvalRequestId"] is not None
        assert {"subsystem": "COMPUTE", "sensitivity": 2.0} in answer["thresholds"], (
            "as long as nobody approves"
        )
        stale = await ask(browser, thresholds, id=tenant, s=3.0, seen=0)
        assert stale["data"]["setCostThresholds"]["userErrors"] == [{"code": "STALE", "path": []}]
        standing = (await ask(browser, budget, id=tenant, amount="5000.00"))["data"]["setCostBudget"]
        (status,) = await portal.house.budgets.status(CONSOLE, portal.world.aurora.id)
        await ask(browser, budget, id=tenant, amount="10.00")
        await portal.house.budget_alerts.look()
        said = await ask(browser, ALERTS)
    assert [Decimal(each["spent"]) for each in standing["budgets"]] == [status.spent]
    burning, used_up = said["data"]["tenant"]["costBudgetAlerts"]
    assert (burning["kind"], burning["subsystem"], used_up["kind"]) == ("BURNING", None, "USED_UP")
    assert [used_up[name] for name in ("spent", "allowed")] == ["2807.60", "10.00"], "of closed hours"
    assert [each["subsystem"] for each in burning["portions"]] == ["COMPUTE"]
    assert burning["receiptId"] != used_up["receiptId"]


async def test_an_explanation_is_put_on_record_once_by_those_who_may(portal: Portal):
    found = await spike(portal.house, "aurora", NOW)
    record = """mutation ($id: ID!) { recordCostExplanation(input: {anomalyId: $id}) {
      anomaly { explainedReceiptId } userErrors { code path } } }"""
    of_tenant, of_anomaly = ids(portal, found)
    async with portal.browser("customer_admin") as browser:
        denied = await ask(browser, record, id=of_anomaly)
    assert denied["errors"][0]["extensions"]["code"] == "DENIED"
    assert (await portal.house.anomalies.get(SYSTEM, found.tenant_id, found.id)).explained_receipt_id is None
    async with portal.browser("finops_operator") as browser:
        wrong = (await ask(browser, record, id=of_tenant))["data"]["recordCostExplanation"]
        first, again = [
            (await ask(browser, record, id=of_anomaly))["data"]["recordCostExplanation"] for _ in range(2)
        ]
    assert wrong == {"anomaly": None, "userErrors": [{"code": "NOT_FOUND", "path": ["input", "anomalyId"]}]}
    recorded = (await portal.house.anomalies.get(SYSTEM, found.tenant_id, found.id)).explained_receipt_id
    assert recorded is not None
    receipt = encode("Receipt", found.tenant_id, recorded)
    assert first == again == {"anomaly": {"explainedReceiptId": receipt}, "userErrors": []}

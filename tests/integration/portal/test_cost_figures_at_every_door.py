"""The figures of the cost loop: page, GraphQL and monitoring say the same, of one tenant and of all."""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.cost_world import spike
from support.portal_fixtures import Portal
from support.portal_world import NOW

from trust_portal.access.actors import CONSOLE
from trust_portal.cost.anomalies.model import AnomalyFilter, GiveFeedback, Verdict
from trust_portal.documents.formats import amount
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.page import PageRequest

pytestmark = pytest.mark.takes(seconds=15)

MINUTE = timedelta(minutes=1)
FIELDS = """at anomalies open judged falsePositives falsePositiveRate
  unexplained { currency current baseline change }
  timeToDetect { count medianSeconds meanSeconds } timeToExplain { count medianSeconds meanSeconds }
  timeToRecover { count medianSeconds meanSeconds }"""


@pytest.fixture
async def two(portal: Portal) -> Portal:
    """Aurora's spike explained after 10 minutes, called false; brightside's after 30, and nobody spoke of it."""
    for key, minutes in (("aurora", 10), ("brightside", 20)):
        anomaly = await spike(portal.house, key, NOW)
        portal.clock.advance(minutes * MINUTE)
        await portal.house.explanations.record(SYSTEM, anomaly.tenant_id, anomaly.id)
    command = GiveFeedback(portal.world.aurora.id, await _of(portal, "aurora"), Verdict.FALSE, "A test")
    await portal.house.anomalies.give_feedback(command, CONSOLE)
    return portal


async def _of(portal: Portal, key: str) -> Any:
    tenant = await portal.house.tenants.by_key(SYSTEM, key)
    (found,) = (await portal.house.anomalies.page(SYSTEM, AnomalyFilter(tenant.id), PageRequest(9))).items
    return found.id


def exposed(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name.removeprefix("trust_portal_cost_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("trust_portal_cost_")
    }


def of_graphql(said: dict[str, Any]) -> dict[tuple[str, ...], float]:
    """What GraphQL said, under monitoring's names."""
    found: dict[tuple[str, ...], float] = {
        ("anomalies",): said["anomalies"],
        ("anomalies_open",): said["open"],
        ("anomalies_judged",): said["judged"],
        ("false_positives",): said["falsePositives"],
        ("false_positive_ratio",): _number(said["falsePositiveRate"]),
    }
    for each in said["unexplained"]:
        for window in ("current", "baseline"):
            found["unexplained_spend", each["currency"], window] = float(each[window])
        found["unexplained_spend_change_ratio", each["currency"]] = _number(each["change"])
    for step in ("detect", "explain", "recover"):
        took = said[f"timeTo{step.capitalize()}"]
        found["time_anomalies", step] = took["count"]
        found["time_seconds", step] = _number(took["medianSeconds"])
        found["time_mean_seconds", step] = _number(took["meanSeconds"])
    return found


def _number(value: object) -> float:
    return math.nan if value is None else float(str(value))


async def everywhere(portal: Portal, who: str, page: str, metrics: str, query: str) -> tuple[str, Any, Any]:
    async with portal.browser(who) as browser:
        shown = (await browser.get(page)).text
        answer = (await browser.post("/graphql", json={"query": query})).json()["data"]
        told = exposed((await browser.get(metrics)).text)
    said = next(iter(answer.values()))
    said = of_graphql(said.get("costKpis", said))
    told.pop(("figures_timestamp_seconds",))
    assert told == pytest.approx(said, nan_ok=True)
    return shown, told, answer


async def test_of_one_tenant_every_door_says_the_same(two: Portal) -> None:
    shown, told, _ = await everywhere(
        two, "finops_operator", "/t/aurora/cost/figures", "/t/aurora/cost/metrics",
        f'{{ tenant(key: "aurora") {{ costKpis {{ {FIELDS} }} }} }}',
    )  # fmt: skip

    assert told["anomalies",] == told["anomalies_open",] == told["anomalies_judged",] == 1
    assert told["time_seconds", "explain"] == 600
    assert told["false_positive_ratio",] == 1
    assert told["unexplained_spend", "EUR", "current"] == 0  # what was called false is explained
    assert "10\u00a0min" in shown
    assert "1 of 1" in shown
    assert "EUR\u00a00.00" in shown


async def test_over_all_tenants_every_door_says_the_same(two: Portal) -> None:
    shown, told, answer = await everywhere(
        two, "finops_operator", "/cost", "/metrics", f"{{ costKpis {{ {FIELDS} }} }}"
    )

    brightside = await two.house.anomalies.get(SYSTEM, two.world.brightside.id, await _of(two, "brightside"))
    assert told["anomalies",] == told["anomalies_open",] == 2
    assert (told["time_anomalies", "explain"], told["time_seconds", "explain"]) == (2, 900)
    assert (told["anomalies_judged",], told["false_positives",]) == (1, 1)
    (spend,) = answer["costKpis"]["unexplained"]
    assert (Decimal(spend["current"]), Decimal(spend["baseline"])) == (brightside.unexplained, 0)
    assert told["unexplained_spend", "EUR", "current"] == float(brightside.unexplained)
    assert math.isnan(told["unexplained_spend_change_ratio", "EUR"])
    assert "15\u00a0min" in shown


async def test_unexplained_spend_against_the_four_weeks_before_is_the_same_at_every_door(
    portal: Portal,
) -> None:
    """The same spike twice: a month ago nobody explained it, now it is explained."""
    before = await spike(portal.house, "brightside", NOW - timedelta(days=30))
    now = await spike(portal.house, "aurora", NOW)
    await portal.house.explanations.record(SYSTEM, now.tenant_id, now.id)
    now = await portal.house.anomalies.get(SYSTEM, now.tenant_id, now.id)

    shown, told, answer = await everywhere(
        portal, "finops_operator", "/cost", "/metrics", f"{{ costKpis {{ {FIELDS} }} }}"
    )

    (spend,) = answer["costKpis"]["unexplained"]
    assert Decimal(spend["baseline"]) == before.unexplained == before.figures.excess
    assert Decimal(spend["current"]) == now.unexplained < now.figures.excess
    change = (now.unexplained / before.unexplained - 1).quantize(Decimal("0.001"))
    assert Decimal(spend["change"]) == change <= Decimal("-0.5")
    assert told["unexplained_spend_change_ratio", "EUR"] == float(change)
    assert f"{amount(change * 100, signed=True)}\u00a0%" in shown


async def test_monitoring_reads_one_tenant_by_token_and_the_open_door_names_nobody(two: Portal) -> None:
    async with two.program(two.world.tokens["customer_admin:read"]) as program:
        own = await program.get("/t/aurora/cost/metrics")
        assert (await program.get("/t/brightside/cost/metrics")).status_code == 404
    async with two.program(None) as nobody:
        assert (await nobody.get("/t/aurora/cost/metrics")).status_code == 401
        everybodys = (await nobody.get("/metrics")).text
    assert own.headers["content-type"].startswith("text/plain; version=")
    assert exposed(own.text)["time_seconds", "explain"] == 600
    assert not any(name in everybodys for name in ("aurora", "brightside", str(two.world.aurora.id)))


async def test_scraping_asks_the_database_once_a_minute(two: Portal) -> None:
    async with two.program(None) as nobody:
        first = exposed((await nobody.get("/metrics")).text)
        two.clock.advance(timedelta(seconds=59))
        again = exposed((await nobody.get("/metrics")).text)
        two.clock.advance(timedelta(seconds=1))
        later = exposed((await nobody.get("/metrics")).text)
    as_of = ("figures_timestamp_seconds",)
    assert again[as_of] == first[as_of]
    assert later[as_of] == first[as_of] + 60

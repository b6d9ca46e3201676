"""Where minutes do not count, what was measured stands beside what counts: on every page and over GraphQL."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from credit_desk import JULY, JUNE, Desk, hours, promise
from exclusion_bench import TEN, Bench

from trust_portal.house import House
from trust_portal.kernel.clock import ManualClock
from trust_portal.reliability.forecast.model import SetForecast

pytestmark = pytest.mark.takes(seconds=8)

ROOT = "/t/acme"
#: Of ten bad minutes of 1,440 four do not count; of two bad hours of July's first sixteen days one does not.
RAW, ADJUSTED = "99.305555", "99.583333"
RAW_SO_FAR, SO_FAR = "99.479166", "99.739583"


async def text_of(browser: httpx.AsyncClient, path: str, **sent: str) -> str:
    answer = await browser.post(path, data=sent) if sent else await browser.get(path)
    assert answer.status_code == 200, answer.text
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).replace("\u00a0", " ").split())


async def test_raw_stands_beside_adjusted_at_every_door(
    house: House, desk: Desk, browser, clock: ManualClock
):
    bench = Bench(desk)
    await promise(house)
    await desk.sign()
    start = TEN[0]
    await bench.approve(await bench.propose(end=start + timedelta(minutes=4)), "rob", "fay")
    report = await desk.sign("four minutes were the customer's own")
    credit = await desk.propose()
    await promise(
        house, version="2026.2", effective_from="2026-07-01T00:00:00Z", slice="5m", target="99.5",
        tiers=[{"from": "99.0", "to": "99.5", "credit_percent": "10"}, {"to": "99.0", "credit_percent": "25"}],
    )  # fmt: skip
    clock.advance(datetime(2026, 7, 17, 15, tzinfo=UTC) - clock.now())
    await hours(house, 16, {2: 2})
    second = JULY + timedelta(days=1)
    await bench.approve(await bench.propose(start=second, end=second + timedelta(hours=1)), "rob", "fay")
    await house.forecasts.set(SetForecast(True, "to see it coming"), desk.by("finn"))
    carla, cora, olive = [await browser(name) for name in ("carla", "cora", "olive")]

    said = f"{ADJUSTED} % {RAW} % as measured"
    assert f"Missed, promised 99.9 %; {RAW} % as measured" in await text_of(carla, ROOT)
    page = await text_of(carla, f"{ROOT}/reports/{report.id}")
    assert re.search(rf"Attained {RAW} %\W+.*?{ADJUSTED} %", page.partition("Raw beside adjusted")[2])
    page = await text_of(carla, f"{ROOT}/credits/{credit.id}")
    assert f"{ADJUSTED} % Evidence: attained, api {RAW} % as measured" in page
    page = await text_of(cora, f"{ROOT}/what-if", period=JUNE, version="2026.1", document="")
    assert page.count(said) == 2, "by these words, and as signed"
    assert f"{SO_FAR} % {RAW_SO_FAR} % as measured until" in await text_of(olive, f"{ROOT}/credits")

    query = """query { tenant(key: "acme") {
      slaReports(first: 2) { nodes { revision objectives { objective target excludedMinutes met creditPercent
        raw { percent numerator denominator exact downMinutes } adjusted { percent numerator denominator downMinutes } } } }
      contractPreview(period: "2026-06", version: "2026.1")
      creditForecast { slas { raw attained } } } }"""
    answer = (await olive.post("/graphql", json={"query": query})).json()
    assert "errors" not in answer, answer
    found = answer["data"]["tenant"]
    newest, first = found["slaReports"]["nodes"]
    raw = {"percent": RAW, "numerator": "1430", "denominator": "1440", "downMinutes": "10"}
    assert newest == {
        "revision": 2,
        "objectives": [
            {
                "objective": "api", "target": "99.9", "excludedMinutes": "4", "met": False, "creditPercent": "10",
                "raw": raw | {"exact": True},
                "adjusted": {"percent": ADJUSTED, "numerator": "1434", "denominator": "1440", "downMinutes": "6"},
            }
        ],
    }  # fmt: skip
    assert first["objectives"][0]["adjusted"] == raw, "before anything was excluded they are the same"
    (sla,) = json.loads(found["contractPreview"])["slas"]
    assert (sla["attained_raw"]["percent"], sla["attained"]["percent"]) == (RAW, ADJUSTED)
    assert found["creditForecast"]["slas"] == [{"raw": RAW_SO_FAR, "attained": SO_FAR}]

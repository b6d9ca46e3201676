"""Who confirms a customer's counts: set up, tried and withdrawn in the portal, over GraphQL and from a file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from support.portal_fixtures import Portal
from support.prometheus import START, RealPrometheus, counters

from schema.ids import encode
from trust_portal.access.actors import CONSOLE
from trust_portal.errors import NotFound
from trust_portal.reliability.crosscheck.model import SourceDefinition, SourceRevision
from trust_portal.reliability.crosscheck.service import ImportSources
from trust_portal.reliability.findings import Unusable

PAGE = "/t/aurora/cross-checks"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What the portal's world measured for aurora: a hundred requests a minute, 60 lost in each of the first three."""
    prometheus = RealPrometheus(tmp_path_factory.mktemp("prometheus"))
    prometheus.backfill(
        [
            *counters(
                "aurora", lambda minute: 100 * minute, lambda minute: 100 * minute - 60 * min(minute, 3)
            ),
            *counters("other", lambda minute: 90 * minute, lambda minute: 90 * minute),
        ]
    )
    with prometheus.started() as url:
        yield url


def form(url: str, **more: str) -> dict[str, str]:
    return {
        "objective": "api",
        "url": url,
        "total": "requests_total",
        "good": "requests_good_total",
        "labels": "customer=aurora",
        "interval": "60",
        "tolerance": "0",
        "credential": "",
        "hours": "24",
        "reason": "a second opinion",
    } | more


async def history(portal: Portal) -> tuple[SourceRevision, ...]:
    return await portal.house.cross_checks.history(CONSOLE, portal.world.aurora.id)


async def test_an_operator_tries_a_source_and_then_records_it(portal: Portal, source: str):
    # The day that is measured ended a moment ago.
    portal.clock.advance(START + timedelta(days=1, minutes=5) - portal.clock.now())
    async with portal.browser("sre_operator") as browser:
        tried = await browser.post(f"{PAGE}/test", data=form(source))
        assert tried.status_code == 200
        assert "Both count the same" in tried.text
        assert tried.text.count("144,000") == 2
        assert tried.text.count("143,820") == 2
        assert await history(portal) == ()
        other = await browser.post(f"{PAGE}/test", data=form(source, labels="customer=other"))
        assert "They count differently" in other.text
        assert "129,600" in other.text
        missing = await browser.post(f"{PAGE}/test", data=form(source, labels="customer=nobody"))
        assert "CROSS_CHECK_NO_SERIES" in missing.text
        for hours in ("0", "soon", "9" * 5000):
            refused = await browser.post(f"{PAGE}/test", data=form(source, hours=hours))
            assert (refused.status_code, 'id="hours-error"' in refused.text) == (422, True), hours
        long = await browser.post(f"{PAGE}/test", data=form(source, hours="720"))
        assert "lacks samples in 696 of 720 windows" in long.text
        assert await history(portal) == ()
        recorded = await browser.post(PAGE, data=form(source))
        assert (recorded.status_code, recorded.headers["location"]) == (303, PAGE)
        shown = (await browser.get(f"{PAGE}?objective=api")).text
    (only,) = await history(portal)
    assert only.definition == SourceDefinition(
        source, "requests_total", "requests_good_total", labels=(("customer", "aurora"),)
    )
    assert (only.reason, only.set_by) == ("a second opinion", "Sre_Operator")
    assert f"/t/aurora/receipts/{only.receipt_id}" in shown
    assert f'value="{source}"' in shown


async def test_a_source_is_withdrawn_with_a_reason_and_never_by_accident(portal: Portal, source: str):
    async with portal.browser("sre_operator") as browser:
        await browser.post(PAGE, data=form(source))
        stale = {"objective": "api", "revision": "7", "withdraw_reason": "gone"}
        assert (await browser.post(f"{PAGE}/withdraw", data=stale)).status_code == 409
        silent = {"objective": "api", "revision": "1", "withdraw_reason": ""}
        assert (await browser.post(f"{PAGE}/withdraw", data=silent)).status_code == 422
        assert len(await history(portal)) == 1
        done = await browser.post(f"{PAGE}/withdraw", data=silent | {"withdraw_reason": "it is switched off"})
        assert done.status_code == 303
        assert "withdrawn: it is switched off" in (await browser.get(PAGE)).text
    assert [each.definition is None for each in await history(portal)] == [False, True]


REFUSED = [
    ({"objective": ""}, "objective"),
    ({"objective": "web"}, "objective"),
    ({"url": "prometheus"}, "url"),
    ({"total": "up{}"}, "total"),
    ({"labels": "customer"}, "labels"),
    ({"interval": "61"}, "interval"),
    ({"tolerance": "-1"}, "tolerance"),
    ({"credential": "unknown"}, "credential"),
    ({"reason": ""}, "reason"),
]


@pytest.mark.parametrize("change, field", REFUSED)
async def test_what_cannot_be_recorded_is_said_at_its_field(
    portal: Portal, source: str, change: dict[str, str], field: str
):
    async with portal.browser("sre_operator") as browser:
        refused = await browser.post(PAGE, data=form(source) | change)
    assert refused.status_code == 422
    assert f'<a href="#{field}">' in refused.text
    assert await history(portal) == ()


@pytest.mark.parametrize("who", ["vendor_admin", "csm", "approver_reliability", "customer_admin"])
async def test_only_operators_set_ask_and_withdraw(portal: Portal, source: str, who: str):
    async with portal.browser(who) as browser:
        for path in ("", "/test", "/withdraw"):
            answer = await browser.post(f"{PAGE}{path}", data=form(source) | {"withdraw_reason": "why"})
            assert answer.status_code == 403
    assert await history(portal) == ()


SOURCE = """{ objective revision reason setBy definition { url total good buckets tolerance intervalSeconds
  credential labels { name value } } }"""
SET = f"mutation ($input: SetCrossCheckInput!) {{ setCrossCheck(input: $input) {{ source {SOURCE} userErrors {{ code path }} }} }}"
TEST = """mutation ($input: TestCrossCheckInput!) { testCrossCheck(input: $input) { userErrors { code path }
  trial { state minutesMeasured failure findings figures { counter ours theirs agrees } } } }"""
WITHDRAW = f"mutation ($input: WithdrawCrossCheckInput!) {{ withdrawCrossCheck(input: $input) {{ source {SOURCE} userErrors {{ code path }} }} }}"


async def ask(client: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    return (await client.post("/graphql", json={"query": query, "variables": variables})).json()


async def test_the_same_over_graphql(portal: Portal, source: str):
    portal.clock.advance(START + timedelta(days=1, minutes=5) - portal.clock.now())
    tenant = encode("Tenant", portal.world.aurora.id, portal.world.aurora.id)
    described = {
        "url": source,
        "total": "requests_total",
        "good": "requests_good_total",
        "labels": [{"name": "customer", "value": "aurora"}],
    }
    where = {"tenantId": tenant, "objective": "api"}
    async with portal.program(portal.world.tokens["sre_operator:operate"]) as program:
        trial = (await ask(program, TEST, input={**where, "source": described}))["data"]["testCrossCheck"]
        assert trial["trial"] == {
            "state": "AGREED",
            "minutesMeasured": 1440,
            "failure": None,
            "findings": [],
            "figures": [
                {"counter": "total", "ours": "144000", "theirs": "144000", "agrees": True},
                {"counter": "good", "ours": "143820", "theirs": "143820", "agrees": True},
            ],
        }
        wrong = await ask(
            program, SET, input={**where, "source": {**described, "tolerance": "x"}, "reason": "why"}
        )
        assert wrong["data"]["setCrossCheck"]["userErrors"] == [
            {"code": "INVALID", "path": ["input", "tolerance"]}
        ]
        assert await history(portal) == ()
        done = await ask(program, SET, input={**where, "source": described, "reason": "why"})
        assert done["data"]["setCrossCheck"]["source"]["definition"]["labels"] == described["labels"]
        gone = await ask(program, WITHDRAW, input={**where, "reason": "enough"})
        assert gone["data"]["withdrawCrossCheck"]["source"]["definition"] is None
    async with portal.program(portal.world.tokens["sre_operator:read"]) as program:
        query = 'query { tenant(key: "aurora") { crossChecks { objective revision reason } } }'
        assert (await ask(program, query))["data"]["tenant"]["crossChecks"] == [
            {"objective": "api", "revision": 2, "reason": "enough"}
        ]


FILE = """\
- tenant: aurora
  objective: api
  url: http://prometheus.example:9090/
  total: requests_total
  good: requests_good_total
  labels: {customer: aurora, region: eu}
  interval: 15s
  tolerance: 3
- tenant: brightside
  objective: api
  url: http://prometheus.example:9090
  buckets: seconds_bucket
"""


async def test_a_file_sets_up_several_at_once_and_again_makes_nothing_new(portal: Portal):
    command = ImportSources(FILE.encode(), "as agreed")
    first = await portal.house.cross_checks.import_file(command, CONSOLE)
    assert [(each.tenant_key, each.revision.revision, each.new) for each in first] == [
        ("aurora", 1, True),
        ("brightside", 1, True),
    ]
    assert first[0].revision.definition == SourceDefinition(
        "http://prometheus.example:9090",
        "requests_total",
        "requests_good_total",
        labels=(("customer", "aurora"), ("region", "eu")),
        interval=15,
        tolerance=3,
    )
    again = await portal.house.cross_checks.import_file(command, CONSOLE)
    assert [each.new for each in again] == [False, False]
    ended = ImportSources(b"- {tenant: aurora, objective: api, withdrawn: true}", "it is over")
    (each,) = await portal.house.cross_checks.import_file(ended, CONSOLE)
    assert (each.revision.revision, each.revision.definition) == (2, None)


@pytest.mark.parametrize(
    "text, code, where",
    [
        ("", "DOCUMENT_MALFORMED", "$"),
        ("tenant: aurora", "DOCUMENT_MALFORMED", "$"),
        ("- {tenant: aurora, objective: api}", "FIELD_MISSING", "[0].url"),
        ("- {tenant: aurora, objective: api, url: 'http://x', totals: a}", "FIELD_UNKNOWN", "[0].totals"),
        ("- {tenant: aurora, objective: api, url: 'ftp://x', total: a, good: b}", "FIELD_MALFORMED", "[0].url"),
        ("- {tenant: aurora, objective: api, url: 'http://x', total: a, good: b, interval: 7s}", "FIELD_MALFORMED", "[0].interval"),
        ("- {tenant: aurora, objective: api, url: 'http://x', total: a, good: b, labels: [x]}", "FIELD_MALFORMED", "[0].labels"),
        (FILE + FILE[: FILE.index("- tenant: brightside")], "OBJECTIVE_TWICE", "[2].objective"),
    ],
)  # fmt: skip
async def test_a_file_that_is_wrong_is_refused_whole(portal: Portal, text: str, code: str, where: str):
    with pytest.raises(Unusable) as refused:
        await portal.house.cross_checks.import_file(ImportSources(text.encode(), "why"), CONSOLE)
    assert (code, where) in {(each.code, each.where) for each in refused.value.findings}
    assert await history(portal) == ()


async def test_a_file_that_names_nobody_records_nothing(portal: Portal):
    unknown = FILE.replace("brightside", "nobody")
    with pytest.raises(NotFound):
        await portal.house.cross_checks.import_file(ImportSources(unknown.encode(), "why"), CONSOLE)
    assert await history(portal) == ()

"""A quarter long over is restated: the report of the quarter after it stays the last one, for everybody."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from qbr_desk import issue, prepare
from report_desk import CORA, Q2, bundle_of, publish, trust_of
from support.portal_fixtures import Portal
from support.sequencing import sequencing

from trust_portal.access.actors import CONSOLE
from trust_portal.evidence import bundle
from trust_portal.evidence.verify import verify
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.trust.accounts.model import Readiness, SetAccount
from trust_portal.trust.recompute import RECOMPUTERS
from trust_portal.trust.report.model import StoredTrustReport
from trust_portal.trust.sections.model import State
from trust_portal.trust.verification import KINDS

pytestmark = pytest.mark.takes(seconds=15)

Q1 = "2026-Q1"


async def test_pages_open_on_the_last_period_and_an_old_ones_page_leads_there(portal: Portal) -> None:
    house, aurora = portal.house, portal.world.aurora
    await publish(house, aurora.id, period=Q1)
    last = await publish(house, aurora.id)
    late = await publish(house, aurora.id, period=Q1, reason="a credit was late")
    opened = await house.trust_reports.newest(CONSOLE, aurora.id)
    assert opened is not None
    assert opened.report == last
    async with portal.browser("customer_viewer") as viewer:
        listed = (await viewer.get("/t/aurora/trust")).text
        assert f'<h2 id="newest-title"><a href="/t/aurora/trust/{last.id}">Q2 2026</a></h2>' in _plain(listed)
        overview = _plain((await viewer.get("/t/aurora")).text)
        assert f'<a href="/t/aurora/trust/{last.id}">Trust Report, Q2 2026</a>' in overview
        assert "There is a later report" not in (await viewer.get(f"/t/aurora/trust/{last.id}")).text
        old = _plain((await viewer.get(f"/t/aurora/trust/{late.id}")).text)
        assert "There is a later report" in old
        assert "For Q2 2026." in old
        assert f'<a href="/t/aurora/trust/{last.id}">Read it</a>' in old


async def test_what_changed_is_since_the_period_before_or_the_periods_own_revision(portal: Portal) -> None:
    house, aurora = portal.house, portal.world.aurora
    second = await publish(house, aurora.id)
    first = await publish(house, aurora.id, period=Q1)
    late = await publish(house, aurora.id, period=Q1, reason="a credit was late")
    again = await publish(house, aurora.id, reason="so was another")
    assert [each.number for each in (second, first, late, again)] == [1, 2, 3, 4], "the chain is as it was"
    assert await _follows(portal, second) is None
    assert await _follows(portal, first) is None
    assert await _follows(portal, late) == (Q1, "1", first.sha256)
    assert await _follows(portal, again) == (Q2, "1", second.sha256)
    monthly = await publish(house, aurora.id, period="2026-07")
    assert await _follows(portal, monthly) == (Q2, "2", again.sha256)
    async with sequencing(house):
        _, data = await bundle_of(house, late)
    assert verify(data, policy=await trust_of(house, aurora.id), kinds=KINDS, recomputers=RECOMPUTERS).ok
    files = bundle.read(data).files
    assert sha256_hex(files["inputs/previous.json"]) == first.sha256
    changes = json.loads(files["trust-report.json"])["sections"][-1]
    said = {each["id"]: each["value"] for each in changes["figures"]}
    assert (said["period"], said["revision"]) == ("Q1 2026", "1")


async def test_an_open_review_stays_as_it_is_where_an_older_or_a_later_period_is_reported(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    await publish(house, aurora.id, period=Q1)
    report = await publish(house, aurora.id)
    await house.accounts.set(SetAccount(aurora.id, None, date(2026, 7, 31)), CORA)
    draft = await prepare(house, aurora.id)
    portal.clock.advance(timedelta(minutes=1))
    await publish(house, aurora.id, period=Q1, reason="a credit was late")
    await publish(house, aurora.id, period="2026-07")
    assert (await house.qbr_reader.draft(CORA, aurora.id, draft.id)).newer == ()
    (account,) = [each for each in await house.accounts.list(CORA) if each.tenant.key == "aurora"]
    assert account.readiness is Readiness.BLOCKED
    async with portal.browser("csm") as csm:
        assert "was superseded" not in (await csm.get(f"/t/aurora/qbr/{draft.id}/draft")).text
        query = "{ accounts(first: 50) { nodes { key readiness qbrId } } }"
        answer = (await csm.post("/graphql", json={"query": query})).json()["data"]["accounts"]["nodes"]
        assert [each["readiness"] for each in answer if each["key"] == "aurora"] == ["BLOCKED"]
    anew = await prepare(house, aurora.id)
    assert draft.trust_report_id == anew.trust_report_id == report.id
    await issue(house, anew)
    body = (await house.qbr_reader.get(CORA, aurora.id, anew.id)).document
    assert body["trust_report"] == {"period": Q2, "revision": "1", "sha256": report.sha256}


async def test_a_review_of_a_quarter_rests_on_no_report_of_a_later_one_and_says_so(portal: Portal) -> None:
    house, aurora = portal.house, portal.world.aurora
    await publish(house, aurora.id)
    draft = await prepare(house, aurora.id, Q1)
    assert draft.trust_report_id is None
    found = await house.qbr_reader.draft(CORA, aurora.id, draft.id)
    inputs = next(each for each in found.told if each.id == "inputs")
    assert (inputs.state, inputs.why) == (
        State.MISSING, "no Trust Report is published of the period, or of one before it",
    )  # fmt: skip
    assert found.newer == ()
    report = await publish(house, aurora.id, period=Q1)
    found = await house.qbr_reader.draft(CORA, aurora.id, draft.id)
    assert found.newer == ("Trust Report for Q1 2026, revision 1",)
    assert (await prepare(house, aurora.id, Q1)).trust_report_id == report.id


async def _follows(portal: Portal, report: StoredTrustReport) -> tuple[str, str, str] | None:
    """What it names as the report before: period, revision, SHA-256."""
    opened = await portal.house.trust_reports.get(CONSOLE, report.tenant_id, report.id)
    named = opened.document["previous"]
    changes = opened.document["sections"][-1]
    if named is None:
        assert (changes["state"], changes["why"]) == (
            "not_applicable", "there is no Trust Report before this one",
        )  # fmt: skip
        return None
    return named["period"], named["revision"], named["sha256"]


def _plain(page: str) -> str:
    return page.replace("\u00a0", " ")

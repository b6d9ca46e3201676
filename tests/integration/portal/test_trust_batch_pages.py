"""Batches of Trust Reports in the portal: one under way with whom it could not serve, and one that is over."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime

import pytest
from support.portal_fixtures import Portal
from support.sequencing import sequencing

from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.evidence.export import ExportState
from trust_portal.evidence.export_rows import find_export_of
from trust_portal.house import House
from trust_portal.storage.tenancy import TenantScope
from trust_portal.trust.batches.model import StartTrustBatch
from trust_portal.trust.report.model import (
    KIND,
    Acknowledgement,
    PublishTrustReport,
    StoredTrustReport,
    blocked_as,
)

pytestmark = pytest.mark.takes(seconds=6)

LIST, OVER, UNDER_WAY = "/trust-batches", "2026-05", "2026-Q2"
BROKEN = "The database didn't answer, three times."
NOW = "10 July 2026, 09:00 UTC"


def rows(page: str) -> list[list[str]]:
    """Every row of the page's tables, as its cells read."""
    found = re.findall(
        r"<tr>(.*?)</tr>", "".join(re.findall(r"<tbody>.*?</tbody>", page, re.DOTALL)), re.DOTALL
    )
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", each, re.DOTALL) for each in found]
    return [[plain(cell) for cell in row] for row in cells]


def plain(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def bundles(page: str) -> str | None:
    """What the second line of progress says."""
    found = re.findall(r'<progress aria-label="Bundles made"[^>]*>', page)
    return None if not found else "".join(found)


def settled(page: str) -> tuple[str, str]:
    """How many are settled, in words and as the bar has it."""
    count, *_ = re.findall(r'<span class="num progress-count">(.*?)</span>', page)
    bar, *_ = re.findall(r"<progress[^>]*>", page)
    return count, bar


def tabs(page: str) -> list[str]:
    (found,) = re.findall(r'<nav[^>]*aria-label="Customers by outcome".*?</nav>', page, re.DOTALL)
    return [plain(each) for each in re.findall(r"<a .*?</a>", found, re.DOTALL)]


async def build_bundle(house: House, report: StoredTrustReport) -> None:
    async with house.storage.read(TenantScope(report.tenant_id)) as session:
        asked = await find_export_of(session, report.tenant_id, KIND, report.id, report.revision)
    assert asked is not None
    assert (await house.exports.build(report.tenant_id, asked.id)).state is ExportState.READY


def refreshes(page: str) -> list[str]:
    """Addresses that the page asks for again by itself."""
    return [html.unescape(each) for each in re.findall(r'id="progress"[^>]* hx-get="([^"]*)"', page)]


async def test_a_batch_that_is_over_says_what_became_of_everybody_and_where_its_receipt_is(
    portal: Portal,
) -> None:
    house, aurora, brightside = portal.house, portal.world.aurora, portal.world.brightside
    blocking = (await house.trust_reports.preview(CONSOLE, aurora.id, OVER)).blocking
    let_stand = tuple(Acknowledgement(each.id, "looked at", blocked_as(each)) for each in blocking)
    own = await house.trust_reports.publish(PublishTrustReport(aurora.id, OVER, let_stand), CONSOLE)
    batch = await house.trust_batches.start(StartTrustBatch(OVER), CONSOLE)
    await house.trust_batches.plan(batch.id)
    for each in (aurora, brightside):
        await house.trust_batches.cover(batch.id, each.id)
    async with portal.browser("csm") as csm:
        page = (await csm.get(f"{LIST}/{OVER}")).text
        assert settled(page) == (
            "2 of 2 customers",
            '<progress aria-label="Customers settled" value="2" max="2">',
        )
        named = "; ".join(
            f"{each.title} ({each.id}), {each.state.value}: {each.why}"
            for each in (await house.trust_reports.preview(CONSOLE, brightside.id, OVER)).blocking
        )
        (blocked, standing) = rows(page)
        assert blocked[:2] == ["Brightside", "Blocked"]
        assert named in blocked[2]
        assert "Posture (posture), missing: not checked" in named
        assert standing == ["Aurora", "Published before", "–"]
        assert rows((await csm.get(LIST)).text) == [
            ["May 2026", "Complete", "1 blocked 1 standing", NOW, CONSOLE.name]
        ]

        await house.trust_batches.start(StartTrustBatch(OVER, let_stand), CONSOLE)
        await house.trust_batches.plan(batch.id)
        await house.trust_batches.cover(batch.id, brightside.id)
        page = (await csm.get(f"{LIST}/{OVER}")).text
        (theirs,) = await house.trust_reports.versions(CONSOLE, brightside.id)
        assert bundles(page) == '<progress aria-label="Bundles made" value="0" max="2">'
        assert refreshes(page) == [f"{LIST}/{OVER}"], "the bundles are still to be made"
        async with sequencing(house):
            for each in (own, theirs):
                await build_bundle(house, each)
        page = (await csm.get(f"{LIST}/{OVER}")).text
        assert bundles(page) == '<progress aria-label="Bundles made" value="2" max="2">'
        assert f"Attempt 2, started {NOW} by {CONSOLE.name}." in plain(page)
        assert tabs(page) == ["Every customer 2", "Published 1", "Published before 1"]
        assert rows(page) == [["Brightside", "Published", "–"], ["Aurora", "Published before", "–"]]
        for report, key in ((theirs, "brightside"), (own, "aurora")):
            assert f'<a href="/t/{key}/trust/{report.id}">' in page
            assert (await csm.get(f"/t/{key}/trust/{report.id}")).status_code == 200
        assert refreshes(page) == [], "it is over"
        assert f"Completed {NOW}, as its receipt says." in plain(page).replace(" ,", ",").replace(" .", ".")
        (receipt,) = re.findall(r'<a href="(/t/vendor/receipts/[0-9a-f-]{36})">its receipt</a>', page)
        assert (await csm.get(receipt)).status_code == 200
        assert rows((await csm.get(LIST)).text) == [
            ["May 2026", "Complete", "1 standing 1 published", NOW, CONSOLE.name]
        ]


async def test_a_batch_under_way_says_how_far_it_is_and_whom_it_could_not_serve_by_name(
    portal: Portal,
) -> None:
    house, aurora, brightside = portal.house, portal.world.aurora, portal.world.brightside
    joined = datetime(2026, 6, 1, tzinfo=UTC)
    cumulus = await house.tenants.create(CreateTenant("cumulus", "Cumulus", onboarded_at=joined), CONSOLE)
    here = f"{LIST}/{UNDER_WAY}"
    async with portal.browser("csm") as csm:
        asked = await csm.post(LIST, data={"period": UNDER_WAY})
        assert (asked.status_code, asked.headers["location"]) == (303, here)
        assert rows((await csm.get(here)).text) == [["Being planned."]]
        assert rows((await csm.get(LIST)).text) == [["Q2 2026", "Planning", "–", NOW, "Csm"]]
        (batch,) = await house.trust_batches.newest(CONSOLE)
        await house.trust_batches.plan(batch.id)
        await house.trust_batches.cover(batch.id, aurora.id)
        await house.trust_batches.give_up(batch.id, brightside.id, BROKEN)

        page = (await csm.get(here)).text
        assert settled(page) == (
            "2 of 3 customers",
            '<progress aria-label="Customers settled" value="2" max="3">',
        )
        assert bundles(page) is None, "no report is published yet"
        assert tabs(page) == ["Every customer 3", "Pending 1", "Blocked 1", "Failed 1"]
        failed, blocked, pending = rows(page)
        assert failed == ["Brightside", "Failed", BROKEN], "who has no report comes first"
        assert blocked[:2] == ["Aurora", "Blocked"]
        assert "no signed postmortem of P1 Secret trouble of aurora" in blocked[2]
        assert pending == ["Cumulus", "Pending", "waiting for a worker"]
        for key in ("brightside", "aurora", "cumulus"):
            look = f"/t/{key}/trust/preview?of={UNDER_WAY}"
            assert f'<a href="{look}">' in page
            assert (await csm.get(look)).status_code == 200
        assert "Completed" not in page
        assert refreshes(page) == [here]
        part = (await csm.get(here, headers={"hx-request": "true"})).text
        assert part.lstrip().startswith('<section id="progress"')
        assert (settled(part), rows(part)) == (settled(page), rows(page))

        chosen = (await csm.get(f"{here}?of=failed")).text
        assert rows(chosen) == [["Brightside", "Failed", BROKEN]]
        assert refreshes(chosen) == [f"{here}?of=failed"], "what was chosen stays chosen"
        assert (await csm.get(f"{here}?of=lost")).status_code == 422
        assert rows((await csm.get(LIST)).text) == [["Q2 2026", "Running", "–", NOW, "Csm"]]

        await house.trust_batches.cover(batch.id, cumulus.id)
        page = (await csm.get(here)).text
    assert settled(page)[0] == "3 of 3 customers"
    assert refreshes(page) == []


async def test_as_many_parts_as_one_likes_are_let_stand_by_the_form_or_nothing_is_started(
    portal: Portal,
) -> None:
    sent = {
        "period": OVER,
        "seen-posture": "missing: not checked",
        "reason-posture": "The first look is tonight",
        "seen-compliance": "missing: compliance was not evaluated yet",
        "reason-compliance": "So is the first evaluation",
        "seen-sla": "stale: whatever",
        "reason-sla": "",
    }
    async with portal.browser("csm") as csm:
        silent = await csm.post(LIST, data=sent | {"seen-compliance": " "})
        assert silent.status_code == 422
        assert '<a href="#seen-compliance">say what the part says, too</a>' in silent.text
        assert "So is the first evaluation" in silent.text, "what was typed is still there"
        assert await portal.house.trust_batches.newest(CONSOLE) == ()
        done = await csm.post(LIST, data=sent)
        assert (done.status_code, done.headers["location"]) == (303, f"{LIST}/{OVER}")
    (batch,) = await portal.house.trust_batches.newest(CONSOLE)
    assert [(each.section, each.seen, each.reason) for each in batch.acknowledgements] == [
        ("posture", "missing: not checked", "The first look is tonight"),
        ("compliance", "missing: compliance was not evaluated yet", "So is the first evaluation"),
    ]

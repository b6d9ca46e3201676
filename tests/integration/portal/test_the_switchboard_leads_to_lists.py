"""Every figure of the Switchboard leads to the list of what it counts, narrowed alike and counted alike."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import httpx
import pytest
from support.actions_world import SIGNED, VENDOR, Promises, promises
from support.graphql_desk import ask
from support.learning_world import Vendor, declared, named, step, updated
from support.portal_fixtures import Portal
from support.postmortem_desk import TRACKED

from trust_portal.kernel.page import PageRequest
from trust_portal.learning.actions.acts_model import FinishAction, PlanAction
from trust_portal.learning.actions.clocks import begin_clock
from trust_portal.learning.actions.model import ActionFilter, ActionOrder, ActionType
from trust_portal.learning.incidents.model import Severity

pytestmark = pytest.mark.takes(seconds=30)
PMO = "pmo"


@pytest.fixture
async def world(portal: Portal) -> Promises:
    """Incidents of three services and two teams, with actions that are late, done, fresh and not begun; and gaps."""
    vendor, now = Vendor(portal.house, portal.clock), portal.clock.now()
    portal.clock.advance(SIGNED - now)
    found = await promises(vendor)
    await found.begun()
    portal.clock.advance(now - SIGNED)
    for number, (severity, service, team) in enumerate(
        (("P1", "billing", None), ("P2", "billing", "payments"), ("P2", "search", "core")), start=2
    ):
        key = f"INC-{number}"
        # The last was known here when it happened, so its postmortem is late by now; the others only since.
        told_at = SIGNED if number == 4 else now
        portal.clock.advance(told_at - now)
        await vendor.tell(
            declared(key, severity, minute=number, service=service, team=team),
            step(key, "resolved", minute=number + 9),
        )
        await vendor.register()
        portal.clock.advance(now - told_at)
        view = await portal.house.incidents.get(found.petra.as_actor(), named(key))
        assert view.postmortem_id is not None
        for owner, start in ((found.olga, SIGNED), (found.max, now), (found.max, None)):
            command = PlanAction(view.postmortem_id, f"Of {key}", ActionType.DETECT, owner.id, 5, TRACKED)
            planned = await portal.house.prevention_actions.plan(command, found.ivo.as_actor())
            if start is not None:
                async with portal.house.storage.write(VENDOR) as session:
                    planned = await begin_clock(session, portal.house.ledger, planned, start)
            if number == 4 and start == SIGNED:
                finish = FinishAction(planned.id, "https://git.example/17", "Late, and done")
                await portal.house.prevention_actions.finish(finish, found.olga.as_actor())
    await vendor.tell(updated("INC-G", "note", minute=30))
    await vendor.register()
    return found


async def read(browser: httpx.AsyncClient, path: str) -> str:
    answer = await browser.get(path)
    assert answer.status_code == 200, (path, answer.text)
    return answer.text.replace("\u00a0", " ")


async def count(browser: httpx.AsyncClient, path: str) -> int:
    """What the list says, which is what stands in it page by page."""
    page = await read(browser, unescape(path))
    said = re.search(r'<span id="count">([0-9,]+)</span>', page)
    return 0 if said is None else int(said[1].replace(",", ""))


@pytest.mark.parametrize(
    "query",
    [
        "",
        "service=billing",
        "team=payments",
        "team=-",
        "severity=P2",
        "owner=OLGA",
        "service=-",
        "service=nothing",
    ],
)
async def test_each_figure_is_the_count_of_the_list_it_leads_to(
    portal: Portal, world: Promises, query: str
) -> None:
    query = query.replace("OLGA", str(world.olga.id))
    async with portal.browser(PMO) as browser:
        page = await read(browser, f"/switchboard?{query}")
        figures = page.split('aria-label="Figures"')[1].split("</section>")[0]
        found = dict(
            re.findall(
                r"<dt>([^<]+)</dt>\s*<dd><span class=\"figure-value num\"><a href=\"([^\"]+)\">", figures
            )
        )
        values = dict(
            re.findall(
                r"<dt>([^<]+)</dt>\s*<dd><span class=\"figure-value num\"><a[^>]*>([^<]+)</a>", figures
            )
        )
        for label in ("Overdue actions", "Unsigned postmortems", "Missing postmortems"):
            assert await count(browser, found[label]) == int(values[label]), label
        kept = values["Done within the agreed time"]
        agreed = 0 if kept == "–" else int(kept.rpartition(" of ")[2])
        assert await count(browser, found["Done within the agreed time"]) == agreed
        for note in re.findall(
            r'<span class="figure-note"><a href="([^"]+)">of (?:them )?([0-9]+) ', figures
        ):
            assert await count(browser, note[0]) == int(note[1])
        ever = re.search(r"of ([0-9]+) ever, signed", figures)
        assert ever is not None
        assert await count(browser, found["Coverage of P1 and P2"]) == int(ever[1])
        groups = re.findall(r'<td class="cell-num[a-z ]*"><a href="([^"]+)">([0-9,]+)</a></td>', page)
        assert bool(groups) == (query != "service=nothing")
        for path, value in groups:
            assert await count(browser, path) == int(value), path


async def test_what_is_told_of_nobodys_incident_weighs_as_a_missing_postmortem_does(
    portal: Portal, world: Promises
) -> None:
    """A P1 until somebody says better: 8 × 2, once more for each week that has begun."""
    board = "query($service: String) { switchboard(service: $service) { points missing covered majors addends { title owed gap severity service owner weight weeksLate points incidentId } groups(by: SERVICE) { key name missing } } }"
    async with portal.browser(PMO) as browser:
        found = (await ask(browser, board, service=""))["switchboard"]
        (gap,) = found["addends"]
        weeks = gap["weeksLate"]
        assert gap == {
            "title": "urn:pager/INC-G", "owed": "MISSING", "gap": "UNDECLARED", "severity": "P1", "service": "",
            "owner": "Nobody known", "weight": 16, "weeksLate": weeks, "points": 16 * (1 + weeks), "incidentId": None,
        }  # fmt: skip
        assert weeks >= 1
        assert (found["points"], found["missing"], found["covered"], found["majors"]) == (
            gap["points"],
            1,
            0,
            1,
        )
        assert found["groups"] == [{"key": "", "name": "Not known", "missing": 1}]
        whole = (await ask(browser, board))["switchboard"]
        assert (whole["missing"], whole["points"]) == (1, sum(each["points"] for each in whole["addends"]))
        page = await read(browser, "/switchboard?service=-")
        assert "Never declared" in page.split("How the debt adds up")[1]
        assert "urn:pager/INC-G" in await read(browser, "/switchboard/coverage?show=missing")
        await world.vendor.tell(declared("INC-G", "P3", minute=31))
        await world.vendor.register()
        assert (await ask(browser, board))["switchboard"]["missing"] == 0


async def test_coverage_is_of_what_the_filter_keeps(portal: Portal, world: Promises) -> None:
    async with portal.browser(PMO) as browser:
        assert "0 of 2 ever, signed" in await read(browser, "/switchboard?service=billing")
        await portal.house.action_reminders.round()
        said = "All that wait, whatever the filter."
        assert said in await read(browser, "/switchboard?service=billing")
        assert said not in await read(browser, "/switchboard")
        gaps = (await read(browser, "/switchboard?service=billing")).split("Gaps in the coverage")[1]
        gaps = gaps.split("</section>")[0]
        assert ("Trouble INC-2" in gaps, "Trouble INC-3" in gaps) == (True, True)
        assert ("Trouble INC-1" in gaps, "INC-G" in gaps) == (False, False)
        page = await read(browser, "/switchboard/coverage?service=billing&severity=P1")
        assert ("Trouble INC-2" in page, "Trouble INC-3" in page) == (True, False)
        csv = await read(browser, "/switchboard/coverage.csv?service=search")
        assert ("Trouble INC-4" in csv, "Trouble INC-2" in csv) == (True, False)


async def test_actions_are_narrowed_and_sorted_by_their_due_day_page_by_page(
    portal: Portal, world: Promises
) -> None:
    actions, petra, now = portal.house.prevention_reader, world.petra.as_actor(), portal.clock.now()
    everything = (await actions.page(petra, ActionFilter(), PageRequest(size=100))).items
    wanted = ActionFilter(order=ActionOrder.DUE)
    first = await actions.page(petra, wanted, PageRequest(size=4))
    rest = await actions.page(petra, wanted, PageRequest(size=100, after=first.cursors[-1]))
    back = await actions.page(petra, wanted, PageRequest(size=4, before=rest.cursors[0]))
    found = [*first.items, *rest.items]
    assert back.items == first.items
    assert sorted(each.id for each in found) == sorted(each.id for each in everything)
    days = [each.due for each in found]
    assert days == [*sorted(each for each in days if each), *[None] * days.count(None)]
    assert days.count(None) == 3

    async def titles(**more) -> set[object]:
        page = await actions.page(petra, ActionFilter(**more), PageRequest(size=100))
        assert len(page.items) == await actions.count(petra, ActionFilter(**more))
        return {each.id for each in page.items}

    assert await titles(overdue=True) == {each.id for each in everything if each.is_overdue(now)}
    assert len(await titles(overdue=True)) == 3
    assert await titles(service="billing", severity=Severity.P1) == {
        each.id for each in everything if each.incident_id == named("INC-2")
    }
    assert await titles(team="") == await titles(service="billing", severity=Severity.P1)
    assert await titles(team="core", overdue=True) == set()
    over = 'query { preventionActions(first: 2, overdue: true, order: DUE, team: "payments") { pageInfo { hasNextPage } nodes { due overdue } } }'
    listed = (
        'query { postmortems(first: 9, unsigned: true, service: "billing", severity: P1) { nodes { id } } }'
    )
    late = 'query { postmortems(first: 9, late: true, team: "core") { nodes { id } } }'
    async with portal.browser(PMO) as browser:
        assert (await ask(browser, over))["preventionActions"] == {
            "pageInfo": {"hasNextPage": False}, "nodes": [{"due": "2026-06-09", "overdue": True}] * 2,
        }  # fmt: skip
        assert len((await ask(browser, listed))["postmortems"]["nodes"]) == 1
        assert len((await ask(browser, late))["postmortems"]["nodes"]) == 1
        for path in (
            "/actions?order=x",
            "/actions?severity=P9",
            "/postmortems?show=x",
            "/postmortems?severity=x",
        ):
            assert (await browser.get(path)).status_code == 422, path
        assert portal.clock.now() - now < timedelta(days=1)

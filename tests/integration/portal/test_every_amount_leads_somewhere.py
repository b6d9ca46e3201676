"""Every amount of money on the pages of cost leads to where it comes from."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from support.cost_world import spike
from support.portal_fixtures import Portal
from support.portal_world import NOW

from trust_portal.access.actors import CONSOLE
from trust_portal.access.rights import actor_with
from trust_portal.cost.budgets.service import SetBudget
from trust_portal.cost.remediation.model import PlanPlaybook
from trust_portal.cost.trials.model import RunBackTest
from trust_portal.kernel.actor import SYSTEM, Role

pytestmark = pytest.mark.takes(seconds=12)

MONEY = re.compile(r"EUR\N{NO-BREAK SPACE}|^[+\N{MINUS SIGN}-]?[\d,]+\.\d{2,}$")

#: Of a cause: between 0 and 1, with two digits, and no money.
CERTAINTY = re.compile(r"^[01]\.\d\d$")


class Cells(HTMLParser):
    """Cells of tables with amounts, and figures, each with the links in it or in its row's heading.

    Feet of tables are left out: they add up what stands above them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, bool]] = []
        self._text: str | None = None
        self._linked = self._row_linked = self._in_foot = self._in_head = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "tr":
            self._row_linked = False
        elif tag == "tfoot":
            self._in_foot = True
        elif tag == "th" and given.get("scope") == "row":
            self._in_head = True
        elif tag == "dd" or (tag == "td" and "cell-num" in (given.get("class") or "")):
            self._text, self._linked = "", False
        elif tag == "a" and given.get("href"):
            self._linked = True
            self._row_linked |= self._in_head

    def handle_endtag(self, tag: str) -> None:
        if tag == "tfoot":
            self._in_foot = False
        elif tag == "th":
            self._in_head = False
        elif tag in {"td", "dd"} and self._text is not None:
            text = " ".join(self._text.split(" ")).strip()
            if MONEY.search(text) and not CERTAINTY.search(text) and not self._in_foot:
                self.found.append((text, self._linked or (tag == "td" and self._row_linked)))
            self._text = None
            if tag == "dd":
                self._row_linked = False

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text += data


def amounts(page: str) -> list[tuple[str, bool]]:
    cells = Cells()
    cells.feed(page)
    return cells.found


async def test_every_amount_on_the_pages_of_cost_leads_to_where_it_comes_from(portal: Portal) -> None:
    anomaly = await spike(portal.house, "aurora", NOW)
    await portal.house.explanations.record(SYSTEM, anomaly.tenant_id, anomaly.id)
    for subsystem, amount in ((None, "600.00"), ("compute", "9000.00")):
        budget = SetBudget(anomaly.tenant_id, subsystem, "EUR", Decimal(amount), date(2026, 7, 1), "Agreed")
        await portal.house.budgets.set(budget, CONSOLE)
    await portal.house.budget_alerts.look()
    command = PlanPlaybook(anomaly.tenant_id, anomaly.id, "throttle-exports")
    (run,) = await portal.house.remediation.plan(command, actor_with(Role.FINOPS_OPERATOR))
    test = await portal.house.detector_backtests.run(RunBackTest(anomaly.tenant_id, "forecast@2", 4), CONSOLE)
    pages = {
        "/cost": 4,
        "/playbooks": 1,
        "/t/aurora/cost": 2,
        f"/t/aurora/cost/anomalies/{anomaly.id}": 60,
        "/t/aurora/cost/budgets": 6,
        "/t/aurora/cost/figures": 2,
        "/t/aurora/cost/playbooks": 1,
        f"/t/aurora/cost/playbooks/{run.id}": 5,
        "/t/aurora/cost/spending": 5,
        "/t/aurora/cost/detectors": 0,
        f"/t/aurora/cost/detectors/back-tests/{test.id}": 1,
    }
    async with portal.browser("finops_operator") as browser:
        for address, least in pages.items():
            answer = await browser.get(address)
            assert answer.status_code == 200, address
            found = amounts(answer.text)
            assert len(found) >= least, (address, found)
            assert [text for text, leads in found if not leads] == [], address
        kpis = (await browser.get("/t/aurora/cost/figures")).text
        (current, *_) = re.findall(r'href="([^"]+direction=up)"', kpis)
        listed = await browser.get(current.replace("&amp;", "&"))
        month = (await browser.get("/t/aurora/cost/spending?month=2026-07")).text
        days = re.findall(r'href="(/t/aurora/cost/spending/[^"]+)">EUR\N{NO-BREAK SPACE}([\d,.]+)<', month)
        behind = [(await browser.get(href)).text for href, _ in days]
        wrong = [
            (await browser.get(f"/t/aurora/cost/spending{below}")).status_code
            for below in ("?month=July", "?currency=XYZ", "/odd/EUR/2026-07-01", "/compute/EUR/soon")
        ]
    assert str(anomaly.id) in listed.text, "the figure's own window, to the second"
    (status, *_) = await portal.house.budgets.status(CONSOLE, anomaly.tenant_id)
    assert sum(Decimal(amount.replace(",", "")) for _, amount in days) == status.spent
    for (_, amount), events in zip(days, behind, strict=True):
        assert f"come to EUR\N{NO-BREAK SPACE}{Decimal(amount.replace(',', '')):,.2f}" in events
    assert wrong == [422, 422, 422, 422]

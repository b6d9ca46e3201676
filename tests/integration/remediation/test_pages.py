"""The pages of remediation: what operators see and do, what a customer sees of its own."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import httpx
import pytest
from support.portal_world import sign_in
from support.remediation_world import ONSET, ProductProcess, World, person

from trust_portal.access.actors import CONSOLE
from trust_portal.access.break_glass.model import OpenBreakGlass
from trust_portal.access.people.model import AddPerson, GrantRole
from trust_portal.app import create_app
from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.remediation.model import PlanPlaybook, RunState, StepKind
from trust_portal.cost.remediation.playbooks import load_playbooks
from trust_portal.documents import formats
from trust_portal.documents.amounts import rounded_data
from trust_portal.house import House
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.web.authentication import cookie_name

URL = "https://trust.example"


@asynccontextmanager
async def browser(house: House, cookie: str) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(house.settings)
    app.state.house = house
    cookies = httpx.Cookies()
    cookies.set(cookie_name(secure=True), cookie, domain="trust.example")
    headers = {"accept": "text/html", "sec-fetch-site": "same-origin"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(
        transport=transport, base_url=URL, headers=headers, cookies=cookies
    ) as client:
        yield client


@asynccontextmanager
async def signed_in(world: World, actor: Actor) -> AsyncIterator[httpx.AsyncClient]:
    person = await world.house.people.get(CONSOLE, actor.tenant_id, actor.id)
    _, cookie = await sign_in(world.house, person)
    async with browser(world.house, cookie) as client:
        yield client


@pytest.fixture
async def operator(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with signed_in(world, world.operator) as client:
        yield client


@pytest.fixture
async def customer(world: World, anomaly: CostAnomaly) -> AsyncIterator[httpx.AsyncClient]:
    house = world.house
    added = await house.people.add(AddPerson(anomaly.tenant_id, "vera@acme.example", "Vera"), CONSOLE)
    await house.people.grant(GrantRole(anomaly.tenant_id, added.id, Role.CUSTOMER_VIEWER, None), CONSOLE)
    person = await house.people.get(CONSOLE, anomaly.tenant_id, added.id)
    _, cookie = await sign_in(house, person)
    async with browser(house, cookie) as client:
        yield client


async def test_from_the_anomalys_page_to_a_run_that_is_taken_back(
    world: World, product: ProductProcess, anomaly: CostAnomaly, operator: httpx.AsyncClient
):
    address = f"/t/acme/cost/anomalies/{anomaly.id}"
    page = await operator.get(address)
    assert "What can be done" in page.text
    assert "Throttle runaway exports" in page.text
    planned = await operator.post(f"{address}/playbooks", data={"playbook": "throttle-exports"})
    assert planned.status_code == 303
    run_page = planned.headers["location"]
    shown = await operator.get(run_page)
    assert "limit per hour 1.2" in shown.text
    assert "The anomaly it is for is over" not in shown.text
    asked = await operator.post(f"{run_page}/request", data={"reason": "It costs 90 an hour."})
    assert asked.status_code == 303
    waits = await operator.get(run_page)
    assert "Waiting for approval" in waits.text
    requested = (await world.run_of(anomaly)).step(StepKind.REQUESTED)
    assert f'<a href="/t/acme/approvals/{requested.approval_id}">Approve or deny it</a>' in waits.text
    seen = {"seen": str(requested.ordinal)}
    again = await operator.get(run_page, params=seen, headers={"hx-request": "true"})
    assert (again.status_code, again.text) == (204, ""), "nothing came: what is typed is not replaced"
    assert (await operator.get(run_page, params=seen)).status_code == 200
    run = await world.executed(await world.run_of(anomaly))
    assert run.state is RunState.EXECUTED
    live = await operator.get(run_page, headers={"hx-request": "true"})
    assert live.text.lstrip().startswith('<div id="progress"')
    assert "Executed" in live.text
    assert f'action="{run_page}/roll-back"' in live.text, "what can be done now comes with the steps"
    assert "/kill-switch?customer=acme" in live.text
    assert (await operator.post(f"{run_page}/roll-back", data={"why": "Enough."})).status_code == 303
    await world.advance(run)
    assert "Rolled back" in (await operator.get(run_page)).text
    assert len(product.applied) == 2


async def test_a_plan_for_what_is_over_says_so_to_who_planned_it_and_to_who_decides_on_it(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    address, over = f"/t/acme/cost/anomalies/{anomaly.id}", "The anomaly it is for is over"
    await world.use("acme", range(ONSET + 3, ONSET + 40), "1.00")
    await world.close(ONSET + 40)
    closed = (await world.explained(anomaly.tenant_id)).closed_at
    assert closed is not None
    said = f"Since {formats.instant(closed)}: there is nothing left to stop."

    async with signed_in(world, world.operator) as client:
        planned = await client.post(f"{address}/playbooks", data={"playbook": "throttle-exports"})
        run_page = planned.headers["location"]
        shown = (await client.get(run_page)).text
        await client.post(f"{run_page}/request", data={"reason": "So that it does not come back."})
        assert '<h2 id="done-title">What was done</h2>' in (await client.get(address)).text
    requested = (await world.run_of(anomaly)).step(StepKind.REQUESTED)
    assert requested is not None
    async with signed_in(world, world.approver) as client:
        asked = (await client.get(f"/t/acme/approvals/{requested.approval_id}")).text
    for page in (shown, asked):
        assert over in page
        assert said in page


async def test_what_was_expected_and_what_was_verified_are_named_apart(
    world: World, product: ProductProcess, anomaly: CostAnomaly, operator: httpx.AsyncClient
):
    run = await world.executed(await world.planned(anomaly))
    page, home = f"/t/acme/cost/playbooks/{run.id}", "/t/acme/cost/playbooks"
    expected = re.escape(str(rounded_data(run.plan.saving.per_hour, run.plan.currency)))
    assert "Verified saving an hour" not in (await operator.get(page)).text
    unknown = rf'>{expected}</a></td>\s*<td class="cell-num"[^>]*>–</td>'
    assert re.search(unknown, (await operator.get(home)).text), "nothing is verified yet"
    await world.use("acme", range(ONSET + 3, ONSET + 6), "1.20")
    await world.close(ONSET + 6)
    run = await world.advance(run)
    assert (run.state, run.saved_per_hour) == (RunState.VERIFIED, Decimal("88.80"))
    saved = re.escape(str(rounded_data(Decimal("88.80"), run.plan.currency)))
    shown = (await operator.get(page)).text
    assert re.search(
        rf"<dt>Verified saving an hour</dt>\s*<dd>.*?{saved}.*?expected by the plan: {expected}",
        shown,
        re.DOTALL,
    )
    assert re.search(
        rf'>{expected}</a></td>\s*<td class="cell-num"[^>]*><a [^>]*>{saved}</a></td>',
        (await operator.get(home)).text,
    )
    told = (await operator.get(f"/t/acme/cost/anomalies/{anomaly.id}")).text
    assert re.search(
        rf"saves <a [^>]*>{saved}</a> an hour, as verified; expected <a [^>]*>{expected}</a> an hour", told
    )


async def test_money_limits_of_currencies_in_which_nothing_was_done_today_are_folded_away(
    world: World, product: ProductProcess, anomaly: CostAnomaly, operator: httpx.AsyncClient
):
    limits = load_playbooks().by_id["throttle-exports"].limits.money_per_day

    async def today() -> tuple[list[str], list[str]]:
        """Of what throttles exports: the currencies that stand open, and those that are folded away."""
        page = (await operator.get("/playbooks")).text
        (row,) = re.findall(r"<tr>\s*<th scope=\"row\">Throttle runaway exports.*?</tr>", page, re.DOTALL)
        folded = "".join(re.findall(r"<details.*?</details>", row, re.DOTALL))
        counted = r"([A-Z]{3})\N{NO-BREAK SPACE}[\d,.]+</a> of <a"
        return re.findall(counted, row.replace(folded, "")), re.findall(counted, folded)

    assert await today() == ([], list(limits))
    run = await world.executed(await world.planned(anomaly))
    assert run.plan.currency == "EUR"
    assert await today() == (["EUR"], [each for each in limits if each != "EUR"])


async def test_a_reason_that_is_missing_is_asked_for_at_its_field_and_nothing_changes(
    world: World, anomaly: CostAnomaly, operator: httpx.AsyncClient
):
    command = PlanPlaybook(anomaly.tenant_id, anomaly.id, "throttle-exports")
    run = (await world.house.remediation.plan(command, world.operator))[0]
    address = f"/t/acme/cost/playbooks/{run.id}"
    refused = await operator.post(f"{address}/request", data={"reason": " "})
    assert refused.status_code == 422
    assert 'id="reason-error"' in refused.text
    assert await world.read(run) == run


async def test_one_person_with_the_glass_broken_has_it_done_alone_by_form(
    world: World, product: ProductProcess, anomaly: CostAnomaly, operator: httpx.AsyncClient
):
    run = await world.planned(anomaly)
    address = f"/t/acme/cost/playbooks/{run.id}"
    form = f'action="{address}/alone"'
    await person(world.house, "sid", Role.APPROVER_SECURITY)
    iris = await person(world.house, "iris", Role.INCIDENT_OWNER)
    _, cookie = await sign_in(world.house, await world.house.people.get(CONSOLE, VENDOR_ID, iris.id))
    async with browser(world.house, cookie) as alone:
        for client in (operator, alone):
            assert form not in (await client.get(address)).text
            refused = await client.post(f"{address}/alone", data={"alone": "Nobody answers."})
            assert refused.status_code == 403
        reason = "it eats the budget and nobody answers"
        await world.house.break_glass.open(OpenBreakGlass(run.tenant_id, reason), iris)
        assert form in (await alone.get(address)).text
        silent = await alone.post(f"{address}/alone", data={"alone": " "})
        assert (silent.status_code, 'id="alone-error"' in silent.text) == (422, True)
        assert (await world.read(run), product.applied) == (run, [])
        done = await alone.post(f"{address}/alone", data={"alone": "Nobody answers."})
        assert (done.status_code, done.headers["location"]) == (303, address)
        page = (await alone.get(address)).text
        assert form not in page
        assert "Nobody answers." in page
        again = await alone.post(f"{address}/alone", data={"alone": "Once more."})
        assert again.status_code == 409
    assert (await world.read(run)).state is RunState.EXECUTED
    assert len(product.applied) == 1


async def test_a_playbook_that_does_not_fit_says_why(
    world: World, anomaly: CostAnomaly, operator: httpx.AsyncClient
):
    refused = await operator.post(
        f"/t/acme/cost/anomalies/{anomaly.id}/playbooks", data={"playbook": "cache-adapter"}
    )
    assert refused.status_code == 422
    assert "cache-adapter does not fit: it is for adapters" in refused.text


async def test_the_kill_switch_is_set_and_seen_everywhere(
    world: World, anomaly: CostAnomaly, operator: httpx.AsyncClient
):
    for place in ("everywhere", "tenant:acme", "playbook:throttle-exports"):
        done = await operator.post("/kill-switch", data={"place": place, "reason": "We look.", "act": "stop"})
        assert done.status_code == 303, done.text
    page = (await operator.get("/kill-switch")).text
    assert page.count("is stopped") == 3
    assert "switches hold" in (await operator.get("/playbooks")).text
    assert "Playbooks are stopped for this customer" in (await operator.get("/t/acme/cost/playbooks")).text
    done = await operator.post(
        "/kill-switch", data={"place": "everywhere", "reason": "Fine.", "act": "resume"}
    )
    assert done.status_code == 303
    assert (await operator.get("/kill-switch")).text.count("is stopped") == 2
    for data in ({"place": "nowhere", "reason": "x"}, {"place": "everywhere", "reason": "", "act": "stop"}):
        assert (await operator.post("/kill-switch", data=data)).status_code == 422
    assert (await operator.get("/kill-switch")).text.count("is stopped") == 2


async def test_a_customer_is_found_by_a_part_of_its_name_and_named_in_the_history(
    world: World, anomalies: dict[str, CostAnomaly], operator: httpx.AsyncClient
):
    found = (await operator.get("/kill-switch", params={"customer": "IRC", "place": "tenant:birch"})).text
    assert '<option value="tenant:birch" selected>Everything of Birch (birch)</option>' in found
    assert "tenant:acme" not in found
    data = {"place": "tenant:birch", "reason": "They ask.", "act": "stop"}
    assert (await operator.post("/kill-switch?customer=irc", data=data)).status_code == 303
    other = (await operator.get("/kill-switch", params={"customer": "acme"})).text
    assert "Birch is stopped" in other
    assert "/t/birch/receipts/" in other
    nobody = (await operator.get("/kill-switch?customer=%25")).text
    assert "No customer like that" in nobody
    assert '<option value="" selected>Choose what to stop</option>' in nobody, "never everything by mistake"
    data = {"place": "", "reason": "They ask.", "act": "stop"}
    assert (await operator.post("/kill-switch?customer=%25", data=data)).status_code == 422


async def test_a_customer_sees_its_own_runs_and_can_do_nothing_to_them(
    world: World, anomaly: CostAnomaly, anomalies: dict[str, CostAnomaly], customer: httpx.AsyncClient
):
    run = await world.planned(anomaly)
    other = await world.planned(anomalies["birch"])
    page = await customer.get(f"/t/acme/cost/playbooks/{run.id}")
    assert page.status_code == 200
    assert "Roll back" not in page.text
    assert "Have it done" not in page.text
    assert "Throttle runaway exports" in (await customer.get("/t/acme/cost/playbooks")).text
    for path in (f"/t/acme/cost/playbooks/{other.id}", f"/t/birch/cost/playbooks/{other.id}"):
        assert (await customer.get(path)).status_code == 404
    for path in ("/playbooks", "/kill-switch"):
        assert (await customer.get(path)).status_code == 403
    before = await world.read(run)
    refused = await customer.post(f"/t/acme/cost/playbooks/{run.id}/roll-back", data={"why": "Mine."})
    assert refused.status_code == 403
    assert await world.read(run) == before

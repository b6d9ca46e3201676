"""The form of an account and its GraphQL twin: a manager is offered, preselected, and stays where only the date changes."""

from __future__ import annotations

import re
from datetime import date, timedelta

import httpx
from report_desk import CORA
from support.portal_fixtures import Portal

from schema.ids import encode
from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import AddPerson, GrantRole, Person
from trust_portal.house import House
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.trust.accounts.model import SetAccount

PAGE = "/t/aurora/account"
_OPTION = re.compile(r'<option value="([^"]*)"( selected)?>([^<]*)</option>')


async def test_every_csm_is_offered_and_the_one_who_looks_after_it_stays_where_only_the_date_changes(
    portal: Portal,
):
    house, aurora = portal.house, portal.world.aurora
    clara, _ = await _person(house, "Clara", Role.CSM), await _person(house, "Paul", Role.PMO)
    await house.accounts.set(SetAccount(aurora.id, clara.id, date(2026, 7, 20), timedelta(days=3)), CORA)
    async with portal.browser("csm") as csm:
        offered = await _offered(csm)
        assert (str(clara.id), True, "Clara") in offered
        assert [name for _, selected, name in offered if selected] == ["Clara"]
        assert [name for _, _, name in offered if name == "Paul"] == [], "who is no CSM is not offered"
        assert {name for _, _, name in offered} == {
            "Nobody",
            *(each.name for each in await house.accounts.managers(CORA)),
        }
        assert [each.id for each in await house.accounts.managers(CORA)].count(clara.id) == 1
        chosen = next(value for value, selected, _ in offered if selected)
        form = {"csm": chosen, "review_on": "2026-07-21", "lead_days": "3"}
        assert (await csm.post(PAGE, data=form)).status_code == 303
        found = await house.accounts.get(CORA, aurora.id)
        assert (found.csm_id, found.csm_name, found.review_on) == (clara.id, "Clara", date(2026, 7, 21))


async def test_a_review_that_somebody_plans_for_a_weekend_stays_there_and_is_called_one(portal: Portal):
    house, aurora = portal.house, portal.world.aurora
    async with portal.browser("csm") as csm:
        for planned, said in ((date(2026, 7, 19), "a Sunday"), (date(2026, 7, 20), None)):
            await house.accounts.set(SetAccount(aurora.id, None, planned), CORA)
            told = f"{planned.day}\N{NO-BREAK SPACE}July 2026"
            (listed,) = re.findall(
                f'{told}(?:<br><span class="cell-note">(a \\w+)</span>)?', (await csm.get("/accounts")).text
            )
            assert listed == (said or "")
            assert f"{told}{f', {said}' if said else ''}<" in (await csm.get(PAGE)).text
            assert (await house.accounts.get(CORA, aurora.id)).review_on == planned


async def test_who_holds_the_role_no_longer_stays_preselected_until_somebody_else_is_chosen(portal: Portal):
    house, aurora = portal.house, portal.world.aurora
    paul = await _person(house, "Paul", Role.PMO)
    async with portal.browser("csm") as csm:
        given = {
            "tenantId": encode("Tenant", aurora.id, aurora.id),
            "csmId": encode("Person", VENDOR_ID, paul.id),
        }
        assert await _set(csm, given) == ("Paul", None)
        assert await _set(csm, {"tenantId": given["tenantId"], "reviewOn": "2026-07-20"}) == (
            "Paul",
            "2026-07-20",
        )
        (chosen,) = [each for each in await _offered(csm) if each[1]]
        assert chosen == (str(paul.id), True, "Paul, who is no CSM now")
        form = {"csm": chosen[0], "review_on": "2026-07-21", "lead_days": "7"}
        assert (await csm.post(PAGE, data=form)).status_code == 303
        assert (await house.accounts.get(CORA, aurora.id)).csm_id == paul.id
        assert (await csm.post(PAGE, data={**form, "csm": ""})).status_code == 303
        assert (await house.accounts.get(CORA, aurora.id)).csm_id is None
        assert [name for _, _, name in await _offered(csm) if name.startswith("Paul")] == []


async def _person(house: House, name: str, role: Role) -> Person:
    address = f"{name.lower()}@vendor.example"
    person = await house.people.add(AddPerson(VENDOR_ID, address, name), CONSOLE)
    await house.people.grant(GrantRole(VENDOR_ID, person.id, role, None), CONSOLE)
    return person


async def _offered(csm: httpx.AsyncClient) -> list[tuple[str, bool, str]]:
    """Value, whether it is preselected, and words of everybody whom the form offers."""
    page = (await csm.get(PAGE)).text
    (select,) = re.findall(r'<select[^>]*name="csm".*?</select>', page, re.DOTALL)
    return [(value, bool(selected), name) for value, selected, name in _OPTION.findall(select)]


async def _set(csm: httpx.AsyncClient, given: dict[str, str]) -> tuple[str | None, str | None]:
    query = """mutation ($input: SetAccountInput!) { setAccount(input: $input) {
      account { csm reviewOn } userErrors { code } } }"""
    answer = (await csm.post("/graphql", json={"query": query, "variables": {"input": given}})).json()
    made = answer["data"]["setAccount"]
    assert made["userErrors"] == []
    return made["account"]["csm"], made["account"]["reviewOn"]

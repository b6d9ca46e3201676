"""Prevention actions and the Switchboard over GraphQL: the same services, the same refusals."""

from __future__ import annotations

import pytest
from support.actions_world import SIGNED, promises
from support.learning_world import Vendor
from support.portal_fixtures import Portal

from schema.ids import encode
from trust_portal.kernel.ids import VENDOR_ID

pytestmark = pytest.mark.takes(seconds=10)
_FIELDS = "action { id title state due moves overdue reminders { rung skipped told } steps { act } } userErrors { code }"


async def test_an_action_is_planned_moved_and_finished_and_shows_on_the_board(portal: Portal) -> None:
    vendor, now = Vendor(portal.house, portal.clock), portal.clock.now()
    portal.clock.advance(SIGNED - now)
    world = await promises(vendor)
    late = await world.begun()
    portal.clock.advance(now - SIGNED)
    await portal.house.action_reminders.round()
    postmortem, owner = (
        encode("Postmortem", VENDOR_ID, world.postmortem_id),
        encode("Person", VENDOR_ID, world.max.id),
    )

    async def ask(who: str, query: str, **variables: object) -> dict:
        async with portal.browser(who) as browser:
            answer = await browser.post("/graphql", json={"query": query, "variables": variables})
        got = answer.json()
        assert "errors" not in got, got
        return got["data"]

    plan = f"mutation($in: PlanPreventionActionInput!) {{ done: planPreventionAction(input: $in) {{ {_FIELDS} }} }}"
    asked = {
        "postmortemId": postmortem, "title": "Alarm on the pool", "type": "DETECT", "ownerId": owner, "term": 3,
    }  # fmt: skip
    refused = await ask("incident_owner", plan, **{"in": asked | {"term": 0}})
    assert refused["done"] == {"action": None, "userErrors": [{"code": "INVALID"}]}
    made = (await ask("incident_owner", plan, **{"in": asked}))["done"]["action"]
    assert (made["title"], made["state"], made["due"]) == ("Alarm on the pool", "OPEN", None)

    finish = f"mutation($in: FinishPreventionActionInput!) {{ done: finishPreventionAction(input: $in) {{ {_FIELDS} }} }}"
    evidence = {"actionId": made["id"], "evidence": "https://git.example/17", "note": "It rings"}
    done = (await ask("incident_owner", finish, **{"in": evidence}))["done"]["action"]
    assert (done["state"], [each["act"] for each in done["steps"]]) == ("DONE", ["FINISH"])
    again = (await ask("incident_owner", finish, **{"in": evidence}))["done"]
    assert again["userErrors"] == [{"code": "ACTION_ENDED"}]

    board = (
        await ask(
            "pmo",
            "{ switchboard { points overdue majors covered addends { owed points } groups(by: SEVERITY) { key points }"
            " escalations { dueOrdinal action { id title } } coverage { name cover } } }",
        )
    )["switchboard"]
    assert board["points"] == sum(each["points"] for each in board["addends"])
    assert board["points"] == sum(each["points"] for each in board["groups"])
    assert board["overdue"] == 1
    (escalation,) = board["escalations"]
    assert escalation["action"]["id"] == encode("PreventionAction", VENDOR_ID, late.id)

    keep = (
        "mutation($in: KeepSwitchboardViewInput!) { done: keepSwitchboardView(input: $in)"
        " { views { name query } userErrors { code path } } }"
    )
    kept = (await ask("pmo", keep, **{"in": {"name": "Mine", "team": "", "severity": "P1"}}))["done"]
    assert kept == {"views": [{"name": "Mine", "query": "team=-&severity=P1"}], "userErrors": []}
    unnamed = (await ask("pmo", keep, **{"in": {"name": " "}}))["done"]
    assert unnamed == {"views": None, "userErrors": [{"code": "INVALID", "path": ["input", "name"]}]}
    assert (await ask("csm", "{ switchboardViews { name } }"))["switchboardViews"] == []
    forget = 'mutation { done: forgetSwitchboardView(input: {name: "Mine"}) { views { name } userErrors { code } } }'
    assert (await ask("pmo", forget))["done"] == {"views": [], "userErrors": []}

    link = "mutation { done: makeCalendarLink(input: {}) { url userErrors { code } } }"
    end = "mutation { done: endCalendarLink(input: {}) { url userErrors { code } } }"
    assert "/calendars/" in (await ask("pmo", link))["done"]["url"]
    assert (await ask("pmo", end))["done"] == {"url": None, "userErrors": []}
    assert (await ask("pmo", end))["done"]["userErrors"] == [{"code": "NO_LINK"}]

    note = f"mutation($in: AcknowledgeEscalationInput!) {{ done: acknowledgeEscalation(input: $in) {{ {_FIELDS} }} }}"
    taken = {
        "actionId": escalation["action"]["id"],
        "dueOrdinal": escalation["dueOrdinal"],
        "note": "Two days",
    }
    noted = (await ask("pmo", note, **{"in": taken}))["done"]
    assert noted["userErrors"] == []
    assert noted["action"]["reminders"][-1] == {"rung": "PMO", "skipped": None, "told": ["PMO"]}

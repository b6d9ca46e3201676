"""Prevention actions and the Switchboard over GraphQL: the same services, the same refusals."""

from __future__ import annotations

import pytest
from support.actions_world import SIGNED, Promises, promises
from support.graphql_desk import ask, do, refused
from support.learning_world import Vendor, declared, named
from support.portal_fixtures import Portal
from support.postmortem_desk import TRACKED

from schema.ids import encode
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.actions.model import ActionFilter, PreventionAction

pytestmark = pytest.mark.takes(seconds=10)
_FIELDS = "action { id title state due moves overdue reminders { rung skipped told } steps { act } } userErrors { code }"


@pytest.fixture
async def world(portal: Portal) -> Promises:
    """A promise of Olga's is late, and was escalated."""
    vendor, now = Vendor(portal.house, portal.clock), portal.clock.now()
    portal.clock.advance(SIGNED - now)
    found = await promises(vendor)
    await found.begun()
    portal.clock.advance(now - SIGNED)
    await portal.house.action_reminders.round()
    return found


async def the_late_one(world: Promises) -> PreventionAction:
    wanted = ActionFilter(owner_id=world.olga.id)
    page = await world.vendor.house.prevention_reader.page(world.petra.as_actor(), wanted, PageRequest())
    return page.items[-1]


async def test_an_action_is_planned_and_finished_and_shows_on_the_board(
    portal: Portal, world: Promises
) -> None:
    late = await the_late_one(world)
    postmortem, owner = (
        encode("Postmortem", VENDOR_ID, world.postmortem_id),
        encode("Person", VENDOR_ID, world.max.id),
    )

    async def asked_by(who: str, query: str, **variables: object) -> dict:
        async with portal.browser(who) as browser:
            return await ask(browser, query, **variables)

    plan = f"mutation($in: PlanPreventionActionInput!) {{ done: planPreventionAction(input: $in) {{ {_FIELDS} }} }}"
    asked = {
        "postmortemId": postmortem, "title": "Alarm on the pool", "type": "DETECT", "ownerId": owner, "term": 3,
        "link": TRACKED,
    }  # fmt: skip
    wrong = await asked_by("incident_owner", plan, **{"in": asked | {"term": 0}})
    assert wrong["done"] == {"action": None, "userErrors": [{"code": "INVALID"}]}
    for link in ("", "http://tracker.example/1"):
        wrong = await asked_by("incident_owner", plan, **{"in": asked | {"link": link}})
        assert wrong["done"] == {"action": None, "userErrors": [{"code": "INVALID"}]}, link
    made = (await asked_by("incident_owner", plan, **{"in": asked}))["done"]["action"]
    assert (made["title"], made["state"], made["due"]) == ("Alarm on the pool", "OPEN", None)

    finish = f"mutation($in: FinishPreventionActionInput!) {{ done: finishPreventionAction(input: $in) {{ {_FIELDS} }} }}"
    evidence = {"actionId": made["id"], "evidence": "https://git.example/17", "note": "It rings"}
    done = (await asked_by("incident_owner", finish, **{"in": evidence}))["done"]["action"]
    assert (done["state"], [each["act"] for each in done["steps"]]) == ("DONE", ["FINISH"])
    again = (await asked_by("incident_owner", finish, **{"in": evidence}))["done"]
    assert again["userErrors"] == [{"code": "ACTION_ENDED"}]

    board = (
        await asked_by(
            "pmo",
            "{ switchboard { points overdue majors covered addends { owed points } groups(by: SEVERITY) { key points }"
            " waiting escalations(first: 1) { pageInfo { hasNextPage } nodes { dueOrdinal rung told action { id title } } }"
            " coverage { name cover } } }",
        )
    )["switchboard"]
    assert board["points"] == sum(each["points"] for each in board["addends"])
    assert board["points"] == sum(each["points"] for each in board["groups"])
    assert board["overdue"] == 1
    assert (board["waiting"], board["escalations"]["pageInfo"]) == (1, {"hasNextPage": False})
    (escalation,) = board["escalations"]["nodes"]
    assert (escalation["rung"], escalation["told"]) == ("PMO", True)
    assert escalation["action"]["id"] == encode("PreventionAction", VENDOR_ID, late.id)

    keep = (
        "mutation($in: KeepSwitchboardViewInput!) { done: keepSwitchboardView(input: $in)"
        " { views { name query } userErrors { code path } } }"
    )
    kept = (await asked_by("pmo", keep, **{"in": {"name": "Mine", "team": "", "severity": "P1"}}))["done"]
    assert kept == {"views": [{"name": "Mine", "query": "team=-&severity=P1"}], "userErrors": []}
    unnamed = (await asked_by("pmo", keep, **{"in": {"name": " "}}))["done"]
    assert unnamed == {"views": None, "userErrors": [{"code": "INVALID", "path": ["input", "name"]}]}
    assert (await asked_by("csm", "{ switchboardViews { name } }"))["switchboardViews"] == []
    forget = 'mutation { done: forgetSwitchboardView(input: {name: "Mine"}) { views { name } userErrors { code } } }'
    assert (await asked_by("pmo", forget))["done"] == {"views": [], "userErrors": []}

    link = "mutation { done: makeCalendarLink(input: {}) { url userErrors { code } } }"
    end = "mutation { done: endCalendarLink(input: {}) { url userErrors { code } } }"
    assert "/calendars/" in (await asked_by("pmo", link))["done"]["url"]
    assert (await asked_by("pmo", end))["done"] == {"url": None, "userErrors": []}
    assert (await asked_by("pmo", end))["done"]["userErrors"] == [{"code": "NO_LINK"}]

    note = f"mutation($in: AcknowledgeEscalationInput!) {{ done: acknowledgeEscalation(input: $in) {{ {_FIELDS} }} }}"
    taken = {
        "actionId": escalation["action"]["id"],
        "dueOrdinal": escalation["dueOrdinal"],
        "note": "Two days",
    }
    noted = (await asked_by("pmo", note, **{"in": taken}))["done"]
    assert noted["userErrors"] == []
    assert noted["action"]["reminders"][-1] == {"rung": "PMO", "skipped": None, "told": ["PMO"]}


async def test_what_the_completion_counts_is_listed_over_graphql_as_at_the_portal(
    portal: Portal, world: Promises
) -> None:
    await the_late_one(world)
    fresh = await world.plan(title="Alarm earlier")
    listed = "query($a: Boolean!) { preventionActions(first: 9, agreed: $a) { nodes { id title } } }"
    async with portal.browser("incident_owner") as owner:
        board = (await ask(owner, "{ switchboard { agreed } }"))["switchboard"]
        counted = (await ask(owner, listed, a=True))["preventionActions"]["nodes"]
        everything = (await ask(owner, listed, a=False))["preventionActions"]["nodes"]
        page = (await owner.get("/actions?agreed=yes")).text
    assert ([each["title"] for each in counted], board) == (["Limit the pool"], {"agreed": 1})
    assert [each["title"] for each in everything] == ["Alarm earlier", "Limit the pool"]
    assert ("Limit the pool" in page, f"/actions/{fresh.id}" in page) == (True, False)


async def test_what_recurred_is_linked_and_actions_are_moved_dropped_and_withdrawn(
    portal: Portal, world: Promises
) -> None:
    late, again = await the_late_one(world), encode("VendorIncident", VENDOR_ID, named("INC-2"))
    id_, incident = (
        encode("PreventionAction", VENDOR_ID, late.id),
        encode("VendorIncident", VENDOR_ID, world.incident_id),
    )
    await world.vendor.tell(declared("INC-2", "P2", minute=300))
    await world.vendor.register()
    board = "{ switchboard { onTarget kept agreed dueNext(first: 2) { owed title due late actionId incidentId } } }"
    one = """query($id: ID!) { preventionAction(id: $id) { title state due agreed moves overdue owner
      steps { act note } recurrences { incidentId title by note } } }"""
    back = """query($id: ID!) { incident(id: $id) { postmortemId recurrenceOf { action { id title } by note } } }"""
    written = "query($id: ID!) { postmortem(id: $id) { recurrenceOf { action { id } note receiptId } } }"
    state = "action { state due moves }"
    async with portal.browser("incident_owner") as owner, portal.browser("csm") as csm:
        assert (await ask(owner, board))["switchboard"] == {
            "onTarget": False, "kept": 0, "agreed": 1,
            "dueNext": [
                {"owed": "ACTION", "title": "Limit the pool", "due": "2026-06-09", "late": True,
                 "actionId": id_, "incidentId": None},
                {"owed": "UNSIGNED", "title": "Trouble INC-1", "due": "2026-06-15", "late": True,
                 "actionId": None, "incidentId": incident},
            ],
        }  # fmt: skip

        link = {"actionId": id_, "incidentId": again, "note": "The same pool ran dry"}
        assert await do(csm, "linkRecurrence", "action { id }", **link) == "DENIED"
        itself = await do(owner, "linkRecurrence", "action { id }", **link | {"incidentId": incident})
        assert itself == {
            "action": None,
            "userErrors": refused(
                "SAME_INCIDENT", "this is the incident the action follows from", "input", "incidentId"
            ),
        }
        assert (await ask(owner, back, id=again))["incident"]["recurrenceOf"] == []
        linked = await do(owner, "linkRecurrence", "action { recurrences { title note } }", **link)
        assert linked == {
            "action": {"recurrences": [{"title": "Trouble INC-2", "note": "The same pool ran dry"}]},
            "userErrors": [],
        }
        found = (await ask(owner, back, id=again))["incident"]
        by = found["recurrenceOf"][0]["by"]
        assert found["recurrenceOf"] == [
            {"action": {"id": id_, "title": "Limit the pool"}, "by": by, "note": "The same pool ran dry"}
        ]
        (recurrence,) = await portal.house.prevention_reader.recurrences(world.petra.as_actor(), late.id)
        assert (await ask(owner, written, id=found["postmortemId"]))["postmortem"]["recurrenceOf"] == [
            {
                "action": {"id": id_},
                "note": "The same pool ran dry",
                "receiptId": encode("Receipt", VENDOR_ID, recurrence.receipt_id),
            }
        ]

        move = {"actionId": id_, "due": "2026-07-20", "reason": "The part comes late"}
        assert await do(csm, "movePreventionAction", state, **move) == "DENIED"
        over = await do(owner, "movePreventionAction", state, **move | {"due": "2026-07-09"})
        assert over == {
            "action": None, "userErrors": refused("INVALID", "this day is over", "input", "due")
        }  # fmt: skip
        blank = await do(owner, "movePreventionAction", state, **move | {"reason": " "})
        assert blank == {
            "action": None, "userErrors": refused("INVALID", "say it in 1 to 2,000 characters", "input", "reason")
        }  # fmt: skip
        assert await world.look(late.id) == late
        moved = await do(owner, "movePreventionAction", state, **move)
        assert moved == {"action": {"state": "OPEN", "due": "2026-07-20", "moves": 1}, "userErrors": []}

        end = {"actionId": id_, "reason": "The pool is gone"}
        promised = await do(owner, "withdrawPreventionAction", state, **end)
        assert [each["code"] for each in promised["userErrors"]] == ["CLOCK_RUNS"]
        assert await do(csm, "dropPreventionAction", state, **end) == "DENIED"
        dropped = await do(owner, "dropPreventionAction", state, **end)
        assert dropped == {"action": {"state": "DROPPED", "due": "2026-07-20", "moves": 1}, "userErrors": []}
        assert (await ask(csm, one, id=id_))["preventionAction"] == {
            "title": "Limit the pool", "state": "DROPPED", "due": "2026-07-20", "agreed": "2026-06-09", "moves": 1,
            "overdue": False, "owner": "Olga Operator",
            "steps": [
                {"act": "BEGIN", "note": None}, {"act": "MOVE", "note": "The part comes late"},
                {"act": "DROP", "note": "The pool is gone"},
            ],
            "recurrences": [
                {"incidentId": again, "title": "Trouble INC-2", "by": by, "note": "The same pool ran dry"}
            ],
        }  # fmt: skip

        twice = encode("PreventionAction", VENDOR_ID, (await world.plan("Planned twice")).id)
        end = {"actionId": twice, "reason": "There is one already"}
        assert await do(csm, "withdrawPreventionAction", state, **end) == "DENIED"
        withdrawn = await do(owner, "withdrawPreventionAction", state, **end)
        assert withdrawn == {"action": {"state": "WITHDRAWN", "due": None, "moves": 0}, "userErrors": []}
        listed = "query($id: ID!) { preventionActions(first: 5, incidentId: $id, state: DROPPED) { edges { node { id } } } }"
        assert (await ask(csm, listed, id=incident))["preventionActions"]["edges"] == [{"node": {"id": id_}}]


async def test_an_action_is_replaced_with_a_reason_and_what_was_agreed_stays(
    portal: Portal, world: Promises
) -> None:
    late = await the_late_one(world)
    id_ = encode("PreventionAction", VENDOR_ID, late.id)
    asked = "action { title state agreed moves replacesId }"
    plan = {
        "postmortemId": encode("Postmortem", VENDOR_ID, world.postmortem_id), "title": "Rebuild the pool",
        "type": "PREVENT", "ownerId": encode("Person", VENDOR_ID, world.olga.id), "term": 260, "link": TRACKED,
        "replacesId": id_,
    }  # fmt: skip
    ended = "query($id: ID!) { preventionAction(id: $id) { state replacedById steps { act note } } }"
    async with portal.browser("incident_owner") as owner, portal.browser("sre_operator") as operator:
        unsaid = await do(owner, "planPreventionAction", asked, **plan)
        assert unsaid == {
            "action": None, "userErrors": refused("INVALID", "say it in 1 to 2,000 characters", "input", "reason")
        }  # fmt: skip
        plan["reason"] = "It cannot be limited"
        assert await do(operator, "planPreventionAction", asked, **plan) == "DENIED"
        assert await world.look(late.id) == late
        made = await do(owner, "planPreventionAction", asked.replace("title", "id title"), **plan)
        successor = made["action"].pop("id")
        assert made == {
            "action": {
                "title": "Rebuild the pool", "state": "OPEN", "agreed": "2026-06-09", "moves": 1, "replacesId": id_
            },
            "userErrors": [],
        }  # fmt: skip
        assert (await ask(operator, ended, id=id_))["preventionAction"] == {
            "state": "SUPERSEDED", "replacedById": successor,
            "steps": [{"act": "BEGIN", "note": None}, {"act": "SUPERSEDE", "note": "It cannot be limited"}],
        }  # fmt: skip
        again = await do(owner, "planPreventionAction", asked, **plan)
        assert [each["code"] for each in again["userErrors"]] == ["ACTION_ENDED"]


async def test_where_somebody_works_is_said_by_themselves_or_an_administrator(
    portal: Portal, world: Promises
) -> None:
    max_ = encode("Person", VENDOR_ID, world.max.id)
    berlin = {"country": "DE", "subdivision": "BY", "timeZone": "Europe/Berlin"}
    async with portal.browser("csm") as csm, portal.browser("vendor_admin") as admin:
        assert await do(csm, "setWorkplace", "calendar", **berlin) == {
            "calendar": "DE-BY, Europe/Berlin",
            "userErrors": [],
        }
        assert await do(csm, "setWorkplace", "calendar", **berlin, personId=max_) == "DENIED"
        nowhere = await do(admin, "setWorkplace", "calendar", personId=max_, timeZone="Mars/Olympus")
        assert (nowhere["calendar"], [each["path"] for each in nowhere["userErrors"]]) == (
            None,
            [["input", "timeZone"]],
        )
        assert (await world.vendor.house.workplaces.get(world.max.as_actor(), world.max.id)).revision == 0
        manager = encode("Person", VENDOR_ID, world.petra.id)
        await do(admin, "setWorkplace", "calendar", personId=max_, timeZone="UTC", managerId=manager)
    workplace = await world.vendor.house.workplaces.get(world.max.as_actor(), world.max.id)
    assert (workplace.revision, workplace.manager_id) == (1, world.petra.id)

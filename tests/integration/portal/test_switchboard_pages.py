"""The Switchboard and prevention actions in the portal: looked at, narrowed, kept, acted upon."""

from __future__ import annotations

import csv
import re
from datetime import timedelta
from io import StringIO
from uuid import UUID

import httpx
import pytest
from icalendar import Calendar
from support.actions_world import SIGNED, VENDOR, Promises, promises
from support.learning_world import Vendor, declared, named, step
from support.portal_fixtures import Portal
from support.portal_world import sign_in
from support.postmortem_desk import TRACKED

from trust_portal.access.action import TokenScope
from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import GrantRole
from trust_portal.access.tokens.model import CreateToken
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.actions.acts_model import PlanAction
from trust_portal.learning.actions.clocks import begin_clock
from trust_portal.learning.actions.model import ActionFilter, ActionState, ActionType

pytestmark = pytest.mark.takes(seconds=25)
OWNER, PMO = "incident_owner", "pmo"


@pytest.fixture
async def world(portal: Portal) -> Promises:
    """Two P1s: of one a prevention action is overdue and escalated, the other is fresh; nothing is signed."""
    vendor, now = Vendor(portal.house, portal.clock), portal.clock.now()
    portal.clock.advance(SIGNED - now)
    found = await promises(vendor)
    await found.begun()
    portal.clock.advance(now - SIGNED)
    await vendor.tell(
        declared("INC-2", "P2", minute=60, service="billing"), step("INC-2", "resolved", minute=90)
    )
    await vendor.register()
    await portal.house.action_reminders.round()
    return found


async def read(browser: httpx.AsyncClient, path: str, status: int = 200, **more) -> str:
    answer = await browser.get(path, **more)
    assert answer.status_code == status, answer.text
    return answer.text.replace("\u00a0", " ")


async def the_action(browser: httpx.AsyncClient) -> str:
    page = await read(browser, "/actions?state=open")
    return page.split('<th scope="row"><a href="/actions/')[1].split('"')[0]


async def test_the_board_says_what_is_owed_and_each_number_leads_to_where_it_comes_from(
    portal: Portal, world: Promises
) -> None:
    async with portal.browser(PMO) as browser:
        page = await read(browser, "/switchboard")
        rows = list(csv.DictReader(StringIO(await read(browser, "/switchboard.csv"))))
        for said in (
            "Incident debt", "Overdue actions", "Escalated to the PMO", "Limit the pool", "By service",
            "By team", "By owner", "By severity", "How the debt adds up", "0 of 4 ever, signed", "Trouble INC-2",
        ):  # fmt: skip
            assert said in page, said
        due = page.split('id="next-title"')[1].split("</table>")[0]
        assert ("Limit the pool" in due, "Trouble INC-1" in due, "Postmortem not signed" in due) == (
            True,
        ) * 3
        assert {
            ("action", "Limit the pool"),
            ("unsigned", "Trouble INC-1"),
            ("unsigned", "Trouble INC-2"),
        } < {(row["owed"], row["title"]) for row in rows}
        points = sum(int(row["points"]) for row in rows)
        assert f">{points:,}<" in page
        for row in rows:
            assert int(row["points"]) == int(row["weight"]) * (1 + int(row["weeks_late"]) + int(row["moves"]))
        action = next(row for row in rows if row["owed"] == "action")
        assert await read(browser, f"/actions/{action['id']}")


async def test_filters_stand_in_the_address_and_may_be_kept_under_a_name(
    portal: Portal, world: Promises
) -> None:
    async with portal.browser(PMO) as browser:
        page = await read(browser, "/switchboard?service=billing")
        assert "Trouble INC-2" in page.split("How the debt adds up")[-1]
        assert "Limit the pool" not in page.split("How the debt adds up")[-1]
        kept = await browser.post(
            "/switchboard/views", data={"name": "Billing", "query": "service=billing&x=1"}
        )
        assert (kept.status_code, kept.headers["location"]) == (303, "/switchboard?service=billing")
        refused = await browser.post("/switchboard/views", data={"name": " ", "query": "service=billing"})
        assert (refused.status_code, "1 to 60 printable" in refused.text) == (422, True)
        assert '<a href="/switchboard?service=billing">Billing</a>' in await read(browser, "/switchboard")
        async with portal.browser("csm") as other:
            assert ">Billing<" not in (await read(other, "/switchboard")).split("Your views")[1]
        await browser.post("/switchboard/views/forget", data={"name": "Billing"})
        assert ">Billing</a>" not in await read(browser, "/switchboard")
        await read(browser, "/switchboard?severity=P9", 422)


async def test_the_table_holds_what_the_filter_in_its_address_lets_through(
    portal: Portal, world: Promises
) -> None:
    async with portal.browser(PMO) as browser:

        async def titles(query: str) -> list[str]:
            text = await read(browser, f"/switchboard.csv?{query}")
            return sorted(row["title"] for row in csv.DictReader(StringIO(text)))

        of_aurora = [
            each for each in await titles("service=api") if "INC-1" not in each and "Limit" not in each
        ]
        assert await titles("service=billing") == ["Trouble INC-2"]
        assert await titles("service=api") == sorted([*of_aurora, "Limit the pool", "Trouble INC-1"])
        assert await titles("team=payments") == ["Limit the pool", "Trouble INC-1"]
        assert await titles("severity=P2") == ["Trouble INC-2"]
        assert await titles(f"owner={world.olga.id}") == ["Limit the pool"]
        assert await titles("service=nothing") == []
        await read(browser, "/switchboard.csv?severity=P9", 422)
        of_no_person = await read(browser, "/actions?state=open&owner=alertmanager%2Fmain")
        assert '<span id="count">0</span>' in of_no_person
        assert '<option value="alertmanager/main" selected>' in of_no_person


async def test_the_wall_has_no_way_in_but_the_way_out_and_the_live_part_comes_alone(
    portal: Portal, world: Promises
) -> None:
    async with portal.browser(PMO) as browser:
        wall = await read(browser, "/switchboard?wall=1")
        part = await read(browser, "/switchboard", headers={"hx-request": "true"})
    assert "Leave the wall" in wall
    assert 'class="house-nav"' not in wall
    assert "By service" not in wall
    assert part.lstrip().startswith('<div id="live"')
    assert "<html" not in part


async def test_the_board_and_the_wall_renew_themselves_with_the_filter_they_were_opened_with(
    portal: Portal, world: Promises
) -> None:
    """With htmx every ten seconds; without scripts the wall reloads, the board is reloaded by who reads it."""
    async with portal.browser(PMO) as browser:
        for asked, again in (
            ("", "/switchboard?wall="),
            ("?wall=1", "/switchboard?wall=1"),
            ("?service=billing", "/switchboard?service=billing&amp;wall="),
        ):
            page = await read(browser, f"/switchboard{asked}")
            (live,) = re.findall(r'<div id="live"[^>]*>', page)
            assert dict(re.findall(r'(hx-[a-z]+)="([^"]*)"', live)) == {
                "hx-get": again, "hx-trigger": "every 10s", "hx-target": "#live", "hx-swap": "outerHTML",
            }  # fmt: skip
            assert ('http-equiv="refresh"' in page) == ("wall=1" in asked)
        path = again.replace("&amp;", "&")
        part = await read(browser, path, headers={"hx-request": "true"})
        assert "Trouble INC-2" in part.split("How the debt adds up")[1]
        assert "Trouble INC-1" not in part.split("How the debt adds up")[1]
        await world.vendor.tell(declared("INC-9", "P1", minute=120, service="billing"))
        await world.vendor.register()
        assert "Trouble INC-9" in await read(browser, path, headers={"hx-request": "true"})


async def test_the_ledger_names_the_gaps(portal: Portal, world: Promises) -> None:
    async with portal.browser(PMO) as browser:
        page = await read(browser, "/switchboard/coverage?show=gaps")
        rows = list(csv.DictReader(StringIO(await read(browser, "/switchboard/coverage.csv"))))
        await read(browser, "/switchboard/coverage?show=holes", 422)
        await read(browser, "/switchboard/coverage?from=x", 422)
    assert "Trouble INC-1" in page
    assert {("Trouble INC-1", "P1", "unsigned"), ("Trouble INC-2", "P2", "unsigned")} < {
        (row["name"], row["worst_severity"], row["cover"]) for row in rows
    }


async def test_what_is_told_and_not_taken_in_is_a_gap_on_the_board_the_wall_and_in_the_ledger(
    portal: Portal, world: Promises
) -> None:
    """As where the worker is down."""
    portal.clock.advance(-timedelta(hours=25))
    await world.vendor.tell(declared("INC-W", "P1"))
    portal.clock.advance(timedelta(hours=25))
    async with portal.browser(PMO) as browser:
        pages = [
            await read(browser, path)
            for path in ("/switchboard", "/switchboard?wall=1", "/switchboard/coverage?show=gaps")
        ]
        rows = list(csv.DictReader(StringIO(await read(browser, "/switchboard/coverage.csv"))))
        (row,) = [row for row in rows if row["name"] == "INC-W"]
        assert (row["incident"], row["worst_severity"], row["cover"], row["days"]) == ("", "", "waiting", "1")
        for page in pages:
            assert "Told, not taken in yet" in page
            assert "<code>INC-W</code>" in page
        assert all("<code>INC-W</code>, severity unknown, 1 day old" in page for page in pages[:2])
        assert "0 of 5 ever, signed" in pages[0]
        await world.vendor.register()
        assert "Told, not taken in yet" not in await read(browser, "/switchboard")


async def test_the_pmo_takes_note_and_others_are_not_asked(portal: Portal, world: Promises) -> None:
    async with portal.browser(PMO) as browser, portal.browser("csm") as csm:
        id_ = await the_action(browser)
        page = await read(browser, f"/actions/{id_}")
        assert "What is done about it" in page
        assert "What is done about it" not in await read(csm, f"/actions/{id_}")
        ordinal = page.split(f"/actions/{id_}/escalations/")[1].split('"')[0]
        path = f"/actions/{id_}/escalations/{ordinal}"
        assert (await csm.post(path, data={"acknowledgement": "x"})).status_code == 403
        assert (await browser.post(path, data={"acknowledgement": " "})).status_code == 422
        assert (await browser.post(path, data={"acknowledgement": "Two more days"})).status_code == 303
        assert "Two more days" in await read(browser, f"/actions/{id_}")
        assert "Escalated to the PMO" not in await read(browser, "/switchboard")


async def test_nobody_is_offered_what_would_be_refused_and_it_says_who_may(
    portal: Portal, world: Promises
) -> None:
    """Olga owes it, and is of the PMO, too; so are Petra and the persona of the portal."""
    await portal.house.people.grant(GrantRole(VENDOR_ID, world.olga.id, Role.PMO), CONSOLE)
    olga = await portal.house.people.get(CONSOLE, VENDOR_ID, world.olga.id)
    people = await portal.house.people.page(CONSOLE, VENDOR_ID, PageRequest(100))
    held = [each for each in people.items if Role.PMO in each.roles]
    others = sorted(each.name for each in held if each.id != olga.id)
    assert world.petra.name in others
    who = f"{' or '.join(others)} may take note"
    _, cookie = await sign_in(portal.house, olga)
    async with portal.browser(PMO) as browser, portal.browser(cookie=cookie) as her:
        id_ = await the_action(browser)
        pages = ("/switchboard", "/actions/reminders?kind=waiting", f"/actions/{id_}")
        offers = (f'/actions/{id_}#acknowledge">take note', *[f'action="/actions/{id_}/escalations/1"'] * 2)
        for page, offer in zip(pages, offers, strict=True):
            theirs, hers = await read(browser, page), await read(her, page)
            assert (offer in theirs, who in theirs, offer in hers, who in hers) == (
                True,
                False,
                False,
                True,
            ), page
        refused = await her.post(f"/actions/{id_}/escalations/1", data={"acknowledgement": "I know"})
        assert (refused.status_code, who in refused.text.replace("\u00a0", " ")) == (409, True)
        assert "Escalated to the PMO" in await read(browser, "/switchboard")

        for each in held:
            if each.id != olga.id:
                await portal.house.people.revoke(CONSOLE, VENDOR_ID, each.id, Role.PMO)
        for page, offer in zip(pages, offers, strict=True):
            alone = await read(her, page)
            assert (offer in alone, "may take note" in alone) == (True, False), page
        sent = await her.post(
            f"/actions/{id_}/escalations/1", data={"acknowledgement": "Nobody else is left"}
        )
        assert sent.status_code == 303
        assert "Escalated to the PMO" not in await read(her, "/switchboard")


async def test_ten_escalations_stand_on_the_board_and_all_are_taken_note_of_page_by_page(
    portal: Portal, world: Promises
) -> None:
    """Of Max, who has no manager here, each late action is escalated to the PMO twice."""
    plans = portal.house.prevention_actions
    for number in range(3, 8):
        key = f"INC-{number}"
        await world.vendor.tell(declared(key, minute=number), step(key, "resolved", minute=number + 1))
        await world.vendor.register()
        view = await portal.house.incidents.get(world.petra.as_actor(), named(key))
        assert view.postmortem_id is not None
        for title in ("One", "Two", "Three"):
            planned = await plans.plan(
                PlanAction(
                    view.postmortem_id, f"{title} of {key}", ActionType.PREVENT, world.max.id, 1, TRACKED
                ),
                world.ivo.as_actor(),
            )
            async with portal.house.storage.write(VENDOR) as session:
                await begin_clock(session, portal.house.ledger, planned, SIGNED)
    portal.clock.advance(timedelta(minutes=1))
    await portal.house.action_reminders.round()
    async with portal.browser(PMO) as browser, portal.browser("csm") as csm:
        board = (
            (await read(browser, "/switchboard")).split('id="escalations-title"')[1].split("</section>")[0]
        )
        assert board.count("<li>") == 10
        # The one that waited before, and two of each of fifteen.
        assert '<a href="/actions/reminders?kind=waiting">and 21 more</a>' in board
        assert board.index("Limit the pool") < board.index("who has no manager here")
        wall = await read(browser, "/switchboard?wall=1")
        assert "and 21 more" in wall
        assert "kind=waiting" not in wall
        assert "Take note" not in await read(csm, "/actions/reminders?kind=waiting")
        page = await read(browser, "/actions/reminders?kind=waiting")
        assert (page.count("<details>"), "Oldest first" in page, 'rel="next"' in page) == (25, True, True)
        first = re.search(r'action="(/actions/[^"]+/escalations/1)"', page)
        assert first is not None
        answer = await browser.post(first[1], data={"acknowledgement": "Two more days", "back": "waiting"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/actions/reminders?kind=waiting")
        assert first[1] not in await read(browser, "/actions/reminders?kind=waiting")
        following = re.search(r'rel="next" href="([^"]+)"', page)
        assert following is not None
        rest = await read(browser, f"/actions/reminders{following[1].replace('&amp;', '&')}")
        assert (rest.count("<details>"), 'rel="next"' in rest) == (6, False)
        for path in set(re.findall(r'action="(/actions/[^"]+/escalations/1)"', page + rest)) - {first[1]}:
            assert (await browser.post(path, data={"acknowledgement": "They are asked"})).status_code == 303
        assert "Escalated to the PMO" not in await read(browser, "/switchboard")


async def test_an_owner_of_incidents_plans_moves_and_finishes_by_forms(
    portal: Portal, world: Promises
) -> None:
    async with portal.browser(OWNER) as browser:
        await read(browser, f"/actions/new?postmortem={world.postmortem_id}")
        await read(browser, "/actions/new", 422)
        form = {
            "postmortem": str(world.postmortem_id),
            "title": "Alarm on the pool",
            "type": "detect",
            "owner": str(world.max.id),
            "term": "3",
            "link": TRACKED,
        }
        before = await portal.house.prevention_reader.page(
            world.ivo.as_actor(), ActionFilter(), PageRequest(10)
        )
        for wrong in ({"term": "0"}, {"term": "x"}, {"title": " "}, {"owner": ""}, {"type": ""}):
            refused = await browser.post("/actions", data=form | wrong)
            assert (refused.status_code, "nothing was changed" in refused.text) == (422, True), wrong
        for link, why in (
            ("", "say where the work is tracked"),
            ("http://tracker.example/1", "give a web address that begins with https://"),
            ("https://someone@tracker.example/1", "give a web address that begins with https:// or http://"),
            ("tracker", "give a web address that begins with https:// or http://"),
        ):
            refused = await browser.post("/actions", data=form | {"link": link})
            assert (refused.status_code, why in refused.text) == (422, True), link
        after = await portal.house.prevention_reader.page(
            world.ivo.as_actor(), ActionFilter(), PageRequest(10)
        )
        assert after.items == before.items
        made = await browser.post("/actions", data=form)
        assert made.status_code == 303
        path = made.headers["location"]
        assert "Not begun" in await read(browser, path)
        await world.begin()

        soon = portal.clock.now().date() + timedelta(days=14)
        while soon.weekday() != 2:
            soon += timedelta(days=1)
        refused = await browser.post(f"{path}/move", data={"due": "soon", "reason": "because"})
        assert refused.status_code == 422
        planned = await world.look(UUID(path.rpartition("/")[2]))
        refused = await browser.post(f"{path}/move", data={"due": soon.isoformat(), "reason": " "})
        assert (refused.status_code, "say it in 1 to 2,000 characters" in refused.text) == (422, True)
        assert await world.look(planned.id) == planned
        moved = await browser.post(
            f"{path}/move", data={"due": soon.isoformat(), "reason": "The part comes late"}
        )
        assert moved.status_code == 303
        assert "The part comes late" in await read(browser, path)
        assert (await browser.post(f"{path}/finish", data={"evidence": "", "note": "x"})).status_code == 422
        done = await browser.post(
            f"{path}/finish", data={"evidence": "https://git.example/17", "note": "The alarm rings"}
        )
        assert done.status_code == 303
        page = await read(browser, path)
        assert "https://git.example/17" in page
        assert (
            await browser.post(f"{path}/finish", data={"evidence": "https://x.example", "note": "again"})
        ).status_code == 409
        assert ">Alarm on the pool<" in await read(browser, "/actions?state=done")
    action = await world.look(path.rpartition("/")[2])  # type: ignore[arg-type]
    assert (action.state, action.moves) == (ActionState.DONE, 1)


async def test_an_action_is_replaced_by_its_form_with_a_reason_and_what_was_agreed_stays(
    portal: Portal, world: Promises
) -> None:
    """It is overdue: who may plan and not drop is not asked, and refused."""
    async with portal.browser(OWNER) as browser, portal.browser("sre_operator") as operator:
        late = await the_action(browser)
        before = await world.look(UUID(late))
        new = f"/actions/new?postmortem={world.postmortem_id}&replaces={late}"
        assert f'href="{new}"' in await read(browser, f"/actions/{late}")
        assert "&replaces=" not in await read(operator, f"/actions/{late}")
        assert "Its agreed day is past" in await read(operator, f"/actions/{late}")
        page = await read(browser, new)
        assert "Takes the place of “Limit the pool”" in page
        assert f'<input type="hidden" name="replaces" value="{late}">' in page
        assert 'name="reason"' in page
        assert 'name="reason"' not in await read(browser, f"/actions/new?postmortem={world.postmortem_id}")
        form = {
            "postmortem": str(world.postmortem_id), "replaces": late, "title": "Rebuild the pool",
            "type": "prevent", "owner": str(world.olga.id), "term": "260", "link": TRACKED,
            "reason": "It cannot be limited",
        }  # fmt: skip
        for wrong in ({"reason": " "}, {"reason": ""}):
            refused = await browser.post("/actions", data=form | wrong)
            assert (refused.status_code, "say it in 1 to 2,000 characters" in refused.text) == (422, True)
            assert "Rebuild the pool" in refused.text
        assert (await operator.post("/actions", data=form)).status_code == 403
        assert await world.look(UUID(late)) == before
        made = await browser.post("/actions", data=form)
        assert made.status_code == 303
        page = await read(browser, made.headers["location"])
        for said in (
            "agreed was 9 June 2026",
            "1 time",
            "It cannot be limited",
            f'<a href="/actions/{late}">',
        ):
            assert said in page, said
        assert f'In its place: <a href="{made.headers["location"]}">Rebuild the pool</a>' in (
            await read(browser, f"/actions/{late}")
        )
        again = await browser.post("/actions", data=form)
        assert (again.status_code, "another action took its place" in again.text) == (409, True)
        assert (await browser.post("/actions", data=form | {"replaces": "x"})).status_code == 422


async def test_what_happened_again_leads_back_to_the_action_and_actions_end_by_forms_of_their_own(
    portal: Portal, world: Promises
) -> None:
    """Linked with what it should have prevented, dropped by somebody else, withdrawn before it was promised."""
    again, note = named("INC-3"), "The same pool ran dry"
    await world.vendor.tell(declared("INC-3", "P2", minute=300), step("INC-3", "resolved", minute=330))
    await world.vendor.register()
    async with portal.browser(OWNER) as browser, portal.browser("csm") as csm:
        late = await the_action(browser)
        linking, before = f"/actions/{late}/recurrences", "It should have been prevented"
        postmortem = (await portal.house.incidents.get(world.petra.as_actor(), again)).postmortem_id
        pages = (f"/incidents/{again}", f"/postmortems/{postmortem}")
        for wrong, status, why in (
            ({"incident": ""}, 422, "say which incident"),
            ({"incident": "INC-3"}, 422, "choose one of the list"),
            ({"recurrence_note": " "}, 422, "nothing was changed"),
            ({"incident": str(named("INC-2"))}, 409, "it began before the action was planned"),
            ({"incident": str(world.incident_id)}, 409, "the incident the action follows from"),
        ):
            refused = await browser.post(
                linking, data={"incident": str(again), "recurrence_note": note} | wrong
            )
            assert (refused.status_code, why in refused.text) == (status, True), (wrong, refused.text)
        assert (
            await csm.post(linking, data={"incident": str(again), "recurrence_note": note})
        ).status_code == 403
        for path in pages:
            assert before not in await read(browser, path)
        linked = await browser.post(linking, data={"incident": str(again), "recurrence_note": note})
        assert (linked.status_code, linked.headers["location"]) == (303, f"/actions/{late}")
        twice = await browser.post(linking, data={"incident": str(again), "recurrence_note": note})
        assert (twice.status_code, "linked with the action already" in twice.text) == (409, True)
        (recurrence,) = await portal.house.prevention_reader.recurrences(world.petra.as_actor(), UUID(late))
        for path in pages:
            said = (await read(browser, path)).split(before)[1].split("</section>")[0]
            for part in (
                f'<a href="/actions/{late}">Limit the pool</a>, Olga Operator’s',
                f'href="/incidents/{world.incident_id}"', note,
                f'href="/t/vendor/receipts/{recurrence.receipt_id}"',
            ):  # fmt: skip
                assert part in said, part
        said = (await read(browser, f"/actions/{late}")).split("Did it happen again?")[1]
        assert f'<a href="{pages[0]}">Trouble INC-3</a>: {note}' in said
        assert before not in await read(browser, f"/incidents/{world.incident_id}")

        drop = f"/actions/{late}/drop"
        assert (await csm.post(drop, data={"drop_reason": "Too dear"})).status_code == 403
        assert (await browser.post(drop, data={"drop_reason": " "})).status_code == 422
        assert (await world.look(UUID(late))).is_open
        assert (await browser.post(drop, data={"drop_reason": "The pool is gone"})).status_code == 303
        page = await read(browser, f"/actions/{late}")
        assert "The pool is gone" in page.split("How it ended")[1].split("</section>")[0]
        assert (await browser.post(drop, data={"drop_reason": "Again"})).status_code == 409

        planned = await world.plan("Alarm on the pool")
        withdraw = f"/actions/{planned.id}/withdraw"
        assert (await csm.post(withdraw, data={"withdraw_reason": "Twice"})).status_code == 403
        assert (await browser.post(withdraw, data={"withdraw_reason": ""})).status_code == 422
        assert (await world.look(planned.id)).is_open
        assert (await browser.post(withdraw, data={"withdraw_reason": "Planned twice"})).status_code == 303
        assert "Planned twice" in await read(browser, f"/actions/{planned.id}")
    dropped, withdrawn = await world.look(UUID(late)), await world.look(planned.id)
    assert (dropped.state, withdrawn.state) == (ActionState.DROPPED, ActionState.WITHDRAWN)


async def test_where_one_works_is_said_by_oneself_and_a_calendar_follows_by_a_link(
    portal: Portal, world: Promises
) -> None:
    async with portal.browser(OWNER) as browser, portal.browser() as nobody:
        page = "/account/workplace"
        form = {"country": "DE", "subdivision": "BY", "time_zone": "Europe/Berlin", "manager": ""}
        refused = await browser.post(page, data=form | {"subdivision": "CA"})
        assert (refused.status_code, "no subdivision" in refused.text) == (422, True)
        assert (await browser.post(page, data=form)).status_code == 303
        assert "DE-BY, Europe/Berlin" in await read(browser, page)

        everybodys = Calendar.from_ical(await read(browser, "/actions/due.ics"))
        (event,) = everybodys.walk("VEVENT")
        assert (str(event["summary"]), event.decoded("dtstart").isoformat()) == (
            "Due: Limit the pool",
            "2026-06-09",
        )
        assert (await browser.post("/account/calendar")).headers["location"] == page
        made = await read(browser, page)
        link = made.split("<code>https://trust.example")[1].split("</code>")[0]
        mine = await nobody.get(link)
        assert (mine.status_code, mine.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
        assert Calendar.from_ical(mine.text).walk("VEVENT") == []
        assert link not in await read(browser, page)
        assert (await browser.post("/account/calendar/revoke")).status_code == 303
        assert (await nobody.get(link)).status_code == 404
        assert (await browser.post("/account/calendar/revoke")).status_code == 409


async def test_the_calendar_of_an_owner_holds_the_days_of_their_own_open_actions_as_they_now_stand(
    portal: Portal, world: Promises
) -> None:
    others = await world.plan("Alarm on the pool", owner_id=world.max.id)
    later = await world.plan("Test the fallback", term=12)
    await world.begin()
    olga = world.olga.as_actor()
    link = await portal.house.calendar_feeds.make_link(olga)

    def events(text: str) -> dict[str, tuple[str, str]]:
        found = Calendar.from_ical(text).walk("VEVENT")
        assert len({str(each["uid"]) for each in found}) == len(found)
        return {
            str(each["summary"]): (each.decoded("dtstart").isoformat(), str(each["url"])) for each in found
        }

    async with portal.browser() as nobody, portal.browser(PMO) as pmo:
        path = link.removeprefix("https://trust.example")
        late = (await world.look(later.id)).due.isoformat()
        planned = await portal.house.prevention_reader.of_postmortem(olga, world.postmortem_id)
        (first,) = [each.id for each in planned if each.title == "Limit the pool"]
        assert events(await read(nobody, path)) == {
            "Due: Limit the pool": ("2026-06-09", f"https://trust.example/actions/{first}"),
            "Due: Test the fallback": (late, f"https://trust.example/actions/{later.id}"),
        }
        everybodys = events(await read(pmo, "/actions/due.ics"))
        assert everybodys["Due: Alarm on the pool"][1].endswith(f"/actions/{others.id}")
        assert len(everybodys) == 3


async def test_a_calendars_link_that_a_token_made_ends_with_the_role_of_its_person(
    portal: Portal, world: Promises
) -> None:
    await world.begin()
    tokens, people = portal.house.tokens, portal.house.people
    command = CreateToken(VENDOR_ID, "calendars", frozenset({TokenScope.READ}))
    issued = await tokens.create(command, world.olga.as_actor())
    async with portal.program(issued.secret) as program:
        asked = {"query": "mutation { makeCalendarLink(input: {}) { url userErrors { code } } }"}
        made = (await program.post("/graphql", json=asked)).json()["data"]["makeCalendarLink"]
    assert made["userErrors"] == []
    path = made["url"].removeprefix("https://trust.example")
    async with portal.browser() as nobody:
        assert "Limit the pool" in await read(nobody, path)
        await tokens.revoke(CONSOLE, VENDOR_ID, issued.token.id)
        assert "Limit the pool" in await read(nobody, path), "as one of a session that is over"
        await people.revoke(CONSOLE, VENDOR_ID, world.olga.id, Role.FINOPS_OPERATOR)
        assert (await nobody.get(path)).status_code == 404
        await people.grant(GrantRole(VENDOR_ID, world.olga.id, Role.FINOPS_OPERATOR), CONSOLE)
        await people.suspend(CONSOLE, VENDOR_ID, world.olga.id)
        assert (await nobody.get(path)).status_code == 404


async def test_a_calendars_link_shows_no_more_than_its_person_may_read_and_is_theirs_to_end(
    portal: Portal, world: Promises
) -> None:
    await world.begin()
    people, olga = portal.house.people, world.olga.as_actor()
    path = (await portal.house.calendar_feeds.make_link(olga)).removeprefix("https://trust.example")
    async with portal.browser() as nobody:
        assert "Limit the pool" in await read(nobody, path)
        await people.revoke(CONSOLE, VENDOR_ID, world.olga.id, Role.FINOPS_OPERATOR)
        assert (await nobody.get(path)).status_code == 404
    _, cookie = await sign_in(portal.house, world.olga)
    async with portal.browser() as nobody, portal.browser(cookie=cookie) as browser:
        await read(browser, "/account/workplace", 403)
        assert "/account/calendar/revoke" in await read(browser, "/account")
        ended = await browser.post("/account/calendar/revoke")
        assert (ended.status_code, ended.headers["location"]) == (303, "/account")
        assert "/account/calendar/revoke" not in await read(browser, "/account")
        assert (await browser.post("/account/calendar/revoke")).status_code == 409
        await people.grant(GrantRole(VENDOR_ID, world.olga.id, Role.FINOPS_OPERATOR), CONSOLE)
        assert (await nobody.get(path)).status_code == 404, "ended for good"


async def test_customers_see_nothing_of_it(portal: Portal, world: Promises) -> None:
    async with portal.browser("customer_admin") as browser:
        for path in (
            "/switchboard",
            "/switchboard.csv",
            "/switchboard/coverage",
            "/actions",
            "/actions/due.ics",
        ):
            await read(browser, path, 403)
        assert 'href="/switchboard"' not in await read(browser, "/account")

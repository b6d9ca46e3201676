"""What staff read of incidents, their postmortems and actions: the same word and the same figure on each page."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest
from support.actions_world import SIGNED, Promises, promises
from support.learning_world import Vendor, declared, updated
from support.portal_fixtures import Portal

from trust_portal.access.actors import CONSOLE
from trust_portal.access.rights import actor_with
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.actions.acts_model import FinishAction
from trust_portal.learning.postmortems.model import PARTS, REQUIRED_PARTS
from trust_portal.web.templating import source

pytestmark = pytest.mark.takes(seconds=20)


async def read(browser: httpx.AsyncClient, path: str) -> str:
    answer = await browser.get(path)
    assert answer.status_code == 200, (path, answer.text)
    return re.sub(r"\s+", " ", answer.text.replace("\u00a0", " "))


@pytest.fixture
async def world(portal: Portal) -> Promises:
    vendor, now = Vendor(portal.house, portal.clock), portal.clock.now()
    portal.clock.advance(SIGNED - now)
    found = await promises(vendor)
    await found.begun()
    portal.clock.advance(timedelta(hours=1))
    return found


async def test_an_owner_who_is_one_of_our_people_is_called_by_name_on_every_page(portal: Portal):
    everybody = await portal.house.people.page(CONSOLE, VENDOR_ID, PageRequest(100))
    (owner,) = [each for each in everybody.items if {role.value for role in each.roles} == {"incident_owner"}]
    vendor = Vendor(portal.house, portal.clock)
    await vendor.tell(
        declared("INC-88", owner=owner.email.upper()), declared("INC-89", owner="nobody@elsewhere.example")
    )
    register = await vendor.register()
    told_by = source(register["INC-88"].source)
    async with portal.browser("pmo") as browser:
        listed = await read(browser, "/incidents?words=INC-8")
        ours = await read(browser, f"/incidents/{register['INC-88'].id}")
        theirs = await read(browser, f"/incidents/{register['INC-89'].id}")
        board = await read(browser, "/switchboard")
    assert f">owner {owner.name}</span>" in listed
    assert ">owner nobody@elsewhere.example</span>" in listed
    assert f"<dd>{owner.name}</dd>" in ours
    assert "<dd>nobody@elsewhere.example (nobody of our people by this name)</dd>" in theirs
    assert owner.name in board
    for page in (listed, ours, board):
        assert owner.email.casefold() not in page.split("<main")[1].casefold()
    assert (f"INC-88, by {told_by}<" in listed, f"by {told_by}." in ours) == (True, True)


async def test_how_long_a_postmortem_is_owed_is_counted_from_the_declaration_on_both_pages(portal: Portal):
    """It is told of long after it was declared, and opened then."""
    vendor = Vendor(portal.house, portal.clock)
    await vendor.tell(declared("INC-88", "P2"))
    incident = (await vendor.register())["INC-88"]
    assert (portal.clock.now() - incident.declared_at).days == 39
    async with portal.browser("pmo") as browser:
        listed = await read(browser, "/postmortems?show=unsigned")
        board = await read(browser, "/switchboard")
    item = listed.split("Trouble INC-88")[1].split("</li>")[0]
    assert "Opened 10 July 2026" in item
    assert "<strong>39 days</strong> without a signature since its incident was declared" in item
    assert "Trouble INC-88</a>, P2, 39 days old" in board


async def test_a_done_action_of_which_nobody_was_reminded_expects_no_reminders(
    portal: Portal, world: Promises
):
    (action,) = await portal.house.prevention_reader.of_postmortem(
        world.petra.as_actor(), world.postmortem_id
    )
    async with portal.browser("pmo") as browser:
        before = await read(browser, f"/actions/{action.id}")
        finish = FinishAction(action.id, "https://git.example/17", "The pool is limited")
        await portal.house.prevention_actions.finish(finish, world.olga.as_actor())
        after = await read(browser, f"/actions/{action.id}")
    assert "it was done before they began" not in before
    assert "None: it was done before they began." in after
    assert "They begin three business days before the due date" not in after


async def test_a_draft_says_what_must_be_written_before_it_is_submitted(portal: Portal, world: Promises):
    here = f"/postmortems/{world.postmortem_id}"
    async with portal.browser("sre_operator") as browser:
        page, edit = await read(browser, here), await read(browser, f"{here}/edit")
        assert (
            "To be written before it is submitted: Summary, Impact on customers, What contributed</p>" in page
        )
        assert 'type="submit" disabled>Submit for review' in page
        for name, label in PARTS.items():
            optional = f'<label for="{name}">{label} <span class="field-optional">(optional)</span></label>'
            assert (optional in edit) == (name not in REQUIRED_PARTS), name
        assert edit.count("To be written before it is submitted.") == len(REQUIRED_PARTS)
        assert not re.search(r"<textarea[^>]* required", edit), "a draft may be saved before it is whole"
        revision = re.search(r'name="revision" value="(\d+)"', edit)
        assert revision
        saved = await browser.post(
            f"{here}/edit", data={"revision": revision[1], "summary": "It failed.", "impact": "None."}
        )
        assert saved.status_code == 303, saved.text
        assert "To be written before it is submitted: What contributed</p>" in await read(browser, here)


async def test_pages_of_a_merged_incident_say_whose_postmortem_tells_of_it_and_offer_a_plan_by_the_same_rule(
    portal: Portal,
) -> None:
    vendor = Vendor(portal.house, portal.clock)
    await vendor.tell(
        declared("INC-81"), declared("INC-82"), updated("INC-82", "merged", minute=5, into="INC-81")
    )
    register = await vendor.register()
    ids = {}
    for key in ("INC-81", "INC-82"):
        found = await portal.house.postmortem_reader.of_incident(
            actor_with(Role.VENDOR_ADMIN), register[key].id
        )
        assert found is not None
        ids[key] = found.id
    async with portal.browser("incident_owner") as browser:
        merged = await read(browser, f"/postmortems/{ids['INC-82']}")
        incident = await read(browser, f"/incidents/{register['INC-82'].id}")
        other = await read(browser, f"/postmortems/{ids['INC-81']}")
    assert "no actions are planned here" in merged
    assert "It is told of in its postmortem." in incident
    assert f"/actions/new?postmortem={ids['INC-82']}" not in merged
    assert f"/actions/new?postmortem={ids['INC-81']}" in other

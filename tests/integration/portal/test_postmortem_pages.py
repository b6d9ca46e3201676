"""Postmortems in the portal: written, reviewed and signed by forms, released, and read by the customer."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta

import pytest
from support.learning_world import BEGAN, declared, step, updated
from support.passkeys import device_of, enrol
from support.portal_fixtures import Portal
from support.portal_world import auroras_incident
from support.postmortem_desk import TRACKED, deployed

from trust_portal.access.actors import CONSOLE
from trust_portal.access.tokens.model import Admission, Bounds
from trust_portal.documents.formats import instant
from trust_portal.evidence.assertion import challenge_of
from trust_portal.evidence.signing_statement import signing_statement
from trust_portal.facts.framing import lines
from trust_portal.kernel.actor import Actor, ActorKind
from trust_portal.kernel.canonical import canonical
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.actions.acts_model import FinishAction, PlanAction
from trust_portal.learning.actions.model import ActionType

pytestmark = pytest.mark.takes(seconds=25)
COPIES = """{ viewer { tenant { incidents(since: "2026-01-01T00:00:00Z", until: "2026-12-31T00:00:00Z") {
  key postmortem { version sha256 url } } } } }"""
PARTS = {
    "summary": "Exports **failed**.",
    "impact": "Reports came late.",
    "contributors": "A limit was missing.",
}


async def told(portal: Portal, *events: dict) -> None:
    """What a source tells, followed into incidents."""

    async def parts():
        yield b"\n".join(json.dumps(each).encode() for each in events)

    outcome = await portal.house.intake.deliver(lines(parts()), Admission(CONSOLE, Bounds(sources=("*",))))
    assert outcome.rejected_count == 0, outcome.rejected
    await portal.house.incident_following.follow()


async def actor(portal: Portal, role: str) -> Actor:
    people = await portal.house.people.page(CONSOLE, VENDOR_ID, PageRequest(100))
    (person,) = [each for each in people.items if {one.value for one in each.roles} == {role}]
    return Actor(ActorKind.PERSON, person.id, person.name, VENDOR_ID, person.roles)


async def opened(portal: Portal, *more: dict):
    """The postmortem of a P1 that touched the first customer."""

    touched = declared("INC-77", tenants=[portal.world.aurora.key])
    await told(portal, *more, touched, step("INC-77", "resolved", minute=60))
    page = await portal.house.postmortem_reader.page(await actor(portal, "vendor_admin"), PageRequest(5))
    (listed,) = [each for each in page.items if each.incident.key == "INC-77"]
    return listed.postmortem


def field(text: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', text)
    assert found, name
    return html.unescape(found[1])


async def test_it_is_written_reviewed_signed_released_and_read(portal: Portal):
    postmortem = await opened(portal)
    here = f"/postmortems/{postmortem.id}"
    async with portal.browser("sre_operator") as browser:
        listed = (await browser.get("/postmortems?show=unsigned")).text
        assert "Trouble INC-77" in listed
        edit = (await browser.get(f"{here}/edit")).text
        saved = await browser.post(f"{here}/edit", data={"revision": field(edit, "revision"), **PARTS})
        assert (saved.status_code, saved.headers["location"]) == (303, here)
        page = (await browser.get(here)).text
        assert "<strong>failed</strong>" in page
        refused = await browser.post(f"{here}/submit", data={"revision": "1"})
        assert refused.status_code == 422
        assert "1 to 3 prevention actions" in refused.text
        assert '<a href="#promised-title">' in refused.text
        assert 'id="promised-title"' in refused.text
        owner = await actor(portal, "incident_owner")
        await portal.house.prevention_actions.plan(
            PlanAction(postmortem.id, "Cap exports", ActionType.PREVENT, owner.id, 10, TRACKED), owner
        )
        plan, shown = f'href="/actions/new?postmortem={postmortem.id}"', "Its prevention actions today"
        assert plan in (await browser.get(here)).text
        assert (await browser.post(f"{here}/submit", data={"revision": "1"})).status_code == 303
        own = await browser.get(here)
        assert "You wrote of this" in own.text
        assert (shown in own.text, plan in own.text) == (True, False), (
            "what is reviewed takes no further action"
        )
    async with portal.browser("vendor_admin") as browser:
        digest = field((await browser.get(here)).text, "digest")
        accepted = await browser.post(
            f"{here}/accept", data={"digest": digest, "accept_reason": "I compared it with the logs."}
        )
        assert accepted.status_code == 303
    _, device = await enrol(portal.house, owner, device_of(portal.house))
    async with portal.browser("incident_owner") as browser:
        page = (await browser.get(here)).text
        assert 'data-passkey="sign-document"' in page
        assert f'<span data-said="digest">{digest}</span>' in page
        unsigned = await browser.post(f"{here}/sign", data={"digest": digest, "rationale": "So it was."})
        assert (unsigned.status_code, "signed with a passkey" in unsigned.text) == (422, True)
        statement = signing_statement(postmortem.id, 1, digest, "So it was.", owner.id, owner.name)
        assertion = device.sign(challenge_of(canonical(statement)))
        signed = await browser.post(
            f"{here}/sign",
            data={
                "digest": digest,
                "rationale": "So it was.",
                "assertion": canonical(dict(assertion.json())).decode(),
            },
        )
        assert signed.status_code == 303, signed.text
        page = (await browser.get(here)).text
        assert "Version 1 is signed by" in page
        assert "So it was." in (await browser.get(f"{here}/versions/1")).text
        # Beside the document, which stays as it was signed, the actions as they stand.
        (action,) = await portal.house.prevention_reader.of_postmortem(owner, postmortem.id)
        done = FinishAction(action.id, "https://git.example/17", "Capped")
        before = await portal.house.postmortem_reader.version(owner, postmortem.id, 1)
        await portal.house.prevention_actions.finish(done, owner)
        for path in (here, f"{here}/versions/1", f"/incidents/{postmortem.incident_id}"):
            page = (await browser.get(path)).text
            beside = page.split(shown)[1].split("</section>")[0]
            assert f'<a href="/actions/{action.id}">Cap exports</a>' in beside, path
            assert ">Done<" in beside, path
            assert f'href="/actions?incident={postmortem.incident_id}"' in beside, path
            assert (plan in page) == (path == here), path
        assert (
            await portal.house.postmortem_reader.version(owner, postmortem.id, 1)
        ).document == before.document
        assert "it stands beside what was signed" in (await browser.get(here)).text
        listed = (await browser.get(f"/actions?incident={postmortem.incident_id}")).text
        assert ("Cap exports" in listed, '<span id="count">1</span>' in listed) == (True, True)
        page = (await browser.get(here)).text
        aurora = re.search(r"release\?customer=([0-9a-f-]+)", page)
        assert aurora
        preview = await browser.get(f"{here}/release?customer={aurora[1]}")
        assert preview.status_code == 200
        form = {name: field(preview.text, name) for name in ("version", "customer", "profile")} | {
            "reason": "As promised."
        }
        warned = re.findall(r'name="(ack-[0-9a-f]+)"', preview.text)
        released = await browser.post(f"{here}/release", data=form | dict.fromkeys(warned, "It may stand."))
        assert released.status_code == 303, released.text
    root = f"/t/{portal.world.aurora.key}"
    async with portal.browser("customer_viewer") as browser:
        page = (await browser.get(f"{root}/incidents?year=2026")).text
        assert page.count("Not released yet") == 2, "of this P1, and of the one that was there before"
        assert f'href="{root}/postmortems"' in page
        assert f'href="{root}/postmortems"' in (await browser.get(f"{root}/maintenance")).text
    releases = await portal.house.postmortem_releases.of_postmortem(owner, postmortem.id)
    await portal.house.postmortem_copies.issue(releases[0].id)
    async with portal.browser("customer_viewer") as browser:
        page = (await browser.get(f"{root}/incidents?year=2026")).text
        assert page.count("Not released yet") == 1
        assert f'href="{root}/postmortems/{releases[0].id}"' in page
        assert releases[0].sha256 in page
        opened_copy = await portal.house.postmortem_copies.find(
            await actor(portal, "vendor_admin"), portal.world.aurora.id, releases[0].id
        )
        bundle = opened_copy.export
        assert bundle
        assert (f"<code>{bundle.id}</code>" in page, "is being made" in page) == (True, True)
        asked = (await browser.post("/graphql", json={"query": COPIES})).json()
        copies = {each["key"]: each["postmortem"] for each in asked["data"]["viewer"]["tenant"]["incidents"]}
        assert copies == {
            await auroras_incident(portal.house): None,
            "INC-77": {
                "version": 1,
                "sha256": releases[0].sha256,
                "url": f"https://trust.example{root}/postmortems/{releases[0].id}",
            },
        }
        listed = (await browser.get(f"{root}/postmortems")).text
        assert "Trouble INC-77" in listed
        copy = await browser.get(f"{root}/postmortems/{releases[0].id}")
        assert copy.status_code == 200
        assert releases[0].sha256 in copy.text
        assert (await browser.get(here)).status_code == 403
    own, signed = f"{root}/postmortems/{releases[0].id}", f"{here}/versions/1"
    async with portal.browser("customer_admin") as browser, portal.browser("vendor_admin") as staff:
        portal.clock.advance(timedelta(minutes=5))
        assert (await staff.get(own)).status_code == 200
        portal.clock.advance(timedelta(minutes=5))
        assert (await staff.get(signed)).status_code == 200
        for reader, leads, not_to in ((browser, [own], here), (staff, [own, here], None)):
            log = (await reader.get(f"{root}/access")).text
            for address in leads:
                assert f'href="{address}"' in log, address
            assert f'href="{not_to}"' not in log
        reads = [row for row in log.split("<tr>") if f'href="{here}"' in row]
        assert instant(portal.clock.now()) in reads[0], "a version as it was signed names customers too"
    async with portal.browser("incident_owner") as browser:
        shown = (await browser.get(f"{here}/disclose", params={"release": str(releases[0].id)})).text
        disclosed = await browser.post(
            f"{here}/disclose",
            data={
                **dict.fromkeys(re.findall(r'name="(ack-[0-9a-f]{16})"', shown), "They know them."),
                "release": str(releases[0].id),
                "customer": aurora[1],
                "profile": "customer",
                "fields": "incident.owner",
                "reason": "They asked.",
            },
        )
        assert disclosed.status_code == 303, disclosed.text
        for path, form, status, why in (
            (
                "edit",
                {"revision": "1", **PARTS, "risks": "Another."},
                409,
                "begin a new version, and say why",
            ),
            ("reopen", {"reopen_reason": " "}, 422, "say it in 1 to 2,000 characters"),
        ):
            stands = await portal.house.postmortem_reader.find(owner, postmortem.id)
            refused = await browser.post(f"{here}/{path}", data=form)
            assert (refused.status_code, why in refused.text) == (status, True), path
            found = await portal.house.postmortem_reader.find(owner, postmortem.id)
            assert (found.postmortem, found.draft, found.document) == (
                stands.postmortem, stands.draft, stands.document,
            )  # fmt: skip
        again = await browser.post(f"{here}/reopen", data={"reopen_reason": "Late evidence."})
        assert again.status_code == 303
        assert "version 2" in (await browser.get(here)).text


def live(page: str) -> dict[str, str]:
    """How the document on a page is asked for again."""
    (found,) = re.findall(r'<div id="document"[^>]*>', page)
    return dict(re.findall(r'(hx-[a-z]+)="([^"]*)"', found))


async def test_a_draft_renews_itself_a_change_in_it_is_judged_and_what_is_in_review_is_sent_back(
    portal: Portal,
):
    postmortem = await opened(portal, deployed(-40))
    here = f"/postmortems/{postmortem.id}"
    async with portal.browser("sre_operator") as browser, portal.browser("csm") as csm:
        page = (await browser.get(here)).text
        assert live(page) == {"hx-get": here, "hx-trigger": "every 15s", "hx-swap": "outerHTML"}
        part = (await browser.get(here, headers={"hx-request": "true"})).text
        assert part.lstrip().startswith('<div id="document" hx-get=')
        assert "<html" not in part

        incident = f"/incidents/{postmortem.incident_id}#timeline-title"
        assert re.search(
            rf'<a href="{incident}" title="urn:pager INC-77-declared--0"><code title="[0-9a-f]{{64}}">', page
        )

        fact = re.findall(r'<option value="([^"]+)"', page.split('name="fact"')[1].split("</select>")[0])[-1]
        form = {"fact": fact, "verdict": "cleared", "judge_reason": "It was rolled back before."}
        for wrong, why in (
            ({"verdict": ""}, "say whether it is suspect or cleared"),
            ({"verdict": "guilty"}, "choose one of suspect, cleared"),
            ({"fact": "elsewhere"}, "no change near the incident has this id"),
            ({"judge_reason": " "}, "nothing was changed"),
        ):
            refused = await browser.post(f"{here}/judge", data=form | wrong)
            assert (refused.status_code, why in refused.text) == (422, True), wrong
        assert (await csm.post(f"{here}/judge", data=form)).status_code == 403
        assert "rolled back" not in (await browser.get(here)).text
        assert (await browser.post(f"{here}/judge", data=form)).status_code == 303
        part = (await browser.get(here, headers={"hx-request": "true"})).text
        assert "It was rolled back before." in part

        owner = await actor(portal, "incident_owner")
        await portal.house.prevention_actions.plan(
            PlanAction(postmortem.id, "Cap exports", ActionType.PREVENT, owner.id, 10, TRACKED), owner
        )
        saved = await browser.post(f"{here}/edit", data={"revision": "1", **PARTS})
        assert saved.status_code == 303
        assert (await browser.post(f"{here}/submit", data={"revision": "2"})).status_code == 303
        page = (await browser.get(here)).text
        assert live(page) == {}, "what is in review stays as it was frozen"
        assert "new since it was frozen" not in page
        await told(portal, updated("INC-77", "note", minute=61, text="It was the limit of the pool."))
        page = (await browser.get(here)).text
        assert "1 fact is new since it was frozen" in page
        (since,) = re.findall(r'<ul class="known-since">(.*?)</ul>', page, re.DOTALL)
        at = instant(BEGAN + timedelta(minutes=61))
        entry = f'<li>Timeline, {at}: <a href="{incident}">It was the limit of the pool.</a></li>'
        assert since.strip() == entry
        refused = await browser.post(f"{here}/return", data={"return_reason": " "})
        assert refused.status_code == 422
        assert (
            await browser.post(f"{here}/return", data={"return_reason": "More to say"})
        ).status_code == 303
        assert live((await browser.get(here)).text) != {}


async def test_a_form_that_is_refused_keeps_what_was_typed(portal: Portal):
    postmortem = await opened(portal)
    here = f"/postmortems/{postmortem.id}"
    async with portal.browser("sre_operator") as browser:
        conflict = await browser.post(f"{here}/edit", data={"revision": "3", **PARTS})
        assert conflict.status_code == 409
        assert "Exports **failed**." in conflict.text
        assert (await browser.post(f"{here}/edit", data={"revision": "x", **PARTS})).status_code == 422
        assert (await browser.post(f"{here}/return", data={"return_reason": "Why"})).status_code == 409
    found = await portal.house.postmortem_reader.find(await actor(portal, "vendor_admin"), postmortem.id)
    assert found.draft is None


async def test_what_is_not_written_yet_is_named_whole_and_leads_to_where_it_is_written(portal: Portal):
    postmortem = await opened(portal)
    here = f"/postmortems/{postmortem.id}"
    async with portal.browser("sre_operator") as browser:
        edit = (await browser.get(f"{here}/edit")).text
        await browser.post(f"{here}/edit", data={"revision": field(edit, "revision"), "summary": "Failed."})
        refused = await browser.post(f"{here}/submit", data={"revision": "1"})
        assert refused.status_code == 422
        (told,) = re.findall(rf'<a href="{here}/edit#impact">([^<]+)</a>', refused.text)
        assert "Impact on customers" in told
        assert "What contributed" in told
        assert 'id="impact"' in (await browser.get(f"{here}/edit")).text

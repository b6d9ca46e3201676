"""Compliance by forms alone: an evaluation asked for, an assessment taken in, roles reviewed."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from compliance_desk import on_record
from support.foreign_assessment import ENDED, TITLE, foreign_assessment
from support.portal_fixtures import Portal

from trust_portal.access.actors import CONSOLE
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.trust.compliance.oscal.reading import LARGEST
from trust_portal.trust.compliance.reviews.model import HeldRole

pytestmark = pytest.mark.takes(seconds=8)

REVIEW = "/t/aurora/access-review"


async def send(client: httpx.AsyncClient, document: bytes | None, **given: str) -> httpx.Response:
    """The form that takes a file."""
    files = {"document": ("results.json", document if document is not None else b"", "application/json")}
    return await client.post("/compliance/imports", data=given, files=files)


def said(answer: httpx.Response) -> list[str]:
    """What the page says needs attention."""
    (summary,) = re.findall(r'role="alert".*?</ul>', answer.text, re.DOTALL)
    return [
        html.unescape(re.sub(r"<[^>]+>", "", each))
        for each in re.findall(r"<li>.*?</li>", summary, re.DOTALL)
    ]


async def test_an_assessment_is_taken_in_by_its_form_whole_or_not_at_all(portal: Portal) -> None:
    given = {"source": "Cloud Auditors", "max_age": "30", "readers": "vendor", "reason": "yearly"}
    async with portal.browser("approver_security") as security:
        silent = await security.post("/t/vendor/compliance", data={"reason": " "})
        assert (silent.status_code, said(silent)) == (422, ["the reason is missing"])
        assert (await security.post("/t/vendor/compliance", data={"reason": "for others"})).status_code == 303
        own = await portal.house.compliance.newest(CONSOLE, VENDOR_ID)
        assert own is not None
        answer = await security.get(f"/t/vendor/compliance/{own.id}/assessment-results.json")
        document = answer.content
        assert (
            document
            == (await portal.house.compliance.download(CONSOLE, VENDOR_ID, own.id))["assessment-results.json"]
        )
        before = await on_record(portal.house)
        broken = json.loads(document)
        del broken["assessment-results"]["results"][0]["start"]
        for sent, changed, field, words in (
            (None, {}, "document", "choose a file"),
            (b"nonsense", {}, "document", "not JSON in UTF-8: Expecting value: line 1 column 1 (char 0)"),
            (b" " * (LARGEST + 1), {}, "document", "the document is larger than 4 MiB"),
            (b" " * (LARGEST + 70_000), {}, "document", "at most 4 MiB"),
            (
                json.dumps(broken).encode(),
                {},
                "document",
                "assessment-results.results[0].start: it is missing",
            ),
            (document, {"source": ""}, "source", "who assessed it is missing"),
            (document, {"max_age": "soon"}, "max_age", "a whole number of days"),
            (document, {"max_age": "401"}, "max_age", "an age between 1 and 400 days"),
            (document, {"readers": ""}, "readers", "choose who may read the file"),
            (document, {"readers": "nobody"}, "readers", "choose one of customers, vendor"),
            (document, {"reason": ""}, "reason", "the reason is missing"),
        ):
            refused = await send(security, sent, **given | changed)
            assert (refused.status_code, said(refused)) == (422, [words])
            assert f'href="#{field}"' in refused.text
        async with portal.browser("csm") as csm:
            assert (await send(csm, document, **given)).status_code == 403
        assert await on_record(portal.house) == before, "what is refused changes nothing"

        taken = await send(security, document, **given)
        assert (taken.status_code, taken.headers["location"]) == (303, "/compliance")
        (imported,) = await portal.house.assessment_imports.newest(CONSOLE)
        assert (imported.source, imported.max_age, imported.as_of) == (
            "Cloud Auditors",
            timedelta(days=30),
            own.at,
        )
        page = (await security.get("/compliance")).text
        assert f'<a href="/t/vendor/receipts/{imported.receipt_id}">{imported.title}</a>' in page
        again = await send(security, document, **given)
        assert (again.status_code, said(again)) == (409, ["these very bytes were imported before"])
        assert 'value="Cloud Auditors"' in again.text, "what was typed is still there"
        assert await portal.house.assessment_imports.newest(CONSOLE) == (imported,)


async def test_what_another_tool_wrote_is_taken_in_by_its_form_and_grows_old(portal: Portal) -> None:
    given = {"source": "Harbour Assurance", "max_age": "53", "readers": "vendor", "reason": "each spring"}
    async with portal.browser("approver_security") as security, portal.browser("csm") as csm:

        async def listed() -> str:
            (row,) = re.findall(
                r"<tr>\s*<th scope=\"row\">Harbour Assurance</th>(.*?)</tr>",
                (await csm.get("/compliance")).text,
                re.DOTALL,
            )
            return " ".join(re.sub(r"<[^>]+>", " ", row).split())

        taken = await send(security, foreign_assessment(), **given)
        assert (taken.status_code, taken.headers["location"]) == (303, "/compliance")
        portal.clock.advance(ENDED + timedelta(days=53) - portal.clock.now())
        assert (
            await listed()
            == f"{TITLE} what was handed over · read by: The vendor’s people alone 4 2 18 May 2026, 15:30 UTC Fresh"
        ), "exactly as old as it may be"
        portal.clock.advance(timedelta(seconds=1))
        assert (
            await listed()
            == f"{TITLE} what was handed over · read by: The vendor’s people alone 4 2 18 May 2026, 15:30 UTC Stale"
        )


async def test_a_role_is_confirmed_or_taken_away_by_its_form(portal: Portal) -> None:
    async def held() -> dict[Role, HeldRole]:
        found = await portal.house.access_reviews.held(CONSOLE, portal.world.aurora.id)
        return {each.role: each for each in found if "everybody.example" in each.person_email}

    def form_of(role: HeldRole | UUID) -> str:
        return f"{REVIEW}/{role.grant_id if isinstance(role, HeldRole) else role}"

    roles = await held()
    viewer, admin = roles[Role.CUSTOMER_VIEWER], roles[Role.CUSTOMER_ADMIN]
    kept = {"act": "confirm", "reason": "still reads the reports"}
    async with portal.browser("customer_admin") as browser:
        page = (await browser.get(REVIEW)).text
        assert page.count(f'action="{form_of(viewer)}"') == 1
        assert f'action="{form_of(admin)}"' not in page, "nobody is offered their own"
        before = await on_record(portal.house)
        for path, given, status, words in (
            (form_of(viewer), kept | {"reason": " "}, 422, "the reason is missing"),
            (form_of(viewer), {"reason": "so"}, 422, "what you decide is missing"),
            (form_of(viewer), kept | {"act": "delete"}, 422, "choose one of confirm, revoke"),
            (form_of(admin), kept, 409, "ask somebody else: nobody reviews their own role"),
        ):
            refused = await browser.post(path, data=given)
            assert (refused.status_code, said(refused)) == (status, [words])
        refused = await browser.post(form_of(viewer), data=kept | {"act": "delete"})
        assert refused.text.count("<details open>") == 1
        assert 'value="still reads the reports"' in refused.text, "what was typed is still there"
        assert (await browser.post(form_of(uuid4()), data=kept)).status_code == 404
        async with portal.browser("customer_viewer") as other:
            assert (await other.post(form_of(viewer), data=kept)).status_code == 403
        assert await on_record(portal.house) == before, "what is refused changes nothing"
        assert await held() == roles

        done = await browser.post(form_of(viewer), data=kept)
        assert (done.status_code, done.headers["location"]) == (303, REVIEW)
        after = (await held())[Role.CUSTOMER_VIEWER]
        assert (after.reviewed_by, after.reviewed_at) == ("Customer_Admin", portal.clock.now())
        assert "by Customer_Admin" in (await browser.get(REVIEW)).text
        gone = await browser.post(form_of(viewer), data={"act": "revoke", "reason": "left"})
        assert gone.status_code == 303
        assert Role.CUSTOMER_VIEWER not in await held()
        assert (await browser.post(form_of(viewer), data=kept)).status_code == 404

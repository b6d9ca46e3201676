"""Approvals in the portal: the inbox, the page of a decision, and what happens when its form is sent."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from support.approvals_world import ask, person_with, retention_intent, signed_form
from support.passkeys import Devices
from support.portal_fixtures import Portal
from support.portal_world import sign_in

from schema.ids import encode
from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.inbox import ApprovalFilter, Show
from trust_portal.access.approvals.model import (
    ApprovalRequest,
    ApprovalState,
    Deny,
    IntentLine,
    Withdraw,
)
from trust_portal.access.people.model import AddPerson, GrantRole
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.storage.tenancy import TenantScope


@pytest.fixture
async def request_(portal: Portal) -> ApprovalRequest:
    sre = await person_with(portal.house, CONSOLE, Role.SRE_OPERATOR, VENDOR_ID)
    return await ask(portal.house, portal.world.aurora.id, sre.as_actor(), retention_intent("aurora"))


def address(request: ApprovalRequest) -> str:
    return f"/t/aurora/approvals/{request.id}"


async def state(portal: Portal, request: ApprovalRequest) -> ApprovalState:
    reader = (await person_with(portal.house, CONSOLE, Role.VENDOR_ADMIN, VENDOR_ID)).as_actor()
    return (await portal.house.approval_inbox.get(reader, request.tenant_id, request.id)).state


async def test_the_page_shows_the_whole_intent_who_asked_and_why_and_what_is_needed(portal, request_):
    async with portal.browser("approver_finance") as browser:
        page = (await browser.get(address(request_))).text.replace("\u00a0", " ")

    intent = request_.intent
    for said in (
        intent.title,
        intent.effect,
        intent.risk,
        "Retention of exports",
        "30 days instead of 365",
        "Storage doubled since May",
        "Sre_Operator, who asked",
        "Two more, different people: Security and Finance.",
        "left, until 11 July 2026, 09:00 UTC",
        "You may",
        request_.digest,
        request_.rule_id,
    ):
        assert said in page, said
    for each in intent.evidence:
        assert f'<a href="{each.path}">{each.label}</a>' in page
        assert f'data-copy="{each.sha256}"' in page
    assert f"/t/aurora/receipts/{request_.receipt_id}" in page


async def test_two_people_approve_by_form_and_each_step_opens_its_receipt(portal, request_):
    devices, reason = Devices(portal.house), "Clause 7 allows it"
    async with portal.browser("approver_security") as browser:
        form = await signed_form(devices, request_, Role.APPROVER_SECURITY, reason)
        sent = await browser.post(f"{address(request_)}/approve", data=form)
        assert (sent.status_code, sent.headers["location"]) == (303, address(request_))
        page = (await browser.get(address(request_))).text
        assert "One more: Finance." in page
        assert "Approver_Security, who approved as Security" in page
        assert 'formaction="' not in page
        own = page.partition('id="own"')[2].partition('<div class="notice-next">')
        assert "Your decision is on record" in own[0]
        assert "You approved as Security, " in own[0]
        (receipt,) = re.findall(r'<a href="(/t/aurora/receipts/[^"]+)">Its receipt</a>', own[2])
        assert "approval.approved" in (await browser.get(receipt)).text
    async with portal.browser("approver_finance") as browser:
        form = await signed_form(devices, request_, Role.APPROVER_FINANCE, reason)
        await browser.post(f"{address(request_)}/approve", data=form)
        page = (await browser.get(address(request_))).text
        assert "Everybody it takes has approved. It can be done once." in page
        for href in re.findall(r'<span class="stamp-word"><a href="([^"]+)"', page):
            assert (await browser.get(href)).status_code == 200
    assert await state(portal, request_) is ApprovalState.APPROVED


async def test_what_is_signed_stands_under_what_it_says_and_each_exact_line_once(portal):
    lines = (
        IntentLine("Amount", "31000"),
        IntentLine("Currency", "EUR"),
        IntentLine("Until", "2026-07-04T09:00:00.5Z"),
    )
    intent = replace(retention_intent("aurora"), act=lines, effect="Saves EUR 12.345678 an hour")
    sre = await person_with(portal.house, CONSOLE, Role.SRE_OPERATOR, VENDOR_ID)
    request = await ask(portal.house, portal.world.aurora.id, sre.as_actor(), intent)
    async with portal.browser("approver_reliability") as browser:
        page = (await browser.get(address(request))).text.replace("\u00a0", " ")
    for said in ("EUR 31,000.00", "4 July 2026, 09:00 UTC", "Saves EUR 12.35 an hour"):
        assert said in page, said
    assert "This takes an approver for security and an approver for finance, which you are not." in page
    signed = re.findall(r'data-said="(intent\.act\.[^"]+|intent\.effect)">([^<]*)<', page)
    assert sorted(signed) == sorted(
        [
            *(
                (f"intent.act.{at}.{part}", getattr(line, part))
                for at, line in enumerate(lines)
                for part in ("label", "value")
            ),
            ("intent.effect", intent.effect),
        ]
    )


async def test_one_denies_and_the_page_says_calmly_that_nothing_was_done(portal, request_):
    form = {"digest": request_.digest, "reason": "An audit is open"}
    async with portal.browser("approver_finance") as browser:
        await browser.post(f"{address(request_)}/deny", data=form)
        page = (await browser.get(address(request_))).text
    assert "Approver_Finance denied it, and one denial ends a request. Nothing was done." in page
    assert "An audit is open" in page
    assert "Your decision" not in page
    assert await state(portal, request_) is ApprovalState.DENIED


async def test_the_requester_takes_it_back_and_does_not_decide(portal, request_):
    async with portal.browser("sre_operator") as browser:
        page = (await browser.get(address(request_))).text
        assert "Nobody decides on what they asked for themselves." in page
        assert "Your decision" not in page
        refused = await browser.post(f"{address(request_)}/withdraw", data={"withdraw_reason": " "})
        assert refused.status_code == 422
        assert "nothing was changed" in refused.text
        await browser.post(f"{address(request_)}/withdraw", data={"withdraw_reason": "Not needed"})
        assert "Sre_Operator took it back. Nothing was done." in (await browser.get(address(request_))).text
    assert await state(portal, request_) is ApprovalState.WITHDRAWN


@pytest.mark.parametrize(
    ("form", "status", "says"),
    [
        ({"reason": ""}, 422, "say it in 1 to 2,000 characters"),
        ({"digest": "0" * 64}, 409, "this is not what was asked for"),
        ({"slot": "1"}, 403, "this place is for somebody else, an approver for security"),
        ({"slot": "x"}, 422, "there is no such place to fill"),
    ],
    ids=["no reason", "another digest", "another's place", "no place"],
)
async def test_what_is_refused_is_said_on_the_page_and_nothing_is_changed(
    portal, request_, form, status, says
):
    whole = {"digest": request_.digest, "reason": "Fine"} | form
    async with portal.browser("approver_finance") as browser:
        refused = await browser.post(f"{address(request_)}/approve", data=whole)
    assert refused.status_code == status
    assert "nothing was changed" in refused.text
    assert says in refused.text
    assert await state(portal, request_) is ApprovalState.PENDING


async def test_time_that_is_over_is_told_before_any_job_has_run(portal, request_):
    portal.clock.advance(timedelta(days=1, seconds=1))
    fay = await person_with(portal.house, CONSOLE, Role.APPROVER_FINANCE, VENDOR_ID)
    _, cookie = await sign_in(portal.house, fay)
    async with portal.browser(cookie=cookie) as browser:
        page = (await browser.get(address(request_))).text
        assert "Not everybody it takes decided in time. Nothing was done; it can be asked for again." in page
        late = await browser.post(
            f"{address(request_)}/approve", data={"digest": request_.digest, "reason": "Late"}
        )
    assert late.status_code == 409
    assert "the time for this is over" in late.text


async def test_every_page_says_how_many_wait_and_only_to_who_may_decide(portal, request_):
    counted = re.compile(r'nav-count num">(\d+)<')
    for who, expected in (
        ("approver_finance", ["1"]),
        ("approver_security", ["1"]),
        ("approver_reliability", []),
        ("sre_operator", []),
    ):
        async with portal.browser(who) as browser:
            assert counted.findall((await browser.get("/tenants")).text) == expected, who
    async with portal.browser("approver_security") as browser:
        form = await signed_form(Devices(portal.house), request_, Role.APPROVER_SECURITY, "Fine")
        await browser.post(f"{address(request_)}/approve", data=form)
        assert counted.findall((await browser.get("/tenants")).text) == []


async def test_the_inbox_opens_with_what_waits_and_its_sides_have_addresses(portal, request_):
    async with portal.browser("approver_finance") as browser:
        waiting = (await browser.get("/approvals")).text
        assert address(request_) in waiting
        assert "What you can decide on now." in waiting
        assert address(request_) in (await browser.get("/approvals?show=live&kind=retention_change")).text
        assert address(request_) not in (await browser.get("/approvals?kind=credit")).text
        assert "Nothing is over yet" in (await browser.get("/approvals?show=ended")).text
        assert (await browser.get("/approvals?show=everything")).status_code == 422
    async with portal.browser("csm") as browser:
        assert "What waits for somebody" in (await browser.get("/approvals")).text


async def test_a_list_agrees_with_what_each_request_says_of_itself(portal, request_):
    """The list filters in SQL what the page derives from the steps."""
    house, tenant_id = portal.house, portal.world.aurora.id
    sre = (await person_with(house, CONSOLE, Role.SRE_OPERATOR, VENDOR_ID)).as_actor()
    readers = [
        (await person_with(house, CONSOLE, role, VENDOR_ID)).as_actor()
        for role in (Role.APPROVER_FINANCE, Role.APPROVER_SECURITY, Role.SRE_OPERATOR)
    ]
    both = await house.people.add(AddPerson(VENDOR_ID, "both@everybody.example", "Both"), CONSOLE)
    for role in (Role.APPROVER_FINANCE, Role.APPROVER_SECURITY):
        await house.people.grant(GrantRole(VENDOR_ID, both.id, role), CONSOLE)
    readers.append(replace(both, roles=frozenset({Role.APPROVER_FINANCE, Role.APPROVER_SECURITY})).as_actor())
    finance, security, _, double = readers
    devices = Devices(house)

    async def fresh(actor=sre):
        return await ask(house, tenant_id, actor, retention_intent("aurora"))

    async def approve(request, *actors):
        for actor in actors:
            await devices.approve(request, actor, "fine")

    await approve(await fresh(), security)
    await approve(await fresh(), security, finance)
    await approve(await fresh(), double)
    await fresh(finance)
    denied = await fresh()
    await house.decisions.deny(Deny(tenant_id, denied.id, denied.digest, "no"), security)
    withdrawn = await fresh()
    await house.decisions.withdraw(Withdraw(tenant_id, withdrawn.id, "no"), sre)
    used = await fresh()
    await approve(used, security, finance)

    approvers = await house.approvals.who_could(used.kind, tenant_id)
    async with house.storage.write(TenantScope(tenant_id)) as session:
        await house.approvals.use(session, used.id, used.intent, sre, approvers)

    async def listed(reader, show):
        wanted = ApprovalFilter(None if reader.is_staff else tenant_id, show)
        return {
            each.approval.request.id: each
            for each in (await house.approval_inbox.page(reader, wanted, PageRequest(50))).items
        }

    for moved in (timedelta(0), timedelta(minutes=59), timedelta(minutes=2), timedelta(days=1)):
        portal.clock.advance(moved)
        for reader in readers:
            everything = await listed(reader, Show.ALL)
            assert len(everything) == 8
            expected = {
                Show.WAITING: {id_ for id_, view in everything.items() if view.slots},
                Show.LIVE: {id_ for id_, view in everything.items() if view.state.live},
                Show.ENDED: {id_ for id_, view in everything.items() if not view.state.live},
            }
            for show, ids in expected.items():
                assert set(await listed(reader, show)) == ids, (reader.name, show, moved)
            assert await house.approval_inbox.waiting_for(reader) == len(expected[Show.WAITING])


async def test_a_customers_administrator_reads_what_was_asked_about_it_and_names_of_no_one_who_could(
    portal, request_
):
    async with portal.browser("customer_admin") as browser:
        listed = await browser.get("/t/aurora/approvals")
        page = (await browser.get(address(request_))).text
    assert address(request_) in listed.text
    assert request_.intent.risk in page
    assert "Approver_Finance" not in page
    assert "Your decision" not in page
    async with portal.browser("stranger") as browser:
        assert (await browser.get(address(request_))).status_code == 404
        post = await browser.post(
            f"{address(request_)}/deny", data={"digest": request_.digest, "reason": "No"}
        )
        assert post.status_code == 404
    assert await state(portal, request_) is ApprovalState.PENDING


async def test_staff_who_read_a_request_appear_in_the_tenants_access_log(portal, request_):
    async with portal.browser("csm") as browser:
        await browser.get(address(request_))
        await browser.get("/approvals")
    async with portal.browser("customer_admin") as browser:
        log = (await browser.get("/t/aurora/access")).text
    assert log.count("pproval request") >= 2


async def test_the_policies_page_says_who_must_agree_to_what(portal):
    async with portal.browser("auditor") as browser:
        page = (await browser.get("/policies")).text
    assert re.search(r"Retention change</th><td[^>]*>Security, Finance</td>", page)
    assert "retention-change-by-security-and-finance" in page
    assert 'id="approvals.yaml"' in page


async def test_every_rule_that_a_receipt_cites_is_a_link_to_its_text(portal, request_):
    await portal.house.decisions.deny(
        Deny(request_.tenant_id, request_.id, request_.digest, "no"),
        (await person_with(portal.house, CONSOLE, Role.APPROVER_SECURITY, VENDOR_ID)).as_actor(),
    )
    async with portal.browser("auditor") as browser:
        page = (await browser.get(address(request_))).text
        cited = set(re.findall(r'href="/policies[?]version=[0-9a-f]{64}#([^"]+)"', page))
        for receipt in set(re.findall(r"/t/aurora/receipts/[0-9a-f-]{36}", page)):
            text = (await browser.get(receipt)).text
            cited |= set(re.findall(r'href="/policies[?]version=[0-9a-f]{64}#([^"]+)"', text))
        rules = (await browser.get("/policies")).text
    assert cited == {"retention-change-by-security-and-finance", "approvers-decide"}
    for id_ in cited:
        assert f'<span id="{id_}" class="rule">' in rules
    texts = {each.name: each.text for each in portal.house.gate.policies.texts}
    ids = re.findall(r'^@id\("([^"]+)"\)$|^  id: (.+)$', "\n".join(texts.values()), re.MULTILINE)
    assert len(ids) > 60
    for id_ in ids:
        assert f'<span id="{id_[0] or id_[1]}" class="rule">' in rules


async def test_an_approver_sees_who_approves_for_whom_on_the_page_and_over_graphql(portal, request_):
    hints = (
        "query ($id: ID!) { node(id: $id) { ... on ApprovalRequest { hints { approver long returned } } } }"
    )
    sam = (await person_with(portal.house, CONSOLE, Role.APPROVER_SECURITY, VENDOR_ID)).as_actor()
    await Devices(portal.house).approve(request_, sam, "fine")
    sre = await person_with(portal.house, CONSOLE, Role.SRE_OPERATOR, VENDOR_ID)
    again = await ask(portal.house, portal.world.aurora.id, sre.as_actor(), retention_intent("aurora", "60"))
    told = "Approver_Security approved 1 for the one who asks in 90 days, 1 of them in the last 30"
    variables = {"id": encode("ApprovalRequest", again.tenant_id, again.id)}
    for who, expected in (("approver_finance", 1), ("csm", 0)):
        async with portal.browser(who) as browser:
            assert (told in (await browser.get(address(again))).text) is bool(expected)
            answer = await browser.post("/graphql", json={"query": hints, "variables": variables})
            assert len(answer.json()["data"]["node"]["hints"]) == expected

"""The demo's approvers come in by the page like everybody: they enrol a device and sign what the page says."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest
from support.approvals_world import ask, person_with, retention_intent

from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.model import ApprovalKind, ApprovalState
from trust_portal.demo.approving import Approvers
from trust_portal.demo.proof import Visitor
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID


@pytest.fixture
async def credit(portal):
    """A request that must be signed by finance and reliability."""
    house = portal.house
    sre = await person_with(house, CONSOLE, Role.SRE_OPERATOR, VENDOR_ID)
    tenant = await house.tenants.by_key(CONSOLE, "aurora", purpose="test")
    intent = replace(retention_intent("aurora"), kind=ApprovalKind.CREDIT)
    return await ask(house, tenant.id, sre.as_actor(), intent)


async def test_two_personas_enrol_and_sign(portal, credit, monkeypatch):
    async def sign_in(cls, client, role):
        return cls(portal.browser(role.value))

    monkeypatch.setattr(Visitor, "sign_in", classmethod(sign_in))
    approvers = Approvers(portal.house.settings.base_url)
    for role in (Role.APPROVER_FINANCE, Role.APPROVER_RELIABILITY):
        await approvers.approve("aurora", credit.id, role, "Looked at it: “fine” & proper")
    assert set(approvers.devices) == {Role.APPROVER_FINANCE, Role.APPROVER_RELIABILITY}
    view = await portal.house.approval_inbox.get(
        (await person_with(portal.house, CONSOLE, Role.CSM, VENDOR_ID)).as_actor(),
        credit.tenant_id,
        credit.id,
    )
    assert view.state is ApprovalState.APPROVED
    assert all(each.signature_id is not None for each in view.approval.approvals)


async def test_the_page_says_what_is_needed_and_where_to_get_it(portal, credit):
    path = f"/t/aurora/approvals/{credit.id}"
    async with portal.browser("approver_finance") as browser:
        page = (await browser.get(path)).text
        assert "You need a passkey to approve this" in page
        assert 'href="/account#passkeys"' in page
        assert "Sign and approve" not in page
        sent = await browser.post(f"{path}/approve", data={"digest": credit.digest, "reason": "Fine"})
        assert sent.status_code == 422
        assert "enrol one on your account" in sent.text
        assert "No passkey yet" in (await browser.get("/account")).text


async def test_who_has_no_passkey_can_still_deny_and_who_has_one_sees_it_on_their_account(
    portal, credit, monkeypatch
):
    async def sign_in(cls, client, role):
        return cls(portal.browser(role.value))

    monkeypatch.setattr(Visitor, "sign_in", classmethod(sign_in))
    approvers = Approvers(portal.house.settings.base_url)
    await approvers.approve("aurora", credit.id, Role.APPROVER_FINANCE, "Fine")
    async with portal.browser("approver_finance") as browser:
        account = (await browser.get("/account")).text
        assert "Device of the demo" in account
        assert "On one device" in account
    path = f"/t/aurora/approvals/{credit.id}"
    async with portal.browser("approver_reliability") as browser:
        denied = await browser.post(
            f"{path}/deny", data={"digest": credit.digest, "reason": "No", "assertion": ""}
        )
        assert denied.status_code == httpx.codes.SEE_OTHER
        assert "denied it" in (await browser.get(path)).text


@pytest.mark.parametrize("assertion", ["{", "[]", '{"credentialId": 1}', '{"credentialId": "a b"}'])
async def test_nonsense_for_a_signature_is_refused_by_name(portal, credit, assertion: str):
    path = f"/t/aurora/approvals/{credit.id}"
    async with portal.browser("approver_finance") as browser:
        form = {"digest": credit.digest, "reason": "Fine", "assertion": assertion}
        assert (await browser.post(f"{path}/approve", data=form)).status_code == 422

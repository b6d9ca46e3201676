"""Signing keys and policies in the portal: what their forms refuse, who may send them, and that nothing is asked then."""

from __future__ import annotations

import pytest
from support.approvals_world import person_with
from support.portal_fixtures import Portal

from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.inbox import ApprovalFilter, Show
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest


async def asked(portal: Portal) -> int:
    """How many requests the vendor has, whatever became of them."""
    reader = (await person_with(portal.house, CONSOLE, Role.VENDOR_ADMIN, VENDOR_ID)).as_actor()
    wanted = ApprovalFilter(VENDOR_ID, Show.LIVE)
    return len((await portal.house.approval_inbox.page(reader, wanted, PageRequest(10))).items)


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/keys", {"purpose": "receipts", "reason": "it is time", "key_id": ""}, 409),
        ("/keys", {"purpose": "coffee", "reason": "it is time", "key_id": ""}, 422),
        ("/keys", {"purpose": "receipts", "reason": " ", "key_id": ""}, 422),
        ("/policies", {"reason": "the new release"}, 409),
        ("/policies", {"reason": ""}, 422),
    ],
    ids=["no key is prepared", "no such key", "no reason", "nothing new", "no reason for policies"],
)
async def test_what_cannot_be_asked_for_is_said_on_the_page_and_nothing_is(
    portal: Portal, path: str, form: dict[str, str], status: int
) -> None:
    async with portal.browser("approver_security") as browser:
        refused = await browser.post(path, data=form)
    assert refused.status_code == status
    assert "nothing was changed" in refused.text
    assert await asked(portal) == 0


@pytest.mark.parametrize("path", ["/keys", "/policies"])
@pytest.mark.parametrize("who", ["csm", "approver_finance", "sre_operator"])
async def test_who_may_not_ask_finds_no_form_and_is_refused(portal: Portal, path: str, who: str) -> None:
    async with portal.browser(who) as browser:
        assert f'method="post" action="{path}"' not in (await browser.get(path)).text
        sent = await browser.post(path, data={"purpose": "receipts", "reason": "it is time"})
    assert sent.status_code == 403
    assert await asked(portal) == 0

"""A credit is issued by somebody who neither proposed nor approved it, unless a policy says otherwise; then all say so."""

from __future__ import annotations

import json

import pytest
from credit_desk import Desk, memo_bundle, promise, trust_of
from sqlalchemy import text

from trust_portal.access.policy import PolicySet, shipped_policies
from trust_portal.errors import Denied
from trust_portal.evidence import bundle
from trust_portal.evidence.verify import verify
from trust_portal.house import House
from trust_portal.kernel.actor import SYSTEM
from trust_portal.reliability.credits.model import CreditState
from trust_portal.reliability.credits.presentation import Imprint, credit_memo_html
from trust_portal.reliability.recompute import RECOMPUTERS
from trust_portal.reliability.verification import KINDS
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=10)
TEXTS = {each.name: each.text for each in shipped_policies().texts}
POLICY = "few-people-issue-their-own"
RULE = f"""
@id("{POLICY}")
permit (principal, action == Action::"tenant:own_credit:issue", resource)
when {{ principal in Role::"approver_finance" || principal in Role::"finops_operator" }};
"""
LETS_THEM = PolicySet.parse({**TEXTS, "staff.cedar": TEXTS["staff.cedar"] + RULE})


@pytest.fixture(params=["whoever proposed it", "whoever approved it"])
async def own(request: pytest.FixtureRequest, house: House, desk: Desk, sequencer: None):
    """An approved credit, and somebody with a part in it who may issue credits: Finn, or Fay."""
    await promise(house)
    await desk.sign()
    proposer, who = ("finn", "finn") if request.param == "whoever proposed it" else ("olive", "fay")
    return await desk.approve(await desk.propose(proposer)), who


async def test_with_such_a_policy_it_passes_and_rows_receipt_memo_and_bundle_say_by_which(
    house: House, desk: Desk, own, browser
):
    credit, who = own
    page = await browser(who)
    address = f"/t/acme/credits/{credit.id}"
    assert f"{address}/issue" not in (await page.get(address)).text
    house.gate.policies = LETS_THEM
    assert f"{address}/issue" in (await page.get(address)).text

    issued = await desk.issue(credit, who)

    assert issued.state is CreditState.ISSUED
    assert issued.issue is not None
    assert issued.issue.by_id == desk.people[who].id
    async with house.storage.read(TenantScope(desk.tenant.id)) as session:
        rows = await session.execute(
            text(
                "SELECT i.allowed_by, i.own_allowed, i.issuer_id, array_agg(a.own_allowed) FROM credit_issues i"
                " JOIN credit_issue_approvals a ON a.tenant_id = i.tenant_id AND a.credit_id = i.credit_id"
                " WHERE i.tenant_id = :t AND i.credit_id = :c GROUP BY 1, 2, 3"
            ),
            {"t": desk.tenant.id, "c": issued.id},
        )
        assert [tuple(row) for row in rows] == [(POLICY, True, desk.people[who].id, [True, True])]
    said = await desk.statement(issued.last.receipt_id)
    assert said["result"]["allowed_by"] == POLICY
    assert said["policies"]["version"] == LETS_THEM.version

    data = await memo_bundle(house, issued)

    memo = json.loads(dict(bundle.read(data).files)["memo.json"])
    assert memo["issue"]["allowed_by"] == POLICY
    assert memo["issue"]["by"]["person"] == str(desk.people[who].id)
    had_a_part = {memo["proposal"]["by"]["person"], *(a["person"] for a in memo["approval"]["approvals"])}
    assert memo["issue"]["by"]["person"] in had_a_part
    paper = credit_memo_html(memo, Imprint("ab" * 32, "memo.zip"))
    assert f"not who issued, except as the policy {POLICY} allowed here." in " ".join(paper.split())
    verdict = verify(data, policy=await trust_of(house, desk), kinds=KINDS, recomputers=RECOMPUTERS)
    assert verdict.findings == ()


async def test_without_one_it_is_refused_and_nothing_changes(desk: Desk, own):
    credit, who = own
    before = await desk.stored()

    with pytest.raises(Denied) as refusal:
        await desk.issue(credit, who)

    assert refusal.value.code == "NOT_SEPARATE"
    assert await desk.stored() == before
    assert (await desk.house.credits.get(SYSTEM, desk.tenant.id, credit.id)).state is CreditState.APPROVED

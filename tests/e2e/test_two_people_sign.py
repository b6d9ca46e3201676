"""A credit from the proposal to the memo, in browsers whose devices really sign: two people enrol and approve,
one of them on a phone.

What is no approval is sent from the same browsers, signed by the same devices: each is refused by a name of
its own, and nothing changes by it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect
from support.browser_devices import ask, enrol, give_a_device, sign
from support.downloaded_bundles import results_of, verdict_on

from trust_portal.evidence.statement import ReceiptKind
from trust_portal.kernel.canonical import digest
from trust_portal.kernel.clock import rfc3339

pytestmark = pytest.mark.takes(seconds=50)

FINANCE, RELIABILITY = "approver_finance", "approver_reliability"
#: The second who signs has a phone in her hand: there a decision that cannot be read is not made.
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
REQUESTS = """query ($key: String!) { tenant(key: $key) { approvalRequests(first: 20, kind: CREDIT) { edges {
  node { id intentSha256 nonce expiresAt intent { canonical } } } } } }"""
STANDING = """query ($key: String!) { tenant(key: $key) { credits(first: 1) { edges { node { state } } }
  receipts(first: 100) { edges { node { id } } pageInfo { hasNextPage } } } }"""
CREATE_TOKEN = """mutation ($input: CreateApiTokenInput!) { createApiToken(input: $input) {
  secret userErrors { code } } }"""
APPROVE = (
    """mutation ($input: ApproveRequestInput!) { approveRequest(input: $input) { userErrors { code } } }"""
)


@dataclass(frozen=True)
class Request:
    """A credit's request for approval: where people see it, and what a program knows of it."""

    tenant: str
    page: str
    row: Mapping[str, Any]

    @property
    def intent(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.row["intent"]["canonical"])
        return found


@dataclass
class Cast:
    """Whoever plays: everybody in a browser of their own. ``ids`` are of those who sign."""

    operator: Any
    finance: Any
    reliability: Any
    ids: dict[str, str] = field(default_factory=dict)

    def standing(self, request: Request) -> tuple[str, int]:
        """The state of the customer's newest credit, and how many receipts the customer has."""
        tenant = ask(self.operator.page, STANDING, key=request.tenant)["data"]["tenant"]
        assert not tenant["receipts"]["pageInfo"]["hasNextPage"]
        return tenant["credits"]["edges"][0]["node"]["state"], len(tenant["receipts"]["edges"])


def signed(
    cast: Cast, visitor: Any, request: Request, role: str, *, amount: str | None = None
) -> dict[str, Any]:
    """An approval that no page of ours offers, signed by the visitor's own device."""
    slot = {FINANCE: 1, RELIABILITY: 2}[role]
    intent = request.intent
    for line in intent["act"]:
        if amount is not None and line["label"] == "Amount":
            line["value"] = amount
    statement = {
        "type": "urn:trustportal:approval-statement:v1",
        "request": request.page.rsplit("/", 1)[1],
        "nonce": request.row["nonce"],
        "expires_at": rfc3339(datetime.fromisoformat(request.row["expiresAt"])),
        "intent": intent,
        "decision": "approve",
        "slot": str(slot),
        "role": role,
        "person": {"id": cast.ids[visitor.name], "name": visitor.name},
        "reason": "by myself",
    }
    return {
        "approvalRequestId": request.row["id"],
        "intentSha256": digest(intent),
        "reason": "by myself",
        "slot": slot,
        "assertion": sign(visitor.page, statement),
    }


def code_of(answer: Mapping[str, Any]) -> str:
    """How it is refused: a request among the user's errors, a caller by an error."""
    if "errors" in answer:
        (error,) = answer["errors"]
        return str(error["extensions"]["code"])
    (refusal,) = answer["data"]["approveRequest"]["userErrors"]
    return str(refusal["code"])


def refused(cast: Cast, request: Request, send: Callable[[], Mapping[str, Any]]) -> str:
    """The name of the refusal; and that neither a credit nor a log is another one by it."""
    before = cast.standing(request)
    code = code_of(send())
    assert cast.standing(request) == before, code
    return code


def sends(page: Page, command: Mapping[str, Any]) -> Callable[[], Mapping[str, Any]]:
    return lambda: ask(page, APPROVE, input=command)


def sign_what_was_changed(visitor: Any, address: str) -> None:
    """Whoever changes what the page shows gets no signature: not from the browser, and nothing is decided."""
    page = visitor.page
    page.goto(address)
    page.fill("#reason", "looks right")
    page.evaluate("document.querySelector(\"[data-said='intent.act.3.value']\").textContent = '1.00'")
    page.click("button:has-text('Sign and approve')")
    expect(page.locator("[data-passkey-says] p")).to_contain_text("not what was asked for")
    page.reload()
    assert page.locator(".stamp", has_text=visitor.name).count() == 0


def approve(visitor: Any, address: str, reason: str) -> dict[str, Any]:
    """By the page; what was signed. Nothing of it, open or closed, is wider than the visitor's screen."""
    page = visitor.page
    page.goto(address)
    assert fits(page)
    page.fill("#reason", reason)
    page.click("text=The statement that your device signs")
    assert fits(page)
    statement: dict[str, Any] = json.loads(page.locator("#statement").inner_text())
    assert (statement["reason"], statement["decision"]) == (reason, "approve")
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.click("button:has-text('Sign and approve')")
    expect(page.locator(".stamp", has_text=visitor.name)).to_be_visible()
    assert fits(page)
    form = dict(httpx.QueryParams(sent.value.post_data or ""))
    return {"reason": reason, "slot": int(statement["slot"]), "assertion": json.loads(form["assertion"])}


def proposed(operator: Any, tenant: str, period: str) -> tuple[str, Request]:
    """The report is signed, and its credit proposed by hand: the credit's page, and the request."""
    page = operator.page
    operator.open(f"/t/{tenant}/reports")
    page.select_option("#period", period)
    page.click("text=Compute and issue")
    page.wait_for_url("**/reports/*")
    operator.open(f"/t/{tenant}/credits")
    page.select_option("form[action$='/credits'] select[name=period]", period)
    page.fill("form[action$='/credits'] [name=reason]", "the report says so")
    page.click("form[action$='/credits'] button[type=submit]")
    page.wait_for_url("**/credits/*")
    credit = page.url
    shown = page.locator("dd .digest code").first.get_attribute("title")
    page.click("text=The request as the approvers see it")
    page.wait_for_url("**/approvals/*")
    (row,) = (
        each["node"]
        for each in ask(page, REQUESTS, key=tenant)["data"]["tenant"]["approvalRequests"]["edges"]
        if each["node"]["intentSha256"] == shown
    )
    return credit, Request(tenant, page.url, row)


def come_in(visit: Any, role: str, name: str, **context: Any) -> Any:
    visitor = visit(**context)
    visitor.name = name
    visitor.enter(role)
    return visitor


def fits(page: Page) -> bool:
    """Nothing lies beside the screen: the page as a whole cannot be moved sideways.

    Asked once the page is there with its styles: a text can be seen before they have come.
    """
    page.wait_for_load_state("load")
    found: bool = page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    return found


def with_a_device(visitor: Any, request: Request) -> Any:
    """An approver who enrols a device, because the page asks for one."""
    visitor.page.goto(request.page)
    assert visitor.page.locator("text=You need a passkey to approve this").count() == 1
    assert visitor.page.locator("button:has-text('Sign and approve')").count() == 0
    assert fits(visitor.page)
    give_a_device(visitor.page)
    enrol(visitor, "Virtual device")
    assert fits(visitor.page)
    return visitor


def give_role(visit: Any, name: str, role: str, *, take_back: bool = False) -> str:
    """The vendor's administrator gives somebody a role, or takes it; that person's id."""
    admin = come_in(visit, "vendor_admin", "Ada Vogel")
    admin.open("/t/vendor/people")
    row = admin.page.locator("tr", has_text=name)
    row.locator("summary").click()
    form = row.locator("form[action$='/roles']")
    action = form.get_attribute("action")
    form.locator("select").select_option(role)
    with admin.page.expect_navigation():
        form.locator(f"button:has-text('{'Revoke' if take_back else 'Grant'}')").click()
    return str(action).split("/")[-2]


def token_of(visitor: Any) -> str:
    """A token with every right that tokens can have of their issuer."""
    tenant = ask(visitor.page, "{ viewer { tenant { id } } }")["data"]["viewer"]["tenant"]["id"]
    command = {"tenantId": tenant, "label": "Script", "scopes": ["OPERATE"], "days": 1}
    issued = ask(visitor.page, CREATE_TOKEN, input=command)["data"]["createApiToken"]
    assert issued["userErrors"] == []
    return str(issued["secret"])


def by_token(place: Any, token: str, command: Mapping[str, Any]) -> Mapping[str, Any]:
    answer = httpx.post(
        f"{place.url}/graphql",
        json={"query": APPROVE, "variables": {"input": command}},
        headers={"authorization": f"Bearer {token}"},
        trust_env=False,
    )
    found: Mapping[str, Any] = answer.json()
    return found


def test_two_people_sign_what_six_others_cannot_and_the_memo_verifies_offline(
    visit: Any, place: Any, tmp_path: Path
):
    operator = come_in(visit, "sre_operator", "Samir Rao")
    credit, request = proposed(operator, "aurora", place.period)
    _, other = proposed(operator, "brightside", place.period)
    finance = with_a_device(come_in(visit, FINANCE, "Farid Haddad"), request)
    reliability = with_a_device(come_in(visit, RELIABILITY, "Rosa Lindqvist", **PHONE), request)
    cast = Cast(operator, finance, reliability)
    for each in (finance, reliability):
        each.page.goto(request.page)
        cast.ids[each.name] = each.page.locator("[data-said='person.id']").inner_text()
    names = {}

    sign_what_was_changed(finance, request.page)
    edited = signed(cast, finance, request, FINANCE, amount="1000.00")
    names["edited amount"] = refused(cast, request, sends(finance.page, edited))

    given = approve(finance, request.page, "Farid looked at it")
    twice = signed(cast, finance, request, RELIABILITY)
    names["same person twice"] = refused(cast, request, sends(finance.page, twice))

    replay = given | {"approvalRequestId": other.row["id"], "intentSha256": other.row["intentSha256"]}
    names["replayed approval"] = refused(cast, other, sends(finance.page, replay))

    cast.ids[operator.name] = give_role(visit, operator.name, RELIABILITY)
    give_a_device(operator.page)
    enrol(operator, "Virtual device")
    own = signed(cast, operator, other, RELIABILITY)
    names["requester"] = refused(cast, other, sends(operator.page, own))
    token = token_of(operator)
    names["token"] = refused(cast, other, lambda: by_token(place, token, own))
    give_role(visit, operator.name, RELIABILITY, take_back=True)

    in_time = signed(cast, reliability, other, RELIABILITY)
    approve(reliability, request.page, "Rosa looked at it")
    reliability.page.goto(credit)
    assert fits(reliability.page)

    memo, policy = issued(visit, operator, credit, tmp_path)
    verdict = verdict_on(memo, policy)
    assert verdict["ok"] is True
    assert any(
        each.startswith("2 decisions are signed with passkeys of 2 people") for each in verdict["proved"]
    )
    decisions = results_of(memo, ReceiptKind.APPROVAL_APPROVED)
    assert sorted(each["signature"]["statement"]["person"]["name"] for each in decisions) == [
        "Farid Haddad",
        "Rosa Lindqvist",
    ]

    # A week and a day later; whoever was signed in has to come in again.
    place.pass_time(timedelta(days=8))
    operator.enter("sre_operator")
    reliability.enter(RELIABILITY)
    for _ in range(240):
        if cast.standing(other)[0] == "EXPIRED":
            break
        operator.page.wait_for_timeout(500)
    names["expired statement"] = refused(cast, other, sends(reliability.page, in_time))

    assert names == {
        "edited amount": "INTENT_CHANGED",
        "same person twice": "SAME_APPROVER",
        "replayed approval": "ASSERTION_NOT_THIS_STATEMENT",
        "requester": "OWN_REQUEST",
        "token": "DENIED",
        "expired statement": "APPROVAL_EXPIRED",
    }


def issued(visit: Any, operator: Any, credit: str, folder: Path) -> tuple[Path, Path]:
    """A third person books it under a reference; the memo and the trust policy, as they are downloaded."""
    finops = come_in(visit, "finops_operator", "Fiona Walsh")
    for _ in range(60):
        finops.page.goto(credit)
        if finops.page.locator("#reference").count():
            break
        finops.page.wait_for_timeout(500)
    finops.page.fill("#reference", "CN-E2E-1")
    finops.page.click("button:has-text('Issue')")
    for _ in range(120):
        operator.page.goto(credit)
        if operator.page.locator(".downloads a").count():
            break
        operator.page.wait_for_timeout(500)
    with operator.page.expect_download() as download:
        operator.page.click(".downloads a")
    memo = folder / "memo.zip"
    download.value.save_as(memo)
    with operator.page.expect_download() as download:
        operator.page.click("text=the trust policy")
    policy = folder / "aurora.policy"
    download.value.save_as(policy)
    return memo, policy

"""The portal and GraphQL: the same services, the same results, the same refusals."""

from __future__ import annotations

import json
import re

import httpx
from credit_desk import JUNE, PLACES, Desk, memo_bundle, promise

from schema.ids import encode
from trust_portal.house import House
from trust_portal.reliability.credits.model import CreditState

ROOT = "/t/acme"


def stamps(page: str) -> list[tuple[str, str, bool]]:
    """(word, state, whether it opens something) of every stamp of the chain."""
    return [
        (re.sub(r"<[^>]+>", "", word).replace(" (not yet)", "").strip(), state, "href=" in word)
        for state, word in re.findall(
            r'class="stamp stamp-(\w+)">.*?class="stamp-word">(.*?)</span>\s*(?:<span class="stamp-note|</li>)',
            page,
            re.DOTALL,
        )
    ]


async def test_from_the_form_to_the_memo_and_every_stamp_opens_its_receipt(
    house: House, desk: Desk, browser, sequencer: None
):
    await promise(house)
    await desk.consider(await desk.sign())
    cora, finn, fay, carla = [await browser(name) for name in ("cora", "finn", "fay", "carla")]
    listed = (await cora.get(f"{ROOT}/credits")).text
    assert "Due, and not on its way" in listed
    assert "EUR\u00a0100.00" in listed
    refused = await cora.post(f"{ROOT}/credits", data={"period": JUNE, "reason": " "})
    assert (refused.status_code, "say it in 1 to 2,000 characters" in refused.text) == (422, True)
    made = await cora.post(f"{ROOT}/credits", data={"period": JUNE, "reason": "by the report"})
    assert made.status_code == 303
    address = made.headers["location"]
    page = (await fay.get(address)).text
    assert stamps(page) == [
        ("Measured", "done", True),
        ("Calculated", "done", True),
        ("Proposed", "done", True),
        ("Approved", "next", False),
        ("Approved", "next", False),
        ("Issued", "next", False),
    ]
    assert "It still needs approval for finance and for reliability" in page
    assert f"{address}/reject" in page
    assert f"{address}/issue" not in page
    (credit,) = await house.credits.of_period(desk.by("olive"), desk.tenant.id, JUNE)
    told = f"{ROOT}/reports/{credit.calculation.report_id}"
    page = (await carla.get(told)).text
    assert "A credit of EUR\u00a0100.00 is due by the contract." in page
    assert re.findall(
        r'status-(\w+)"><svg.*?</svg> <span>(Proposed)</span></span> <a href="([^"]+)"', page, re.DOTALL
    ) == [("busy", "Proposed", address)]
    await desk.approve(credit)
    assert f"{address}/issue" not in (await fay.get(address)).text, "who approved does not issue"
    page = (await finn.get(address)).text
    assert f"{address}/issue" in page
    wrong = await finn.post(f"{address}/issue", data={"reference": "CN-1", "amount": "120.00"})
    assert (
        wrong.status_code,
        "120.00 EUR is not the amount that was approved, which is 100.00 EUR" in wrong.text,
    ) == (
        409,
        True,
    )
    empty = await finn.post(f"{address}/issue", data={"reference": " ", "amount": ""})
    assert empty.status_code == 422
    assert '<a href="#reference">the reference in the billing system is missing</a>' in empty.text
    assert '<a href="#amount">the amount that was booked is missing</a>' in empty.text
    assert (await desk.look(credit)).state is CreditState.APPROVED
    done = await finn.post(f"{address}/issue", data={"reference": "CN-1", "amount": "100.00"})
    assert (done.status_code, done.headers["location"]) == (303, address)
    await memo_bundle(house, await desk.look(credit))
    for path in (told, ROOT):
        page = (await carla.get(path)).text
        assert "Its credit of EUR\u00a0100.00 was issued as CN-1." in page
        assert "is due" not in page, "what was issued is not due any longer"
        assert f'<a href="{address}">Credit of EUR\u00a0100.00</a>, as CN-1' in page
    page = (await carla.get(address)).text
    words = ["Measured", "Calculated", "Proposed", "Approved", "Approved", "Issued"]
    assert stamps(page) == [(word, "done", True) for word in words]
    for receipt in sorted(set(re.findall(rf'href="({ROOT}/receipts/[^"]+)"', page))):
        assert (await carla.get(receipt)).status_code == 200
    bundle = re.search(rf'href="({ROOT}/exports/[^"]+/bundle.zip)"', page)
    assert bundle is not None
    assert (await carla.get(bundle[1])).headers["content-type"] == "application/zip"
    assert "/issue" not in page
    calculation = f"{ROOT}/credits/calculations/{credit.calculation.id}"
    assert "Why this amount" in (await carla.get(calculation)).text
    source = await carla.get(f"{calculation}/source")
    assert source.content == await house.credits.calculation(
        desk.by("carla"), desk.tenant.id, credit.calculation.id
    )
    everybody = (await finn.get(f"/credits?state=issued&of={JUNE}")).text
    assert "Acme GmbH" in everybody
    assert "Acme GmbH" not in re.sub("<nav.*?</nav>", "", (await finn.get("/credits?state=voided")).text)
    assert (await carla.get("/credits")).status_code == 403
    assert (await finn.get(f"{ROOT}/credits?state=gone")).status_code == 422


async def test_what_is_sent_twice_is_done_once(house: House, desk: Desk, browser):
    """A second click, a reload, a retry of a program: each act as it was sent, once more."""
    await promise(house)
    await desk.sign()
    cora, fay, rob, finn = [await browser(name) for name in ("cora", "fay", "rob", "finn")]

    async def twice(who: httpx.AsyncClient, path: str, **form: str) -> None:
        first = await who.post(path, data=form)
        assert first.status_code == 303, first.text
        stood = await desk.stored()
        assert (await who.post(path, data=form)).status_code == 409
        assert await desk.stored() == stood

    await twice(cora, f"{ROOT}/credits", period=JUNE, reason="by the report")
    (credit,) = await house.credits.of_period(desk.by("olive"), desk.tenant.id, JUNE)
    request = (await desk.approval(credit)).request
    for name, who in (("fay", fay), ("rob", rob)):
        signed = await desk.devices.sign(request, desk.by(name), "as the report says", slot=PLACES[name])
        form = {"digest": request.digest, "slot": str(PLACES[name]), "assertion": json.dumps(signed.json())}
        await twice(who, f"{ROOT}/approvals/{request.id}/approve", **form, reason="as the report says")
    await house.credit_decisions.approval_settled(desk.tenant.id, request.id)
    await twice(finn, f"{ROOT}/credits/{credit.id}/issue", reference="CN-1", amount="100.00")
    assert (await desk.look(credit)).state is CreditState.ISSUED


async def test_rejecting_and_voiding_by_form(house: House, desk: Desk, browser):
    await promise(house)
    await desk.sign()
    credit = await desk.propose()
    address = f"{ROOT}/credits/{credit.id}"
    fay, finn = await browser("fay"), await browser("finn")
    digest = (await desk.approval(credit)).request.digest
    silent = await fay.post(f"{address}/reject", data={"digest": digest, "reject_reason": ""})
    assert silent.status_code == 422
    said = await fay.post(f"{address}/reject", data={"digest": digest, "reject_reason": "the fee is wrong"})
    assert said.status_code == 303
    page = (await finn.get(address)).text
    assert stamps(page)[-1] == ("Rejected", "refused", True)
    assert "Rejected: the fee is wrong" in page
    again = await desk.propose()
    voided = await finn.post(f"{ROOT}/credits/{again.id}/void", data={"void_reason": "twice"})
    assert voided.status_code == 303
    assert (await desk.look(again)).state is CreditState.VOIDED
    gone = await finn.post(f"{ROOT}/credits/{again.id}/void", data={"void_reason": "thrice"})
    assert (gone.status_code, "this credit is voided" in gone.text) == (409, True)


async def test_a_customer_claims_by_form_and_sees_what_became_of_it(house: House, desk: Desk, browser, clock):
    await promise(house)
    await desk.sign()
    carla = await browser("carla")
    claimed = await carla.post(f"{ROOT}/credits/claims", data={"period": JUNE, "reason": "June was bad"})
    assert (claimed.status_code, claimed.headers["location"]) == (303, f"{ROOT}/credits#claims")
    page = (await carla.get(f"{ROOT}/credits")).text
    assert "June was bad" in page
    assert "Accepted" in page
    assert 'name="reason"' in page, "she may claim"
    assert f'action="{ROOT}/credits"' not in page, "and not propose"


TENANT = """
query($key: String!) { tenant(key: $key) {
  creditsDue { period amount outcome }
  credits(first: 5, state: ISSUED) { nodes { id period kind state amount currency reference origin
    history { state by receipt { kind } } calculation { total document } memo export { state } } }
  creditClaims(first: 5) { nodes { code } }
} }
"""


async def ask(client: httpx.AsyncClient, query: str, **variables: object) -> dict:
    answer = await client.post(
        "/graphql", json={"query": query, "variables": variables}, headers={"accept": "application/json"}
    )
    return answer.json()


async def test_graphql_does_the_same_by_the_same_services(house: House, desk: Desk, browser):
    await promise(house)
    await desk.consider(await desk.sign())
    cora, finn, carla = [await browser(name) for name in ("cora", "finn", "carla")]
    tenant_id = encode("Tenant", desk.tenant.id, desk.tenant.id)
    due = (await ask(cora, TENANT, key="acme"))["data"]["tenant"]["creditsDue"]
    assert due == [{"period": JUNE, "amount": "100.00", "outcome": "DUE"}]
    propose = (
        "mutation($i: ProposeCreditInput!) { proposeCredit(input: $i) { credit { id state intentSha256 } "
        "userErrors { code path } } }"
    )
    input_ = {"tenantId": tenant_id, "period": JUNE, "reason": "by the report"}
    made = (await ask(cora, propose, i=input_))["data"]["proposeCredit"]
    assert (made["userErrors"], made["credit"]["state"]) == ([], "PROPOSED")
    again = (await ask(cora, propose, i=input_))["data"]["proposeCredit"]
    assert again == {"credit": None, "userErrors": [{"code": "CREDIT_LIVE", "path": ["input", "period"]}]}
    (credit,) = await house.credits.of_period(desk.by("olive"), desk.tenant.id, JUNE)
    await desk.approve(credit)
    issue = (
        "mutation($i: IssueCreditInput!) { issueCredit(input: $i) { credit { state reference } userErrors "
        "{ code } } }"
    )
    booked = {"creditId": made["credit"]["id"], "reference": "CN-1", "amount": "1.00"}
    refused = (await ask(finn, issue, i=booked))["data"]["issueCredit"]
    assert refused == {"credit": None, "userErrors": [{"code": "INTENT_CHANGED"}]}
    done = (await ask(finn, issue, i={**booked, "amount": "100.00"}))["data"]["issueCredit"]
    assert done == {"credit": {"state": "ISSUED", "reference": "CN-1"}, "userErrors": []}
    denied = await ask(carla, issue, i=booked)
    assert denied["errors"][0]["extensions"]["code"] == "DENIED"
    seen = (await ask(carla, TENANT, key="acme"))["data"]["tenant"]
    (node,) = seen["credits"]["nodes"]
    assert [each["receipt"]["kind"] for each in node["history"]] == [
        "CREDIT_PROPOSED",
        "CREDIT_APPROVED",
        "CREDIT_ISSUED",
    ]
    assert (node["amount"], node["currency"], node["origin"]) == ("100.00", "EUR", "PERSON")
    assert node["memo"].encode() == await house.credits.memo(desk.by("carla"), desk.tenant.id, credit.id)
    found = await ask(carla, "query($id: ID!) { node(id: $id) { ... on Credit { state } } }", id=node["id"])
    assert found["data"]["node"] == {"state": "ISSUED"}
    claim = (
        "mutation($i: ClaimCreditInput!) { claimCredit(input: $i) { claim { code accepted } userErrors "
        "{ code } } }"
    )
    late = (await ask(carla, claim, i={**input_, "reason": "again"}))["data"]["claimCredit"]
    assert late == {"claim": None, "userErrors": [{"code": "CREDIT_LIVE"}]}


REJECT = """mutation($i: RejectCreditInput!) { rejectCredit(input: $i) {
  credit { state } userErrors { code path } } }"""
VOID = """mutation($i: VoidCreditInput!) { voidCredit(input: $i) {
  credit { state } userErrors { code path } } }"""


async def test_graphql_rejects_and_voids_once_and_only_what_its_caller_was_shown(
    house: House, desk: Desk, browser
):
    await promise(house)
    await desk.sign()
    fay, finn, carla = [await browser(name) for name in ("fay", "finn", "carla")]
    rejected = await desk.propose()
    given = {
        "creditId": encode("Credit", desk.tenant.id, rejected.id),
        "intentSha256": (await desk.approval(rejected)).request.digest,
        "reason": "the fee is wrong",
    }
    stood = await desk.stored()
    for change, code, path in (
        ({"intentSha256": "0" * 64}, "INTENT_CHANGED", ["input", "intentSha256"]),
        ({"reason": " "}, "INVALID", ["input", "reason"]),
        ({"creditId": "nonsense"}, "NOT_FOUND", ["input", "creditId"]),
    ):
        refused = (await ask(fay, REJECT, i=given | change))["data"]["rejectCredit"]
        assert refused == {"credit": None, "userErrors": [{"code": code, "path": path}]}
    assert (await ask(carla, REJECT, i=given))["errors"][0]["extensions"]["code"] == "DENIED"
    assert await desk.stored() == stood
    done = (await ask(fay, REJECT, i=given))["data"]["rejectCredit"]
    assert done == {"credit": {"state": "REJECTED"}, "userErrors": []}

    voided = await desk.propose()
    given = {"creditId": encode("Credit", desk.tenant.id, voided.id), "reason": "counted twice"}
    stood = await desk.stored()
    refused = (await ask(finn, VOID, i=given | {"reason": ""}))["data"]["voidCredit"]
    assert refused == {"credit": None, "userErrors": [{"code": "INVALID", "path": ["input", "reason"]}]}
    assert (await ask(carla, VOID, i=given))["errors"][0]["extensions"]["code"] == "DENIED"
    assert await desk.stored() == stood
    done = (await ask(finn, VOID, i=given))["data"]["voidCredit"]
    assert done == {"credit": {"state": "VOIDED"}, "userErrors": []}
    stood = await desk.stored()
    again = (await ask(finn, VOID, i=given))["data"]["voidCredit"]
    assert (again["credit"], len(again["userErrors"])) == (None, 1)
    assert await desk.stored() == stood
    assert [(await desk.look(each)).state for each in (rejected, voided)] == [
        CreditState.REJECTED,
        CreditState.VOIDED,
    ]

"""An auditor is let in through the portal, checks everything alone, and the customer sees what they took."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from pypdf import PdfReader
from support.cost_world import spike
from support.portal_fixtures import Portal
from support.portal_world import NOW

from schema.ids import decode, encode
from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import AddPerson, GrantRole
from trust_portal.access.rights import actor_with
from trust_portal.evidence import bundle
from trust_portal.evidence.policy_file import Policy
from trust_portal.evidence.verdict import Code
from trust_portal.evidence.verify import verify
from trust_portal.kernel.actor import Actor, ActorKind, Role
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.reliability.recompute import RECOMPUTERS
from trust_portal.reliability.verification import KINDS

INVITATION = {
    "name": "Rita Rigor",
    "email": "rita@auditors.example",
    "reason": "SOC 2 fieldwork",
    "until": "2026-08-01",
}


async def invited(portal: Portal) -> str:
    """The path of a new invitation, as the customer's administrator is shown it."""
    async with portal.browser("customer_admin") as browser:
        made = await browser.post("/t/aurora/auditors", data=INVITATION)
        assert (made.status_code, made.headers["location"]) == (303, "/t/aurora/auditors")
        answer = await browser.get("/t/aurora/auditors")
        shown_again = await browser.get("/t/aurora/auditors")
    path = re.search(r"https://trust\.example(/audit-invitation/[0-9a-f]{32}\.[\w-]+)", answer.text)[1]
    assert path not in shown_again.text
    return path


async def test_a_mail_scanner_burns_nothing_and_one_press_lets_in(portal: Portal):
    path = await invited(portal)
    async with portal.browser() as browser:
        for _ in range(3):
            looked = await browser.get(path)
            await browser.head(path)
        assert looked.status_code == 200
        assert "Rita Rigor, rita@auditors.example" in looked.text
        assert "SOC 2 fieldwork" in looked.text
        assert "<h1>You are invited to audit what is recorded of Aurora" in looked.text

        entered = await browser.post(path)
        assert (entered.status_code, entered.headers["location"]) == (303, "/t/aurora/check")
        desk = await browser.get("/t/aurora/check")
        assert desk.status_code == 200
        assert "You are here as an auditor until 1\xa0August 2026, 00:00\xa0UTC" in desk.text
        assert (await browser.get("/t/brightside/check")).status_code == 404
        assert (await browser.post("/t/aurora/auditors", data=INVITATION)).status_code == 403
    async with portal.browser() as another:
        refused = await another.post(path)
        assert refused.status_code == 401
        assert "spent, withdrawn or too old" in refused.text


async def test_the_desk_lists_what_a_verifier_asks_and_a_bundle_that_must_fail(portal: Portal):
    customer = portal.world.aurora
    async with portal.browser("auditor") as browser:
        desk = (await browser.get("/t/aurora/check")).text
        policy = Policy.parse((await browser.get("/t/aurora/trust-policy")).content)
        real = await browser.get(f"/t/aurora/exports/{customer.export}/bundle.zip")
        broken = await browser.get("/t/aurora/check/broken.zip")
        name = re.search(r"filename\*=UTF-8''([^;]+)", real.headers["content-disposition"])[1]

    assert f"trust-portal verify {name} --policy aurora.policy --recompute" in desk
    assert re.search(r'/t/aurora/receipts/[0-9a-f-]{36}">entry \d+</a>', desk)
    assert policy.receipt_keys[0].key_id in desk
    held = verify(real.content, policy=policy, kinds=KINDS, recomputers=RECOMPUTERS)
    assert held.ok
    refused = verify(broken.content, policy=policy, kinds=KINDS, recomputers=RECOMPUTERS)
    assert not refused.ok
    assert (refused.findings[0].code, refused.findings[0].file) == (Code.DIGEST_MISMATCH, "report.json")
    before, after = bundle.read(real.content).files, bundle.read(broken.content).files
    assert [each for each in before if before[each] != after[each]] == ["report.json"]
    changed = [(a, b) for a, b in zip(before["report.json"], after["report.json"], strict=True) if a != b]
    assert [(a ^ b, chr(a).isdigit(), chr(b).isdigit()) for a, b in changed] == [(1, True, True)]
    assert "broken-" in broken.headers["content-disposition"]


async def test_a_readers_copy_says_who_took_it_and_when_and_the_original_stays_as_signed(portal: Portal):
    customer = portal.world.aurora
    base = f"/t/aurora/exports/{customer.export}"
    async with portal.browser("auditor") as browser:
        signed = (await browser.get(f"{base}/files/report.pdf")).content
        copy = await browser.get(f"{base}/copies/report.pdf")
        in_bundle = bundle.read((await browser.get(f"{base}/bundle.zip")).content).files["report.pdf"]
        assert (await browser.get(f"{base}/copies/report.json")).status_code == 404
        assert (await browser.get(f"{base}/copies/nothing.pdf")).status_code == 404
    assert signed == in_bundle
    assert re.search(r"''aurora-sla-[\w-]+-report-copy\.pdf$", copy.headers["content-disposition"])
    assert all(
        b"/Subtype /Watermark" in page.get_contents().get_data()
        for page in PdfReader(io.BytesIO(copy.content)).pages
    )
    assert copy.headers["content-type"] == "application/pdf"
    original, marked = (PdfReader(io.BytesIO(each)) for each in (signed, copy.content))
    assert len(original.pages) == len(marked.pages)
    for one, other in zip(original.pages, marked.pages, strict=True):
        said = " ".join(other.extract_text().split())
        assert "Reader’s copy, taken by" in said
        assert "10 July 2026, 09:00 UTC" in said
        assert "Reader’s copy" not in one.extract_text()
        assert set(one.extract_text().split()) <= set(other.extract_text().split())


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?by=auditor", {"auditor"}),
        ("?by=staff", {"staff"}),
        ("?by=auditor&did=downloaded", {"auditor"}),
        ("?by=token", set()),
    ],
)
async def test_the_customer_sees_who_of_which_kind_took_what(portal: Portal, query: str, names: set[str]):
    customer = portal.world.aurora
    async with portal.browser("auditor") as browser:
        await browser.get("/t/aurora/exports")
        await browser.get(f"/t/aurora/exports/{customer.export}/copies/report.pdf")
    async with portal.browser("sre_operator") as browser:
        await browser.get("/t/aurora/reports")
    async with portal.browser("customer_admin") as browser:
        page = await browser.get(f"/t/aurora/access{query}")
        wrong = await browser.get("/t/aurora/access?by=everybody")
    rows = re.findall(
        r'<td class="wide"[^>]*>(Auditor|Staff|Customer|System)(, by token)?</td>\s*<td[^>]*>(\w+)<',
        page.text,
    )
    assert {row[0].lower() for row in rows} == names
    if "downloaded" in query:
        assert {row[2] for row in rows} == {"Downloaded"}
        assert "report.pdf" in page.text.lower() or "Report pdf" in page.text
    assert wrong.status_code == 422


ADA = Actor(ActorKind.PERSON, new_id(), "Ada", VENDOR_ID, frozenset({Role.VENDOR_ADMIN}))
_AUDITORS = """query ($id: ID!) { node(id: $id) { ... on Tenant {
  auditors { personId name email since until invitationId } auditInvitations(first: 5) { nodes { id } } } } }"""


async def test_the_customer_sees_everybody_who_reads_as_an_auditor_however_it_was_granted(portal: Portal):
    aurora, house = portal.world.aurora, portal.house
    tenant = encode("Tenant", aurora.id, aurora.id)
    (born,) = await house.audits_in_force.now(ADA, aurora.id)
    assert (born.name, born.invitation_id) == ("Auditor", None), "made one on People, as the world was made"

    async with portal.browser("customer_admin") as admin:

        async def shown() -> tuple[list[dict[str, str]], list[str], str]:
            answer = await admin.post("/graphql", json={"query": _AUDITORS, "variables": {"id": tenant}})
            node = answer.json()["data"]["node"]
            page = (await admin.get("/t/aurora/auditors")).text
            table = re.search(r"<caption>By when it ends.*?</table>", page, re.DOTALL)
            rows = [] if table is None else re.findall(r'<th scope="row">(.*?)</th>', table[0])
            assert rows == [each["name"] for each in node["auditors"]]
            ids = [each["id"] for each in node["auditInvitations"]["nodes"]]
            return node["auditors"], ids, page

        path = await invited(portal)
        assert [each["name"] for each in (await shown())[0]] == ["Auditor"], "who has not come reads nothing"
        async with portal.browser() as rita:
            assert (await rita.post(path)).status_code == 303
        person = await house.people.add(AddPerson(aurora.id, "gus@auditors.example", "Gus Guest"), CONSOLE)
        until = portal.clock.now() + timedelta(days=3)
        await house.people.grant(GrantRole(aurora.id, person.id, Role.AUDITOR, until), CONSOLE)
        told, (invitation,), page = await shown()
        assert [(each["name"], each["email"], each["invitationId"]) for each in told] == [
            ("Gus Guest", "gus@auditors.example", None),
            ("Rita Rigor", "rita@auditors.example", invitation),
            ("Auditor", born.email, None),
        ]
        assert told[0]["personId"] == encode("Person", aurora.id, person.id)
        assert page.count("The role was given on People, and is taken away there") == 2
        assert page.count("By an invitation, which can be revoked here") == 1

        await house.people.suspend(ADA, aurora.id, person.id)
        assert [each["name"] for each in (await shown())[0]] == ["Rita Rigor", "Auditor"]
        revoked = await admin.post(
            f"/t/aurora/auditors/{decode(invitation, 'AuditInvitation').id}/revoke", data={"revoking": "done"}
        )
        assert revoked.status_code == 303
        assert [each["name"] for each in (await shown())[0]] == ["Auditor"]
        portal.clock.advance(born.until - portal.clock.now())
    assert await house.audits_in_force.now(ADA, aurora.id) == (), "the last role has ended"
    assert await house.audits_in_force.now(ADA, portal.world.brightside.id) == ()


async def test_a_role_that_was_given_after_an_invitation_had_ended_is_none_of_that_invitations(
    portal: Portal,
):
    aurora, house = portal.world.aurora, portal.house
    path = await invited(portal)
    async with portal.browser() as rita:
        assert (await rita.post(path)).status_code == 303
    [came] = [each for each in await house.audits_in_force.now(ADA, aurora.id) if each.name == "Rita Rigor"]
    assert came.invitation_id is not None
    portal.clock.advance(came.until - portal.clock.now() + timedelta(days=1))
    until = portal.clock.now() + timedelta(days=5)
    await house.people.grant(GrantRole(aurora.id, came.person_id, Role.AUDITOR, until), CONSOLE)
    [again] = [each for each in await house.audits_in_force.now(ADA, aurora.id) if each.name == "Rita Rigor"]
    assert (again.invitation_id, again.until) == (None, until)


async def test_who_may_not_read_the_invitations_is_not_told_who_reads_as_an_auditor(portal: Portal):
    tenant = encode("Tenant", portal.world.aurora.id, portal.world.aurora.id)
    query = "query ($id: ID!) { node(id: $id) { ... on Tenant { auditors { name } } } }"
    for who, code in (("customer_viewer", "DENIED"), ("csm", "DENIED"), ("stranger", None)):
        async with portal.browser(who) as browser:
            said = (await browser.post("/graphql", json={"query": query, "variables": {"id": tenant}})).json()
        assert "Auditor" not in str(said.get("data"))
        if code is not None:
            assert [each["extensions"]["code"] for each in said["errors"]] == [code]


async def test_receipts_are_filtered_by_kinds_there_are_and_each_says_what_was_done_and_leads_to_it(
    portal: Portal,
):
    anomaly = await spike(portal.house, "aurora", NOW)
    async with portal.browser("auditor") as browser:
        log = (await browser.get("/t/aurora/receipts")).text
        offered = re.findall(r'<option value="([a-z_.]*)"', log)
        listed = (await browser.get("/t/aurora/receipts?kind=anomaly.opened")).text
        (address,) = re.findall(r'<th scope="row"><a href="(/t/aurora/receipts/[0-9a-f-]+)"', listed)
        receipt = (await browser.get(address)).text
        (leads,) = re.findall(r'<a href="([^"]+)">See what it is about</a>', receipt)
        opened = (await browser.get(leads)).status_code
        never = (await browser.get("/t/aurora/receipts?kind=byok.sealed")).text
    everything = await portal.house.archive.receipts(
        actor_with(Role.VENDOR_ADMIN), portal.world.aurora.id, PageRequest(100)
    )
    assert offered == ["", *sorted({each.kind.value for each in everything.items})]
    assert "Trust Portal scheduler opened a cost anomaly, on 10\xa0July 2026, 09:00\xa0UTC." in receipt
    assert (leads, opened) == (f"/t/aurora/cost/anomalies/{anomaly.id}", 200)
    assert 'value="byok.sealed" selected' in never, "what an address asks for is shown as chosen"


async def test_a_receipt_leads_nowhere_that_its_reader_may_not_open(portal: Portal):
    await spike(portal.house, "aurora", NOW)
    for who, may in (("approver_security", False), ("finops_operator", True)):
        async with portal.browser(who) as browser:
            listed = (await browser.get("/t/aurora/receipts?kind=anomaly.opened")).text
            found = re.findall(r'<th scope="row"><a href="(/t/aurora/receipts/[0-9a-f-]+)"', listed)
            page = (await browser.get(found[0])).text
        assert ("See what it is about" in page) is may, who

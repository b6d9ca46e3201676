"""Forms: what is wrong is said at its field with 422, what was typed stays, and nothing is changed."""

from __future__ import annotations

import json
import re

import pytest
from support.portal_fixtures import Portal

from trust_portal.access.actors import CONSOLE
from trust_portal.access.tokens.model import Admission, Bounds

REFUSED = [
    ("vendor_admin", "/tenants", {"key": "Not A Key", "name": "N", "time_zone": "UTC"}, "key", 422),
    ("vendor_admin", "/tenants", {"key": "nova", "name": "N", "time_zone": "Mars/Olympus"}, "time_zone", 422),
    ("vendor_admin", "/tenants", {"key": "", "name": "Nova", "time_zone": "UTC"}, "key", 422),
    ("vendor_admin", "/tenants", {"key": "aurora", "name": "N", "time_zone": "UTC"}, "key", 409),
    ("sre_operator", "/runs", {"period": "2026-13"}, "period", 422),
    ("sre_operator", "/runs", {"period": ""}, "period", 422),
    ("sre_operator", "/t/aurora/reports", {"period": "June"}, "period", 422),
    ("customer_admin", "/t/aurora/people", {"email": "nonsense", "name": "N"}, "email", 422),
    ("customer_admin", "/t/aurora/people", {"email": "n@x.example", "name": ""}, "name", 422),
    ("customer_admin", "/t/aurora/people", {"email": "viewer@aurora.example", "name": "N"}, "email", 409),
    ("customer_admin", "/t/aurora/tokens", {"label": "x", "days": "30"}, "scopes", 422),
    ("customer_admin", "/t/aurora/tokens", {"label": "x", "days": "30", "scopes": "ingest"}, "scopes", 422),
    (
        "customer_admin",
        "/t/aurora/tokens",
        {"label": "x", "days": "999999999999", "scopes": "read"},
        "days",
        422,
    ),
    ("customer_admin", "/t/aurora/people", {"email": "n@x.example", "name": "Ann\u202egpj"}, "name", 422),
    (
        "customer_admin",
        "/t/aurora/auditors",
        {"email": "r@x.example", "name": "R", "reason": "audit", "until": "9999-12-31T23:59-23:59"},
        "until",
        422,
    ),
    ("vendor_admin", "/tenants", {"key": "nova", "name": "No\u2066va", "time_zone": "UTC"}, "name", 422),
    ("customer_admin", "/t/aurora/tokens", {"label": "", "days": "30", "scopes": "read"}, "label", 422),
    (
        "customer_admin",
        "/t/aurora/auditors",
        {"name": "R", "email": "r@x.example", "reason": "", "until": "2026-07-20"},
        "reason",
        422,
    ),
    (
        "customer_admin",
        "/t/aurora/auditors",
        {"name": "R", "email": "r@x.example", "reason": "w", "until": "2026-07-01"},
        "until",
        422,
    ),
    (
        "customer_admin",
        "/t/aurora/auditors",
        {"name": "R", "email": "r@x.example", "reason": "w", "until": "soon"},
        "until",
        422,
    ),
    (
        "vendor_admin",
        "/t/aurora/auditors",
        {"name": "V", "email": "viewer@aurora.example", "reason": "w", "until": "2026-07-20"},
        "email",
        409,
    ),
]


@pytest.mark.parametrize("who, path, form, field, status", REFUSED)
async def test_a_refused_form_says_what_is_wrong_where_it_is_wrong(
    portal: Portal, who: str, path: str, form: dict[str, str], field: str, status: int
):
    async with portal.browser(who) as browser:
        before = (await browser.get(path)).text.count("<tr>")
        refused = await browser.post(path, data=form)
        after = (await browser.get(path)).text.count("<tr>")
    assert refused.status_code == status
    assert "nothing was changed" in refused.text
    assert "<title>Not done: " in refused.text
    assert f'<a href="#{field}">' in refused.text
    for name, typed in form.items():
        # What a choice does not offer cannot be shown as chosen.
        assert not typed or name in {"scopes", "days"} or f'value="{typed}"' in refused.text
    assert before == after


#: Form, what is typed, and every field that is wrong with it, in the order of the form.
ALL_AT_ONCE = [
    (
        "vendor_admin",
        "/tenants",
        {"key": "", "name": " ", "onboarded_at": "soon"},
        "name key time_zone onboarded_at",
    ),
    ("customer_admin", "/t/aurora/people", {"email": "", "name": "", "until": "soon"}, "name email until"),
    ("customer_admin", "/t/aurora/auditors", {"name": "R", "until": "soon"}, "email reason until"),
    (
        "csm",
        "/t/aurora/account",
        {"csm": "x", "review_on": "soon", "lead_days": "many"},
        "csm review_on lead_days",
    ),
    ("customer_admin", "/t/aurora/webhooks", {"label": " ", "url": "http://localhost/x"}, "label url"),
    ("customer_admin", "/t/aurora/tokens", {"label": "", "scopes": "x", "days": ""}, "label scopes days"),
    (
        "finops_operator",
        "/t/aurora/cost/budgets",
        {"currency": "", "from_month": "soon"},
        "currency from_month",
    ),
    ("csm", "/t/aurora/qbr/commitments", {"text": " ", "due": "soon"}, "text owner due"),
    ("csm", "/t/aurora/trust/notes", {"kind": "x", "valid_from": "soon"}, "kind subject valid_from"),
    ("sre_operator", "/t/aurora/exclusions", {"start": "soon", "reason": "r"}, "start end evidence"),
    ("finops_operator", "/t/aurora/cost/suppressions", {"ends_at": "soon"}, "starts_at ends_at reason"),
    (
        "incident_owner",
        "/incidents",
        {"began_at": "soon", "owner": "x"},
        "title severity service began_at detected_at owner",
    ),
]


@pytest.mark.parametrize("who, path, form, wrong", ALL_AT_ONCE)
async def test_a_form_with_several_wrong_fields_names_each_of_them_at_once(
    portal: Portal, who: str, path: str, form: dict[str, str], wrong: str
):
    async with portal.browser(who) as browser:
        refused = await browser.post(path, data=form)
    fields = wrong.split()
    assert refused.status_code == 422
    assert f"{len(fields)} things need your attention; nothing was changed" in refused.text
    assert re.findall(r'<li><a href="#(\w+)">', refused.text) == fields
    assert [name for name in fields if f'id="{name}-error"' in refused.text] == fields, (
        "and each at its field"
    )


async def test_a_token_is_shown_once_and_loading_its_page_again_issues_none(portal: Portal):
    form = {"label": "exporter", "days": "30", "scopes": "read"}
    async with portal.browser("customer_admin") as browser:
        made = await browser.post("/t/aurora/tokens", data=form)
        assert (made.status_code, made.headers["location"]) == (303, "/t/aurora/tokens")
        carried = made.headers["set-cookie"]
        assert "HttpOnly; Max-Age=60; Path=/; SameSite=strict" in carried
        assert "shown this once" not in (await browser.get("/t/aurora/people")).text
        page = (await browser.get(made.headers["location"])).text
        secret = page.split('data-copy="tp_')[1].split('"')[0]
        again = (await browser.get(made.headers["location"])).text
        assert secret not in again
        assert again.count(">exporter<") == 1
    async with portal.program(f"tp_{secret}") as program:
        assert (await program.get("/t/aurora/receipts")).status_code == 200


async def test_reports_are_filtered_by_their_address(portal: Portal):
    async with portal.browser("customer_viewer") as browser:
        signed = await browser.get("/t/aurora/reports?of=2026-06&state=ok")
        none = await browser.get("/t/aurora/reports?state=disputed")
        wrong = await browser.get("/t/aurora/reports?state=nonsense")
    assert "June 2026, revision 1" in signed.text
    heads, rows = signed.text.split("</thead>")
    assert re.findall(r'status-(\w+)"><svg.*?</svg> <span>([^<]+)</span>', heads, re.DOTALL) == [
        ("bad", "Missed"),
        ("mute", "Signed"),
    ], "the month says what became of the promises before it says that it is signed"
    assert re.findall(r'status-(\w+)"><svg.*?</svg> <span>([^<]+)</span>', rows, re.DOTALL) == [
        ("bad", "Missed"),
        ("mute", "Signed"),
    ]
    assert "No report like that" in none.text
    assert wrong.status_code == 422


async def test_earlier_rules_can_be_read_by_their_version_and_unknown_ones_not(portal: Portal):
    version = portal.house.gate.policies.version
    async with portal.browser("auditor") as browser:
        assert version in (await browser.get(f"/policies?version={version}")).text
        assert (await browser.get(f"/policies?version={'0' * 64}")).status_code == 404


async def test_refusals_are_listed_for_those_who_watch(portal: Portal):
    async with portal.browser("customer_viewer") as browser:
        assert (await browser.get("/t/aurora/people")).status_code == 403
    async with portal.browser("customer_admin") as admin:
        listed = (await admin.get("/t/aurora/denials")).text
    assert "tenant:person:read" in listed


async def test_the_stream_of_a_finished_export_says_so_and_ends(portal: Portal):
    async with portal.browser("customer_viewer") as browser:
        stream = await browser.get(f"/t/aurora/exports/{portal.world.aurora.export}/progress")
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert stream.text.startswith('event: over\ndata: {"state":"ready",')


async def test_the_list_of_bundles_has_all_an_auditor_asks_for(portal: Portal):
    export = await portal.house.archive.export(
        (await portal.house.sessions.authenticate(portal.world.cookies["auditor"])).actor,  # type: ignore[union-attr]
        portal.world.aurora.id,
        portal.world.aurora.export,
    )
    async with portal.browser("auditor") as browser:
        page = (await browser.get("/t/aurora/exports")).text
        bundle = await browser.get(f"/t/aurora/exports/{export.id}/bundle.zip")
    assert export.digest is not None
    for said in (
        export.digest,
        portal.house.keyring.receipts.key_id,
        f"/t/aurora/receipts/{export.manifest_receipt_id}",
        f"trust-portal verify {export.file_name} --policy aurora.policy --recompute",
    ):
        assert said in page
    assert bundle.headers["repr-digest"].startswith("sha-256=:")


async def test_a_person_is_added_with_a_role_in_one_step_and_told_so(portal: Portal):
    form = {"email": "ines@aurora.example", "name": "Ines Moreau", "role": "customer_viewer", "until": ""}
    async with portal.browser("customer_admin") as browser:
        answer = await browser.post("/t/aurora/people", data=form)
        page = (await browser.get(answer.headers["location"])).text
    assert answer.status_code == 303
    assert "Ines Moreau was added" in page
    row = page.partition('<th scope="row">Ines Moreau</th>')[2].partition("</tr>")[0]
    assert "ustomer viewer" in row


async def test_a_role_that_cannot_be_given_adds_nobody(portal: Portal):
    form = {"email": "otto@aurora.example", "name": "Otto Lind", "role": "auditor", "until": ""}
    async with portal.browser("customer_admin") as browser:
        refused = await browser.post("/t/aurora/people", data=form)
        page = (await browser.get("/t/aurora/people")).text
    assert refused.status_code == 422
    assert "otto@aurora.example" not in page


@pytest.mark.parametrize(
    "path, status",
    [
        (f"/t/aurora/incidents?year={'9' * 5000}", 422),
        ("/t/aurora/maintenance?year=²026", 422),
        ("/t/aurora/incidents?year=2026", 200),
    ],
)
async def test_a_year_has_four_digits(portal: Portal, path: str, status: int):
    async with portal.browser("customer_viewer") as browser:
        assert (await browser.get(path)).status_code == status


async def test_who_holds_no_role_is_told_what_to_do(portal: Portal):
    person = {"email": "nils@aurora.example", "name": "Nils Ek"}
    async with portal.browser("customer_admin") as browser:
        added = await browser.post("/t/aurora/people", data=person)
        id_ = added.headers["location"].rpartition("=")[2]
        made = await browser.post(f"/t/aurora/people/{id_}/link")
        assert made.status_code == 303
        shown = (await browser.get(made.headers["location"])).text
        assert "shown this once" not in (await browser.get(made.headers["location"])).text
    link = shown.split('data-copy="')[1].split('"')[0]
    async with portal.browser() as browser:
        signed_in = await browser.post(link)
        assert signed_in.status_code == 303
        start = await browser.get("/")
        verify = await browser.get("/verify")
    assert start.status_code == 200
    assert "You are signed in, and hold no role yet" in start.text
    assert verify.status_code == 200


async def test_what_is_measured_and_defined_by_nobody_is_listed_where_the_promises_are(portal: Portal):
    event = {
        "specversion": "1.0",
        "id": "misspelt-1",
        "source": "urn:probe:eu",
        "type": "trustportal.sli.measured.v1",
        "time": "2026-06-30T23:59:00Z",
        "data": {"tenant": "aurora", "objective": "api-avialability", "total": 60, "good": 60},
    }

    async def delivery():
        yield [json.dumps(event).encode()]

    async with portal.browser("sre_operator") as browser:
        before = await browser.get("/t/aurora/contracts")
        sender = Admission(CONSOLE, Bounds(sources=("*",)))
        assert (await portal.house.intake.deliver(delivery(), sender)).accepted == 1
        after = await browser.get("/t/aurora/contracts")
    async with portal.browser("customer_viewer") as browser:
        customers = await browser.get("/t/aurora/contracts")
    assert (before.status_code, after.status_code, customers.status_code) == (200, 200, 200)
    assert "Measured, and not defined" not in before.text
    for page in (after, customers):
        assert "<code>api-avialability</code>, newest measurement of" in page.text


async def test_a_wrong_field_is_called_as_the_page_calls_it(portal: Portal):
    async with portal.browser("customer_admin") as browser:
        sent = await browser.post("/t/aurora/webhooks", data={"label": " ", "url": "http://localhost/x"})
        listed = (await browser.get("/t/aurora/webhooks")).text
    assert "2 things need your attention; nothing was changed" in sent.text
    assert '<a href="#label">the name is missing</a>' in sent.text
    assert '<a href="#url">write a URL that begins with https://</a>' in sent.text
    assert "No endpoints" in listed
    async with portal.browser("sre_operator") as browser:
        sent = await browser.post("/runs", data={"period": "October"})
    assert "&#39;October&#39; is no period; write a month as 2026-06, a quarter as 2026-Q2" in sent.text


async def test_a_line_says_what_each_scope_of_a_token_may_do(portal: Portal):
    offered = {}
    for who, house in (("customer_admin", "aurora"), ("vendor_admin", "vendor")):
        async with portal.browser(who) as browser:
            page = (await browser.get(f"/t/{house}/tokens")).text
        offered[who] = re.findall(
            r'<label for="scope-(\w+)">(\w+) <span class="field-hint">([^<]{40,})</span>', page
        )
    assert [each[:2] for each in offered["customer_admin"]] == [("operate", "Operate"), ("read", "Read")]
    assert [each[0] for each in offered["vendor_admin"]] == ["admin", "ingest", "operate", "read"]
    assert (
        "nothing with people, tokens or approvals"
        in dict(each[::2] for each in offered["customer_admin"])["operate"]
    )

"""GraphQL writes, reviews, signs and releases a postmortem as the portal does, and refuses the same."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from support.learning_world import PAGER, declared, named, updated
from support.postmortem_desk import Desk, desk_of

from schema.context import Context
from schema.ids import encode
from schema.root import schema
from trust_portal.access.rights import actor_with
from trust_portal.evidence.assertion import challenge_of
from trust_portal.evidence.signing_statement import signing_statement
from trust_portal.kernel.actor import Role
from trust_portal.kernel.canonical import canonical, sha256_hex
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.switchboard.board import LOOK_BACK
from trust_portal.learning.switchboard.model import BoardFilter

pytestmark = pytest.mark.takes(seconds=10)


@pytest.fixture
async def desk(vendor) -> Desk:
    return await desk_of(vendor)


async def ask(desk: Desk, actor, document: str, **variables):
    context = Context(desk.house, actor)
    answer = await schema.execute(document, variable_values=variables, context_value=context)
    assert answer.errors is None, answer.errors
    return answer.data


def refused(code: str, message: str, *path: str) -> dict:
    """What an act answers that gives a postmortem."""
    errors = [{"code": code, "message": message, "path": ["input", *path]}]
    return {"postmortem": None, "userErrors": errors}


async def test_the_ledger_has_also_what_was_signed_long_ago(desk, clock):
    """The board needs of that no more than how much it is."""
    first = await desk.postmortem()
    await desk.signed(first)
    clock.advance(LOOK_BACK + timedelta(days=1))
    await desk.vendor.tell(declared("INC-2", "P2"), updated("INC-3", "severity", minute=1, severity="P1"))
    await desk.vendor.register()
    board = await desk.house.switchboard.board(desk.owner, BoardFilter())
    assert [each.name for each in board.ledger.lines] == ["Trouble INC-2", f"{PAGER}/INC-3"]

    query = """query ($gaps: Boolean!, $first: Int!) { switchboard { majors covered
      coverage(gapsOnly: $gaps, first: $first) { name cover incidentId } } }"""

    async def ledger(*, gaps: bool, first: int = 100) -> tuple[int, int, list]:
        found = (await ask(desk, desk.owner, query, gaps=gaps, first=first))["switchboard"]
        return found["majors"], found["covered"], found["coverage"]

    def line(key: str, cover: str) -> dict:
        id_ = encode("VendorIncident", VENDOR_ID, named(key))
        return {"name": f"Trouble {key}", "cover": cover, "incidentId": id_}

    signed, unsigned = line("INC-1", "SIGNED"), line("INC-2", "UNSIGNED")
    undeclared = {"name": f"{PAGER}/INC-3", "cover": "UNDECLARED", "incidentId": None}
    assert await ledger(gaps=False) == (3, 1, [signed, unsigned, undeclared])
    assert await ledger(gaps=False, first=1) == (3, 1, [signed])
    assert await ledger(gaps=True) == (3, 1, [unsigned, undeclared])


async def test_it_is_written_reviewed_signed_and_released(desk):
    postmortem = await desk.postmortem()
    await desk.plan(postmortem)
    listed = await ask(
        desk, desk.writer, "{ postmortems(first: 5, unsigned: true) { edges { node { id title state } } } }"
    )
    (edge,) = listed["postmortems"]["edges"]
    assert (edge["node"]["title"], edge["node"]["state"]) == ("Trouble INC-1", "DRAFT")
    id_ = edge["node"]["id"]
    save = """mutation ($id: ID!, $revision: Int!) { savePostmortem(input: {postmortemId: $id, revision: $revision,
        summary: "It failed.", impact: "Late.", contributors: "No limit."})
        { postmortem { draftRevision } userErrors { code path } } }"""
    saved = await ask(desk, desk.writer, save, id=id_, revision=0)
    assert saved["savePostmortem"] == {"postmortem": {"draftRevision": 1}, "userErrors": []}
    again = await ask(desk, desk.reviewer, save, id=id_, revision=0)
    assert again["savePostmortem"] == {
        "postmortem": None,
        "userErrors": [{"code": "POSTMORTEM_CHANGED", "path": ["input", "revision"]}],
    }
    judge = """mutation ($id: ID!, $fact: String!) { judgeChange(input: {postmortemId: $id, fact: $fact,
        verdict: CLEARED, reason: "Rolled back before."})
        { postmortem { draftRevision document } userErrors { code message path } } }"""
    elsewhere = (await ask(desk, desk.writer, judge, id=id_, fact="elsewhere"))["judgeChange"]
    assert elsewhere == refused("INVALID", "no change near the incident has this id", "fact")
    opened = await desk.house.postmortem_reader.find(desk.writer, postmortem.id)
    assert (opened.draft.revision, opened.draft.judgments) == (1, {})
    suspect = opened.document["changes"][0]
    assert suspect["verdict"] == "suspect"
    judged = (await ask(desk, desk.writer, judge, id=id_, fact=suspect["id"]))["judgeChange"]
    assert (judged["userErrors"], judged["postmortem"]["draftRevision"]) == ([], 2)
    change = json.loads(judged["postmortem"]["document"])["changes"][0]
    assert (change["verdict"], change["reason"], change["judged_by"]["name"]) == (
        "cleared", "Rolled back before.", "Wera Lind",
    )  # fmt: skip
    submit = """mutation ($id: ID!) { submitPostmortem(input: {postmortemId: $id, revision: 2})
        { postmortem { sha256 document state } userErrors { code } } }"""
    back = """mutation ($id: ID!) { returnPostmortem(input: {postmortemId: $id, reason: "What of the other?"})
        { postmortem { state } userErrors { code message path } } }"""
    early = (await ask(desk, desk.reviewer, back, id=id_))["returnPostmortem"]
    assert (early["postmortem"], early["userErrors"][0]["code"]) == (None, "WRONG_STATE")
    assert (await ask(desk, desk.writer, submit, id=id_))["submitPostmortem"]["userErrors"] == []
    returned = (await ask(desk, desk.reviewer, back, id=id_))["returnPostmortem"]
    assert returned == {"postmortem": {"state": "DRAFT"}, "userErrors": []}
    submitted = await ask(desk, desk.writer, submit, id=id_)
    found = submitted["submitPostmortem"]["postmortem"]
    assert found["state"] == "IN_REVIEW"
    assert json.loads(found["document"])["written"]["summary"] == "It failed."
    accepted = await ask(
        desk,
        desk.reviewer,
        """mutation ($id: ID!, $digest: String!) { acceptPostmortem(input: {postmortemId: $id, sha256: $digest,
           reason: "Compared with the logs."}) { userErrors { code } } }""",
        id=id_,
        digest=found["sha256"],
    )
    assert accepted["acceptPostmortem"]["userErrors"] == []
    device = await desk.devices.of(desk.owner)
    statement = signing_statement(
        postmortem.id, 1, found["sha256"], "So it was.", desk.owner.id, desk.owner.name
    )
    parts = device.sign(challenge_of(canonical(statement))).json()
    signed = await ask(
        desk,
        desk.owner,
        """mutation ($id: ID!, $digest: String!, $assertion: AssertionInput!) { signPostmortem(input: {
           postmortemId: $id, sha256: $digest, rationale: "So it was.", assertion: $assertion})
           { postmortem { state versions { number signer sha256 } } userErrors { code message } } }""",
        id=id_,
        digest=found["sha256"],
        assertion={
            "credentialId": parts["credentialId"],
            "authenticatorData": parts["authenticatorData"],
            "clientDataJSON": parts["clientDataJSON"],
            "signature": parts["signature"],
        },
    )
    assert signed["signPostmortem"]["userErrors"] == []
    assert signed["signPostmortem"]["postmortem"] == {
        "state": "SIGNED",
        "versions": [{"number": 1, "signer": "Ivo Stern", "sha256": found["sha256"]}],
    }
    looked = await ask(
        desk,
        desk.owner,
        """query ($id: ID!, $tenant: ID!) { postmortemReleasePreview(postmortemId: $id, tenantId: $tenant)
           { version copy withheld warnings { key } } incidentIntegrations { source } }""",
        id=id_,
        tenant=encode("Tenant", desk.northwind, desk.northwind),
    )
    preview = looked["postmortemReleasePreview"]
    assert (preview["version"], preview["warnings"], looked["incidentIntegrations"]) == (1, [], [])
    assert json.loads(preview["copy"])["customer"]["key"] == "northwind"
    assert "authors" in preview["withheld"]
    copies = 'query { tenant(key: "northwind") { postmortems { version sha256 } } }'
    assert (await ask(desk, desk.owner, copies))["tenant"]["postmortems"] == []
    give = """mutation ($id: ID!, $tenant: ID!, $version: Int!) { releasePostmortem(input: {postmortemId: $id,
        version: $version, tenantId: $tenant, reason: "As we promised."})
        { release { id tenantId version revision sha256 disclosed } userErrors { code message path } } }"""
    told = {"id": id_, "tenant": encode("Tenant", desk.northwind, desk.northwind)}
    releases = desk.house.postmortem_releases
    other = (await ask(desk, desk.owner, give, **told, version=2))["releasePostmortem"]
    assert other == {
        "release": None,
        "userErrors": refused("SUPERSEDED", "another version counts now: look again", "version")[
            "userErrors"
        ],
    }
    assert await releases.of_postmortem(desk.owner, postmortem.id) == ()
    given = (await ask(desk, desk.owner, give, **told, version=1))["releasePostmortem"]
    (release,) = await releases.of_postmortem(desk.owner, postmortem.id)
    assert given["userErrors"] == []
    release_id = given["release"].pop("id")
    assert given["release"] == {
        "tenantId": told["tenant"], "version": 1, "revision": 1, "sha256": release.sha256, "disclosed": [],
    }  # fmt: skip
    await desk.house.postmortem_copies.issue(release.id)
    listed = await ask(desk, desk.owner, copies)
    assert listed["tenant"]["postmortems"] == [{"version": 1, "sha256": release.sha256}]

    show = """mutation ($id: ID!, $fields: [String!]!, $let: [AcknowledgedWarningInput!]! = []) {
        disclosePostmortem(input: {releaseId: $id, fields: $fields, reason: "They asked.", acknowledgements: $let}) { release { revision disclosed } userErrors { code message path } } }"""
    open_ = (await ask(desk, desk.owner, show, id=release_id, fields=["incident.title"]))[
        "disclosePostmortem"
    ]
    assert (open_["release"], open_["userErrors"][0]["code"]) == (None, "NOT_WITHHELD")
    assert [each.disclosed for each in await releases.of_postmortem(desk.owner, postmortem.id)] == [()]
    warned = (await ask(desk, desk.owner, show, id=release_id, fields=["incident.owner"]))[
        "disclosePostmortem"
    ]
    (warning,) = warned["userErrors"]
    assert (warned["release"], warning["code"], warning["path"]) == (
        None,
        "WARNINGS",
        ["input", "acknowledgements"],
    )
    assert [each.disclosed for each in await releases.of_postmortem(desk.owner, postmortem.id)] == [()]
    offered = (await releases.concealed(desk.owner, [release]))[release.id]
    let = [{"warning": each.id, "reason": "They know."} for each in offered["incident.owner"]]
    shown = (await ask(desk, desk.owner, show, id=release_id, fields=["incident.owner"], let=let))[
        "disclosePostmortem"
    ]
    assert shown == {"release": {"revision": 2, "disclosed": ["incident.owner"]}, "userErrors": []}

    stands = await desk.again(postmortem)
    late = (await ask(desk, desk.writer, save, id=id_, revision=2))["savePostmortem"]
    assert late == {
        "postmortem": None, "userErrors": [{"code": "SIGNED", "path": ["input", "postmortemId"]}],
    }  # fmt: skip
    begin = """mutation ($id: ID!, $reason: String! = "Late evidence.") { reopenPostmortem(input: {postmortemId: $id,
        reason: $reason}) { postmortem { state version } userErrors { code message path } } }"""
    blank = (await ask(desk, desk.owner, begin, id=id_, reason=" "))["reopenPostmortem"]
    assert blank == refused("INVALID", "say it in 1 to 2,000 characters", "reason")
    assert await desk.again(postmortem) == stands
    reopened = (await ask(desk, desk.owner, begin, id=id_))["reopenPostmortem"]
    assert reopened == {"postmortem": {"state": "DRAFT", "version": 2}, "userErrors": []}
    again = (await ask(desk, desk.owner, begin, id=id_))["reopenPostmortem"]
    assert (again["postmortem"], again["userErrors"][0]["code"]) == (None, "WRONG_STATE")
    assert (await desk.again(postmortem)).version == 2

    kept = await ask(
        desk,
        desk.owner,
        """query ($id: ID!) { postmortem(id: $id) { releases { id revision disclosed } signedDocument(version: 1)
           unsigned: signedDocument(version: 2) } }""",
        id=id_,
    )
    second, first = kept["postmortem"].pop("releases")
    assert (first["id"], first["disclosed"], second["revision"]) == (release_id, [], 2)
    assert second["disclosed"] == ["incident.owner"]
    assert sha256_hex(canonical(json.loads(kept["postmortem"]["signedDocument"]))) == found["sha256"]
    assert kept["postmortem"]["unsigned"] is None
    copies = 'query { tenant(key: "northwind") { postmortems { document } } }'
    ((copy,),) = [(await ask(desk, desk.owner, copies))["tenant"]["postmortems"]]
    read = json.loads(copy["document"])
    assert (sorted(read["customers"]), "owner" in read["incident"]) == (["northwind"], False)


async def test_a_pager_is_set_up_tried_and_changed_as_in_the_portal(desk):
    sre, admin = actor_with(Role.SRE_OPERATOR), actor_with(Role.VENDOR_ADMIN)
    rules = (
        "- {when: {labels.severity: page}, severity: P1, service: api, title: Slow}\n- {ignore: Nobody wakes}"
    )
    setting = """mutation ($input: SetIncidentIntegrationInput!) { setIncidentIntegration(input: $input)
        { integration { source version enabled rules token } userErrors { code path } } }"""
    wanted = {"kind": "ALERTMANAGER", "name": "prod", "rules": rules, "reason": "It wakes us"}

    made = (await ask(desk, sre, setting, input=wanted))["setIncidentIntegration"]
    assert made["userErrors"] == []
    token = made["integration"].pop("token")
    assert token.startswith("tpa_")
    assert made["integration"] == {
        "source": "alertmanager/prod", "version": 1, "enabled": True, "rules": rules,
    }  # fmt: skip
    for changed, refused in (
        ({}, {"code": "ALREADY_THERE", "path": ["input", "name"]}),
        ({"version": 7}, {"code": "STALE", "path": []}),
        ({"version": 1, "rules": "- severity: P1"}, {"code": "INVALID", "path": ["input", "rules"]}),
        ({"kind": "PAGERDUTY"}, {"code": "INVALID", "path": ["input", "secret"]}),
    ):
        answer = (await ask(desk, sre, setting, input=wanted | changed))["setIncidentIntegration"]
        assert answer["integration"] is None
        assert answer["userErrors"] == [refused]
    denied = await schema.execute(
        setting,
        variable_values={"input": wanted | {"version": 1}},
        context_value=Context(desk.house, admin),
    )
    assert [each.original_error.code for each in denied.errors or ()] == ["DENIED"]
    looked = await ask(desk, admin, "{ incidentIntegrations { source version token } }")
    assert looked["incidentIntegrations"] == [{"source": "alertmanager/prod", "version": 1, "token": None}]

    trying = """mutation ($input: TryIncidentRulesInput!) { tryIncidentRules(input: $input)
        { tried { key tells rule severity service title whyNone } userErrors { code path } } }"""

    async def tried(severity: str) -> dict[str, object]:
        body = {
            "version": "4", "groupKey": "g", "status": "firing", "commonLabels": {"severity": severity},
            "alerts": [{"status": "firing", "startsAt": "2026-06-01T10:00:00Z"}],
        }  # fmt: skip
        asked = {"kind": "ALERTMANAGER", "rules": rules, "body": json.dumps(body)}
        return (await ask(desk, admin, trying, input=asked))["tryIncidentRules"]["tried"]

    assert await tried("page") == {
        "key": "g", "tells": "firing", "rule": 1, "severity": "P1", "service": "api", "title": "Slow",
        "whyNone": None,
    }  # fmt: skip
    assert await tried("info") == {
        "key": "g", "tells": "firing", "rule": 2, "severity": None, "service": None, "title": None,
        "whyNone": "Nobody wakes",
    }  # fmt: skip
    bad = {"kind": "ALERTMANAGER", "rules": rules, "body": "{"}
    answer = (await ask(desk, admin, trying, input=bad))["tryIncidentRules"]
    assert (answer["tried"], [each["path"] for each in answer["userErrors"]]) == (None, [["input", "body"]])
    again = (await ask(desk, sre, setting, input=wanted | {"version": 1, "renew": True}))[
        "setIncidentIntegration"
    ]
    assert again["integration"]["version"] == 2
    assert again["integration"]["token"] != token

"""What pages show of postmortems, actions, coverage and pagers, and every id, GraphQL gives too."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from support.learning_world import declared, named, step, updated
from support.postmortem_desk import TRACKED, Desk, actor_of, desk_of

from schema.context import Context
from schema.ids import encode
from schema.root import schema
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.actions.acts_model import PlanAction
from trust_portal.learning.actions.model import ActionType
from trust_portal.learning.postmortems.model import Acknowledgement, Disclose, Release, Return
from trust_portal.learning.workplaces.calendar import WorkCalendar
from trust_portal.learning.workplaces.model import SetWorkplace

pytestmark = pytest.mark.takes(seconds=20)


@pytest.fixture
async def desk(vendor) -> Desk:
    return await desk_of(vendor)


async def ask(desk: Desk, actor, document: str, **variables):
    context = Context(desk.house, actor)
    answer = await schema.execute(document, variable_values=variables, context_value=context)
    assert answer.errors is None, answer.errors
    return answer.data


def receipt(id_) -> str:
    return encode("Receipt", VENDOR_ID, id_)


async def test_a_postmortem_says_what_was_done_with_it_by_whom_and_why(desk):
    submitted = await desk.in_review(await desk.postmortem())
    await desk.house.postmortem_writing.return_(Return(submitted.id, "What of the other?"), desk.reviewer)
    signed = await desk.signed(submitted)
    query = """query ($id: ID!) { postmortem(id: $id) { anyOwnerBecause signsInsteadOf
      steps { kind version by reason sha256 receiptId } } }"""
    found = (await ask(desk, desk.reviewer, query, id=encode("Postmortem", VENDOR_ID, signed.id)))[
        "postmortem"
    ]
    assert (found["anyOwnerBecause"], found["signsInsteadOf"]) == (None, None)
    assert found["steps"] == [
        {
            "kind": each.kind.value.upper(),
            "version": each.version,
            "by": each.by.name,
            "reason": each.reason,
            "sha256": each.digest,
            "receiptId": receipt(each.receipt_id),
        }
        for each in signed.steps
    ]
    kinds = [(each["kind"], each["by"]) for each in found["steps"]]
    assert kinds[1:4] == [("SUBMITTED", "Wera Lind"), ("RETURNED", "Rui Alves"), ("SUBMITTED", "Wera Lind")]
    assert found["steps"][2]["reason"] == "What of the other?"


async def test_who_signs_instead_of_an_owner_who_cannot_is_said_with_the_reason(desk):
    await desk.vendor.tell(
        declared("INC-2", owner="wera@vendor.example"), declared("INC-3", owner="a stranger"),
    )  # fmt: skip
    query = "query ($id: ID!) { postmortem(id: $id) { signer anyOwnerBecause signsInsteadOf } }"
    for key, said in {
        "INC-2": {"signer": None, "anyOwnerBecause": "NO_ROLE", "signsInsteadOf": "Wera Lind"},
        "INC-3": {"signer": None, "anyOwnerBecause": "NOBODY_NAMED", "signsInsteadOf": None},
    }.items():
        id_ = encode("Postmortem", VENDOR_ID, (await desk.postmortem(key)).id)
        assert (await ask(desk, desk.owner, query, id=id_))["postmortem"] == said


async def test_a_release_says_enough_to_disclose_from_it_without_guessing(desk):
    signed = await desk.signed(await desk.postmortem())
    command = Release(signed.id, 1, desk.northwind, "customer", "As promised.")
    first = await desk.house.postmortem_releases.release(command, desk.owner)
    query = (
        """query ($id: ID!) { postmortem(id: $id) { releases { warnings { key place words message } } } }"""
    )
    found = await ask(desk, desk.owner, query, id=encode("Postmortem", VENDOR_ID, signed.id))
    [before] = found["postmortem"]["releases"]
    (named,) = [each for each in before["warnings"] if each["place"] == "incident.owner"]
    assert (named["words"], named["message"]) == ("ivo@vendor.example", "names a person")
    shown = await desk.house.postmortem_releases.disclose(
        Disclose(
            first.id, ("incident.owner",), "They asked.", (Acknowledgement(named["key"], "They know."),)
        ),
        desk.owner,
    )
    query = """query ($id: ID!) { postmortem(id: $id) { releases {
      revision profile withheld disclosed acknowledgements { warning reason } by reason receiptId } } }"""
    found = await ask(desk, desk.owner, query, id=encode("Postmortem", VENDOR_ID, signed.id))
    assert found["postmortem"]["releases"] == [
        {
            "revision": each.revision,
            "profile": "customer",
            "withheld": sorted(first.withheld.keys() - {*each.disclosed, "customers.contoso"}),
            "disclosed": list(each.disclosed),
            "acknowledgements": [{"warning": id_, "reason": why} for id_, why in each.acknowledged.items()],
            "by": "Ivo Stern",
            "reason": reason,
            "receiptId": receipt(each.receipt_id),
        }
        for each, reason in ((shown, "They asked."), (first, "As promised."))
    ]
    assert "incident.owner" in found["postmortem"]["releases"][1]["withheld"]
    assert (first.acknowledged, shown.acknowledged) == ({}, {named["key"]: "They know."})


async def test_an_action_names_its_successor_and_its_next_reminder(desk):
    postmortem = await desk.postmortem()
    old = await desk.plan(postmortem)
    await desk.signed(postmortem)
    await desk.vendor.tell(step("INC-1", "resolved", minute=60))
    query = """query ($id: ID!) { preventionAction(id: $id) { nextReminder { rung at }
      steps { act successorId } recurrences { receiptId } } }"""
    id_ = encode("PreventionAction", VENDOR_ID, old.id)
    stands = await desk.house.prevention_reader.get(desk.owner, old.id)
    coming = await desk.house.prevention_reader.next_reminder(desk.owner, stands)
    assert coming is not None
    found = (await ask(desk, desk.owner, query, id=id_))["preventionAction"]
    assert found["nextReminder"]["rung"] == coming[0].name
    assert datetime.fromisoformat(found["nextReminder"]["at"]) == coming[1]
    assert found["recurrences"] == []
    new = await desk.house.prevention_actions.plan(
        PlanAction(
            postmortem.id, "Cap them better", ActionType.PREVENT, desk.owner.id, 5, TRACKED,
            replaces=old.id, reason="The first cap was too high.",
        ),
        desk.owner,
    )  # fmt: skip
    ended = (await ask(desk, desk.owner, query, id=id_))["preventionAction"]
    assert ended["nextReminder"] is None
    successor = encode("PreventionAction", VENDOR_ID, new.id)
    assert ended["steps"][-1] == {"act": "SUPERSEDE", "successorId": successor}


async def test_a_line_of_the_ledger_says_what_covers_it_and_what_it_is_now(desk):
    await desk.vendor.tell(
        declared("INC-2", "P2", minute=1), updated("INC-2", "merged", minute=2, into="INC-1")
    )
    desk.vendor.clock.advance(timedelta(seconds=1))
    await desk.signed(await desk.postmortem())
    query = "{ switchboard { coverage(gapsOnly: false) { name cover severity coveredById pager } } }"
    one = encode("VendorIncident", VENDOR_ID, named("INC-1"))
    assert (await ask(desk, desk.owner, query))["switchboard"]["coverage"] == [
        {"name": "Trouble INC-1", "cover": "SIGNED", "severity": "P1", "coveredById": one, "pager": None},
        {"name": "Trouble INC-2", "cover": "MERGED", "severity": "P2", "coveredById": one, "pager": None},
    ]


async def test_where_somebody_works_can_be_read(desk):
    person = encode("Person", VENDOR_ID, desk.writer.id)
    query = """query ($id: ID!) { workplace(personId: $id) {
      personId calendar country subdivision timeZone managerId setAt receiptId } }"""
    assert (await ask(desk, desk.owner, query, id=person))["workplace"] == {
        "personId": person, "calendar": "Mon to Fri, UTC", "country": None, "subdivision": None,
        "timeZone": "UTC", "managerId": None, "setAt": None, "receiptId": None,
    }  # fmt: skip
    command = SetWorkplace(desk.writer.id, WorkCalendar("DE", "BY", "Europe/Berlin"), desk.owner.id)
    said = await desk.house.workplaces.set(command, desk.writer)
    found = (await ask(desk, desk.owner, query, id=person))["workplace"]
    assert datetime.fromisoformat(found.pop("setAt")) == said.at
    assert found == {
        "personId": person, "calendar": "DE-BY, Europe/Berlin", "country": "DE", "subdivision": "BY",
        "timeZone": "Europe/Berlin", "managerId": encode("Person", VENDOR_ID, desk.owner.id),
        "receiptId": receipt(said.receipt_id),
    }  # fmt: skip


async def test_every_id_of_this_chapter_is_found_again_by_node_and_by_nobody_elses(desk):
    signed = await desk.signed(await desk.postmortem())
    action = await desk.house.prevention_reader.recurred(desk.owner, signed.incident_id)
    assert action == ()
    command = Release(signed.id, 1, desk.northwind, "customer", "As promised.")
    release = await desk.house.postmortem_releases.release(command, desk.owner)
    await desk.house.postmortem_copies.issue(release.id)
    planned = (await desk.house.postmortem_reader.find(desk.owner, signed.id)).document["actions"][0]["id"]
    incident = (await desk.house.incidents.get(desk.owner, signed.incident_id)).incident
    query = """query ($id: ID!) { node(id: $id) { __typename
      ... on Incident { id } ... on VendorIncident { id } ... on Postmortem { id } ... on PostmortemVersion { id }
      ... on PostmortemRelease { id } ... on PostmortemCopy { id } ... on PreventionAction { id } } }"""
    theirs = actor_of(await desk.vendor.person("Otto Klein", Role.CUSTOMER_ADMIN, tenant_id=desk.contoso))
    for kind, tenant_id, id_ in (
        ("Incident", desk.northwind, incident.shown_id),
        ("PostmortemCopy", desk.northwind, release.id),
        ("Postmortem", VENDOR_ID, signed.id),
        ("PostmortemRelease", VENDOR_ID, release.id),
        ("PostmortemVersion", VENDOR_ID, signed.versions[0].receipt_id),
        ("PreventionAction", VENDOR_ID, UUID(planned)),
        ("VendorIncident", VENDOR_ID, signed.incident_id),
    ):
        asked = encode(kind, tenant_id, id_)
        assert (await ask(desk, desk.owner, query, id=asked))["node"] == {"__typename": kind, "id": asked}
        none = await schema.execute(
            query, variable_values={"id": asked}, context_value=Context(desk.house, theirs)
        )
        assert none.data == {"node": None}, kind
    for kind, tenant_id in (("VendorIncident", desk.northwind), ("Incident", VENDOR_ID)):
        id_ = encode(kind, tenant_id, release.id)
        assert (await ask(desk, desk.owner, query, id=id_))["node"] is None


async def test_a_pager_says_where_it_is_delivered_what_it_was_and_what_rules_make_of_a_delivery(desk):
    sre = desk.writer
    setting = """mutation ($input: SetIncidentIntegrationInput!) { setIncidentIntegration(input: $input)
      { userErrors { code } } }"""
    rules = (
        "- {when: {priority.summary: P1}, severity: P1, service: api, title: Slow, owner: ivo, team: core, "
        "tenants: 'northwind, contoso', objectives: api}"
    )
    wanted = {
        "kind": "PAGERDUTY", "name": "main", "rules": rules, "reason": "First", "secret": "theirs",
    }  # fmt: skip
    await ask(desk, sre, setting, input=wanted)
    await ask(
        desk, sre, setting, input=wanted | {"rules": "- {ignore: All}", "reason": "Second", "version": 1}
    )
    found = await ask(
        desk, sre, "{ incidentIntegrations { address version reason refused { why } versions { version reason rules } } }"
    )  # fmt: skip
    assert found["incidentIntegrations"] == [
        {
            "address": "https://trust.example/webhooks/in/pagerduty/main",
            "version": 2,
            "reason": "Second",
            "refused": [],
            "versions": [
                {"version": 2, "reason": "Second", "rules": "- {ignore: All}"},
                {"version": 1, "reason": "First", "rules": rules},
            ],
        }
    ]
    trying = """mutation ($input: TryIncidentRulesInput!) { tryIncidentRules(input: $input) {
      tried { owner team tenantKeys objectiveKeys } userErrors { code message } } }"""
    body = """{"event": {"id": "e", "event_type": "incident.triggered", "occurred_at": "2026-06-01T10:00:00Z",
      "data": {"id": "Q1", "title": "Slow", "created_at": "2026-06-01T10:00:00Z", "priority": {"summary": "P1"}}}}"""
    tried = await ask(desk, sre, trying, input={"kind": "PAGERDUTY", "rules": rules, "body": body})
    assert tried["tryIncidentRules"] == {
        "tried": {
            "owner": "ivo", "team": "core", "tenantKeys": ["contoso", "northwind"], "objectiveKeys": ["api"],
        },
        "userErrors": [],
    }  # fmt: skip

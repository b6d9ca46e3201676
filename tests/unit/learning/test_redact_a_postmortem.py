"""A customer's copy: the same facts, with fields withheld that can be shown later."""

from __future__ import annotations

import copy
import itertools
import json
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.postmortem_sample import document

from trust_portal.errors import InvalidInput, NotFound
from trust_portal.evidence.disclosure import reveal
from trust_portal.kernel.canonical import canonical, sha256_hex
from trust_portal.learning.postmortems.profiles import parse_profile, profile_of, shipped_profiles
from trust_portal.learning.postmortems.redaction import copy_body, parse_place, redact
from trust_portal.learning.postmortems.rows_in_words import change_rows

DOCUMENT = document()


def salts():
    numbers = itertools.count()
    return lambda: f"salt-{next(numbers):018d}"


def redacted(profile="customer", customer="northwind", value=DOCUMENT):
    return redact(value, profile_of(profile).withhold, customer, salt=salts())


def test_the_copy_shows_its_customer_and_no_other():
    shown = redacted().document
    assert shown["customers"]["northwind"]["sla"] == DOCUMENT["customers"]["northwind"]["sla"]
    assert "contoso" not in json.dumps(shown).casefold()


def test_how_many_others_there_are_cannot_be_counted():
    alone = copy.deepcopy(DOCUMENT)
    del alone["customers"]["contoso"]
    for value in (DOCUMENT, alone):
        assert len(redacted(value=value).document["customers"]["_sd"]) == 8


def test_every_place_of_the_profile_is_withheld():
    shown = redacted().document
    assert shown["incident"].keys().isdisjoint({"source", "key", "team", "owner"})
    assert "text" in shown["timeline"][0], "turning points are told"
    assert "text" not in shown["timeline"][1], "notes among ourselves are not"
    assert "by" not in shown["changes"][0]
    assert "tenants" not in shown["changes"][0]
    assert "authors" not in shown
    assert "denials" not in shown
    assert all(each.keys().isdisjoint({"source", "sha256"}) for each in shown["evidence"])
    assert shown["written"] == DOCUMENT["written"]


@pytest.mark.parametrize(
    ("kind", "claim", "told"),
    [
        ("note", False, True),
        ("mitigation", False, True),
        ("note", True, False),
        ("told_customer", True, False),
        ("severity", False, False),
        ("affected", False, False),
        ("owner", False, False),
    ],
)
def test_of_what_is_marked_as_a_turning_point_the_copy_tells_what_the_customers_page_tells(kind, claim, told):
    value = copy.deepcopy(DOCUMENT)
    value["timeline"][0] |= {"kind": kind, "claim": claim, "key": True}
    assert ("text" in redacted(value=value).document["timeline"][0]) is told


def test_no_digest_without_a_salt_stands_beside_what_is_withheld():
    """Else whoever guesses what a denial, a note or a change says could make sure."""
    value = copy.deepcopy(DOCUMENT)
    own = value["customers"]["northwind"]
    own["denial"] = [{"id": "d1", "actor": "Wera Lind"}]
    own["evidence"].append(
        {"id": "d1", "kind": "denial", "source": "denial log", "at": "x", "sha256": "d" * 64}
    )
    own["mitigation"] = [{"id": "m1", "by": "Wera Lind", "step": "executed"}]
    shown = redacted(value=value).document
    kept = shown["customers"]["northwind"]
    open_ones = {each["kind"]: each.get("sha256") for each in kept["evidence"]}
    assert open_ones == {"sla": own["evidence"][0]["sha256"], "denial": None}
    assert kept["mitigation"][0].keys() >= {"id", "step", "_sd"}
    assert "Wera" not in json.dumps(shown)


@pytest.mark.parametrize("profile", shipped_profiles())
def test_a_line_that_was_named_by_the_digest_of_what_it_says_keeps_its_name_to_itself(profile):
    """As lines were in documents signed earlier: their copies are made from these very bytes."""
    value = copy.deepcopy(DOCUMENT)
    note = next(each for each in value["evidence"] if each["id"] == "t2")
    change = next(each for each in value["evidence"] if each["id"] == "c1")
    name = f"{note['at']}/note/{note['sha256'][:16]}"
    note["id"] = value["timeline"][1]["id"] = name
    found = redacted(profile, value=value)
    assert note["sha256"][:16] not in json.dumps(found.document)
    places = {each.place for each in found.withheld}
    lines = {f"timeline.{number}.id" for number in range(2)}
    told = {f"evidence.{value['evidence'].index(each)}.id" for each in value["evidence"] if each != change}
    names = {"incident.id", "changes.0.id", f"evidence.{value['evidence'].index(change)}.id"}
    by_name = names if profile == "customer" else set()
    assert {each for each in places if each.endswith(".id")} == lines | told | by_name
    whole = reveal(found.document, [each.disclosure.encoded for each in found.withheld])
    assert canonical(whole.value) == canonical(value)
    assert "timeline.1.id" not in {each.place for each in redacted(profile).withheld}


def test_no_id_that_follows_from_a_name_stands_beside_that_name_withheld():
    """Of the incident, of what was merged into it, and of a change: who guesses source and key could make sure."""
    ids = [str(uuid4()) for _ in range(3)]
    value = copy.deepcopy(DOCUMENT)
    value["incident"] |= {
        "id": ids[0],
        "merged": [{"id": ids[1], "source": "s", "key": "k", "title": "Part"}],
    }
    value["timeline"][0]["incident"] = ids[1]
    change = next(each for each in value["evidence"] if each["kind"] == "change")
    change["id"] = value["changes"][0]["id"] = ids[2]
    found = redacted(value=value)
    shown = json.dumps(found.document)
    assert [each for each in ids if each in shown] == []
    assert found.document["incident"]["merged"][0].keys() == {"title", "_sd"}
    whole = reveal(found.document, [each.disclosure.encoded for each in found.withheld])
    assert canonical(whole.value) == canonical(value)
    # Who may read the names may read what follows from them.
    assert [each for each in ids if each not in json.dumps(redacted("full", value=value).document)] == []


@pytest.mark.parametrize(
    ("source", "kind", "told"),
    [
        ("pagerduty/main evt-1", "resolved", False),
        ("alertmanager/prod evt-1", "reopened", False),
        ("pagerduty/main evt-1", "declared", True),
        ("urn:product evt-1", "resolved", True),
        ("portal 0198", "resolved", True),
    ],
)
def test_the_words_of_a_pager_are_withheld_as_they_are_on_the_customers_page(source, kind, told):
    value = copy.deepcopy(DOCUMENT)
    value["timeline"][0] |= {"kind": kind, "text": "Resolved by Wera Lind: Contoso again", "key": True}
    line = next(each for each in value["evidence"] if each["id"] == value["timeline"][0]["id"])
    line["source"] = source
    found = redacted(value=value)
    assert ("text" in found.document["timeline"][0]) is told
    assert found.document["timeline"][0]["kind"] == kind
    assert ("timeline.0.text" in {each.place for each in found.withheld}) is not told
    assert "text" in redacted("full", value=value).document["timeline"][0]


@pytest.mark.parametrize("profile", shipped_profiles())
def test_what_others_deployments_reached_is_not_to_be_made_sure_of_either(profile):
    found = redacted(profile).document
    assert "tenants" not in found["changes"][0]
    assert {"sha256" in each for each in found["evidence"]} == {False}


@pytest.mark.parametrize("profile", shipped_profiles())
def test_of_what_changed_for_others_only_the_copy_tells_that_and_when(profile):
    value = copy.deepcopy(DOCUMENT)
    ours, theirs, both, everybodys = (copy.deepcopy(value["changes"][0]) for _ in range(4))
    ours |= {"id": "c1", "tenants": ["northwind"]}
    theirs |= {
        "id": "c2",
        "name": "merger-ledger-import",
        "detail": "acquisition-of-hooli for 100 %",
        "reason": "hooli alone",
        "rule": {"id": "scope", "verdict": "cleared", "reason": "hooli alone"},
        "judged_by": {"id": "p1", "name": "Wera Lind"},
        "tenants": ["contoso"],
    }
    both |= {"id": "c3", "tenants": ["contoso", "northwind"]}
    everybodys |= {"id": "c4", "tenants": None}
    value["changes"] = [ours, theirs, both, everybodys]
    (entry,) = (each for each in value["evidence"] if each["kind"] == "change")
    value["evidence"] = [
        entry | {"id": each["id"], "source": f"ci/argo hooli-{each['id']}" if each is theirs else "ci/argo 1"}
        for each in value["changes"]
    ]
    found = redacted(profile, value=value)
    told = found.document["evidence"]
    assert told[1].keys() == {"kind", "at", "_sd"}
    assert len(told[1]["_sd"]) == 3
    assert [each.get("id") for each in told] == (
        [None] * 4 if profile == "customer" else ["c1", None, "c3", "c4"]
    )
    shown = found.document["changes"]
    assert shown[1].keys() == {"at", "kind", "verdict", "_sd"}
    assert len(shown[1]["_sd"]) == 9
    assert {each["name"] for each in (shown[0], shown[2], shown[3])} == {"exports"}
    assert "hooli" not in json.dumps(found.document)
    ((_, what, detail, why, _), *_) = change_rows([shown[1]], {})
    assert (what, detail, why) == ("deploy (withheld)", "(withheld)", "(withheld)")
    whole = reveal(found.document, [each.disclosure.encoded for each in found.withheld])
    assert canonical(whole.value) == canonical(value)


def test_the_withheld_are_named_by_their_place():
    places = {each.place for each in redacted().withheld}
    assert {"customers.contoso", "incident.owner", "timeline.1.text", "actions.0.owner"} <= places
    assert "timeline.0.text" not in places


@pytest.mark.parametrize("profile", shipped_profiles())
def test_with_every_disclosure_the_copy_is_the_signed_document_byte_for_byte(profile):
    found = redacted(profile)
    everything = reveal(found.document, [each.disclosure.encoded for each in found.withheld])
    assert canonical(everything.value) == canonical(DOCUMENT)
    assert (everything.false, everything.unreferenced) == ((), ())


@given(st.data())
def test_any_part_disclosed_is_true_and_leaves_the_rest_withheld(data):
    found = redacted()
    places = data.draw(st.sets(st.sampled_from([each.place for each in found.withheld])))
    shown = reveal(found.document, [e.disclosure.encoded for e in found.withheld if e.place in places])
    assert (shown.false, shown.unreferenced) == ((), ())
    for each in found.withheld:
        value = shown.value
        *path, name = each.place.split(".")
        for step in path:
            value = value[int(step) if isinstance(value, list) else step]
        assert (name in value) is (each.place in places)


def test_another_value_has_no_digest_in_the_copy():
    found = redacted()
    (owner,) = [each for each in found.withheld if each.place == "incident.owner"]
    false = type(owner.disclosure).make("owner", "Somebody Else", "salt-000000000000000000")
    shown = reveal(found.document, [false.encoded])
    assert shown.unreferenced == (false.encoded,)
    assert "owner" not in shown.value["incident"]


def test_the_copy_names_the_signed_document_and_its_profile():
    found, profile = redacted(), profile_of("customer")
    body = copy_body(
        found,
        original_sha256=sha256_hex(canonical(DOCUMENT)),
        customer={"id": "x", "key": "northwind", "name": "Northwind Traders"},
        profile={"id": profile.id, "sha256": profile.sha256},
    )
    assert body["original"] == {
        "postmortem": DOCUMENT["postmortem"]["id"],
        "version": "1",
        "sha256": sha256_hex(canonical(DOCUMENT)),
    }
    assert body["profile"] == {"id": "customer", "sha256": profile.sha256}


@pytest.mark.parametrize("place", ["", "a..b", "timeline.*", "Timeline.text", "*[key].text", "a.*[k=v]"])
def test_what_is_no_place_is_refused(place):
    with pytest.raises(InvalidInput) as refused:
        parse_place(place)
    assert refused.value.field == "withhold"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("id: x", "profile"),
        ("[", "profile"),
        ("{id: '', title: t, withhold: []}", "id"),
        ("{id: x, title: t, withhold: authors}", "withhold"),
        ("{id: x, title: t, withhold: ['*']}", "withhold"),
    ],
)
def test_a_profile_that_is_none_says_what_is_wrong(text, field):
    with pytest.raises(InvalidInput) as refused:
        parse_profile(text)
    assert refused.value.field == field


def test_an_unknown_profile_is_not_found():
    with pytest.raises(NotFound):
        profile_of("everything")


def test_a_key_with_dots_is_one_step_of_a_place():
    """Else a customer ``acme.denial`` would stand where the denials of ``acme`` do."""
    value = copy.deepcopy(DOCUMENT)
    value["customers"] = dict.fromkeys(("acme", "acme.denial", "acme.eu"), value["customers"]["northwind"])
    places = {
        customer: sorted(each.place for each in redacted(customer=customer, value=value).withheld)
        for customer in ("acme", "acme.eu")
    }
    of_customers = {
        customer: [place for place in found if place.startswith("customers.")]
        for customer, found in places.items()
    }
    assert of_customers == {
        "acme": ['customers."acme.denial"', 'customers."acme.eu"', "customers.acme.denial"],
        "acme.eu": ['customers."acme.denial"', 'customers."acme.eu".denial', "customers.acme"],
    }


@pytest.mark.parametrize("kind", ["merged", "unmerged"])
def test_what_is_said_of_a_merger_and_of_its_undoing_is_withheld(kind):
    """A turning point, so it is told; but its words may name whom else it touched."""
    value = copy.deepcopy(DOCUMENT)
    value["timeline"][0] |= {"kind": kind, "key": True, "text": "It was Contoso's alone."}
    shown = redacted(value=value).document["timeline"][0]
    assert (shown["kind"], shown["key"]) == (kind, True)
    assert "text" not in shown

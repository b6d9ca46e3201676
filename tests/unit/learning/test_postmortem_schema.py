"""The published schema says what a postmortem's document is, and nothing else fits it."""

from __future__ import annotations

import copy
import json
from importlib.resources import files

import jsonschema
import pytest
from support.postmortem_sample import document, entry, fact, sla

from trust_portal.kernel.canonical import digest
from trust_portal.learning.postmortems.gathering.model import FactKind

SCHEMA = json.loads(
    (files("trust_portal.learning") / "schemas" / "postmortem.schema.json").read_text("utf-8")
)


def test_a_document_fits_its_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(document())) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.pop("missing"),
        lambda body: body.update(comment="more"),
        lambda body: body["incident"].update(reopened=0),
        lambda body: body["changes"][0].update(verdict="perhaps"),
        lambda body: body["evidence"][0].update(sha256="short"),
    ],
)
def test_what_is_missing_more_or_otherwise_does_not_fit(change):
    body = copy.deepcopy(document())
    change(body)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(body, SCHEMA)


def test_the_same_facts_give_the_same_bytes_as_ever():
    """What was signed is told apart by its digest: a document made anew of the same facts has to have it."""
    body = document(
        facts=(
            entry("t1", "Exports time out", key=True),
            sla("northwind"),
            sla("contoso"),
            fact(FactKind.DENIAL, "d1", actor="Ann"),
            fact(FactKind.DENIAL, "d2", "contoso", actor="Ben"),
            fact(FactKind.MITIGATION, "m1", "contoso", run="r"),
            fact(FactKind.COST, "k1", "northwind", excess="7"),
            fact(FactKind.COST, "k2", "elsewhere", excess="8"),
        )
    )
    assert digest(body) == "95dcfc3262917df05b5025148e5c5f98f2b6379caf51b71eecd5cc038a6e1915"
    assert [each["id"] for each in body["evidence"]] == ["c1", "d1", "t1"]
    assert [each["id"] for each in body["customers"]["contoso"]["evidence"]] == [
        "contoso/availability/2026-06",
        "d2",
        "m1",
    ]

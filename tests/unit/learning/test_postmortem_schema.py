"""The published schema says what a postmortem's document is, and nothing else fits it."""

from __future__ import annotations

import copy
import json
from importlib.resources import files

import jsonschema
import pytest
from support.postmortem_sample import document

SCHEMA = json.loads(
    (files("trust_portal.learning") / "schemas" / "postmortem.schema.json").read_text("utf-8")
)


def test_a_document_fits_its_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(document(), SCHEMA)


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

"""``docs/formats/events.md`` lists exactly the event types there are, and its example is accepted."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "formats" / "events.md").read_text("utf-8")
SCHEMAS = {
    path.stem: json.loads(path.read_text()) for path in (ROOT / "trust_portal/facts/schemas").glob("*.json")
}
ROWS = dict(re.findall(r"^\| `(trustportal\.\S+)` \|(.+)\|$", TEXT, flags=re.MULTILINE))


def data_of(schema: dict) -> dict:
    data = schema["properties"]["data"]
    return schema["$defs"][data["$ref"].rpartition("/")[2]] if "$ref" in data else data


def test_every_type_is_listed_and_no_other() -> None:
    assert sorted(ROWS) == sorted(SCHEMAS)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_row_names_the_fields_of_its_schema(name: str) -> None:
    _, must, may = ROWS[name].split("|")[:3]
    data = data_of(SCHEMAS[name])
    assert set(data["required"]) <= set(re.findall(r"`(\w+)`", must))
    assert set(re.findall(r"`(\w+)`", must + may)) == set(data["properties"])


def test_the_example_is_an_event() -> None:
    example = json.loads(re.search(r"-d '(\{.+?\})'\n", TEXT, flags=re.DOTALL)[1])
    assert list(Draft202012Validator(SCHEMAS[example["type"]]).iter_errors(example)) == []

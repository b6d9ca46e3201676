"""How a postmortem reads, on paper and on the page: both are made by the same template."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from support.postmortem_sample import document

from trust_portal.learning.postmortems.presentation import Imprint, postmortem_html

IMPRINT = Imprint("ab" * 16, "bundle.zip", "2026-06-03T09:00:00Z", "Olga Rey", "Rui Alves")


def words(value: dict[str, Any]) -> str:
    """What it says, without marks and with single spaces."""
    text = re.sub(r"<[^>]+>", "", postmortem_html(value, IMPRINT, "vendor"))
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize(
    ("term", "said"), [("1", "within 1 business day "), ("10", "within 10 business days ")]
)
def test_a_term_of_one_business_day_is_a_day(term, said):
    value = copy.deepcopy(document())
    value["actions"][0] |= {"term": term, "due": None}
    assert said in words(value)


@pytest.mark.parametrize(
    ("key", "heading", "other"), [(True, "Turning point", "Note"), (False, "Note", "Turning point")]
)
def test_a_note_that_is_marked_is_called_a_turning_point(key, heading, other):
    value = document()
    value["timeline"] = [value["timeline"][0] | {"key": key}]
    said = words(value)
    assert f"{heading} Exports time out" in said
    assert f"{other} Exports time out" not in said


@pytest.mark.parametrize(
    ("excluded", "said"),
    [("25", "the contract excludes 25 minutes."), ("1", "the contract excludes 1 minute.")],
)
def test_where_the_contract_excludes_minutes_the_document_says_how_many_the_period_leaves_out(excluded, said):
    value = copy.deepcopy(document())
    value["customers"]["northwind"]["sla"][0]["excluded_minutes"] = excluded
    assert (
        f"availability: of June 2026 {said} Down or not, these are counted in this incident, and not in the period."
        in words(value)
    )
    assert words(value).count("the contract excludes") == 1, "the other customer's excludes nothing"


def test_a_line_whose_name_is_withheld_is_told_without_its_proof():
    value = copy.deepcopy(document())
    for each in (value["timeline"][1], next(each for each in value["evidence"] if each["id"] == "t2")):
        del each["id"]
    assert "Note Restarted worker 10.0.4.17" in words(value)

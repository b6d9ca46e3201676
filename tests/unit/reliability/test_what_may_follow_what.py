"""The states of a credit and of an exclusion follow one another in the code as in the database."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import pytest

from trust_portal.reliability.credits import model as credits_model
from trust_portal.reliability.exclusions import model as exclusions_model

VERSIONS = Path(__file__).parents[3] / "migrations" / "versions"
FOLLOWS = re.compile(r"previous_state = '(\w+)' AND state (?:IN \(([^)]*)\)|= ('\w+'))")


@pytest.mark.parametrize(
    ("migration", "transitions"),
    [
        ("0010_credits.py", credits_model.TRANSITIONS),
        ("0015_exclusions.py", exclusions_model.TRANSITIONS),
    ],
)
def test_the_migration_holds_the_transitions_of_the_code(
    migration: str, transitions: Mapping[StrEnum, frozenset[StrEnum]]
) -> None:
    found = FOLLOWS.findall((VERSIONS / migration).read_text("utf-8"))
    held = {before: set(re.findall(r"'(\w+)'", several or one)) for before, several, one in found}
    assert held == {before.value: {each.value for each in after} for before, after in transitions.items()}

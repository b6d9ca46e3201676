"""Names that programs use, as pages say them."""

from __future__ import annotations

import pytest

from trust_portal.access.action import Action
from trust_portal.web.templating import asked, source, words


@pytest.mark.parametrize(
    ("action", "read"),
    [
        (Action.APPROVAL_DECIDE, "Decide: approval"),
        (Action.SLA_REPORT_READ, "Read: SLA report"),
        (Action.QBR_DRAFT_READ, "Read: QBR draft"),
        (Action.SLA_RUN_START, "Start: SLA run"),
    ],
)
def test_what_was_asked_for_is_a_verb_and_a_thing(action, read):
    assert asked(action.value) == read


def test_every_action_can_be_read():
    assert all(":" not in asked(each.value).replace(": ", " ", 1) for each in Action)


def test_a_rule_and_a_source_are_read_without_their_punctuation():
    assert words("tokens-within-scope") == "Tokens within scope"
    assert source("urn:meridian-cloud:incidents") == "meridian-cloud, incidents"
    assert source("pagerduty") == "pagerduty"

"""Playbooks are read whole or refused with place and reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trust_portal.cost.remediation.model import RunState
from trust_portal.cost.remediation.playbooks import (
    ControlAction,
    Limits,
    Mode,
    Playbook,
    load_playbooks,
    parse_playbooks,
)
from trust_portal.cost.remediation.tables import TRANSITIONS, follows_its_state
from trust_portal.errors import InvalidInput
from trust_portal.kernel.canonical import sha256_hex

ROOT = Path(__file__).parents[4]
TEXT = load_playbooks().text


def test_what_is_shipped_has_every_action_and_lets_nothing_be_automatic():
    shipped = load_playbooks()
    assert {each.action for each in shipped.by_id.values()} == set(ControlAction)
    assert all(each.mode is not Mode.AUTOMATIC for each in shipped.by_id.values())
    assert shipped.by_id["retention-tier"].mode is Mode.APPROVAL
    assert shipped.by_id["dedicated-pool"].mode is Mode.PROPOSE
    assert shipped.digest == sha256_hex(TEXT.encode())


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("severity: medium", "severity: grave", "throttle-exports does not fit: Invalid enum value 'grave'"),
        ('burn_rate: "1.5"', "burn_rate: much", "trigger.burn_rate"),
        ("action: throttle_exports", "acton: throttle_exports", "unknown field `acton`"),
        ("EUR:", "XXQ:", "XXQ"),
        ('EUR: "5000"', 'EUR: "5000.001"', "more digits than EUR counts"),
        ("hours: 2", "hours: 0", "verify.hours"),
        ('reduction: "0.5"', 'reduction: "0"', "reduction lies between 0.01 and 1"),
        ("kinds: [deviation, budget]", "kinds: []", "at least one kind"),
        ("subsystems: [storage]", "subsystems: [tape]", "no such subsystem: tape"),
        ("mode: propose", "mode: approval", "is proposed, and nothing else is"),
        ("  throttle-exports:", "  Throttle:", "at `key` in `$.playbooks`"),
        ("  pause-ramp:", "  throttle-exports:", "stands twice"),
        ("actions_per_hour: 6", "actions_per_hour: 0", "limits.actions_per_hour"),
        ('headroom: "1.2"', 'headroom: "NaN"', "parameters.headroom lies between"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(old: str, new: str, says: str):
    assert old in TEXT
    with pytest.raises(InvalidInput, match=re.escape(says)) as refused:
        parse_playbooks(TEXT.replace(old, new, 1))
    assert refused.value.field == "PLAYBOOKS"


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path):
    with pytest.raises(InvalidInput, match="cannot be read"):
        load_playbooks(tmp_path / "none.yaml")


def test_money_is_limited_by_currency_and_never_without_a_limit():
    limits = Limits(money_per_day={"EUR": "12.50", "JPY": "300"})
    assert (limits.money("EUR"), limits.money("JPY"), limits.money("USD")) == (1250, 300, None)


def test_what_is_shipped_limits_money_in_minor_units_of_each_currency_it_may_act_in():
    acting = [each.limits for each in load_playbooks().by_id.values() if each.mode is not Mode.PROPOSE]
    assert len(acting) == 4
    for limits in acting:
        assert set(limits.money_per_day) == {"AUD", "EUR", "GBP", "JPY", "USD"}
    throttle = load_playbooks().by_id["throttle-exports"].limits
    assert (throttle.money("AUD"), throttle.money("EUR"), throttle.money("JPY")) == (800000, 500000, 800000)


def test_the_document_names_every_field_of_a_playbook():
    document = (ROOT / "docs" / "remediation.md").read_text("utf-8")
    table = document.partition("## Playbooks")[2]
    assert [name for name in Playbook.__struct_fields__ if f"`{name}`" not in table] == []
    assert [name for name in Limits.__struct_fields__ if f"`{name}`" not in table] == []


def test_every_action_that_is_called_can_be_taken_back_as_the_document_says():
    document = (ROOT / "docs" / "formats" / "control-calls.md").read_text("utf-8")
    rows = dict(
        re.findall(r"^\| `(\w+)` \|.*\| `?(\w+)[^|]*\|$", document.partition("## Actions")[2], re.MULTILINE)
    )
    assert set(rows) == {each.value for each in ControlAction}
    for action in ControlAction:
        assert rows[action.value] == (action.reverse or "never")


def test_the_migration_holds_the_transitions_of_the_code():
    migrations = sorted((ROOT / "migrations" / "versions").glob("*_remediation*.py"))
    held = re.findall(r"\('(\w+)', '(\w+)'\)", migrations[-1].read_text("utf-8"))
    assert sorted(held) == sorted((before.value, after.value) for before, after in TRANSITIONS)
    assert all(f"'{state.value}'" in follows_its_state() for state in RunState)


def test_nothing_is_executed_that_was_not_permitted_nor_verified_that_was_not_executed():
    into = {state: {before for before, after in TRANSITIONS if after is state} for state in RunState}
    assert into[RunState.EXECUTED] == {RunState.EXECUTING}
    assert into[RunState.VERIFIED] == {RunState.EXECUTED}
    assert into[RunState.ROLLED_BACK] == {RunState.ROLLING_BACK}
    for end in (RunState.DENIED, RunState.DECLINED, RunState.LAPSED, RunState.ROLLED_BACK):
        assert not [after for before, after in TRANSITIONS if before is end], "an end is an end"

"""What one version of a contract says otherwise than another."""

from __future__ import annotations

from sla_months import contract_text

from trust_portal.reliability.contracts.difference import Change, difference
from trust_portal.reliability.contracts.document import parse_contract


def test_a_version_compared_with_itself_differs_in_nothing():
    contract = parse_contract(contract_text())
    assert difference(contract, contract) == ()


def test_each_term_that_differs_is_said_once_with_defaults_spelled_out():
    before = parse_contract(contract_text())
    after = parse_contract(contract_text({"target": "99.5", "min_run": 3, "claim_window_days": 30}))
    changes = difference(before, after)
    name = before.slas[0].objective
    assert {(each.where, each.term) for each in changes} == {
        (name, "target"), (name, "down is"), (name, "claimed within"), (name, "credit"),
    }  # fmt: skip
    assert Change(name, "claimed within", "none", "30 days") in changes
    down = next(each for each in changes if each.term == "down is")
    assert (down.before or "").endswith("1 in a row")
    assert (down.after or "").endswith("3 in a row")
    assert difference(after, before) == tuple(
        Change(each.where, each.term, each.after, each.before) for each in changes
    )

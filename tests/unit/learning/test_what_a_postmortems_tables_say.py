"""A postmortem's tables are read by customers: amounts in their currency's digits, names, and no column that is withheld."""

from __future__ import annotations

from markupsafe import Markup

from trust_portal.learning.postmortems.rows_in_words import cost_rows, mitigation_rows, names_whom

COST = {
    "id": "c1",
    "subsystem": "egress",
    "at": "2026-11-12T19:00:00Z",
    "state": "open",
    "expected": "45.799502",
    "actual": "589.285360",
    "excess": "543.485858",
    "currency": "EUR",
}
STEP = {"id": "m1", "at": "2026-11-12T23:12:10Z", "playbook": "throttle-exports", "step": "asked_for"}


def test_a_cost_is_rounded_to_its_currencys_digits_with_the_exact_amount_behind() -> None:
    ((*_, expected, actual, excess, proof),) = cost_rows([COST], {"c1": Markup("<code>ab</code>")})
    assert [each.striptags().replace("\u00a0", " ") for each in (expected, actual, excess)] == [
        "EUR 45.80",
        "EUR 589.29",
        "EUR 543.49",
    ]
    assert 'value="543.485858"' in excess
    assert proof == "<code>ab</code>"


def test_a_playbook_is_called_by_words_and_whom_nobody_may_read_is_no_column() -> None:
    (row,) = mitigation_rows([STEP], {})
    assert row[1:] == ("Throttle exports", "asked for", "")
    assert not names_whom([STEP])
    rows = mitigation_rows([STEP, {**STEP, "by": "Olga"}], {})
    assert [each[3] for each in rows] == ["withheld", "Olga"]

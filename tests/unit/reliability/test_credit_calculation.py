"""Combination, caps, minimum, rounding: in this order."""

import json

import pytest
from sla_months import month, sla, tiers

from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.reports.assessment import assess


def result(slas, downs, **fields):
    document = {"tenant": "a", "currency": "EUR", "fee": "1000.00", "slas": slas} | fields
    measurements = {each["objective"]: month(down=down) for each, down in zip(slas, downs, strict=True)}
    return assess(parse_contract(json.dumps(document)), measurements, (), "2026-06")


def figures(assessment):
    credit = assessment.credit
    return str(credit.uncapped * 100), str(credit.percent * 100), credit.amount.decimal


def two(**second):
    return [sla(objective="api"), sla(objective="web", **second)]


@pytest.mark.parametrize(
    "combine, expected",
    [
        ("max", ("25", "25", "250.00")),
        ("choose_one", ("25", "25", "250.00")),
        ("sum", ("35", "35", "350.00")),
    ],
)
def test_several_slas_combine_as_the_contract_says(combine, expected):
    assert figures(result(two(), (433, 100), combine=combine)) == expected


def test_a_cap_applies_after_combining():
    slas = [sla(objective="api", cap_percent="30"), sla(objective="web", cap_percent="30")]
    assert figures(result(slas, (433, 100), combine="sum")) == ("35", "30", "300.00")


def test_who_may_choose_takes_what_is_worth_most_after_its_cap():
    slas = [sla(objective="api", cap_percent="5"), sla(objective="web")]
    assert figures(result(slas, (433, 100), combine="choose_one")) == ("10", "10", "100.00")
    assert figures(result(slas, (433, 100), combine="max")) == ("25", "5", "50.00")


def test_never_more_than_the_fee():
    assert figures(result(two(), (3000, 3000), combine="sum")) == ("200", "100", "1000.00")


def test_caps_of_the_policy_come_last():
    policy = {"auto_propose": True, "approvers": ["finance"], "caps": {"percent": "20", "amount": "150.00"}}
    capped = result(two(), (433, 100), credit_policy=policy)
    assert figures(capped) == ("25", "20", "150.00")
    assert [rule.id for rule in capped.credit.rules] == ["combine", "cap.policy", "cap.policy"]


def test_the_minimum_meets_the_capped_amount():
    slas = [sla(cap_percent="5", minimum_credit="50.00")]
    assert figures(result(slas, (433,)))[2] == "0.00"
    assert figures(result(slas, (433,), fee="1000.20"))[2] == "50.01"


@pytest.mark.parametrize(
    "currency, fee, amount",
    [("JPY", "1005", "100"), ("JPY", "1015", "102"), ("KWD", "1.005", "0.100"), ("EUR", "0.15", "0.02")],
)
def test_money_is_rounded_once_half_to_even_in_the_currency_s_own_digits(currency, fee, amount):
    # 10 % of 1005 yen is 100.5: to the even 100; of 1015, 101.5: to 102.
    assert figures(result([sla()], (100,), fee=fee, currency=currency))[2] == amount


@pytest.mark.parametrize(
    "formula, down, percent",
    [
        ("5% per started 0.1% below target up to 50%", 44, "5"),
        ("5% per started 0.1% below target up to 50%", 87, "10"),
        ("5% per full 0.1% below target", 86, "0"),
        ("5 % per full 0.1 % below 99.9 %", 87, "5"),
        ("5% per started 0.1% below target up to 50%", 4320, "50"),
        ("1% per 0.1% below target", 432, "9"),
    ],
)
def test_a_formula_gives_credit_by_the_shortfall(formula, down, percent):
    assert figures(result([sla(formula=formula)], (down,)))[0] == percent


def test_a_met_target_gives_nothing_and_no_rules():
    met = result([sla(tiers=tiers(("10", "0")))], (0,))
    assert (figures(met), met.credit.rules) == (("0", "0", "0.00"), ())

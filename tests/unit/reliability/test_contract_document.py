"""A contract document is read as exact terms, or refused with every reason by name."""

import json

import pytest
from sla_months import contract_text, sla, tiers

from trust_portal.kernel.money import Money
from trust_portal.reliability.contracts.document import lint, parse_contract
from trust_portal.reliability.contracts.model import (
    Aggregate,
    CrossCheck,
    Denominator,
    MissingData,
    Rounding,
    RoundingMode,
    SliceRule,
    ZeroTraffic,
    percent_text,
)
from trust_portal.reliability.findings import Unusable

YAML = """\
tenant: acme
version: 3
effective_from: 2026-01-01
currency: EUR
fee: 1200.00
combine: sum
cross_check: required
exclusions: {notice_hours: 48, cap_hours: 8.5}
credit_policy: {auto_propose: yes, approvers: [finance, reliability], caps: {percent: 30%}}
slas:
  - objective: api
    target: 99.95
    period: quarter
    time_zone: America/Denver
    denominator: add_back
    slice: 5m
    slice_rule: error_ratio >= 0.05
    min_run: 2
    aggregate: mean_of_ratios
    zero_traffic: exclude
    min_events_per_slice: 20
    missing_data: down
    rounding: {mode: half_up, digits: 2}
    tiers:
      - {from: 99.0, from_inclusive: true, to: "99.95%", to_inclusive: false, credit_percent: 10}
      - {from: 0, to: 99.0, credit_percent: 25 %}
    minimum_credit: 1.00
    cap_percent: 50
    claim_window_days: 30
"""


def refused(document):
    with pytest.raises(Unusable) as error:
        parse_contract(document)
    return [(finding.code, finding.where) for finding in error.value.findings]


def test_every_documented_field_is_read_exactly():
    contract = parse_contract(YAML)
    (only,) = contract.slas
    assert (contract.tenant, contract.version, str(contract.effective_from)) == ("acme", "3", "2026-01-01")
    assert contract.fee == Money(120_000, "EUR")
    assert contract.cross_check is CrossCheck.REQUIRED
    assert (contract.combine, contract.exclusions.notice_hours, contract.exclusions.cap_hours) == (
        "sum",
        48,
        8.5,
    )
    assert contract.credit_policy.approvers == ("finance", "reliability")
    assert (contract.credit_policy.auto_propose, percent_text(contract.credit_policy.cap)) == (True, "30")
    assert percent_text(only.target) == "99.95"
    assert (only.period, only.time_zone, only.slice_minutes, only.min_run) == (
        "quarter",
        "America/Denver",
        5,
        2,
    )
    assert (only.denominator, only.aggregate) == (Denominator.ADD_BACK, Aggregate.MEAN_OF_RATIOS)
    assert (only.zero_traffic, only.missing_data) == (ZeroTraffic.EXCLUDE, MissingData.DOWN)
    assert str(only.slice_rule) == "error_ratio >= 0.05"
    assert only.rounding == Rounding(RoundingMode.HALF_UP, 2)
    assert [str(tier) for tier in only.tiers] == ["[99, 99.95)", "[0, 99)"]
    assert (only.minimum_credit, percent_text(only.cap), only.claim_window_days) == (
        Money(100, "EUR"),
        "50",
        30,
    )
    assert (only.min_events_per_slice, contract.digest) == (20, contract.digest.lower())


def test_what_a_contract_does_not_say_has_documented_defaults():
    (only,) = parse_contract(
        json.dumps(
            {"tenant": "a", "currency": "EUR", "fee": "1", "slas": [{"objective": "x", "target": "99"}]}
        )
    ).slas
    assert (only.period, only.time_zone, only.denominator, only.slice_minutes) == (
        "month",
        "UTC",
        "calendar",
        1,
    )
    assert (str(only.slice_rule), only.min_run, only.aggregate) == ("error_ratio > 0.05", 1, "slices")
    assert (only.zero_traffic, only.min_events_per_slice, only.missing_data) == ("up", 0, "fail")
    assert (only.rounding, only.tiers, only.cap, only.minimum_credit) == (None, (), None, None)


@pytest.mark.parametrize("spelling", ["99.9", '"99.9"', "99.9%", '"99.90 %"', "99.900"])
def test_a_percentage_is_read_from_its_text_never_through_a_float(spelling):
    (only,) = parse_contract(
        YAML.replace("target: 99.95", f"target: {spelling}").replace('"99.95%"', spelling)
    ).slas
    assert (only.target.numerator, only.target.denominator) == (999, 1000)


@pytest.mark.parametrize(
    "text, rule",
    [
        ("error_ratio > 0.05", "error_ratio > 0.05"),
        ("error_ratio>0.10", "error_ratio > 0.1"),
        ("error_ratio >= 5%", "error_ratio >= 0.05"),
        ("all_fail", "all_fail"),
        ("error_ratio > 0", "error_ratio > 0"),
    ],
)
def test_slice_rules(text, rule):
    assert str(parse_contract(contract_text({"slice_rule": text})).slas[0].slice_rule) == rule
    assert SliceRule(None) == parse_contract(contract_text({"slice_rule": "all_fail"})).slas[0].slice_rule


@pytest.mark.parametrize(
    "change, where",
    [
        ({"surprise": "1"}, "slas[0].surprise"),
        ({"target": None}, "slas[0].target"),
        ({"target": "abc"}, "slas[0].target"),
        ({"target": "100.1"}, "slas[0].target"),
        ({"target": "1e2"}, "slas[0].target"),
        ({"period": "week"}, "slas[0].period"),
        ({"time_zone": "Mars/Olympus"}, "slas[0].time_zone"),
        ({"time_zone": "../etc/passwd"}, "slas[0].time_zone"),
        ({"denominator": "all"}, "slas[0].denominator"),
        ({"slice": "2m"}, "slas[0].slice"),
        ({"slice_rule": "latency > 3"}, "slas[0].slice_rule"),
        ({"slice_rule": "error_ratio > 1"}, "slas[0].slice_rule"),
        ({"slice_rule": "error_ratio >= 0"}, "slas[0].slice_rule"),
        ({"min_run": "0"}, "slas[0].min_run"),
        ({"aggregate": "median"}, "slas[0].aggregate"),
        ({"missing_data": "ignore"}, "slas[0].missing_data"),
        ({"rounding": {"mode": "sideways", "digits": 2}}, "slas[0].rounding.mode"),
        ({"rounding": {"mode": "down"}}, "slas[0].rounding.digits"),
        ({"minimum_credit": "1.001"}, "slas[0].minimum_credit"),
        ({"cap_percent": "-1"}, "slas[0].cap_percent"),
        ({"tiers": [{"to": "99.9"}]}, "slas[0].tiers[0].credit_percent"),
        (
            {"tiers": [{"to": "99.9", "credit_percent": "1", "inclusive": "yes"}]},
            "slas[0].tiers[0].inclusive",
        ),
        ({"tiers": [], "formula": "5 percent per minute"}, "slas[0].formula"),
        ({"formula": "5% per 0% below target"}, "slas[0].formula"),
        ({"formula": "5% per 1% below target", "tiers": tiers(("10", "0"))}, "slas[0].formula"),
        ({"latency_threshold": "fast"}, "slas[0].latency_threshold"),
        ({"weights": [{"le": "1", "weight": "2"}]}, "slas[0].weights[0].weight"),
        ({"weights": [{"le": "2", "weight": "1"}, {"le": "1", "weight": "0"}]}, "slas[0].weights"),
    ],
)
def test_a_wrong_field_is_refused_by_name(change, where):
    document = contract_text(change)
    if change.get("target", "") is None:
        document = json.dumps(json.loads(document) | {"slas": [{"objective": "api"}]})
    assert where in [place for _, place in refused(document)]


@pytest.mark.parametrize(
    "change, where",
    [
        ({"colour": "red"}, "colour"),
        ({"currency": "XYZ"}, "currency"),
        ({"fee": "-5"}, "fee"),
        ({"fee": None}, "fee"),
        ({"tenant": ""}, "tenant"),
        ({"slas": []}, "slas"),
        ({"slas": [sla(), sla()]}, "slas"),
        ({"slas": ["api"]}, "slas[0]"),
        ({"combine": "best"}, "combine"),
        ({"cross_check": "yes"}, "cross_check"),
        ({"effective_from": "2026-02-30"}, "effective_from"),
        ({"effective_to": "2019-01-01"}, "effective_to"),
        ({"exclusions": {"notice": 3}}, "exclusions.notice"),
        ({"credit_policy": {"auto_propose": "maybe"}}, "credit_policy.auto_propose"),
    ],
)
def test_a_wrong_field_of_the_contract_is_refused_by_name(change, where):
    assert where in [place for _, place in refused(contract_text(**change))]


def test_all_reasons_are_given_at_once():
    assert refused(contract_text({"slice": "2m", "target": "x", "tiers": []}, colour="red", fee="x")) == [
        ("FIELD_MALFORMED", "slas[0].target"),
        ("FIELD_MALFORMED", "slas[0].slice"),
        ("FIELD_MALFORMED", "fee"),
        ("FIELD_UNKNOWN", "colour"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1, 2]",
        "just words",
        "a: [",
        "a: 1\na: 2",
        "a: &x [1]\nb: *x",
        "\x00",
        "a: !!python/object:os.system {}",
        "{a: {b: [[[[[",
    ],
)
def test_what_is_no_contract_at_all_is_refused_without_a_trace(text):
    assert refused(text)


def test_a_document_beyond_a_mebibyte_is_refused():
    assert refused("a" * (1 << 20) + "b") == [("DOCUMENT_TOO_LARGE", "$")]


def test_a_contradiction_is_no_refusal_but_shows_in_the_lint():
    contract = parse_contract(
        contract_text({"tiers": [{"to": "99.9", "to_inclusive": "true", "credit_percent": "5"}]})
    )
    (finding,) = lint(contract)
    assert (finding.code, finding.severity) == ("TARGET_CONTRADICTED", "note")
    assert "exactly 99.9" in finding.message


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "2026\u0000", "1\r\nSet-Cookie: a", "-1", "v" * 65, "２", "1 b", ".1"]
)
def test_a_version_that_is_no_plain_name_is_refused_by_name(name):
    with pytest.raises(Unusable) as refusal:
        parse_contract(contract_text(version=name))
    assert [each.where for each in refusal.value.findings] in (["version"], ["$"])
    assert parse_contract(contract_text(version="2026.1-b_2")).version == "2026.1-b_2"

"""The published schemas say what the parser and the engine do."""

import json
from importlib.resources import files

import pytest
import yaml
from jsonschema import Draft202012Validator
from sla_example import CONTRACT, example_report
from sla_months import contract_text, month, without
from test_contract_document import YAML

from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.reports.document import build_report
from trust_portal.reliability.reports.model import ReportContext, Restatement


def validator(name):
    schema = json.loads((files("trust_portal.reliability") / "schemas" / name).read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize(
    "text", [YAML, CONTRACT, contract_text(), contract_text({"formula": "5% per 1% below target"})]
)
def test_a_contract_that_is_read_satisfies_the_schema(text):
    parse_contract(text)
    # Dates written without quotes are dates to a YAML reader and text to ours.
    document = json.loads(json.dumps(yaml.safe_load(text), default=str))
    assert list(validator("contract.schema.json").iter_errors(document)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"surprise": "1"},
        {"target": "abc"},
        {"slice": "2m"},
        {"rounding": {"mode": "up"}},
        {"formula": "x", "tiers": [{"credit_percent": "1"}]},
    ],
)
def test_a_contract_that_is_refused_for_a_field_breaks_the_schema(change):
    assert list(validator("contract.schema.json").iter_errors(json.loads(contract_text(change))))


def test_reports_of_every_state_satisfy_the_schema():
    check = validator("sla-report.schema.json")
    contract = parse_contract(contract_text())
    context = ReportContext(tenant_name="A", vendor_name="V")
    first = example_report()
    gap = build_report(contract, {"api": without(month(), [3])}, (), "2026-06", context)
    again = ReportContext("A", "V", revision=2, restatement=Restatement(gap, "late data"))
    second = build_report(contract, {"api": month(down=99)}, (), "2026-06", again)
    for report in (first, gap, second):
        assert list(check.iter_errors(json.loads(report.canonical))) == []

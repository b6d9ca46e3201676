"""Terms that came after a period was over sign none of its figures, unless they are the customer's first."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sla_months import contract_text

from trust_portal.kernel.ids import new_id
from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.contracts.recording import recorded_after_period, recorded_at, recording
from trust_portal.reliability.contracts.version import ContractVersion
from trust_portal.reliability.findings import Severity

TENANT = UUID(int=7)
#: June is over in Denver six hours after it is over in UTC.
OVER = datetime(2026, 7, 1, 6, tzinfo=UTC)


def version(name, at):
    contract = parse_contract(contract_text({"time_zone": "America/Denver"}, version=name))
    return ContractVersion(new_id(), TENANT, contract, contract.digest, new_id(), at, "Ada")


def test_a_version_recorded_before_the_period_was_over_governs_it():
    first, second = version("1", OVER - timedelta(days=90)), version("2", OVER)
    found = recording((first, second), second, "2026-06")
    assert (found.code, found.severity, found.where) == (
        "CONTRACT_RECORDED",
        Severity.NOTE,
        "2026-07-01T06:00:00Z",
    )
    assert recorded_at([found]) == "2026-07-01T06:00:00Z"
    assert recorded_after_period([found]) == []


def test_a_version_recorded_after_the_period_signs_nothing_where_terms_were_on_record():
    first, second = version("1", OVER - timedelta(days=90)), version("2", OVER + timedelta(seconds=1))
    found = recording((first, second), second, "2026-06")
    assert (found.code, found.severity) == ("CONTRACT_RECORDED_LATE", Severity.INCOMPLETE)
    assert recording((first, second), second, "2026-07").code == "CONTRACT_RECORDED"


def test_a_customers_first_version_governs_the_past_and_the_method_says_when_it_came():
    only = version("1", OVER + timedelta(days=400))
    found = recording((only,), only, "2026-06")
    assert (found.code, found.severity) == ("CONTRACT_RECORDED_AFTER_PERIOD", Severity.NOTE)
    (sentence,) = recorded_after_period([found])
    assert sentence.startswith(
        "Version 1 of the contract was recorded on 2027-08-05T06:00:00Z, after the period"
    )


def test_where_no_portal_was_involved_nothing_is_said():
    assert (recorded_at(()), recorded_after_period(())) == (None, [])

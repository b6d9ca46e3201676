"""Which version of a contract governs a period, and when none can speak for the whole of it."""

import pytest
from sla_months import contract_text

from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.contracts.in_force import change_within, in_force
from trust_portal.reliability.findings import Severity


def version(name, begins, ends=None, zone="UTC"):
    return parse_contract(
        contract_text({"time_zone": zone}, version=name, effective_from=begins, effective_to=ends or "")
    )


def governing(*versions, label="2026-06"):
    chosen = in_force(versions, label)
    return None if chosen is None else chosen.version


def finding(*versions, label="2026-06"):
    return change_within(versions, in_force(versions, label), label)


def test_the_latest_version_in_force_at_the_start_governs_the_period():
    versions = version("1", "2026-01-01"), version("2", "2026-05-01"), version("3", "2026-06-15")
    assert governing(*versions) == "2"
    assert governing(*versions, label="2026-07") == "3"
    assert governing(version("1", "2026-07-01")) is None
    assert finding(*versions) is None, "version 2 covers the period to its end"


def test_of_two_versions_with_one_beginning_the_later_recorded_governs():
    assert governing(version("1", "2026-01-01"), version("2", "2026-01-01")) == "2"
    assert governing(version("1", "2026-06-10"), version("2", "2026-06-10")) == "2"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("2026-01-01", "2026-06-15"), ("2026-06-15", None)),
        (("2026-01-01", "2026-06-10"), ("2026-06-20", None)),
        (("2026-06-02", "2026-06-15"), ("2026-06-15", "2026-06-20")),
        (("2026-01-01", "2026-06-15"), ("2026-06-10", None)),
    ],
)
def test_a_change_inside_the_period_leaves_no_version_for_the_whole(first, second):
    found = finding(version("1", *first), version("2", *second))
    assert (found.code, found.severity) == ("CONTRACT_CHANGES_IN_PERIOD", Severity.INCOMPLETE)
    assert f"version 1 ends {first[1]} and version 2 begins {second[0]}" in found.message
    assert "Record a version" in found.message


def test_a_version_for_the_whole_period_settles_the_change():
    versions = version("1", "2026-01-01", "2026-06-15"), version("2", "2026-06-15")
    settled = *versions, version("1a", "2026-06-01", "2026-07-01")
    assert (governing(*settled), finding(*settled)) == ("1a", None)
    assert governing(*settled, label="2026-07") == "2"


@pytest.mark.parametrize("second", ["2026-07-01", "2026-09-01"])
def test_a_change_where_a_period_begins_is_none_inside_it(second):
    assert finding(version("1", "2026-01-01", "2026-07-01"), version("2", second)) is None


def test_a_subscription_that_ends_inside_the_period_is_no_change_of_version():
    assert finding(version("1", "2026-01-01", "2026-06-15")) is None
    replaced = version("1", "2026-01-01"), version("2", "2026-03-01", "2026-06-15")
    assert (governing(*replaced), finding(*replaced)) == ("2", None), (
        "the replaced version does not rise again"
    )
    assert finding(version("1", "2026-01-01", "2026-06-15"), version("2", "2026-07-01")) is None


def test_a_boundary_counts_in_the_time_zone_of_the_promise():
    # 2026-07-01T00:00Z is two hours into July in Berlin, and six hours before July in Denver.
    berlin = version("1", "2026-01-01", "2026-07-01T00:00:00Z", zone="Europe/Berlin")
    denver = version("1", "2026-01-01", "2026-07-01T00:00:00Z", zone="America/Denver")
    following = version("2", "2026-07-01T00:00:00Z")
    assert finding(berlin, following) is None
    assert finding(denver, following).code == "CONTRACT_CHANGES_IN_PERIOD"

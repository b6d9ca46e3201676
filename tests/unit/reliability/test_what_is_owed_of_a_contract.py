"""For which periods a report is owed: by what was on record when they ended, to who was a customer by then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sla_months import contract_text

from trust_portal.kernel.ids import new_id
from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.contracts.owing import owed
from trust_portal.reliability.contracts.version import ContractVersion

TENANT = UUID(int=7)
CAME = datetime(2026, 1, 1, tzinfo=UTC)
#: June is over in Denver six hours after it is over in UTC.
OVER = datetime(2026, 7, 1, 6, tzinfo=UTC)
#: It begins first at UTC+14, as the plan of a run has it.
BEGINS = datetime(2026, 5, 31, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def version(name: str, at: datetime, begins: str = "2026-06-01", **changed: str) -> ContractVersion:
    terms = {"time_zone": "America/Denver", **changed}
    contract = parse_contract(contract_text(terms, version=name, effective_from=begins))
    return ContractVersion(new_id(), TENANT, contract, contract.digest, new_id(), at, "Ada")


@pytest.mark.parametrize(
    ("recorded_at", "reported", "is_owed"),
    [
        (OVER - SECOND, False, True),
        (OVER, False, True),
        (OVER + SECOND, False, False),
        (OVER + SECOND, True, True),
    ],
)
def test_what_was_over_before_it_was_promised_on_record_is_owed_only_where_it_was_reported(
    recorded_at: datetime, reported: bool, is_owed: bool
) -> None:
    found = owed([version("1", recorded_at)], "2026-06", CAME, None, reported=reported)
    assert (found is not None) == is_owed
    if found is not None:
        assert (found.label, found.contract.version, found.end) == ("2026-06", "1", OVER)


def test_the_version_that_governs_now_says_what_is_owed_of_a_period_that_another_had_promised() -> None:
    recorded = [version("1", OVER - 30 * SECOND), version("2", OVER + SECOND)]
    found = owed(recorded, "2026-06", CAME, None, reported=False)
    assert found is not None
    assert found.contract.version == "2"


@pytest.mark.parametrize(("came_at", "is_owed"), [(OVER - SECOND, True), (OVER, False)])
def test_what_is_over_where_it_is_counted_before_a_customer_comes_is_nobodys_to_report(
    came_at: datetime, is_owed: bool
) -> None:
    recorded = [version("1", OVER - 30 * SECOND)]
    for reported in (False, True):
        assert (owed(recorded, "2026-06", came_at, None, reported=reported) is not None) == is_owed


@pytest.mark.parametrize(("left_at", "is_owed"), [(BEGINS + SECOND, True), (BEGINS, False)])
def test_what_had_begun_nowhere_when_a_customer_left_is_nobodys_to_report(
    left_at: datetime, is_owed: bool
) -> None:
    recorded = [version("1", BEGINS - SECOND)]
    for reported in (False, True):
        found = owed(recorded, "2026-06", CAME, left_at, reported=reported)
        assert (found is not None) == is_owed


def test_nothing_is_owed_by_a_length_or_before_a_start_that_is_not_promised() -> None:
    recorded = [version("1", CAME)]
    for label in ("2026-05", "2026-Q1", "2026-Q2"):
        assert owed(recorded, label, CAME, None, reported=False) is None
    assert owed([], "2026-06", CAME, None, reported=True) is None

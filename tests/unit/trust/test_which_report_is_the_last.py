"""The last report is of the period that ends last, whatever was published when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID

import pytest

from trust_portal.kernel.period import parse_period
from trust_portal.reliability.findings import State
from trust_portal.reliability.reports.record import Head
from trust_portal.trust.accounts.readiness import may_be_superseded, superseded_among
from trust_portal.trust.qbr.model import Qbr
from trust_portal.trust.report.latest import Named, latest

NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
ID = UUID("00000000-0000-7000-8000-000000000001")


def reports(*names: str) -> list[Named]:
    """``2026-Q2 r1``, numbered as they were published."""
    split = (each.split(" r") for each in names)
    return [Named(UUID(int=number), of, int(r)) for number, (of, r) in enumerate(split, start=1)]


@pytest.mark.parametrize(
    ("published", "until", "last"),
    [
        (("2026-Q2 r1", "2026-Q1 r1", "2026-Q1 r2"), None, "2026-Q2 r1"),
        (("2026-Q2 r1", "2026-07 r1"), None, "2026-07 r1"),
        (("2026-Q2 r1", "2026-07 r1"), "2026-Q2", "2026-Q2 r1"),
        (("2026-Q2 r1", "2026-06 r1", "2026-06 r2"), None, "2026-Q2 r1"),
        (("2026-Q2 r1", "2026-06 r1", "2026-06 r2"), "2026-06", "2026-06 r2"),
        (("2026-06 r1", "2026-Q1 r1"), "2026-Q2", "2026-06 r1"),
        (("2026-Q2 r9", "2026-Q2 r10", "2026-Q2 r2"), "2026-Q2", "2026-Q2 r10"),
        (("2026-12 r1", "2026-Q1 r1"), None, "2026-12 r1"),
        (("2027-01 r1", "2026-Q4 r1", "2026-12 r1"), "2026-12", "2026-12 r1"),
        (("2026-Q2 r1", "2026-07 r1"), "2026-Q1", None),
        ((), None, None),
    ],
)
def test_the_last_is_of_the_period_that_ends_last_and_of_that_the_last_revision(
    published: tuple[str, ...], until: str | None, last: str | None
) -> None:
    for order in permutations(reports(*published)):
        found = latest(order, until)
        assert (None if found is None else f"{found.period} r{found.revision}") == last


@pytest.mark.parametrize(
    ("beside", "published", "superseded"),
    [
        (1, ("2026-Q2 r1", "2026-Q1 r1", "2026-Q1 r2", "2026-07 r1", "2026-Q3 r1"), False),
        (1, ("2026-Q2 r1", "2026-Q2 r2"), True),
        (1, ("2026-Q1 r1", "2026-06 r1"), True),
        (1, ("2026-06 r1", "2026-Q2 r1"), True),
        (None, ("2026-Q3 r1",), False),
        (None, ("2026-Q1 r1",), True),
    ],
)
def test_a_review_is_superseded_by_a_later_report_of_its_own_period_or_before_it_and_by_none_after_it(
    beside: int | None, published: tuple[str, ...], superseded: bool
) -> None:
    report = None if beside is None else UUID(int=beside)
    draft = Qbr(ID, ID, 1, "2026-Q2", NOW, "0" * 64, "Cora", ID, 0, report)
    found = superseded_among([draft], {ID: reports(*published)})
    assert found == ({ID} if superseded else set())


def head(period: str, *, changed: timedelta, contract_zone: str = "UTC", signed: bool = True) -> Head:
    """A period's report that was signed, or failed, so long after the draft was gathered."""
    return Head(
        ID, period, parse_period(period, contract_zone).start, 1, ID, State.OK, ID if signed else None,
        1 if signed else None, None, NOW + changed,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("period", "superseded"),
    [
        ("2025-11", True), ("2026-03", True), ("2026-Q1", True), ("2026-04", True), ("2026-06", True),
        ("2026-Q2", True), ("2026-07", False), ("2026-Q3", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("contract_zone", ["UTC", "Asia/Tokyo"])
def test_a_review_is_looked_at_for_a_restatement_of_any_period_up_to_the_end_of_its_own(
    period: str, superseded: bool, contract_zone: str
) -> None:
    draft = Qbr(ID, ID, 1, "2026-Q2", NOW, "0" * 64, "Cora", ID, 0, None)

    def found(moved: Head) -> bool:
        return may_be_superseded([draft], [moved], {ID: "America/Los_Angeles"}, hour) == {ID}

    minute, hour = timedelta(minutes=1), timedelta(hours=1)
    assert found(head(period, changed=minute, contract_zone=contract_zone)) is superseded
    under_way = head(period, changed=-minute, contract_zone=contract_zone)
    assert found(under_way) is superseded, "it may have been written while the draft was gathered"
    assert not found(head(period, changed=-hour, contract_zone=contract_zone)), "the draft tells of it"
    assert not found(head(period, changed=minute, contract_zone=contract_zone, signed=False))

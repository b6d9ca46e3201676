"""Which hours a suppression covers: those it touches, up to the one in which somebody ends it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from trust_portal.cost.anomalies.suppressions_model import Suppression, covering
from trust_portal.kernel.ids import VENDOR_ID

TEN = datetime(2026, 6, 1, 10, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
ACME, GLOBEX = UUID(int=100), UUID(int=200)
MADE = Suppression(
    id=UUID(int=2), tenant_id=ACME, subsystem="compute", reason="load test",
    starts_at=TEN + 15 * MINUTE, ends_at=TEN + 3 * HOUR, ended_at=None, end_reason=None,
    created_at=TEN, created_by="Olu", ended_by=None, receipt_id=UUID(int=3), ended_receipt_id=None,
)  # fmt: skip


def covered(made: Suppression) -> list[int]:
    return [hour for hour in range(24) if made.covers(TEN.replace(hour=hour))]


@pytest.mark.parametrize(
    ("starts", "ends", "hours"),
    [
        (15 * MINUTE, 3 * HOUR, [10, 11, 12]),
        (0 * MINUTE, 3 * HOUR + MINUTE, [10, 11, 12, 13]),
        (59 * MINUTE, 61 * MINUTE, [10, 11]),
        (20 * MINUTE, 40 * MINUTE, [10]),
    ],
)
def test_an_hour_is_covered_that_any_of_it_falls_into(starts, ends, hours):
    assert covered(replace(MADE, starts_at=TEN + starts, ends_at=TEN + ends)) == hours


@pytest.mark.parametrize(("ended", "hours"), [(119, [10]), (120, [10, 11]), (121, [10, 11]), (50, [])])
def test_the_hour_in_which_somebody_ends_it_is_covered_no_more(ended, hours):
    assert covered(replace(MADE, ended_at=TEN + ended * MINUTE)) == hours


def test_it_covers_its_own_tenant_and_subsystem_and_at_the_vendor_every_tenant():
    everywhere = replace(MADE, tenant_id=VENDOR_ID, subsystem=None)
    asked = [(ACME, "compute"), (ACME, "egress"), (GLOBEX, "compute")]
    assert [covering([MADE], *each, TEN) for each in asked] == [MADE.id, None, None]
    assert [covering([everywhere], *each, TEN) for each in asked] == [MADE.id] * 3


def test_of_several_the_first_that_was_made_counts_in_whatever_order_they_are_read():
    later = replace(MADE, id=UUID(int=9), starts_at=TEN - HOUR)
    assert covering([later, MADE], ACME, "compute", TEN) == MADE.id
    assert covering([MADE, later], ACME, "compute", TEN) == MADE.id
    assert covering([MADE, later], ACME, "compute", TEN - HOUR) == later.id

"""When a failed delivery is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from trust_portal.notify.back_off import LONGEST_WISH, WAITS, next_try

AT = datetime(2026, 7, 10, 9, tzinfo=UTC)
ID = UUID("01980000-0000-7000-8000-000000000001")


def test_ten_attempts_over_three_days_and_then_no_more() -> None:
    waits = [next_try(ID, failures, AT) - AT for failures in range(1, 10)]
    assert [
        wait.total_seconds() // base.total_seconds() for wait, base in zip(waits, WAITS, strict=True)
    ] == [1] * 9
    assert timedelta(days=3) < sum(waits, timedelta()) < timedelta(days=4)
    assert next_try(ID, 10, AT) is None


@given(st.uuids(), st.integers(1, 9))
def test_at_most_a_tenth_is_added_and_always_the_same(delivery: UUID, failures: int) -> None:
    wait = next_try(delivery, failures, AT) - AT
    assert WAITS[failures - 1] <= wait <= WAITS[failures - 1] * 1.1
    assert next_try(delivery, failures, AT) - AT == wait


def test_deliveries_that_failed_together_come_back_apart() -> None:
    moments = {next_try(UUID(int=n), 4, AT) for n in range(50)}
    assert len(moments) == 50
    assert max(moments) - min(moments) > timedelta(minutes=8)


def test_the_receivers_own_wish_only_ever_puts_it_off_and_not_for_ever() -> None:
    assert next_try(ID, 1, AT, timedelta(minutes=10)) == AT + timedelta(minutes=10)
    assert next_try(ID, 3, AT, timedelta(seconds=1)) == next_try(ID, 3, AT)
    assert next_try(ID, 1, AT, timedelta(days=400)) == AT + LONGEST_WISH
    assert next_try(ID, 10, AT, timedelta(hours=1)) is None

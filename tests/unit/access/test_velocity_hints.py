"""Hints on who approves for whom, to the exact figure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.access.approvals.velocity import LONG, RECENT, Consent, PairHint, pair_hints

NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
ASKS, AGREES, OTHER = (UUID(int=n) for n in (1, 2, 3))
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def consent(days: float, seconds: int = 600, by: UUID = AGREES, of: UUID = ASKS) -> Consent:
    at = NOW - days * DAY
    return Consent(of, by, at - seconds * SECOND, at)


def hint(*consents: Consent) -> PairHint:
    (found,) = pair_hints(consents, ASKS, [AGREES], NOW)
    return found


def test_a_pair_is_counted_over_thirty_and_ninety_days_both_ways():
    found = hint(
        consent(1, 20),
        consent(29, 59),
        consent(31, 60),
        consent(89, 3601),
        consent(5, by=ASKS, of=AGREES),
        consent(91, 1),
        consent(2, by=OTHER),
        consent(2, of=OTHER),
    )
    assert found == PairHint(AGREES, recent=2, long=4, returned=1, median_seconds=59, hasty=2)


@pytest.mark.parametrize(("span", "before", "after"), [(RECENT, (1, 1), (0, 1)), (LONG, (0, 1), None)])
def test_the_first_moment_of_a_span_counts_and_the_one_before_does_not(span, before, after):
    def counted(back: timedelta) -> tuple[int, int] | None:
        found = pair_hints([Consent(ASKS, AGREES, NOW - back, NOW - back)], ASKS, [AGREES], NOW)
        return (found[0].recent, found[0].long) if found else None

    assert counted(span) == before
    assert counted(span + timedelta(microseconds=1)) == after


def test_the_median_is_one_that_happened_and_hasty_is_less_than_a_minute():
    assert hint(consent(1, 10)).median_seconds == 10
    assert hint(consent(1, 10), consent(1, 90)).median_seconds == 10
    assert hint(consent(1, 10), consent(1, 90), consent(1, 200)).median_seconds == 90
    assert hint(consent(1, 59)).hasty == 1
    assert hint(consent(1, 60)).hasty == 0


def test_who_only_had_them_approve_is_a_hint_too_and_strangers_are_none():
    assert hint(consent(5, by=ASKS, of=AGREES)) == PairHint(AGREES, 0, 0, 1, None, 0)
    assert pair_hints([consent(1)], ASKS, [OTHER], NOW) == ()
    assert pair_hints([], ASKS, [AGREES], NOW) == ()


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 5000), st.booleans())))
def test_order_is_of_no_matter_and_no_count_exceeds_what_it_is_part_of(drawn):
    made = [
        consent(days, seconds, *((ASKS, AGREES) if back else (AGREES, ASKS))) for days, seconds, back in drawn
    ]
    found = pair_hints(made, ASKS, [AGREES], NOW)
    assert found == pair_hints(made[::-1], ASKS, [AGREES], NOW)
    for each in found:
        assert 0 <= each.recent <= each.long
        assert each.hasty <= each.long
        assert (each.median_seconds is None) == (each.long == 0)

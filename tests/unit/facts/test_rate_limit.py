from __future__ import annotations

from trust_portal.facts.rate import RateLimit
from trust_portal.kernel.ids import new_id


def test_without_a_limit_nobody_ever_waits() -> None:
    limit, token = RateLimit(0), new_id()
    limit.charge(token, 10**9)
    assert limit.seconds_to_wait(token) == 0


def test_who_sent_too_much_waits_until_it_has_drained_and_nobody_else_does() -> None:
    now = [0.0]
    limit, token, other = RateLimit(60, lambda: now[0]), new_id(), new_id()
    limit.charge(token, 90)
    assert (limit.seconds_to_wait(token), limit.seconds_to_wait(other)) == (30, 0)
    now[0] = 29.0
    assert limit.seconds_to_wait(token) == 1
    now[0] = 31.0
    assert limit.seconds_to_wait(token) == 0

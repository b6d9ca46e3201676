"""Control calls: the same bytes for every attempt, and nothing taken for an answer that is none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.cost.remediation.calls import AnswerState, ControlCall, read_answer

CALL = ControlCall(
    action="throttle_exports",
    tenant="acme",
    target={"operation": "export"},
    parameters={"limit_per_hour": "1.2", "unit": "GB"},
    key="run:apply",
    expires_at=datetime(2026, 7, 1, 12, tzinfo=UTC),
    receipt=UUID(int=5),
)


def test_a_call_has_the_members_of_the_format_and_the_same_bytes_each_time():
    assert CALL.body == CALL.body
    assert json.loads(CALL.body) == {
        "action": "throttle_exports",
        "tenant": "acme",
        "target": {"operation": "export"},
        "parameters": {"limit_per_hour": "1.2", "unit": "GB"},
        "dry_run": False,
        "idempotency_key": "run:apply",
        "expires_at": "2026-07-01T12:00:00Z",
        "receipt": "00000000-0000-0000-0000-000000000005",
    }


def test_an_answer_is_read_with_what_nobody_knows():
    answer = read_answer(
        200, b'{"state": "applied", "effect": {"a": 0.5}, "previous": {"b": null}, "x": [1]}'
    )
    assert answer.state is AnswerState.APPLIED
    assert (answer.effect, answer.previous, answer.more) == ({"a": "0.5"}, {"b": None}, {"x": [1]})


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b'{"state": "applied"}'),
        (204, b""),
        (302, b'{"state": "applied"}'),
        (200, b""),
        (200, b"applied"),
        (200, b'["applied"]'),
        (200, b'{"state": "APPLIED"}'),
        (200, b'{"state": ["applied"]}'),
        (200, b'{"state": "no_answer"}'),
        (200, b'{"effect": {}}'),
        (200, b'{"state": "applied", "effect": []}'),
        (200, b'{"state": "applied", "previous": "x"}'),
        (200, b'{"state": "applied", "x": NaN}'),
        (200, b'{"state": "applied", "x": 9007199254740993}'),
        (200, b'{"state": "applied", "x": "\xff"}'),
        (200, b"[" * 100_000),
    ],
)
def test_whatever_else_comes_is_no_answer(status: int, body: bytes):
    answer = read_answer(status, body)
    assert answer.state is AnswerState.NO_ANSWER
    assert answer.reason


@given(st.integers(100, 599), st.binary(max_size=300))
def test_no_bytes_break_the_reader_and_none_but_the_format_is_applied(status: int, body: bytes):
    answer = read_answer(status, body)
    if answer.state is AnswerState.APPLIED:
        assert status == 200
        assert json.loads(body)["state"] == "applied"

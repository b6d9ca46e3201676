"""How a postmortem words what a flag was and became."""

from __future__ import annotations

import pytest

from trust_portal.learning.postmortems.gathering.changes import _ramped


@pytest.mark.parametrize(
    ("previous", "words"),
    [
        ({"percentage": 25}, "on for 50 %, before 25 %"),
        ("off", "on for 50 %, before off"),
        ({"variant": "off", "percentage": 5}, 'on for 50 %, before {"percentage": 5, "variant": "off"}'),
        (None, "on for 50 %"),
    ],
)
def test_a_step_of_a_ramp_says_what_was_before(previous, words):
    assert _ramped({"variant": "on", "percentage": 50, "previous": previous}) == words

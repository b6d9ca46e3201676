"""The course of a cost: every hour where it belongs, every mark with its letter, nothing by colour alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.documents.course_chart import Hour, Mark, course_chart, letter
from trust_portal.documents.drawing import ceiling

SVG = "{http://www.w3.org/2000/svg}"
START = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def drawn(hours, marks=()):
    text = course_chart(
        hours, title="Cost", description="It rose.", span=(START + HOUR, START + 2 * HOUR), marks=marks
    )
    return ET.fromstring(text)  # noqa: S314 - our own drawing


def hour(n: int, actual: str | None, expected: str | None = "10") -> Hour:
    return Hour(START + n * HOUR, str(n), actual and Decimal(actual), expected and Decimal(expected))


def path(root, name):
    return next(each.get("d") for each in root.iter(f"{SVG}path") if each.get("class") == name)


def test_cost_and_expectation_are_two_lines_told_apart_by_dashes():
    root = drawn([hour(0, "10"), hour(1, "90"), hour(2, None, None), hour(3, "10")])
    assert path(root, "chart-line").count("M") == 2  # a gap is not bridged
    (expected,) = (each for each in root.iter(f"{SVG}path") if each.get("class") == "chart-expected")
    assert expected.get("stroke-dasharray")
    assert {"cost", "expected"} <= {each.text for each in root.iter(f"{SVG}text")}


def test_marks_carry_their_letters_and_those_outside_are_left_out():
    marks = [
        Mark(START + HOUR, "A", "flag <b>"),
        Mark(START + HOUR, "B", "export", square=True),
        Mark(START - HOUR, "C", "too early"),
    ]
    root = drawn([hour(n, "10") for n in range(4)], marks)
    outlines = [each.get("d") for each in root.iter(f"{SVG}path") if each.get("class") == "chart-mark"]
    assert [("a" in each, "h" in each) for each in outlines] == [(True, False), (False, True)]
    heights = [Decimal(re.match(r"M\S+ ([\d.-]+)", each)[1]) for each in outlines]
    assert heights[0] != heights[1]  # at the same moment they stand above each other
    texts = [each.text for each in root.iter(f"{SVG}text")]
    assert "C" not in texts
    assert {"A", "B"} <= set(texts)


def test_letters_go_on_after_the_alphabet():
    assert [letter(n) for n in (0, 25, 26, 27, 52)] == ["A", "Z", "AA", "AB", "BA"]


@given(st.decimals(min_value="0.000001", max_value="1e12", places=6))
def test_the_end_of_the_axis_lies_above_and_not_far(value):
    assert value <= ceiling(value) <= 2 * value


def test_without_an_hour_there_is_nothing_to_draw():
    with pytest.raises(ValueError, match="at least one hour"):
        drawn([])

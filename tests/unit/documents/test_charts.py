"""Charts are well-formed, named, described, and say with shape what they say with colour."""

import itertools
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.documents import charts
from trust_portal.documents.charts import Day, DayState, Point, bar_chart, day_strip, line_chart
from trust_portal.documents.course_chart import Hour, course_chart
from trust_portal.documents.drawing import WIDTH
from trust_portal.runtime.shipped import shipped

SVG = "{http://www.w3.org/2000/svg}"
POINTS = [
    Point("1", Decimal("99.9")),
    Point("2", None),
    Point("3", Decimal("99.5")),
    Point("4", Decimal("99.7")),
]


START = datetime(2026, 11, 1, tzinfo=UTC)
#: By weight: the advance of each letter of the face that drawings are set in, in thousandths of its size.
ADVANCES = {}
for weight in (400, 600):
    face = TTFont(Path(shipped("static")) / f"fonts/source-sans-3-latin-{weight}-normal.woff2")
    ADVANCES[weight] = {chr(code): face["hmtx"][name][0] for code, name in face.getBestCmap().items()}


def outside(drawing):
    """The texts of a drawing that begin or end beyond its frame, measured with the face itself."""
    found = []
    for each in parse(drawing).iter(f"{SVG}text"):
        advances = ADVANCES[int(each.get("font-weight", 400))]
        width = Decimal(sum(advances[letter] for letter in each.text)) / 1000 * Decimal(each.get("font-size"))
        before = {"start": Decimal(0), "middle": width / 2, "end": width}[each.get("text-anchor")]
        left = Decimal(each.get("x")) - before
        if left < 0 or left + width > WIDTH:
            found.append(each.text)
    return found


def axis_ends(drawing):
    return [each.text for each in parse(drawing).iter(f"{SVG}text") if each.get("text-anchor") == "end"]


def parse(drawing):
    return ET.fromstring(drawing)  # noqa: S314 - our own drawing, not somebody else's


def strip():
    days = [
        Day("1 Jun", DayState.UP, "1 June: no minute down"),
        Day("2 Jun", DayState.DOWN, "2 June: 28 minutes down", "28"),
        Day("3 Jun", DayState.EXCLUDED, "3 June: 22 minutes excluded"),
        Day("4 Jun", DayState.UNKNOWN, "4 June: measurements missing"),
    ]
    return day_strip(days, title="Days of June", description="28 minutes down on 2 June.")


def line():
    return line_chart(
        POINTS,
        title="Availability",
        description="d",
        low=Decimal(99),
        high=Decimal(100),
        target=Decimal("99.6"),
    )


@pytest.mark.parametrize("drawing", [strip, line, lambda: bar_chart(POINTS, title="Bars", description="d")])
def test_a_chart_is_one_named_and_described_image(drawing):
    root = parse(drawing())
    assert root.get("role") == "img"
    assert root.get("aria-label").startswith(root.find(f"{SVG}title").text)
    assert root.find(f"{SVG}desc").text
    assert not [element for element in root.iter() if "style" in element.attrib]


def test_each_state_of_a_day_has_a_shape_of_its_own():
    groups = parse(strip()).findall(f"{SVG}g")
    shapes = {
        tuple((re.sub(r"-?\d+", "", p.get("d")), p.get("fill") == "none") for p in g.findall(f"{SVG}path"))
        for g in groups
    }
    assert len(shapes) == 4
    assert "28" in [t.text for t in parse(strip()).iter(f"{SVG}text")]


def test_an_unknown_value_breaks_the_line_instead_of_bridging_it():
    path = next(p for p in parse(line()).iter(f"{SVG}path") if p.get("class") == "chart-line")
    assert path.get("d").count("M") == 2


def test_texts_are_escaped():
    drawing = day_strip([Day("<b>", DayState.UP, "</title><script>")], title='"><script>', description="&")
    parse(drawing)
    assert "<script>" not in drawing


def test_an_axis_upside_down_is_refused():
    with pytest.raises(ValueError, match="lower end"):
        line_chart(POINTS, title="t", description="d", low=Decimal(100), high=Decimal(99))


def test_the_same_numbers_draw_the_same_text():
    assert strip() == strip()


def test_paper_and_screen_use_one_palette():
    tokens = dict(
        re.findall(r"--([\w-]+): (#\w{6});", (Path(shipped("static")) / "css/tokens.css").read_text())
    )
    assert {name: tokens[name] for name in charts.COLOURS} == charts.COLOURS


def test_the_axis_of_a_six_figure_cost_ends_on_a_round_number_that_is_read_whole():
    months = [Point("October 2026", Decimal("145410.17")), Point("November 2026", Decimal("133757.54"))]
    drawing = bar_chart(months, title="Cost by month, EUR", description="d")
    assert axis_ends(drawing) == ["0", "150,000"]
    assert outside(drawing) == []


@given(
    st.lists(st.decimals(min_value=0, max_value="1e13", places=2), min_size=1, max_size=14),
    st.sampled_from(["2026-10", "November 2026", "W" * 30]),
)
def test_no_text_of_a_bar_chart_lies_outside_its_frame(values, label):
    drawing = bar_chart([Point(label, each) for each in values], title="t", description="d", unit=" %")
    assert outside(drawing) == []


@given(
    st.decimals(min_value="0.5", max_value="99.5", places=8),
    st.integers(min_value=1, max_value=14),
)
def test_no_text_of_a_line_chart_lies_outside_its_frame(target, count):
    points = [Point("November 2026", target)] * count
    drawing = line_chart(
        points, title="t", description="d", low=Decimal(0), high=Decimal(100), target=target, unit=" %"
    )
    assert f"{target} %" in drawing
    assert outside(drawing) == []


@given(st.lists(st.decimals(min_value="-1e13", max_value="1e13", places=4), min_size=1, max_size=30))
def test_no_text_of_a_course_lies_outside_its_frame_and_its_axis_ends_on_round_numbers(amounts):
    hours = [
        Hour(START + n * timedelta(hours=1), "30 Nov, 22:00", each, each) for n, each in enumerate(amounts)
    ]
    drawing = course_chart(hours, title="t", description="d", span=(START, START + timedelta(hours=1)))
    assert outside(drawing) == []
    for end in (Decimal(text.replace(",", "")) for text in axis_ends(drawing)):
        assert len(end.normalize().as_tuple().digits) <= 2


def test_no_text_of_a_month_that_was_down_all_day_lies_outside_its_frame_or_in_another_text():
    days = [Day(f"{n}\u00a0Oct", DayState.DOWN, "down", "1440") for n in range(1, 32)]
    drawing = day_strip(days, title="t", description="d")
    assert outside(drawing) == []
    marks = [each for each in parse(drawing).iter(f"{SVG}text") if each.text == "1440"]
    widths = [4 * Decimal("0.513") * Decimal(each.get("font-size")) for each in marks]
    places = [Decimal(each.get("x")) for each in marks]
    assert all(b - a > width for a, b, width in zip(places, places[1:], widths, strict=False))


def test_labels_of_an_axis_leave_one_another_room():
    drawing = bar_chart([Point("November 2026", Decimal(1))] * 11, title="t", description="d")
    places = [
        Decimal(each.get("x")) for each in parse(drawing).iter(f"{SVG}text") if each.text == "November 2026"
    ]
    assert len(places) > 3
    assert all(b - a > 85 for a, b in itertools.pairwise(places))

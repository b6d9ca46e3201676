"""Charts are well-formed, named, described, and say with shape what they say with colour."""

import re
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from trust_portal.documents import charts
from trust_portal.documents.charts import Day, DayState, Point, bar_chart, day_strip, line_chart
from trust_portal.runtime.shipped import shipped

SVG = "{http://www.w3.org/2000/svg}"
POINTS = [
    Point("1", Decimal("99.9")),
    Point("2", None),
    Point("3", Decimal("99.5")),
    Point("4", Decimal("99.7")),
]


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

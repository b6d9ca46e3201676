"""Exclusions are read from YAML or JSON alike, or refused by name."""

import pytest

from trust_portal.reliability.attainment.exclusions import parse_exclusions
from trust_portal.reliability.findings import Unusable

YAML = """\
- window: 14
  start: 2026-06-07T03:00:00+02:00
  end: 2026-06-07T03:00:00Z
  announced_at: 2026-06-01T09:30:00Z
  objectives: [api]
  reason: upgrade
"""
JSON = (
    '[{"window": 14, "start": "2026-06-07T01:00:00Z", "end": "2026-06-07T03:00:00Z",'
    ' "announced_at": "2026-06-01T09:30:00Z", "objectives": ["api"], "reason": "upgrade"}]'
)


def test_yaml_and_json_say_the_same():
    (window,) = parse_exclusions(YAML)
    assert parse_exclusions(JSON) == (window,)
    assert (window.window, window.objectives, (window.end - window.start).total_seconds()) == (
        "14",
        ("api",),
        7200,
    )


@pytest.mark.parametrize("text", ["", "[]", "null", "exclusions: []"])
def test_no_exclusions_are_none(text):
    assert parse_exclusions(text) == ()


@pytest.mark.parametrize(
    "text, where",
    [
        (YAML.replace("+02:00", ""), "exclusions[0].start"),
        (YAML.replace("window", "windows"), "exclusions[0].window"),
        (YAML.replace("[api]", "api"), "exclusions[0].objectives"),
        ("- 1", "exclusions[0]"),
        ("5", "$"),
        ("{a: [", "$"),
    ],
)
def test_a_wrong_window_is_refused_by_name(text, where):
    with pytest.raises(Unusable) as refused:
        parse_exclusions(text)
    assert where in [finding.where for finding in refused.value.findings]


def test_a_window_that_stands_twice_must_say_the_same():
    (once,) = parse_exclusions(YAML)
    assert parse_exclusions(YAML + YAML) == (once, once)
    with pytest.raises(Unusable) as refused:
        parse_exclusions(YAML + YAML.replace("T03:00:00Z", "T04:00:00Z"))
    (finding,) = refused.value.findings
    assert (finding.code, finding.where) == ("EXCLUSION_CONFLICT", "exclusions[1].window")

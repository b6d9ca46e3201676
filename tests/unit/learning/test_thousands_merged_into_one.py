"""What is plain is told without weighing everything anew, and comes to the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.incident_facts import approved, fact, facts
from support.incident_storms import Storm, storms
from support.learning_world import BEGAN, declared, named, updated

from trust_portal.learning.incidents import mergers_claimed
from trust_portal.learning.incidents.folding import fold, timelines
from trust_portal.learning.incidents.model import Downgrade, IncidentFact, Severity

MANY = 400
MINUTE = timedelta(minutes=1)


@contextmanager
def weighed(monkeypatch: pytest.MonkeyPatch, *, always: bool = False) -> Iterator[list[int]]:
    """How many courses were run to judge words of mergers; ``always``: nothing is taken for plain."""
    runs: list[int] = []
    courses = mergers_claimed.courses

    def counted(histories: Any, *rest: Any) -> Any:
        runs.append(len(histories))
        return courses(histories, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(mergers_claimed, "courses", counted)
        if always:
            patched.setattr(mergers_claimed._Judged, "_is_outweighed", lambda *_: False)
        yield runs


def storm_of_alarms(target: str, *later: str) -> list[dict[str, Any]]:
    """``MANY`` P1s that are merged into one, and of each what is said ``later`` of that."""
    events = [declared("INC-0", target)]
    for number in range(1, MANY + 1):
        key = f"INC-{number}"
        events += [declared(key, minute=1), updated(key, "merged", minute=2, into="INC-0")]
        for minute, kind in enumerate(later, start=3):
            more = {"into": "INC-0"} if kind == "merged" else {}
            events.append(updated(key, kind, minute=minute, **more))
    return events


@pytest.mark.parametrize("later", [("merged",), ("unmerged",), ("merged", "unmerged", "merged")])
def test_of_hundreds_that_were_merged_into_one_each_further_word_runs_no_course_of_the_others(
    monkeypatch: pytest.MonkeyPatch, later: tuple[str, ...]
) -> None:
    told = facts(*storm_of_alarms("P1", *later))
    with weighed(monkeypatch) as runs:
        found = {each.key: each for each in fold(told).incidents}
    assert runs == []
    merged = [each.merged_into for key, each in found.items() if key != "INC-0"]
    assert merged == [named("INC-0") if later[-1] == "merged" else None] * MANY


def test_only_the_last_p1_that_weighs_on_a_p3_is_weighed_whole_and_its_undoing_is_a_claim(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with weighed(monkeypatch) as runs:
        found = {each.key: each for each in fold(facts(*storm_of_alarms("P3", "unmerged"))).incidents}
    assert runs == [2, 2], "before and after, of the two that are left"
    assert found["INC-0"].severity is Severity.P1
    assert sum(each.merged_into is not None for each in found.values()) == 1


@pytest.mark.parametrize("why", ["two made it less before", "its token may not speak of the other"])
def test_a_p1_that_does_not_weigh_on_the_other_is_no_reason_to_let_go_of_one_that_does(why: str) -> None:
    """C was told to be a P1 like A; but what A leaves is not one by C."""
    told = facts(
        declared("A", "P1"),
        declared("B", "P3", minute=1),
        declared("C", "P1", minute=1),
        updated("C", "merged", minute=20, into="B"),
        updated("A", "merged", minute=21, into="B"),
        updated("A", "unmerged", minute=30),
    )
    lowered: list[Downgrade] = []
    if why == "two made it less before":
        lowered = [approved("P3", at=BEGAN + 10 * MINUTE, key="C")]
    else:
        told[2] = replace(told[2], bounds=frozenset({UUID(int=1)}), tenants=(UUID(int=1),))
    found = {each.key: each for each in fold(told, lowered).incidents}
    assert (found["C"].merged_into, found["A"].merged_into) == (named("B"), named("B"))
    assert found["B"].severity is Severity.P1
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert same(monkeypatch, told, lowered)


KEYS = st.sampled_from(["A", "B", "C", "D", "E"])
BOUNDS = frozenset({UUID(int=1)})


@st.composite
def words(draw: st.DrawFn) -> tuple[list[IncidentFact], list[Downgrade]]:
    """Five incidents; what is said of how bad they are, and what goes on in what, each as it comes in."""
    told: list[IncidentFact] = []
    for minute, key in enumerate("ABCDE"):
        told.append(fact(declared(key, draw(st.sampled_from(["P1", "P2", "P3", "P4"])), minute=minute)))
    minutes = draw(st.lists(st.integers(5, 60), max_size=14))
    for number, minute in enumerate(minutes):
        key, kind = draw(KEYS), draw(st.sampled_from(["merged", "merged", "unmerged", "severity"]))
        said: dict[str, Any] = {}
        if kind == "merged":
            said["into"] = draw(KEYS)
        if kind == "severity":
            said["severity"] = draw(st.sampled_from(["P1", "P2", "P3"]))
        event = updated(key, kind, minute=minute, **said) | {"id": f"word-{number}"}
        told.append(
            replace(fact(event, BEGAN + draw(st.integers(minute, 90)) * MINUTE), by_two=draw(st.booleans()))
        )
    if draw(st.integers(0, 3)) == 0:
        told = [
            replace(each, bounds=BOUNDS, tenants=(UUID(int=1),)) if draw(st.booleans()) else each
            for each in told
        ]
    downgrades = []
    if draw(st.integers(0, 3)) == 0:
        minute = draw(st.integers(5, 60))
        downgrades.append(approved("P3", at=BEGAN + minute * MINUTE, key=draw(KEYS)))
    return told, downgrades


def same(
    monkeypatch: pytest.MonkeyPatch, told: Sequence[IncidentFact], downgrades: Sequence[Downgrade]
) -> bool:
    plain = fold(told, downgrades), timelines(told, downgrades)
    with weighed(monkeypatch, always=True):
        return plain == (fold(told, downgrades), timelines(told, downgrades))


@settings(max_examples=300, deadline=None)
@given(words())
def test_what_is_plain_is_what_weighing_everything_comes_to(
    said: tuple[list[IncidentFact], list[Downgrade]],
) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert same(monkeypatch, *said)


@settings(max_examples=100, deadline=None)
@given(storms())
def test_so_it_is_in_storms(storm: Storm) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert same(monkeypatch, facts(*storm.events), ())

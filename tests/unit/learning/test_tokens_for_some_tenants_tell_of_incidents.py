"""What a token for some tenants tells has an effect only on incidents that touch none but those."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.incident_storms import Storm, storms
from support.learning_world import BEGAN, PAGER, by, declared, named, step, updated

from trust_portal.facts.operations_model import FactSource
from trust_portal.facts.reading import read_event
from trust_portal.learning.incidents.folding import fold, timelines
from trust_portal.learning.incidents.model import Incident, IncidentFact, Severity

A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)
LATER: Final = BEGAN + timedelta(days=1)
STRANGER: Final = "team-a/x"
OURS: Final = (declared("INC-1", "P3"), step("INC-1", "resolved", minute=10))
THEIRS: Final = (
    updated("INC-1", "note", minute=20),
    updated("INC-1", "told_customer", minute=21),
    updated("INC-1", "severity", minute=22, severity="P1"),
    updated("INC-1", "reopened", minute=23),
    step("INC-1", "mitigated", minute=24),
    step("INC-1", "resolved", minute=25),
)


def facts(
    *events: dict[str, Any], tenants: tuple[UUID, ...] | None = None, bounds: set[UUID] | None = None
) -> list[IncidentFact]:
    """``bounds`` None: by a token for everybody. One for some tenants names them, as the door demands."""
    told = []
    for event in events:
        read = read_event(json.dumps(event).encode(), 0, LATER)
        body = json.loads(read.body)
        told.append(
            IncidentFact(
                UUID(bytes=read.key),
                read.event.type,
                body["incident"],
                read.event.time or LATER,
                body,
                tuple(sorted(bounds)) if tenants is None and bounds is not None else tenants,
                FactSource(read.event.source, read.event.id, read.digest, LATER),
                None if bounds is None else frozenset(bounds),
            )
        )
    return told


def only(told: list[IncidentFact]) -> Incident:
    [incident] = fold(told).incidents
    return incident


def claims(told: list[IncidentFact]) -> list[str]:
    return [entry.kind for entry in timelines(told)[PAGER, "INC-1"] if entry.claim]


@pytest.mark.parametrize("source", [STRANGER, PAGER])
@pytest.mark.parametrize("whom", [(B,), (A, B), None])
def test_of_an_incident_that_touches_others_whatever_it_tells_is_a_claim(
    source: str, whom: tuple[UUID, ...] | None
) -> None:
    """Also where it may speak for the very source that declared the incident."""
    ours = facts(*OURS, tenants=whom)
    theirs = facts(*by(source, *THEIRS), bounds={A})
    before = only(ours)
    assert (before.severity, before.resolved_at, before.told_at) == (
        Severity.P3,
        BEGAN + timedelta(minutes=10),
        None,
    )
    assert only(ours + theirs) == replace(before, facts=8)
    assert claims(ours + theirs) == [
        "note",
        "told_customer",
        "severity",
        "reopened",
        "mitigated",
        "resolved",
    ]


@pytest.mark.parametrize("minute", [-5, 30])
def test_declaring_it_again_by_the_same_source_at_whatever_time_takes_it_from_nobody(minute: int) -> None:
    ours = facts(*OURS, tenants=(B,))
    theirs = facts(declared("INC-1", "P1", minute=minute, title="Nothing at all", owner="eve"), bounds={A})
    assert only(theirs + ours) == replace(only(ours), facts=3)
    assert claims(theirs + ours) == ["declared"]


def test_whom_it_touches_is_not_said_by_a_token_that_may_not_speak_for_all_of_them() -> None:
    ours = facts(*OURS, tenants=(A, B))
    theirs = facts(updated("INC-1", "affected", minute=30), bounds={A})
    assert only(ours + theirs).tenants == (A, B)
    assert claims(ours + theirs) == ["affected"]


@pytest.mark.parametrize("bounds", [{A}, {A, B}])
def test_of_an_incident_that_touches_its_own_tenants_alone_it_counts(bounds: set[UUID]) -> None:
    ours = facts(*OURS, tenants=(A,))
    incident = only(ours + facts(*by(STRANGER, *THEIRS), bounds=bounds))
    assert (incident.severity, incident.reopened) == (Severity.P1, 1)
    assert (incident.told_at, incident.resolved_at) == (
        BEGAN + timedelta(minutes=21),
        BEGAN + timedelta(minutes=25),
    )
    assert claims(ours + facts(*by(STRANGER, *THEIRS), bounds=bounds)) == []


def test_a_token_for_everybody_counts_as_a_strangers_step_always_did() -> None:
    incident = only(facts(*OURS, tenants=(B,)) + facts(*by(STRANGER, *THEIRS)))
    assert (incident.severity, incident.reopened) == (Severity.P1, 1)


def test_an_incident_told_by_tokens_for_some_tenants_alone_is_whose_it_was_first() -> None:
    own = facts(declared("INC-1", "P2"), bounds={A})
    assert (only(own).tenants, only(own).severity) == ((A,), Severity.P2)
    wider = own + facts(updated("INC-1", "affected", minute=5), bounds={A, B})
    assert only(wider).tenants == (A, B)
    assert claims(wider) == []
    late = facts(declared("INC-1", "P1", minute=7, title="Mine"), bounds={C})
    assert only(wider + late) == replace(only(wider), facts=3)
    once_wider = facts(updated("INC-1", "severity", minute=9, severity="P1"), bounds={A})
    assert only(wider + once_wider).severity is Severity.P2


def test_it_merges_its_own_incident_into_none_that_touches_others() -> None:
    """A P1 that is merged into another weighs on that."""
    ours = facts(declared("INC-1", "P3"), tenants=(B,))
    own = facts(
        *by(STRANGER, declared("INC-2", "P1"), updated("INC-2", "merged", minute=5, into="INC-1")), bounds={A}
    )
    register = {each.key: each for each in fold(ours + own).incidents}
    assert register["INC-1"] == only(ours)
    assert register["INC-2"].merged_into is None
    shared = facts(declared("INC-1", "P3"), tenants=(A,))
    register = {each.key: each for each in fold(shared + own).incidents}
    assert (register["INC-2"].merged_into, register["INC-1"].worst_severity) == (named("INC-1"), Severity.P1)


_BOUNDS = st.sampled_from((None, frozenset({A}), frozenset({B}), frozenset({A, B})))


@st.composite
def bounded(draw: st.DrawFn) -> tuple[Storm, dict[UUID, IncidentFact]]:
    """A storm whose events came by tokens for everybody and for some."""
    storm = draw(storms())
    told: dict[UUID, IncidentFact] = {}
    for event in storm.events:
        bounds = draw(_BOUNDS)
        [fact] = facts(event, bounds=None if bounds is None else set(bounds))
        whom = draw(st.sampled_from(((A,), (B,), (A, B), None))) if bounds is None else fact.tenants
        told[fact.key] = replace(fact, tenants=whom)
    return storm, told


@pytest.mark.takes(seconds=10)
@given(bounded(), st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_order_and_repetition_make_no_difference_to_what_counts(
    storm: tuple[Storm, dict[UUID, IncidentFact]], chance: random.Random
) -> None:
    told = list(storm[1].values())
    shuffled = [*told, *chance.sample(told, len(told) // 2)]
    chance.shuffle(shuffled)
    assert fold(shuffled) == fold(told)


@pytest.mark.takes(seconds=10)
@given(bounded())
@settings(max_examples=100)
def test_what_touches_others_is_the_same_without_what_a_token_for_some_tenants_told(
    storm: tuple[Storm, dict[UUID, IncidentFact]],
) -> None:
    """Of A's tokens nothing is to be seen in an incident that tokens for everybody declared for B."""
    told = storm[1].values()
    from_a = {fact.key for fact in told if fact.bounds == {A}}
    without = {each.id: each for each in fold(fact for fact in told if fact.key not in from_a).incidents}
    sources: dict[str, set[str]] = {}
    for fact in told:
        if fact.type.endswith("declared.v1"):
            sources.setdefault(fact.subject, set()).add(fact.source)
    for each in fold(told).incidents:
        declared_freely = any(
            fact.bounds is None
            and fact.type.endswith("declared.v1")
            and (fact.source, fact.subject) == (each.source, each.key)
            for fact in told
        )
        # Where it declares an incident of its own by the same key, steps from elsewhere name neither.
        if not declared_freely or not (each.everybody or B in each.tenants) or len(sources[each.key]) > 1:
            continue
        was = without[each.id]
        assert (each.severity, each.declared_severity, each.told_severity, each.tenants, each.title) == (
            was.severity,
            was.declared_severity,
            was.told_severity,
            was.tenants,
            was.title,
        )
        assert (each.told_at, each.mitigated_at, each.resolved_at, each.reopened, each.last_fact_at) == (
            was.told_at,
            was.mitigated_at,
            was.resolved_at,
            was.reopened,
            was.last_fact_at,
        )

"""What is told of incidents comes to the same whatever its order, and no P1 or P2 gets away."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.incident_facts import fact, facts
from support.incident_storms import KEYS, SEVERITIES, Storm, storms
from support.learning_world import BEGAN, PAGER, by, declared, named, step, updated

from trust_portal.facts.events import PORTAL
from trust_portal.learning.incidents.effects import happened_at
from trust_portal.learning.incidents.folding import fold, timelines
from trust_portal.learning.incidents.model import (
    AppliedDowngrade,
    Downgrade,
    GapReason,
    Incident,
    IncidentEntry,
    IncidentFact,
    IncidentGap,
    MajorBecause,
    Severity,
)
from trust_portal.learning.incidents.naming import history_of

#: Of which incident, from what to what, in which minute.
_DOWNGRADES = st.tuples(
    st.sampled_from(KEYS), st.sampled_from(("P1", "P2")), st.sampled_from(SEVERITIES), st.integers(0, 60)
).filter(lambda each: each[1] < each[2])


def only(*events: dict[str, Any], downgrades: Iterable[Downgrade] = ()) -> Incident:
    [incident] = fold(facts(*events), downgrades).incidents
    return incident


def approved(
    severity: str, before: str = "P1", *, minute: int = 30, key: str = "INC-1", used: int | None = None
) -> Downgrade:
    """``minute`` is when it holds from; ``used``, None: the same, when the approval was."""
    at = BEGAN + timedelta(minutes=minute)
    return Downgrade(
        id=UUID(int=minute),
        incident_id=named(key),
        before=Severity(before),
        severity=Severity(severity),
        holds_from=at,
        used_at=at if used is None else BEGAN + timedelta(minutes=used),
        receipt_id=UUID(int=7),
    )


def timeline(told: Iterable[IncidentFact], source: str = PAGER) -> tuple[IncidentEntry, ...]:
    return timelines(told)[source, "INC-1"]


def _minute(number: int) -> datetime:
    return BEGAN + timedelta(minutes=number)


def severe(told: IncidentFact) -> Severity | None:
    """The severity that a fact states."""
    states = told.type.endswith("declared.v1") or told.body.get("kind") == "severity"
    return Severity(told.body["severity"]) if states else None


@pytest.mark.takes(seconds=10)
@given(storms(), st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_order_and_repetition_make_no_difference(storm: Storm, chance: random.Random) -> None:
    told = facts(*storm.events)
    shuffled = [*told, *chance.sample(told, len(told) // 2)]
    chance.shuffle(shuffled)
    assert fold(shuffled) == fold(told)


@given(storms())
@settings(max_examples=200)
def test_taken_in_by_portions_the_register_is_the_same(storm: Storm) -> None:
    """Each portion folds its own keys and those merged with them, as ``facts_about`` reads them."""
    stored: dict[UUID, IncidentFact] = {}
    incidents: dict[UUID, Incident] = {}
    gaps: dict[tuple[str, str], IncidentGap] = {}
    for portion in storm.deliveries:
        stored |= {each.key: each for each in facts(*portion)}
        touched: set[str] = set()
        wanted = {event["data"]["incident"] for event in portion}
        while wanted:
            touched |= wanted
            told = [each for each in stored.values() if each.subject in wanted]
            into = {str(each.body["into"]) for each in told if each.body.get("kind") == "merged"}
            merged = {each.key for each in incidents.values() if wanted & set(each.merge_keys)}
            wanted = (into | merged) - touched
        register = fold(each for each in stored.values() if each.subject in touched)
        incidents |= {each.id: each for each in register.incidents}
        gaps = {name: gap for name, gap in gaps.items() if name[1] not in touched}
        gaps |= {(gap.source, gap.key): gap for gap in register.gaps}
    whole = fold(stored.values())
    assert sorted(incidents.values(), key=lambda each: (each.source, each.key)) == list(whole.incidents)
    assert [gaps[name] for name in sorted(gaps)] == list(whole.gaps)


@given(storms())
@settings(max_examples=500)
def test_every_p1_and_p2_ever_told_takes_a_postmortem_or_is_a_named_gap(storm: Storm) -> None:
    told = facts(*storm.events)
    register = fold(told)
    majors = {(each.source, each.key) for each in register.incidents if each.needs_postmortem}
    gaps = {(gap.source, gap.key): gap.worst_severity for gap in register.gaps}
    for each in told:
        severity = severe(each)
        if severity is None or not severity.is_major:
            continue
        holders = [
            name
            for name in majors
            if name[1] == each.subject
            and each in history_of((other for other in told if other.subject == each.subject), name)
        ]
        gap = gaps.get((each.source, each.subject))
        assert len(holders) == 1 or (not holders and gap is not None and gap <= severity)


@given(storms())
@settings(max_examples=200)
def test_no_fact_makes_a_p1_or_p2_less(storm: Storm) -> None:
    register = fold(facts(*storm.events))
    for incident in register.incidents:
        history = history_of(
            facts(*(each for each in storm.events if each["data"]["incident"] == incident.key)),
            (incident.source, incident.key),
        )
        own = min(severity for each in history if (severity := severe(each)) is not None)
        weighing = [each.severity for each in register.incidents if each.merged_into == incident.id]
        worst = min([own, *weighing])
        assert incident.severity is worst or not worst.is_major
        assert incident.claimed_severity is None or incident.severity.outranks(incident.claimed_severity)


@given(storms(), st.lists(_DOWNGRADES, max_size=6))
@settings(max_examples=200)
def test_what_is_less_than_the_p1_or_p2_it_was_told_to_be_names_the_downgrade_that_made_it_so(
    storm: Storm, lowered: list[tuple[str, str, str, int]]
) -> None:
    """As the register's rows have to (``incidents_less_takes_approval_check``)."""
    downgrades = [
        replace(approved(after, before, key=key, minute=minute), id=UUID(int=number))
        for number, (key, before, after, minute) in enumerate(lowered, 1)
    ]
    known = {each.id: each for each in downgrades}
    for incident in fold(facts(*storm.events), downgrades).incidents:
        assert incident.told_severity <= min(incident.severity, incident.declared_severity)
        assert not incident.told_severity.outranks(incident.worst_severity)
        if incident.downgrade is None:
            assert incident.severity is incident.told_severity or not incident.told_severity.is_major
            continue
        behind, made = known[incident.downgrade.request_id], incident.downgrade.severity
        assert (behind.incident_id, behind.severity) == (incident.id, made)
        assert not made.is_major or incident.severity <= made
        assert incident.told_severity.outranks(made)


def test_what_is_told_to_be_as_bad_as_ever_rests_on_no_downgrade_any_more() -> None:
    raised = updated("INC-1", "severity", minute=40, severity="P2")
    partly = only(declared("INC-1", "P1"), raised, downgrades=[approved("P4")])
    assert partly.downgrade == AppliedDowngrade(UUID(int=30), Severity.P4)
    wholly = only(declared("INC-1", "P2"), raised, downgrades=[approved("P4", "P2")])
    assert (wholly.severity, wholly.told_severity, wholly.downgrade) == (Severity.P2, Severity.P2, None)


@given(storms())
@settings(max_examples=200)
def test_whatever_is_merged_never_runs_in_a_circle_and_weighs_on_where_it_ends(storm: Storm) -> None:
    by_id = {each.id: each for each in fold(facts(*storm.events)).incidents}
    for incident in by_id.values():
        seen = [incident.id]
        at = incident
        while at.merged_into is not None:
            at = by_id[at.merged_into]
            assert at.id not in seen
            seen.append(at.id)
            assert not incident.worst_severity.outranks(at.worst_severity)


@given(storms())
@settings(max_examples=100)
def test_a_timeline_has_every_fact_once_and_in_order(storm: Storm) -> None:
    told = facts(*storm.events)
    found = timelines(told)
    for incident in fold(told).incidents:
        history = history_of(
            (each for each in told if each.subject == incident.key), (incident.source, incident.key)
        )
        entries = found[incident.source, incident.key]
        assert [entry.at for entry in entries] == sorted(happened_at(each) for each in history)
        assert len(entries) == incident.facts
        lasting = [entry.severity for entry in entries if entry.kind in {"declared", "severity"}]
        assert incident.declared_severity in lasting


@pytest.mark.parametrize("lower", ["P2", "P3", "P4"])
def test_a_lower_severity_that_was_told_of_a_p1_is_a_claim(lower: str) -> None:
    incident = only(declared("INC-1", "P1"), updated("INC-1", "severity", minute=5, severity=lower))
    assert (incident.severity, incident.claimed_severity) == (Severity.P1, Severity(lower))
    assert incident.worst_severity is Severity.P1


def test_a_p3_becomes_a_p4_at_once() -> None:
    incident = only(declared("INC-1", "P3"), updated("INC-1", "severity", minute=5, severity="P4"))
    assert (incident.severity, incident.claimed_severity) == (Severity.P4, None)
    assert (incident.worst_severity, incident.major_because) == (Severity.P3, None)


def test_a_claim_is_gone_once_the_severity_is_told_again() -> None:
    incident = only(
        declared("INC-1", "P1"),
        updated("INC-1", "severity", minute=5, severity="P3"),
        updated("INC-1", "severity", minute=6, severity="P1"),
    )
    assert (incident.severity, incident.claimed_severity) == (Severity.P1, None)


def test_an_approved_downgrade_holds_and_the_worst_severity_stays() -> None:
    claim = updated("INC-1", "severity", minute=5, severity="P3")
    incident = only(declared("INC-1", "P1"), claim, downgrades=[approved("P3")])
    assert (incident.severity, incident.claimed_severity) == (Severity.P3, None)
    assert (incident.worst_severity, incident.major_because) == (Severity.P1, MajorBecause.DECLARED)


def test_what_was_raised_before_the_approval_and_told_after_it_voids_the_downgrade() -> None:
    """The approvers saw a P2; that it had been a P1 came to be known later."""
    raised = updated("INC-1", "severity", minute=20, severity="P1")
    incident = only(declared("INC-1", "P2"), raised, downgrades=[approved("P4", "P2")])
    assert incident.severity is Severity.P1


def test_as_bad_as_before_told_after_the_approval_of_an_earlier_time_voids_it_too() -> None:
    """Both had approved in minute 30; in minute 35 somebody tells of minute 25 that it still burns."""
    first, burns = declared("INC-1", "P1"), updated("INC-1", "severity", minute=25, severity="P1")
    late, in_time = ([fact(first), fact(burns, _minute(minute))] for minute in (35, 29))
    [incident] = fold(late, [approved("P3")]).incidents
    assert (incident.severity, incident.downgrade) == (Severity.P1, None)
    told = [timelines(each, [approved("P3")])[PAGER, "INC-1"][-1] for each in (late, in_time)]
    assert [(each.kind, each.claim) for each in told] == [("downgraded", True), ("downgraded", False)]
    [incident] = fold(in_time, [approved("P3")]).incidents
    assert (incident.severity, incident.downgrade) == (
        Severity.P3,
        AppliedDowngrade(UUID(int=30), Severity.P3),
    )


def test_a_p1_told_after_the_approval_voids_it_also_where_a_clock_before_was_ahead() -> None:
    """Told in minute 31 that it burns again; a producer whose clock was ahead had told of minute 35 before."""
    first, ahead = declared("INC-1", "P1"), updated("INC-1", "severity", minute=35, severity="P3")
    again = updated("INC-1", "severity", minute=32, severity="P1")
    seen = [fact(first), fact(ahead, _minute(29))]
    down = approved("P3", minute=35, used=30)
    [before] = fold(seen, [down]).incidents
    assert (before.severity, before.downgrade) == (Severity.P3, AppliedDowngrade(down.id, Severity.P3))
    late, in_time = ([*seen, fact(again, _minute(minute))] for minute in (31, 30))
    [incident] = fold(late, [down]).incidents
    assert (incident.severity, incident.claimed_severity, incident.downgrade) == (
        Severity.P1,
        Severity.P3,
        None,
    )
    told = [timelines(each, [down])[PAGER, "INC-1"][-1] for each in (late, in_time)]
    assert [(each.kind, each.claim) for each in told] == [("downgraded", True), ("downgraded", False)]
    assert fold(in_time, [down]).incidents[0].severity is Severity.P3


def test_what_is_raised_after_the_downgrade_is_raised() -> None:
    raised = updated("INC-1", "severity", minute=40, severity="P2")
    assert only(declared("INC-1", "P1"), raised, downgrades=[approved("P4")]).severity is Severity.P2


def test_a_downgrade_of_another_incident_changes_nothing() -> None:
    other = approved("P4", key="INC-2")
    assert only(declared("INC-1", "P1"), downgrades=[other]).severity is Severity.P1


def test_a_reopened_incident_is_neither_mitigated_nor_resolved_until_it_is_again() -> None:
    over = (step("INC-1", "mitigated", minute=10), step("INC-1", "resolved", minute=20))
    again = updated("INC-1", "reopened", minute=30)
    reopened = only(declared("INC-1"), *over, again)
    assert (reopened.mitigated_at, reopened.resolved_at, reopened.reopened) == (None, None, 1)
    ended = only(declared("INC-1"), *over, again, step("INC-1", "resolved", minute=50))
    assert (ended.resolved_at, ended.reopened) == (BEGAN + timedelta(minutes=50), 1)


@pytest.mark.parametrize("kind", ["mitigated", "resolved"])
def test_an_end_before_the_beginning_is_a_claim_and_ends_nothing(kind: str) -> None:
    told = facts(declared("INC-1"), step("INC-1", kind, minute=-11))
    [incident] = fold(told).incidents
    assert (incident.mitigated_at, incident.resolved_at) == (None, None)
    assert [(each.kind, each.claim) for each in timeline(told)] == [(kind, True), ("declared", False)]
    at_once = only(declared("INC-1"), step("INC-1", kind, minute=-10))
    assert getattr(at_once, f"{kind}_at") == at_once.began_at == _minute(-10)


@pytest.mark.parametrize("kind", ["mitigated", "resolved"])
def test_an_end_that_lay_ahead_when_it_was_told_is_a_claim_and_the_right_one_counts(kind: str) -> None:
    """No door takes it; what was stored before this was so ends nothing, and stands in nobody's way."""
    first, wrong = fact(declared("INC-1")), fact(step("INC-1", kind, minute=20))
    wrong = replace(wrong, body={**wrong.body, "at": "2062-06-01T10:00:00Z"})
    [incident] = fold([first, wrong]).incidents
    assert (incident.mitigated_at, incident.resolved_at, incident.last_fact_at) == (None, None, BEGAN)
    told = [first, wrong, fact(step("INC-1", kind, minute=30)), fact(updated("INC-1", "reopened", minute=40))]
    [ended], [reopened] = fold(told[:3]).incidents, fold(told).incidents
    assert getattr(ended, f"{kind}_at") == _minute(30)
    assert (reopened.mitigated_at, reopened.resolved_at, reopened.reopened) == (None, None, 1)
    assert [(each.kind, each.claim) for each in timeline(told)] == [
        ("declared", False),
        (kind, False),
        ("reopened", False),
        (kind, True),
    ]
    tolerated = fact(step("INC-1", kind, minute=20), _minute(15))
    [incident] = fold([first, tolerated]).incidents
    assert getattr(incident, f"{kind}_at") == _minute(20), "a clock may be five minutes ahead"


def test_what_is_said_to_begin_ahead_of_its_declaration_began_with_it() -> None:
    ahead = "2062-06-01T09:00:00Z"
    first = fact(declared("INC-1"))
    wrong = replace(first, body={**first.body, "began_at": ahead, "detected_at": ahead})
    [incident] = fold([wrong, fact(step("INC-1", "resolved", minute=5))]).incidents
    assert (incident.began_at, incident.detected_at, incident.declared_at) == (BEGAN, BEGAN, BEGAN)
    assert incident.resolved_at == _minute(5)


def test_reopening_what_is_open_is_no_reopening() -> None:
    assert only(declared("INC-1"), updated("INC-1", "reopened", minute=5)).reopened == 0


def test_whom_it_touches_is_what_was_said_last() -> None:
    first = fact(declared("INC-1", objectives=["api"]))
    said = fact(updated("INC-1", "affected", minute=5, objectives=["api", "web"]))
    [incident] = fold([first, said]).incidents
    assert (incident.everybody, incident.objectives) == (True, ("api", "web"))


@pytest.mark.parametrize("source", [PAGER, PORTAL, "urn:stranger"])
def test_whom_it_touches_and_its_merger_count_of_who_declared_it_and_of_the_portal(source: str) -> None:
    home, foreign = UUID(int=1), UUID(int=2)
    first = replace(fact(declared("INC-1", "P2", objectives=["api"])), tenants=(home,))
    said = updated("INC-1", "affected", minute=5, objectives=["web"])
    merger = updated("INC-1", "merged", minute=6, into="INC-2")
    worse = updated("INC-1", "severity", minute=7, severity="P1")
    steps = facts(*by(source, said, merger, worse))
    told = [first, replace(steps[0], tenants=(home, foreign)), *steps[1:], fact(declared("INC-2", "P4"))]
    one, two = fold(told).incidents
    counts = source in {PAGER, PORTAL}
    assert (one.tenants, one.objectives) == (((home, foreign), ("web",)) if counts else ((home,), ("api",)))
    assert (one.merge_key, one.merged_into) == (("INC-2", two.id) if counts else (None, None))
    assert two.worst_severity is (Severity.P1 if counts else Severity.P4)
    assert one.severity is Severity.P1, "worse holds at once, whoever says it"
    entries = timeline(told)
    assert [(each.kind, each.claim) for each in entries] == [
        ("declared", False),
        ("affected", not counts),
        ("merged", not counts),
        ("severity", False),
    ]


@pytest.mark.parametrize(("source", "counts"), [(PAGER, True), (PORTAL, True), ("urn:another", False)])
def test_its_owner_is_who_was_said_last_by_who_declared_it_or_by_the_portal(
    source: str, counts: bool
) -> None:
    said = by(source, updated("INC-1", "owner", minute=5, owner="max@vendor.example"))
    nobody = updated("INC-1", "owner", minute=6)
    told = facts(declared("INC-1"), *said, nobody)
    ivo, max_ = UUID(int=1), UUID(int=2)
    people = {"ivo@vendor.example": ivo, "max@vendor.example": max_}
    [incident] = fold(told, people=people).incidents
    assert incident.owner_person_id == (max_ if counts else ivo)
    assert [each.claim for each in timeline(told) if each.kind == "owner"] == [not counts, False]


def test_the_last_declaration_says_what_it_is_and_the_first_how_bad_it_was_declared() -> None:
    incident = only(
        declared("INC-1", "P2", title="Slow"),
        declared("INC-1", "P3", minute=8, title="Slow API", service="edge"),
    )
    assert (incident.title, incident.service) == ("Slow API", "edge")
    assert (incident.declared_severity, incident.severity) == (Severity.P2, Severity.P2)
    assert (incident.claimed_severity, incident.declared_at) == (Severity.P3, BEGAN)


def test_the_merger_that_would_close_a_circle_is_passed_over() -> None:
    register = fold(
        facts(
            declared("INC-1", "P1"),
            declared("INC-2", "P3"),
            updated("INC-1", "merged", minute=5, into="INC-2"),
            updated("INC-2", "merged", minute=6, into="INC-1"),
        )
    )
    merged = {each.key: each.merged_into for each in register.incidents}
    assert merged == {"INC-1": named("INC-2"), "INC-2": None}


@pytest.mark.parametrize("severity", SEVERITIES)
def test_a_merged_incident_weighs_on_its_target_through_the_one_between(severity: str) -> None:
    register = fold(
        facts(
            declared("INC-1", severity),
            declared("INC-2", "P4"),
            declared("INC-3", "P4"),
            updated("INC-1", "merged", minute=5, into="INC-2"),
            updated("INC-2", "merged", minute=6, into="INC-3"),
        )
    )
    found = {each.key: (each.worst_severity, each.severity) for each in register.incidents}
    assert found["INC-3"] == (Severity(severity), Severity(severity))


def test_the_portal_says_which_of_two_incidents_with_one_key_it_means() -> None:
    told = updated("INC-1", "severity", minute=5, severity="P1", declared_by="urn:other")
    both = [declared("INC-1", "P3"), *by("urn:other", declared("INC-1", "P3"))]
    register = fold(facts(*both, *by("portal", told)))
    assert {each.source: each.severity for each in register.incidents} == {
        PAGER: Severity.P3,
        "urn:other": Severity.P1,
    }
    stranger = fold(facts(*both, *by("urn:stranger", told)))
    assert {each.severity for each in stranger.incidents} == {Severity.P3}
    assert [(gap.source, gap.reason) for gap in stranger.gaps] == [("urn:stranger", GapReason.AMBIGUOUS)]

"""What is merged goes on in another: that is at least as bad, and over when the other is; and it can be undone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from support.incident_facts import LATER, approved, fact, facts
from support.incident_storms import Storm, storms
from support.learning_world import BEGAN, PAGER, by, declared, named, step, updated

from trust_portal.learning.incidents.folding import fold, timelines
from trust_portal.learning.incidents.model import (
    AppliedDowngrade,
    Downgrade,
    Incident,
    IncidentFact,
    MajorBecause,
    Severity,
)

P1, P2, P3, P4 = Severity.P1, Severity.P2, Severity.P3, Severity.P4


def at(minute: int) -> datetime:
    return BEGAN + timedelta(minutes=minute)


def folded(
    told: Iterable[IncidentFact], *downgrades: Downgrade, two: Iterable[IncidentFact] = ()
) -> dict[str, Incident]:
    """``two``: facts by which two undid a merger."""
    by_two = {each.key for each in two}
    read = [replace(each, by_two=each.key in by_two) for each in told]
    return {each.key: each for each in fold(read, downgrades).incidents}


def standing(*told: IncidentFact, two: Iterable[IncidentFact] = ()) -> tuple[Severity, Severity, UUID | None]:
    """Of INC-2 what is in force and worst, and of INC-1 what it was merged into."""
    found = folded(told, two=two)
    return found["INC-2"].severity, found["INC-2"].worst_severity, found["INC-1"].merged_into


def register(*events: dict[str, Any], downgrades: Iterable[Downgrade] = ()) -> dict[str, Incident]:
    return folded(facts(*events), *downgrades)


MERGED = (
    declared("INC-1", "P1"),
    declared("INC-2", "P3", minute=2),
    updated("INC-1", "merged", minute=5, into="INC-2"),
)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_what_a_p1_is_merged_into_is_a_p1_in_force_whatever_it_was_declared_as(
    order: tuple[int, ...],
) -> None:
    told = facts(*(MERGED[index] for index in order))
    two = folded([*told, *told])["INC-2"]
    assert (two.severity, two.declared_severity, two.worst_severity) == (P1, P3, P1)
    assert (two.told_severity, two.downgrade, two.claimed_severity) == (P1, None, None)
    assert two.major_because is MajorBecause.MERGED


def test_less_than_what_weighs_on_it_is_a_claim_until_two_approved_it() -> None:
    lower = updated("INC-2", "severity", minute=8, severity="P3")
    came_in_later = [fact(event, LATER) for event in MERGED]
    two = folded([*came_in_later, fact(lower)])["INC-2"]
    assert (two.severity, two.claimed_severity) == (P1, None), "it weighs from when the merger came in"

    later = updated("INC-2", "severity", minute=24 * 60 + 1, severity="P3")
    told = [*came_in_later, fact(later, LATER + timedelta(minutes=1))]
    two = folded(told)["INC-2"]
    assert (two.severity, two.claimed_severity) == (P1, P3)
    assert [entry.claim for entry in timelines(told)[PAGER, "INC-2"]] == [False, True]

    down = approved("P3", at=LATER + timedelta(minutes=2), key="INC-2")
    two = folded(told, down)["INC-2"]
    assert (two.severity, two.told_severity, two.worst_severity) == (P3, P1, P1)
    assert two.downgrade == AppliedDowngrade(down.id, P3)


def test_no_approval_covers_a_p1_that_was_merged_into_it_after_the_approval_whatever_time_that_gives_itself() -> (
    None
):
    """INC-2 was a false alarm, and two said so; then a true one is merged into it, as if it had been before."""
    before = [fact(event, at(10)) for event in (declared("INC-2", "P1", minute=1), declared("INC-1", "P1"))]
    down = approved("P4", at=at(20), key="INC-2")
    merger = updated("INC-1", "merged", minute=5, into="INC-2")
    assert folded(before, down)["INC-2"].severity is P4
    assert folded([*before, fact(merger, at(15))], down)["INC-2"].severity is P4, "the approvers saw it"
    assert folded([*before, fact(merger, at(30))], down)["INC-2"].severity is P1


def test_a_p1_merged_into_it_after_the_approval_voids_it_also_where_a_clock_before_was_ahead() -> None:
    before = [fact(event, at(10)) for event in (declared("INC-2", "P1", minute=1), declared("INC-1", "P1"))]
    down = approved("P4", at=at(25), key="INC-2", used_at=at(20))
    for minute in (5, 22):
        merger = updated("INC-1", "merged", minute=minute, into="INC-2")
        assert folded([*before, fact(merger, at(22))], down)["INC-2"].severity is P1
    seen = updated("INC-1", "merged", minute=24, into="INC-2")
    assert folded([*before, fact(seen, at(19))], down)["INC-2"].severity is P4, "the approvers saw it"
    worse = [fact(declared("INC-1", "P3"), at(1)), *before[:1], fact(seen, at(19))]
    assert folded(worse, down)["INC-2"].severity is P4
    raised = fact(updated("INC-1", "severity", minute=21, severity="P1"), at(22))
    assert folded([*worse, raised], down)["INC-2"].severity is P1


def test_no_approval_covers_a_p1_that_was_merged_later_into_what_was_merged_before() -> None:
    """INC-2 weighs as a P1 on INC-3, and two made that less; then another P1 is merged into INC-2."""
    chain = [
        fact(event, at(10))
        for event in (
            declared("INC-1", "P1"),
            declared("INC-2", "P1"),
            declared("INC-3", "P3"),
            updated("INC-2", "merged", minute=5, into="INC-3"),
        )
    ]
    down = approved("P3", at=at(20), key="INC-3")
    assert folded(chain, down)["INC-3"].severity is P3
    merger = updated("INC-1", "merged", minute=6, into="INC-2")
    seen = [*chain, fact(merger, at(15))]
    assert folded(seen, down)["INC-3"].severity is P3, "the approvers saw it"
    spoken = [folded(told)["INC-2"].severity_at for told in (chain, seen)]
    assert spoken == [at(0), at(15)], "as what they approve says"
    assert folded([*chain, fact(merger, at(30))], down)["INC-3"].severity is P1


def test_what_gets_worse_after_the_merger_weighs_too_and_what_was_lowered_before_weighs_as_it_is() -> None:
    worse = updated("INC-1", "severity", minute=9, severity="P1")
    first = (declared("INC-1", "P3"), *MERGED[1:])
    assert register(*first)["INC-2"].severity is P3
    assert register(*first, worse)["INC-2"].severity is P1

    two = register(*MERGED, downgrades=[approved("P3", at=at(3))])["INC-2"]
    assert (two.severity, two.worst_severity, two.told_severity) == (P3, P1, P3)


def test_lowering_what_was_merged_lowers_nothing_else() -> None:
    down = approved("P3", at=LATER + timedelta(minutes=1))
    found = register(*MERGED, downgrades=[down])
    assert (found["INC-1"].severity, found["INC-2"].severity) == (P3, P1)


@given(storms())
@settings(max_examples=200)
def test_nothing_is_less_in_force_than_the_p1_or_p2_that_was_merged_into_it(storm: Storm) -> None:
    by_id = {each.id: each for each in fold(facts(*storm.events)).incidents}
    for each in by_id.values():
        if each.merged_into is not None and each.severity.is_major:
            assert not each.severity.outranks(by_id[each.merged_into].severity)


def test_a_merged_incident_is_over_when_what_it_ends_in_is() -> None:
    chain = (
        declared("INC-1", "P1"),
        declared("INC-2", "P3"),
        declared("INC-3", "P3"),
        updated("INC-1", "merged", minute=5, into="INC-2"),
        updated("INC-2", "merged", minute=6, into="INC-3"),
    )
    going_on = register(*chain, step("INC-1", "mitigated", minute=7), step("INC-1", "resolved", minute=8))
    assert {(each.mitigated_at, each.resolved_at) for each in going_on.values()} == {(None, None)}
    assert [each.ends_in for each in going_on.values()] == [named("INC-3"), named("INC-3"), None]

    over = register(*chain, step("INC-3", "mitigated", minute=20), step("INC-3", "resolved", minute=30))
    assert {(each.mitigated_at, each.resolved_at) for each in over.values()} == {(at(20), at(30))}

    again = register(*chain, step("INC-3", "resolved", minute=30), updated("INC-3", "reopened", minute=40))
    assert [each.is_open for each in again.values()] == [True, True, True]


def test_its_own_end_counts_where_that_came_later() -> None:
    both = (step("INC-2", "resolved", minute=30), step("INC-1", "resolved", minute=45))
    found = register(*MERGED, *both)
    assert (found["INC-1"].resolved_at, found["INC-2"].resolved_at) == (at(45), at(30))


@pytest.mark.parametrize("source", [PAGER, "portal"])
def test_what_began_or_was_reopened_after_the_other_was_over_is_over_by_its_own_word_only(
    source: str,
) -> None:
    over = (declared("INC-2", "P3"), step("INC-2", "resolved", minute=30))
    late = (declared("INC-1", "P1", minute=60), updated("INC-1", "merged", minute=65, into="INC-2"))
    assert register(*over, *late)["INC-1"].resolved_at is None
    assert register(*over, *late, step("INC-1", "resolved", minute=70))["INC-1"].resolved_at == at(70)

    again = by(source, updated("INC-1", "reopened", minute=40))
    found = register(*MERGED, step("INC-2", "resolved", minute=30), *again)
    assert (found["INC-1"].is_open, found["INC-2"].is_open) == (True, False)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_a_merger_is_undone_whatever_the_order_in_which_that_was_told(order: tuple[int, ...]) -> None:
    undone = updated("INC-1", "unmerged", minute=9)
    told = facts(*((*MERGED, undone)[index] for index in order))
    claimed = folded([*told, *told])
    assert (claimed["INC-1"].merged_into, claimed["INC-2"].severity) == (named("INC-2"), P1), (
        "that it takes the P1 away is a claim until two approve"
    )
    found = folded([*told, *told], two=facts(undone))
    one, two = found["INC-1"], found["INC-2"]
    assert (one.merged_into, one.merge_key, one.ends_in, one.severity) == (None, None, None, P1)
    assert (two.severity, two.worst_severity, two.major_because) == (P3, P3, None)


def test_what_was_undone_can_be_merged_again_and_undoing_before_the_merger_undoes_nothing() -> None:
    undone, again = (
        updated("INC-1", "unmerged", minute=9),
        updated("INC-1", "merged", minute=12, into="INC-2"),
    )
    told = facts(*MERGED, undone, again)
    assert folded(told, two=facts(undone))["INC-1"].merged_into == named("INC-2")
    assert register(*MERGED, updated("INC-1", "unmerged", minute=4))["INC-1"].merged_into == named("INC-2")


@pytest.mark.parametrize(("source", "counts"), [(PAGER, True), ("portal", True), ("urn:another", False)])
def test_a_merger_is_undone_by_who_declared_the_incident_or_at_the_portal(source: str, counts: bool) -> None:
    undone = by(source, updated("INC-1", "unmerged", minute=9))
    told = facts(declared("INC-1", "P3"), *MERGED[1:], *undone)
    assert folded(told)["INC-1"].merged_into == (None if counts else named("INC-2"))
    assert [entry.claim for entry in timelines(told)[PAGER, "INC-1"]] == [False, False, not counts]


@pytest.mark.parametrize(
    ("own", "weight", "takes_two"),
    [
        ("P3", "P1", True), ("P4", "P2", True), ("P2", "P1", True), ("P1", "P1", False), ("P2", "P2", False),
        ("P1", "P2", False), ("P4", "P3", False),
    ],
)  # fmt: skip
def test_undoing_a_merger_is_a_claim_where_it_takes_a_p1_or_p2_away_and_else_counts_at_once(
    own: str, weight: str, takes_two: bool
) -> None:
    undone = updated("INC-1", "unmerged", minute=9)
    told = facts(declared("INC-1", weight), declared("INC-2", own, minute=2), MERGED[2], undone)
    before = folded(told[:3])["INC-2"]
    after = folded(told)
    assert after["INC-1"].merged_into == (named("INC-2") if takes_two else None)
    if takes_two:
        assert after["INC-2"] == before
    assert [entry.claim for entry in timelines(told)[PAGER, "INC-1"]] == [False, False, takes_two]
    freed = folded(told, two=facts(undone))
    assert (freed["INC-1"].merged_into, freed["INC-2"].severity) == (None, Severity(own))


def test_whether_it_takes_a_p1_away_is_judged_by_what_was_known_when_it_came_in_and_for_ever() -> None:
    declared_two = [
        fact(event, at(10)) for event in (declared("INC-1", "P1"), declared("INC-2", "P1", minute=2))
    ]
    merger = fact(MERGED[2], at(11))
    undone = fact(updated("INC-1", "unmerged", minute=9), at(12))
    assert standing(*declared_two, merger, undone) == (P1, P1, None)
    lowered = approved("P3", at=at(20), key="INC-2")
    later = folded([*declared_two, merger, undone], lowered)
    assert (later["INC-2"].severity, later["INC-1"].merged_into) == (P3, None), "the P1 was not taken by that"

    p3 = [declared_two[0], fact(MERGED[1], at(10)), merger, undone]
    assert standing(*p3) == (P1, P1, named("INC-2"))
    raised = fact(updated("INC-2", "severity", minute=15, severity="P1"), at(15))
    assert standing(*p3, raised) == (P1, P1, named("INC-2")), "a claim stays one"
    again = fact(updated("INC-1", "unmerged", minute=16), at(16))
    assert standing(*p3, raised, again) == (P1, P1, None), "by then INC-2 is one itself"

    def alone_since(*more: IncidentFact) -> datetime | None:
        return folded([*p3, raised, again, *more])["INC-1"].unmerged_at

    assert (alone_since(), folded([*p3, raised])["INC-1"].unmerged_at) == (at(16), None)
    assert alone_since(fact(updated("INC-1", "unmerged", minute=17), at(17))) == at(16), "once is enough"
    assert alone_since(fact(updated("INC-1", "merged", minute=18, into="INC-2"), at(18))) is None


def test_of_two_that_weigh_the_first_is_undone_by_one_person_and_the_last_by_two() -> None:
    third = (declared("INC-3", "P1"), updated("INC-3", "merged", minute=6, into="INC-2"))
    one, three = updated("INC-1", "unmerged", minute=8), updated("INC-3", "unmerged", minute=9)
    told = facts(*MERGED, *third, one, three)
    found = folded(told)
    assert (found["INC-1"].merged_into, found["INC-3"].merged_into) == (None, named("INC-2"))
    assert found["INC-2"].severity is P1
    found = folded(told, two=facts(three))
    assert (found["INC-1"].merged_into, found["INC-3"].merged_into) == (None, None)
    assert (found["INC-2"].severity, found["INC-2"].worst_severity) == (P3, P3)


def test_a_p1_is_not_taken_away_by_merging_it_into_something_else_nor_by_closing_a_circle() -> None:
    elsewhere = updated("INC-1", "merged", minute=9, into="INC-4")
    told = facts(*MERGED, declared("INC-4", "P1"), elsewhere)
    assert standing(*told) == (P1, P1, named("INC-2"))
    assert [entry.claim for entry in timelines(told)[PAGER, "INC-1"]] == [False, False, True]
    # As if INC-2 had been merged into INC-1 before: then the true merger would close the circle.
    circle = updated("INC-2", "merged", minute=4, into="INC-1")
    told = [*facts(*MERGED), fact(circle, LATER + timedelta(minutes=1))]
    assert standing(*told) == (P1, P1, named("INC-2"))


def test_what_two_lowered_is_not_taken_out_of_the_coverage_by_one_who_undoes_the_merger() -> None:
    down = approved("P3", at=at(20), key="INC-2")
    before = [fact(event, at(10)) for event in MERGED]
    undone = fact(updated("INC-1", "unmerged", minute=30), at(31))
    found = folded([*before, undone], down)["INC-2"]
    assert (found.severity, found.worst_severity) == (P3, P1)
    found = folded([*before, undone], down, two=[undone])["INC-2"]
    assert (found.severity, found.worst_severity, found.major_because) == (P3, P3, None)


@given(storms())
@settings(max_examples=100)
def test_nothing_that_is_told_of_mergers_makes_a_p1_or_p2_less(storm: Storm) -> None:
    """One after the other, in the order in which they came."""
    told: dict[UUID, IncidentFact] = {}
    for minute, event in enumerate(each for portion in storm.deliveries for each in portion):
        came = fact(event, LATER + timedelta(minutes=minute))
        if came.key in told:
            continue
        before = fold(told.values()).incidents
        told[came.key] = came
        if came.body.get("kind") in {"merged", "unmerged"}:
            after = {each.id: each for each in fold(told.values()).incidents}
            for each in before:
                now = after[each.id]
                assert not (each.severity.is_major and each.severity.outranks(now.severity)), event
                assert not (each.needs_postmortem and not now.needs_postmortem), event


def test_it_changed_when_each_came_in_that_a_postmortem_has_to_say() -> None:
    first = fact(declared("INC-1", "P1"), at(10))
    for event, changes in (
        (updated("INC-1", "note", minute=5), False),
        (updated("INC-1", "owner", minute=5), False),
        (updated("INC-1", "told_customer", minute=5), False),
        (updated("INC-1", "severity", minute=5, severity="P4"), False),  # a claim
        (step("INC-1", "resolved", minute=5), False),
        (updated("INC-1", "affected", minute=5), True),
        (updated("INC-1", "reopened", minute=5), True),
        (updated("INC-1", "severity", minute=5, severity="P1"), True),
        (updated("INC-1", "merged", minute=5, into="INC-9"), False),
        (declared("INC-1", "P1", minute=5), True),
    ):
        later = fact(event, at(90))
        told = folded([first, later, fact(updated("INC-1", "reopened", minute=6), at(95))])["INC-1"]
        assert told.changes == ((at(10), at(90), at(95)) if changes else (at(10), at(95))), event
        assert folded([first, later])["INC-1"].changed_at == at(90 if changes else 10), event

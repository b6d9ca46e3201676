"""By no merger, and by nothing that comes later, a P1 or P2 owes less until two approve; and each word is judged once."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from types import FrameType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.incident_facts import LATER, fact
from support.learning_world import PAGER, by, declared, named, updated

from trust_portal.learning.incidents.folding import fold, timelines
from trust_portal.learning.incidents.model import Incident, IncidentFact, Severity

P1, P2, P3 = Severity.P1, Severity.P2, Severity.P3
OTHER, THIRD = "urn:other", "urn:third"
ACME, GLOBEX = UUID(int=1), UUID(int=2)


def coming(*events: dict[str, Any]) -> list[IncidentFact]:
    """Each a minute after the one before it."""
    return [fact(event, LATER + timedelta(minutes=minute)) for minute, event in enumerate(events)]


def then(told: Iterable[IncidentFact], *events: dict[str, Any], **said: Any) -> list[IncidentFact]:
    """``told``, and what came in afterwards, one after the other; ``said``: fields of those facts."""
    known = list(told)
    for event in events:
        last = max(each.origin.received_at for each in known)
        known.append(replace(fact(event, last + timedelta(minutes=1)), **said))
    return known


def register(told: Iterable[IncidentFact]) -> dict[tuple[str, str], Incident]:
    return {(each.source, each.key): each for each in fold(told).incidents}


def claims(told: Iterable[IncidentFact], key: str = "INC-1", source: str = PAGER) -> list[str]:
    return [entry.kind for entry in timelines(told)[source, key] if entry.claim]


#: A P1 that goes on in somebody else's P3.
WEIGHING = coming(
    declared("INC-1", "P1"),
    *by(OTHER, declared("INC-2", "P3")),
    updated("INC-1", "merged", minute=10, into="INC-2"),
)


@pytest.mark.parametrize("source", [PAGER, THIRD])
@pytest.mark.parametrize("minute", [-5, 20])
def test_who_declares_the_key_of_what_it_was_merged_into_as_well_moves_no_merger(
    source: str, minute: int
) -> None:
    before = register(WEIGHING)
    assert (before[OTHER, "INC-2"].severity, before[OTHER, "INC-2"].worst_severity) == (P1, P1)
    told = then(WEIGHING, *by(source, declared("INC-2", "P4", minute=minute)))
    after = register(told)
    assert {name: after[name] for name in before} == before
    assert after[source, "INC-2"].severity is Severity.P4
    assert claims(told) == []


def test_a_merger_into_what_is_declared_later_is_a_claim_until_then_and_takes_no_weight_away_by_then() -> (
    None
):
    waiting = then(WEIGHING, updated("INC-1", "merged", minute=20, into="INC-9"))
    before = register(WEIGHING)
    assert register(waiting)[OTHER, "INC-2"] == before[OTHER, "INC-2"]
    assert register(waiting)[PAGER, "INC-1"].merged_into == named("INC-2", OTHER)
    assert claims(waiting) == ["merged"]

    told = then(waiting, *by(THIRD, declared("INC-9", "P1", minute=30)))
    assert register(told)[OTHER, "INC-2"] == before[OTHER, "INC-2"]
    assert register(told)[PAGER, "INC-1"].merged_into == named("INC-2", OTHER)
    assert claims(told) == ["merged"]


def test_where_it_takes_nothing_away_a_merger_counts_once_what_it_names_is_declared() -> None:
    first = coming(declared("INC-1", "P1"), updated("INC-1", "merged", minute=10, into="INC-9"))
    [alone] = fold(first).incidents
    assert (alone.merged_into, alone.merge_key, claims(first)) == (None, "INC-9", ["merged"])
    told = then(first, declared("INC-9", "P3", minute=5))
    found = register(told)
    assert (found[PAGER, "INC-1"].merged_into, found[PAGER, "INC-9"].severity) == (named("INC-9"), P1)
    assert found[PAGER, "INC-1"].merged_at == told[-1].origin.received_at
    assert claims(told) == []

    undone = then(first, updated("INC-1", "unmerged", minute=11), declared("INC-9", "P3", minute=5))
    found = register(undone)
    assert (found[PAGER, "INC-1"].merged_into, found[PAGER, "INC-1"].merge_key) == (None, None)
    assert found[PAGER, "INC-9"].severity is P3


def test_what_is_declared_later_closes_no_circle_by_which_a_p1_would_weigh_no_more() -> None:
    waiting = then(
        WEIGHING,
        *by(OTHER, updated("INC-2", "merged", minute=4, into="INC-9")),
        *by(THIRD, updated("INC-9", "merged", minute=5, into="INC-1")),
    )
    before = register(WEIGHING)
    told = then(waiting, *by(THIRD, declared("INC-9", "P4")))
    after = register(told)
    assert after[OTHER, "INC-2"].severity is P1
    assert after[PAGER, "INC-1"] == replace(
        before[PAGER, "INC-1"],
        ends_in=after[PAGER, "INC-1"].ends_in,
        merged_at=told[-1].origin.received_at,
    )
    assert claims(told, "INC-2", OTHER) + claims(told, "INC-9", THIRD) == ["merged"]


def test_a_merger_that_closed_a_circle_stays_a_claim_also_once_the_other_is_undone() -> None:
    told = coming(
        declared("INC-1", "P3"),
        declared("INC-2", "P3"),
        updated("INC-1", "merged", minute=5, into="INC-2"),
        updated("INC-2", "merged", minute=6, into="INC-1"),
    )
    assert claims(told, "INC-2") == ["merged"]
    freed = then(told, updated("INC-1", "unmerged", minute=7))
    found = register(freed)
    assert [each.merged_into for each in found.values()] == [None, None]
    assert found[PAGER, "INC-2"].merge_key is None
    assert claims(freed, "INC-2") == ["merged"]
    again = then(freed, updated("INC-2", "merged", minute=8, into="INC-1"))
    assert register(again)[PAGER, "INC-2"].merged_into == named("INC-1")


def test_into_itself_nothing_is_merged_and_that_is_a_claim() -> None:
    told = coming(declared("INC-1", "P1"), updated("INC-1", "merged", minute=5, into="INC-1"))
    assert (register(told)[PAGER, "INC-1"].merged_into, claims(told)) == (None, ["merged"])


BY_ACME: dict[str, Any] = {"tenants": (ACME,), "bounds": frozenset({ACME})}
#: Both touch one customer alone.
OF_ACME = [
    replace(each, tenants=(ACME,)) for each in coming(declared("INC-1", "P3"), declared("INC-2", "P3"))
]
WIDER = updated("INC-2", "affected", minute=60)


def test_whom_it_is_said_to_touch_later_takes_no_merger_and_no_weight_away() -> None:
    """Of all that one customer's token told."""
    told = then(
        OF_ACME,
        updated("INC-1", "severity", minute=5, severity="P1"),
        updated("INC-1", "merged", minute=6, into="INC-2"),
        **BY_ACME,
    )
    assert (register(told)[PAGER, "INC-2"].severity, register(told)[PAGER, "INC-1"].severity) == (P1, P1)
    for wider in (WIDER, updated("INC-1", "affected", minute=60)):
        after = register(then(told, wider, tenants=None))
        assert after[PAGER, "INC-1"].merged_into == named("INC-2")
        for each in after.values():
            assert (each.severity, each.worst_severity) == (P1, P1)


def test_what_a_token_for_one_customer_made_a_p1_stays_one_when_it_touches_others_too() -> None:
    """So that what was undone since, as nothing got less by it, takes nothing away in the end."""
    told = then(
        [replace(each, body={**each.body, "severity": "P1"}) if each.subject == "INC-1" else each for each in OF_ACME],
        updated("INC-1", "merged", minute=5, into="INC-2"),
    )  # fmt: skip
    told = then(told, updated("INC-2", "severity", minute=6, severity="P1"), **BY_ACME)
    told = then(told, updated("INC-1", "unmerged", minute=7))
    assert register(told)[PAGER, "INC-1"].merged_into is None
    wider = then(told, WIDER, tenants=None)
    two = register(wider)[PAGER, "INC-2"]
    assert (two.everybody, two.severity, two.worst_severity) == (True, P1, P1)
    assert claims(wider, "INC-2") == []
    # What it tells from then on is a claim.
    later = then(wider, updated("INC-2", "severity", minute=61, severity="P2"), **BY_ACME)
    assert claims(later, "INC-2") == ["severity"]
    assert register(later)[PAGER, "INC-2"].claimed_severity is None


def test_a_merger_by_a_token_that_might_not_speak_of_it_counts_neither_when_that_touches_fewer() -> None:
    both = [replace(each, tenants=(ACME, GLOBEX)) if each.subject == "INC-2" else each for each in OF_ACME]
    told = then(both, updated("INC-1", "merged", minute=6, into="INC-2"), **BY_ACME)
    assert (register(told)[PAGER, "INC-1"].merged_into, claims(told)) == (None, ["merged"])
    fewer = then(told, updated("INC-2", "affected", minute=60), tenants=(ACME,))
    assert (register(fewer)[PAGER, "INC-1"].merged_into, claims(fewer)) == (None, ["merged"])


_SOURCES, _KEYS, _MINUTES = (
    st.sampled_from((PAGER, OTHER)),
    st.sampled_from(("INC-1", "INC-2", "INC-3")),
    st.integers(0, 30),
)
_SAID = st.tuples(_SOURCES, st.one_of(
    st.builds(lambda key, bad, at: declared(key, bad, minute=at), _KEYS, st.sampled_from(("P1", "P3")), _MINUTES),
    st.builds(lambda key, into, at: updated(key, "merged", minute=at, into=into), _KEYS, _KEYS, _MINUTES),
    st.builds(lambda key, at: updated(key, "unmerged", minute=at), _KEYS, _MINUTES),
    st.builds(lambda key, at: updated(key, "affected", minute=at), _KEYS, _MINUTES),
    st.builds(lambda key, at: updated(key, "severity", minute=at, severity="P1"), _KEYS, _MINUTES),
))  # fmt: skip


@st.composite
def in_turn(draw: st.DrawFn) -> list[IncidentFact]:
    """By tokens for everybody and for some, each a minute after the other; of severities only what is told by who has
    declared the incident: of a key that several declare, others' words belong to none, and are gaps.
    """
    bounds = st.sampled_from((None, None, None, frozenset({ACME})))
    told: dict[UUID, IncidentFact] = {}
    known: set[tuple[str, str]] = set()
    for minute, (source, event) in enumerate(draw(st.lists(_SAID, min_size=6, max_size=16))):
        came = fact(event | {"source": source}, LATER + timedelta(minutes=minute))
        name = came.source, came.subject
        if came.key in told or (came.body.get("kind") == "severity" and name not in known):
            continue
        if came.type.endswith("declared.v1"):
            known.add(name)
        bound = draw(bounds)
        whom = draw(st.sampled_from((None, (ACME,)))) if bound is None else (ACME,)
        told[came.key] = replace(came, bounds=bound, tenants=whom)
    return list(told.values())


@pytest.mark.takes(seconds=20)
@given(in_turn())
@settings(max_examples=500)
def test_by_nothing_that_comes_in_a_p1_or_p2_is_less(told: list[IncidentFact]) -> None:
    before: tuple[Incident, ...] = ()
    for number in range(1, len(told) + 1):
        after = {each.id: each for each in fold(told[:number]).incidents}
        for each in before:
            now = after[each.id]
            assert not (each.severity.is_major and each.severity.outranks(now.severity)), told[number - 1]
            assert not (each.needs_postmortem and not now.needs_postmortem), told[number - 1]
        before = tuple(after.values())


def steps_of(told: list[IncidentFact]) -> int:
    """Calls of functions of our own while ``told`` is folded."""
    calls = count()

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and "/trust_portal/" in frame.f_code.co_filename:
            next(calls)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        fold(told)
    finally:
        sys.setprofile(before)
    return next(calls)


def _back_and_forth(times: int) -> Iterator[dict[str, Any]]:
    yield declared("INC-1", "P1")
    yield declared("INC-2", "P1")
    for each in range(times):
        yield updated("INC-1", "merged", minute=2 * each, into="INC-2")
        yield updated("INC-1", "unmerged", minute=2 * each + 1)


def test_merged_and_undone_twice_as_often_it_takes_twice_as_many_steps() -> None:
    few, many = (
        [fact(event, _came(at)) for at, event in enumerate(_back_and_forth(times))] for times in (150, 300)
    )
    assert register(many)[PAGER, "INC-1"].merged_into is None
    assert steps_of(many) < 2.1 * steps_of(few)


def _came(number: int) -> datetime:
    return LATER + timedelta(seconds=number)

"""Whom a P1 or P2 touched stays touched, and when it began stays, whatever one voice says later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.incident_facts import LATER, fact
from support.learning_world import BEGAN, declared, updated

from trust_portal.kernel.clock import rfc3339
from trust_portal.learning.incidents.folding import fold, timelines
from trust_portal.learning.incidents.model import Incident, IncidentFact

A, B, C = (UUID(int=each) for each in (1, 2, 3))


def said(
    event: Mapping[str, Any], tenants: tuple[UUID, ...] | None, *, after: int, by_two: bool = False
) -> IncidentFact:
    """Told ``after`` minutes, of whom it touches."""
    read = fact(dict(event))
    origin = replace(read.origin, received_at=LATER + timedelta(minutes=after))
    return replace(read, tenants=tenants, origin=origin, by_two=by_two)


def only(told: list[IncidentFact]) -> Incident:
    [incident] = fold(told).incidents
    for order in list(permutations(told))[:24]:
        assert fold(order).incidents == (incident,), "in whatever order they came"
    return incident


def claims(told: list[IncidentFact]) -> list[tuple[str, bool]]:
    [entries] = timelines(told).values()
    return [(each.kind, each.claim) for each in entries]


FIRST = said(declared("INC-1", "P1"), (A, B), after=0)


@pytest.mark.parametrize(
    ("tenants", "touched"), [((A,), (A, B)), ((), (A, B)), ((A, C), (A, B, C)), ((C,), (A, B, C))]
)
def test_who_is_left_out_of_a_p1_is_touched_all_the_same_and_who_is_named_counts_at_once(
    tenants: tuple[UUID, ...], touched: tuple[UUID, ...]
) -> None:
    told = [FIRST, said(updated("INC-1", "affected", minute=5), tenants, after=5)]
    assert (only(told).everybody, only(told).tenants) == (False, touched)
    assert claims(told) == [("declared", False), ("affected", True)]
    changed = LATER + timedelta(minutes=0 if touched == (A, B) else 5)
    assert only(told).changed_at == changed, "what changes nothing makes no postmortem old"


def test_of_what_may_have_touched_everybody_nobody_alone_says_whom_it_did() -> None:
    told = [
        said(declared("INC-1", "P2"), None, after=0),
        said(updated("INC-1", "affected", minute=5), (A,), after=5),
    ]
    assert (only(told).everybody, only(told).tenants) == (True, ())
    approved = [told[0], replace(told[1], by_two=True)]
    assert (only(approved).everybody, only(approved).tenants) == (False, (A,))
    assert claims(approved) == [("declared", False), ("affected", False)]


def test_whoever_declares_it_anew_for_others_takes_nobody_out_of_it() -> None:
    again = said(declared("INC-1", "P1", minute=9), (B,), after=9)
    assert only([FIRST, again]).tenants == (A, B)
    assert claims([FIRST, again]) == [("declared", False), ("declared", True)]


def test_what_was_a_p3_when_its_customers_were_said_anew_had_those_when_it_got_worse() -> None:
    told = [
        said(declared("INC-1", "P3"), (A, B), after=0),
        said(updated("INC-1", "affected", minute=5), (A,), after=5),
        said(updated("INC-1", "severity", minute=6, severity="P1"), None, after=6),
    ]
    assert only(told).tenants == (A,)
    assert claims(told) == [("declared", False), ("affected", False), ("severity", False)]
    late = [told[0], said(updated("INC-1", "affected", minute=5), (A,), after=7), told[2]]
    assert only(late).tenants == (A, B), "told after it was a P1, whatever time it gives itself"


def test_what_two_approved_stands_until_somebody_is_named_anew() -> None:
    less = said(updated("INC-1", "affected", minute=5), (A,), after=5, by_two=True)
    more = said(updated("INC-1", "affected", minute=6), (A, B), after=6)
    assert only([FIRST, less]).tenants == (A,)
    assert only([FIRST, less, more]).tenants == (A, B)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("affected", "declared")),
            st.none() | st.sets(st.sampled_from((A, B, C))).map(lambda each: tuple(sorted(each))),
        ),
        max_size=6,
    )
)
def test_once_touched_by_a_p1_always_touched_by_one_voice(
    words: list[tuple[str, tuple[UUID, ...] | None]],
) -> None:
    told, before = [FIRST], {A, B}
    for minute, (kind, tenants) in enumerate(words, 1):
        event = (
            declared("INC-1", "P4", minute=minute)
            if kind == "declared"
            else updated("INC-1", "affected", minute=minute)
        )
        told.append(said(event, tenants, after=minute))
        [incident] = fold(told).incidents
        now = {A, B, C} if incident.everybody else set(incident.tenants)
        assert before <= now
        before = now


def began(minute: int) -> str:
    return rfc3339(BEGAN + timedelta(minutes=minute))


def beginning(severity: str, *, again: int, after: int = 60) -> tuple[datetime, list[tuple[str, bool]]]:
    """Declared by its minute 10 to have begun at 0, and declared anew to have begun at ``again``."""
    first = said(declared("INC-1", severity, minute=10) | {}, None, after=10)
    first = replace(first, body={**first.body, "began_at": began(0)})
    later = said(declared("INC-1", severity, minute=after), None, after=after)
    later = replace(later, body={**later.body, "began_at": began(again)})
    return only([first, later]).began_at, claims([first, later])


def test_a_p1_did_not_begin_after_it_was_declared_whoever_says_so() -> None:
    assert beginning("P1", again=-30) == (BEGAN - timedelta(minutes=30), [("declared", False)] * 2)
    assert beginning("P1", again=10) == (BEGAN + timedelta(minutes=10), [("declared", False)] * 2)
    assert beginning("P1", again=40) == (BEGAN, [("declared", False), ("declared", True)])
    assert beginning("P3", again=40) == (BEGAN + timedelta(minutes=40), [("declared", False)] * 2)

"""What a review's section says of its age when it is issued, and which sections it may have been before. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from trust_portal.trust.qbr.ageing import Wait
from trust_portal.trust.qbr.model import FORMAT
from trust_portal.trust.sections.model import Section, State

GATHERED = datetime(2026, 7, 10, 9, tzinfo=UTC)
END = datetime(2026, 7, 1, tzinfo=UTC)
DAY = timedelta(days=1)
NB = "\u00a0"
NOW_OLD = f"it is 3{NB}d old, and may be 1{NB}d"
THEN_OLD = f"it is 2{NB}d old, and may be 1{NB}d"


def section(state: State, why: str | None, *, age: timedelta = timedelta(), id_: str = "savings") -> Section:
    return Section(id_, "Savings", state, "playbooks", GATHERED - age, DAY, why)


def waited(days: int, format_: str = FORMAT) -> Wait:
    return Wait(GATHERED, GATHERED + days * DAY, END, format_)


@pytest.mark.parametrize(
    ("locked", "days", "state", "why"),
    [
        (section(State.FRESH, None), 1, State.FRESH, None),
        (section(State.FRESH, None), 3, State.STALE, NOW_OLD),
        (section(State.MISSING, "no report"), 1, State.MISSING, "no report"),
        (section(State.MISSING, "no report"), 3, State.MISSING, f"no report; {NOW_OLD}"),
        (section(State.STALE, "data moved"), 3, State.STALE, f"data moved; {NOW_OLD}"),
        (section(State.STALE, THEN_OLD, age=2 * DAY), 1, State.STALE, NOW_OLD),
        (section(State.MISSING, f"{THEN_OLD}; no report", age=2 * DAY), 1, State.MISSING, f"{NOW_OLD}; no report"),
        (section(State.NOT_APPLICABLE, "no contract"), 3, State.NOT_APPLICABLE, "no contract"),
        (section(State.MISSING, "no hour", age=9 * DAY, id_="usage"), 3, State.MISSING, "no hour"),
    ],
)  # fmt: skip
def test_a_section_says_beside_every_other_cause_that_it_grew_too_old_and_can_be_led_back_to_what_was_locked(
    locked: Section, days: int, state: State, why: str | None
) -> None:
    wait = waited(days)
    stands = wait.as_it_stands(locked)
    assert (stands.state, stands.why) == (state, why)
    assert wait.as_it_stands(stands) == stands
    assert locked in list(wait.as_they_were(stands))


def test_words_that_age_did_not_add_lead_back_to_nothing_else() -> None:
    forged = section(State.STALE, f"all is well; {NOW_OLD}")
    assert section(State.FRESH, None) not in list(waited(3).as_they_were(forged))
    assert list(waited(1).as_they_were(forged)) == [forged]


@pytest.mark.parametrize("format_", ["1", "2"])
def test_in_reviews_of_earlier_formats_only_what_had_been_fresh_grew_too_old(format_: str) -> None:
    wait, missing = waited(3, format_), section(State.MISSING, "no report")
    assert wait.as_it_stands(missing) == missing
    assert wait.as_it_stands(section(State.FRESH, None)).why == NOW_OLD
    assert section(State.FRESH, None) in list(wait.as_they_were(section(State.STALE, NOW_OLD)))

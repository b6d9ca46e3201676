"""The period in one look: the figures that other sections state, and nothing of its own. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from trust_portal.trust.gathering.ids import CREDITS, INCIDENTS, SLA, UNCLEAR
from trust_portal.trust.gathering.sla_section import ANY_DOWN
from trust_portal.trust.qbr.ids import OUTCOME, SAVINGS, USAGE
from trust_portal.trust.sections.freshness import together
from trust_portal.trust.sections.model import Figure, Section, State

TITLE: Final = "The period in one look"
SOURCE: Final = "the sections below"
#: Where it is told from nothing; in reviews before format 4, always.
MAX_AGE: Final = timedelta(days=1)

#: Figures by the section that states them, by the beginning of their ids. "down" is that of reviews of format 2 and 1.
_TAKEN: Final = (
    (SLA, ("kept", "promises", "down", ANY_DOWN)),
    (INCIDENTS, ("major", UNCLEAR)),
    (CREDITS, ("sum-", "later-")),
    (USAGE, ("total-", "change-")),
    (SAVINGS, ("saved-",)),
)
TOLD_FROM: Final = frozenset(name for name, _ in _TAKEN)


def outcome_section(
    sections: Sequence[Section], as_of: datetime, *, is_before_fourth: bool = False
) -> Section:
    """The same cells once more: what leads a section and its page leads there from here, too.

    It is worth what those sections are: stale or missing as one of them is, saying which and why, and as of the oldest of
    them, which may be as old as it may be there. ``as_of`` is when they were gathered, of which it was in reviews before
    format 4 (``is_before_fourth``), and fresh whatever they were.
    """
    known = {each.id: each for each in sections}
    figures = [
        _taken(known[name], figure)
        for name, wanted in _TAKEN
        if name in known
        for figure in known[name].figures
        if any(figure.id == each or (each.endswith("-") and figure.id.startswith(each)) for each in wanted)
    ]
    found = Section(OUTCOME, TITLE, State.FRESH, SOURCE, as_of, MAX_AGE, figures=tuple(figures))
    if is_before_fourth:
        return found
    taken = [known[name] for name, _ in _TAKEN if name in known]
    state, why = together((each.state, f"{each.title}: {each.why}") for each in taken)
    ages = [
        (each.as_of, each.max_age)
        for each in taken
        if each.as_of is not None and each.state is not State.NOT_APPLICABLE
    ]
    oldest, max_age = min(ages, default=(as_of, MAX_AGE))
    return replace(found, state=state, why=why, as_of=oldest, max_age=max_age)


def _taken(section: Section, figure: Figure) -> Figure:
    return replace(figure, id=f"{section.id}-{figure.id}")

"""The period in one look: the figures that other sections state, and nothing of its own. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from trust_portal.trust.gathering.ids import CREDITS, INCIDENTS, SLA
from trust_portal.trust.gathering.sla_section import ANY_DOWN
from trust_portal.trust.qbr.ids import OUTCOME, SAVINGS, USAGE
from trust_portal.trust.sections.model import Figure, Section, State

TITLE: Final = "The period in one look"
SOURCE: Final = "the sections below"
MAX_AGE: Final = timedelta(days=1)

#: Figures by the section that states them, by the beginning of their ids. "down" is that of reviews of format 2 and 1.
_TAKEN: Final = (
    (SLA, ("kept", "promises", "down", ANY_DOWN)),
    (INCIDENTS, ("major",)),
    (CREDITS, ("sum-",)),
    (USAGE, ("total-", "change-")),
    (SAVINGS, ("saved-",)),
)


def outcome_section(sections: Sequence[Section], as_of: datetime) -> Section:
    """The same cells once more: what leads a section and its page leads there from here, too."""
    known = {each.id: each for each in sections}
    figures = [
        _taken(known[name], figure)
        for name, wanted in _TAKEN
        if name in known
        for figure in known[name].figures
        if any(figure.id == each or (each.endswith("-") and figure.id.startswith(each)) for each in wanted)
    ]
    return Section(
        id=OUTCOME,
        title=TITLE,
        state=State.FRESH,
        source=SOURCE,
        as_of=as_of,
        max_age=MAX_AGE,
        figures=tuple(figures),
    )


def _taken(section: Section, figure: Figure) -> Figure:
    return replace(figure, id=f"{section.id}-{figure.id}")

"""What is different from the QBR before: every figure that both have, by its address. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from trust_portal.trust.gathering.ids import CHANGES
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.sections.model import Cell, Column, Figure, Row, Section, Sentence, State, Table, Unit

TITLE: Final = "Since the last review"
SOURCE: Final = "this QBR and the one before"

_COLUMNS: Final = (
    Column("section", "Section"),
    Column("figure", "Figure"),
    Column("before", "Then", Unit.NUMBER),
    Column("now", "Now", Unit.NUMBER),
)


def changes_section(sections: Sequence[Section], ask: Ask) -> Section:
    """Figures only: rows of tables are of their period."""
    before = ask.before
    state = State.FRESH if before is not None else State.NOT_APPLICABLE
    rows = []
    for section in sections:
        old = None if before is None else before.sections.get(section.id)
        known = {} if old is None else {each.id: each for each in old.figures}
        for figure in section.figures:
            then = known.get(figure.id)
            if then is not None and then.cell.value != figure.cell.value:
                rows.append(
                    Row(
                        f"{section.id}:{figure.id}",
                        (
                            Cell(section.title),
                            Cell(figure.label),
                            Cell(then.cell.value, then.cell.unit, then.cell.currency),
                            figure.cell,
                        ),
                    )
                )
    return Section(
        id=CHANGES,
        title=TITLE,
        state=state,
        why=None if before is not None else "there is no QBR before this one",
        source=SOURCE,
        as_of=ask.now,
        max_age=timedelta(days=1),
        sentences=()
        if before is None
        else (
            Sentence("Figures that are different from the review before: {changed}.")
            if rows
            else Sentence("No figure is different from the review before."),
        ),
        figures=()
        if before is None
        else (Figure("changed", "Figures that changed", Cell(str(len(rows)), Unit.COUNT)),),
        tables=()
        if before is None
        else (Table("changes", "Figure by figure", _COLUMNS, tuple(rows), "No figure is different."),),
    )

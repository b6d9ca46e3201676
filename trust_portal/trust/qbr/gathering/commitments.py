"""What was promised in earlier reviews, and what became of it: a QBR begins with it.

A promise belongs to the review in which it was made. What is promised in this one stands apart: the next begins with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from trust_portal.documents.formats import period as period_name
from trust_portal.kernel.period import day_in, place_of
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.qbr.gathering.telling import (
    KEPT_LATE,
    OPEN,
    OPEN_LATE,
    commitment_sentences,
    commitment_totals,
)
from trust_portal.trust.qbr.ids import COMMITMENTS, NEW
from trust_portal.trust.qbr.model import FRESH_FOR, Commitment, CommitmentState
from trust_portal.trust.qbr.repository import commitments_of
from trust_portal.trust.sections.model import Cell, Column, Row, Section, State, Table, Unit

TITLE: Final = "What we promised"
SOURCE: Final = "commitments recorded in reviews"
_PAGE: Final = "/qbr"
_COLUMNS: Final = (
    Column("commitment", "Commitment"),
    Column("owner", "Owner"),
    Column("due", "Due", Unit.DAY),
    Column("state", "State"),
    Column("evidence", "What shows it"),
    Column("settled", "Settled", Unit.DAY),
    Column("review", "Promised in the review of"),
)


async def gather(session: ReadSession, ask: Ask) -> Section:
    """Those of the review before, what else was open when the period began, and those of this review."""
    return commitments_section(await commitments_of(session, ask.tenant.id), ask)


def commitments_section(commitments: Sequence[Commitment], ask: Ask) -> Section:
    """Pure. What is open beyond its due date is late, which nobody has to say. Days are the customer's.

    The last review's are told first, whatever became of them; behind them those of reviews before it that were open when
    the period began.
    """
    made = [each for each in commitments if each.made_at <= ask.now]
    earlier = [each for each in made if place_of(each.period) < place_of(ask.period.label)]
    last = max((place_of(each.period) for each in earlier), default=None)
    told = sorted(
        (
            each
            for each in earlier
            if place_of(each.period) == last
            or each.state is CommitmentState.OPEN
            or each.at >= ask.period.start
        ),
        key=lambda each: place_of(each.period),
        reverse=True,
    )
    tables = (
        Table(
            COMMITMENTS,
            "Promised in earlier reviews",
            _COLUMNS,
            tuple(_row(each, ask) for each in told),
            "Nothing was promised in an earlier review.",
        ),
        Table(
            NEW,
            "Promised in this review",
            _COLUMNS,
            tuple(_row(each, ask) for each in made if each.period == ask.period.label),
            "Nothing is promised in this review yet.",
        ),
    )
    figures = commitment_totals(*tables)
    return Section(
        id=COMMITMENTS,
        title=TITLE,
        state=State.FRESH,
        source=SOURCE,
        as_of=ask.now,
        max_age=FRESH_FOR,
        sentences=commitment_sentences(figures),
        figures=figures,
        tables=tables,
    )


def _state(each: Commitment, ask: Ask) -> str:
    zone = ask.tenant.time_zone
    if each.state is CommitmentState.OPEN and each.due < day_in(ask.now, zone):
        return OPEN_LATE
    if each.state is CommitmentState.KEPT and day_in(each.at, zone) > each.due:
        return KEPT_LATE
    return each.state.value


def _row(each: Commitment, ask: Ask) -> Row:
    receipt = str(each.receipt_id)
    is_open = each.state is CommitmentState.OPEN
    return Row(
        str(each.id),
        (
            Cell(each.text, href=_PAGE, receipt=receipt),
            Cell(each.owner),
            Cell(each.due.isoformat(), Unit.DAY),
            Cell(_state(each, ask), receipt=receipt),
            Cell("not settled yet" if each.evidence is None else each.evidence),
            Cell(OPEN) if is_open else Cell(day_in(each.at, ask.tenant.time_zone).isoformat(), Unit.DAY),
            Cell(period_name(each.period)),
        ),
    )

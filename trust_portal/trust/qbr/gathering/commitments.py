"""What was promised in earlier reviews, and what became of it: a QBR begins with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from trust_portal.kernel.clock import rfc3339
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.qbr.ids import COMMITMENTS
from trust_portal.trust.qbr.model import FRESH_FOR, Commitment, CommitmentState
from trust_portal.trust.qbr.repository import commitments_of
from trust_portal.trust.sections.model import Cell, Column, Figure, Row, Section, Sentence, State, Table, Unit

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
)


async def gather(session: ReadSession, ask: Ask) -> Section:
    """Those that were open when the period began, or made since."""
    return commitments_section(await commitments_of(session, ask.tenant.id), ask)


def commitments_section(commitments: Sequence[Commitment], ask: Ask) -> Section:
    """Pure. What is open beyond its due date is late, which nobody has to say."""
    told = [
        each
        for each in commitments
        if each.made_at <= ask.now and (each.state is CommitmentState.OPEN or each.at >= ask.period.start)
    ]
    counts = {
        state: sum(each.state is state for each in told)
        for state in (CommitmentState.KEPT, CommitmentState.MISSED, CommitmentState.OPEN)
    }
    late = sum(_is_late(each, ask) for each in told)
    figures = (
        _count("kept", "Kept", counts[CommitmentState.KEPT]),
        _count("missed", "Missed", counts[CommitmentState.MISSED]),
        _count("open", "Open", counts[CommitmentState.OPEN]),
        _count("late", "Open and late", late),
    )
    return Section(
        id=COMMITMENTS,
        title=TITLE,
        state=State.FRESH,
        source=SOURCE,
        as_of=ask.now,
        max_age=FRESH_FOR,
        sentences=(
            Sentence("Kept: {kept}; missed: {missed}; open: {open}, of which late: {late}.")
            if told
            else Sentence("Nothing was promised in an earlier review."),
        ),
        figures=figures,
        tables=(
            Table(
                "commitments",
                "Commitments",
                _COLUMNS,
                tuple(_row(each, ask) for each in told),
                "Nothing was promised in an earlier review.",
            ),
        ),
    )


def _is_late(each: Commitment, ask: Ask) -> bool:
    return each.state is CommitmentState.OPEN and each.due < ask.today


def _count(id_: str, label: str, count: int) -> Figure:
    return Figure(id_, label, Cell(str(count), Unit.COUNT, href=_PAGE))


def _row(each: Commitment, ask: Ask) -> Row:
    receipt = str(each.receipt_id)
    is_open = each.state is CommitmentState.OPEN
    return Row(
        str(each.id),
        (
            Cell(each.text, href=_PAGE, receipt=receipt),
            Cell(each.owner),
            Cell(each.due.isoformat(), Unit.DAY),
            Cell("open, late" if _is_late(each, ask) else each.state.value, receipt=receipt),
            Cell("not settled yet" if each.evidence is None else each.evidence),
            Cell(None if is_open else rfc3339(each.at)[:10], Unit.DAY),
        ),
    )

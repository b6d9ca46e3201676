"""The section "posture" of a trust document: what was last found, when, and where it is proved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from trust_portal.evidence.log_positions import log_positions
from trust_portal.kernel.clock import rfc3339
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.posture.model import MAX_AGE, Outcome, PostureCheck, Today
from trust_portal.trust.posture.repository import latest_checks, today_of
from trust_portal.trust.sections.freshness import freshness, together
from trust_portal.trust.sections.model import Cell, Column, Figure, Row, Section, Sentence, State, Table, Unit

ID: Final = "posture"
#: Its table of what was checked, by check.
CHECKS: Final = "checks"
_PAGE: Final = "/posture"


async def gather(session: ReadSession, ask: Ask) -> Section:
    """By the newest of each check."""
    latest = await latest_checks(session, ask.tenant.id)
    positions = await log_positions(session, ask.tenant.id, {each.receipt_id for each in latest})
    return posture_section(latest, await today_of(session, ask.tenant), positions, ask.now)


def posture_section(
    latest: Sequence[PostureCheck], today: Today, positions: Mapping[UUID, int], now: datetime
) -> Section:
    """``latest`` is the newest of each check. As old as the oldest of them; stale too where what one of them looked
    at was changed since. ``positions`` in the customer's log are by receipt; one that is not there waits for it.
    """
    as_of = min((each.checked_at for each in latest), default=None)
    changed = (words for each in latest if (words := each.overtaken(today)) is not None)
    state, why = together(
        (
            freshness(as_of, MAX_AGE, now, missing="not checked"),
            *((State.STALE, words) for words in changed),
        )
    )
    return Section(
        id=ID,
        title="Posture",
        state=state,
        source="posture checks",
        as_of=as_of,
        max_age=MAX_AGE,
        why=why,
        sentences=(_summary(latest),) if latest else (),
        figures=(
            Figure("made", "Checks made", _count(_number(latest, Outcome.PASS, Outcome.FAIL))),
            Figure("held", "That hold", _count(_number(latest, Outcome.PASS))),
            Figure("failed", "That do not hold", _count(_number(latest, Outcome.FAIL))),
            Figure("not-checked", "Not checked", _count(_number(latest, Outcome.NOT_CHECKED))),
            Figure("not-applicable", "Do not apply", _count(_number(latest, Outcome.NOT_APPLICABLE))),
        )
        if latest
        else (),
        tables=(
            Table(
                id=CHECKS,
                title="What was checked",
                columns=(
                    Column("check", "Check"),
                    Column("outcome", "State"),
                    Column("found", "Found"),
                    Column("at", "Checked", Unit.INSTANT),
                ),
                rows=tuple(_row(each) for each in latest),
                empty="Nothing was checked yet.",
            ),
            Table(
                id="evidence",
                title="Where the evidence is",
                columns=(
                    Column("receipt", "Receipt"),
                    Column("entry", "Entry in the log", Unit.COUNT),
                    Column("states", "What it states"),
                ),
                rows=_evidence(latest, positions),
                empty="There is none yet.",
            ),
        ),
    )


def rests_on(section: Section) -> frozenset[tuple[str, UUID]]:
    """The checks that a section tells of: which, and the receipt of the look that made it."""
    tables = (table for table in section.tables if table.id == CHECKS)
    outcomes = [(id_, cells["outcome"].receipt) for table in tables for id_, cells in table.by_column()]
    return frozenset((id_, UUID(receipt)) for id_, receipt in outcomes if receipt is not None)


def _summary(latest: Sequence[PostureCheck]) -> Sentence:
    if _number(latest, Outcome.FAIL):
        return Sentence("{failed} of {made} checks do not hold.")
    if _number(latest, Outcome.NOT_CHECKED):
        return Sentence("{held} of {made} checks hold; {not-checked} could not be made.")
    return Sentence("{held} of {made} checks hold, and none fails.")


def _number(latest: Sequence[PostureCheck], *outcomes: Outcome) -> int:
    return sum(each.finding.outcome in outcomes for each in latest)


def _count(number: int) -> Cell:
    return Cell(str(number), Unit.COUNT, href=_PAGE)


def _row(each: PostureCheck) -> Row:
    receipt = str(each.receipt_id)
    return Row(
        each.finding.check.value,
        (
            Cell(each.finding.check.label, href=_PAGE),
            Cell(each.finding.outcome.words, href=_PAGE, receipt=receipt),
            Cell(each.finding.found, receipt=receipt),
            Cell(rfc3339(each.checked_at), Unit.INSTANT, receipt=receipt),
        ),
    )


def _evidence(latest: Sequence[PostureCheck], positions: Mapping[UUID, int]) -> tuple[Row, ...]:
    """One row for each receipt: what a look found has one, with everything that was looked at."""
    by_receipt: dict[UUID, list[str]] = {}
    for each in latest:
        by_receipt.setdefault(each.receipt_id, []).append(each.finding.check.label)
    return tuple(_evidence_row(*each, positions) for each in by_receipt.items())


def _evidence_row(receipt_id: UUID, labels: Sequence[str], positions: Mapping[UUID, int]) -> Row:
    receipt, position = str(receipt_id), positions.get(receipt_id)
    return Row(
        receipt,
        (
            Cell(receipt, href=f"/receipts/{receipt}", receipt=receipt),
            Cell(None if position is None else str(position), Unit.COUNT, receipt=receipt),
            Cell("; ".join(labels), receipt=receipt),
        ),
    )

"""The section "posture" of a trust document: what was last found, when, and where it is proved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from trust_portal.kernel.clock import rfc3339
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.posture.model import MAX_AGE, Outcome, PostureCheck
from trust_portal.trust.posture.repository import latest_checks
from trust_portal.trust.sections.freshness import freshness
from trust_portal.trust.sections.model import Cell, Column, Figure, Row, Section, Sentence, Table, Unit

ID: Final = "posture"
_PAGE: Final = "/posture"


async def gather(session: ReadSession, ask: Ask) -> Section:
    """By the newest of each check."""
    return posture_section(await latest_checks(session, ask.tenant.id), ask.now)


def posture_section(latest: Sequence[PostureCheck], now: datetime) -> Section:
    """``latest`` is the newest of each check. As old as the oldest of them."""
    as_of = min((each.checked_at for each in latest), default=None)
    state, why = freshness(as_of, MAX_AGE, now, missing="not checked")
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
            Figure("made", "Checks made", _count(len(latest))),
            Figure("held", "That hold", _count(_number(latest, Outcome.PASS))),
            Figure("failed", "That do not hold", _count(_number(latest, Outcome.FAIL))),
            Figure("not-checked", "Not checked", _count(_number(latest, Outcome.NOT_CHECKED))),
        )
        if latest
        else (),
        tables=(
            Table(
                id="checks",
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
        ),
    )


def _summary(latest: Sequence[PostureCheck]) -> Sentence:
    if _number(latest, Outcome.FAIL):
        return Sentence("{failed} of {made} checks do not hold.")
    if _number(latest, Outcome.NOT_CHECKED):
        return Sentence("{held} of {made} checks hold; {not-checked} could not be made.")
    return Sentence("{held} of {made} checks hold, and none fails.")


def _number(latest: Sequence[PostureCheck], outcome: Outcome) -> int:
    return sum(each.finding.outcome is outcome for each in latest)


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

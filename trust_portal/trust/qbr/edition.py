"""Which edition of a review is issued next: whether it may be, its revision, and what it follows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from trust_portal.errors import Conflict
from trust_portal.kernel.period import Period, place_of
from trust_portal.trust.qbr.model import KEEPS, IssueQbr, Qbr

#: Period, revision and SHA-256 of a document, by which another names it.
Name: TypeAlias = tuple[str, int, str]


def require_issuable(qbr: Qbr, known: Sequence[Qbr], command: IssueQbr, now: datetime) -> None:
    """Raises ``Conflict``: ALREADY_ISSUED, NOT_THE_LATEST, TOO_OLD, REASON_REQUIRED."""
    if qbr.issue is not None:
        raise Conflict("this QBR is issued already", code="ALREADY_ISSUED")
    own = [each for each in known if each.period == qbr.period]
    if own[0].id != qbr.id:
        raise Conflict("a newer snapshot of this period was taken: issue that one", code="NOT_THE_LATEST")
    if now - qbr.as_of > KEEPS:
        raise Conflict(
            f"this snapshot is older than {KEEPS.days} days: prepare it anew, what was said stays",
            code="TOO_OLD",
        )
    if any(each.issue is not None for each in own) and command.reason is None:
        raise Conflict(
            "this period's QBR is issued; say why there is another", field="reason", code="REASON_REQUIRED"
        )


def require_latest(newer: Sequence[str]) -> None:
    """Nothing is signed as the latest that is not. Raises ``Conflict`` (INPUT_SUPERSEDED), naming what is newer."""
    if newer:
        raise Conflict(
            f"what this rests on was superseded: {'; '.join(newer)}. Gather it anew: what was said stays",
            code="INPUT_SUPERSEDED",
        )


def revision_before(issued: Sequence[Qbr], period: str) -> Qbr | None:
    """The newest issued review of the same period."""
    return next((each for each in issued if each.period == period), None)


def review_before(issued: Sequence[Qbr], period: Period) -> Qbr | None:
    """The last revision of the last review of an earlier period.

    Earlier is what stands before it where reports and promises do, too: a quarter's last month before the quarter.
    """
    return max(
        (each for each in issued if place_of(each.period) < place_of(period.label)),
        key=lambda each: (place_of(each.period), 0 if each.issue is None else each.issue.revision),
        default=None,
    )


def name_of(qbr: Qbr | None) -> Name | None:
    if qbr is None or qbr.issue is None:
        return None
    return qbr.period, qbr.issue.revision, qbr.issue.sha256

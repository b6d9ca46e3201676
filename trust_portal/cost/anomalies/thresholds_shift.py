"""What a change of thresholds comes to, and whether it makes detection blinder. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from trust_portal.cost.anomalies.thresholds_model import ThresholdBook, ThresholdRevision
from trust_portal.cost.detection.thresholds import INSTALLED
from trust_portal.cost.metering.model import SUBSYSTEMS

#: By figure: whether more of it finds less.
_MORE_FINDS_LESS: Final = {
    "min_impact": True,
    "min_day_share": True,
    "sensitivity": False,
    "burn_rate": True,
    "drop_impact": True,
}


@dataclass(frozen=True, slots=True)
class Shift:
    """One figure of one subsystem, as it holds before and as it would after."""

    subsystem: str
    figure: str
    before: float
    after: float

    @property
    def looser(self) -> bool:
        """Less would be found."""
        return (self.after > self.before) is _MORE_FINDS_LESS[self.figure]


def is_looser(proposed: ThresholdRevision) -> bool:
    """Whether it names a figure by which less is found than by the revision it follows. What one of the two does not
    name counts as installed. The same is a rule of the table ``thresholds``, which knows no other row.
    """
    now, before = proposed.figures, proposed.followed or {}
    for figure in _MORE_FINDS_LESS:
        installed = getattr(INSTALLED, figure)
        old, new = before.get(figure, installed), now.get(figure, installed)
        if old != new and Shift(proposed.subsystem, figure, old, new).looser:
            return True
    return False


def shifts(
    revisions: Sequence[ThresholdRevision], proposed: ThresholdRevision, at: datetime
) -> tuple[Shift, ...]:
    """Whatever would hold otherwise from ``at`` on, by what holds in the end: what is set and covered by
    something nearer shifts nothing. ``revisions`` are the tenant's and the vendor's.
    """
    tenant_id = proposed.tenant_id
    before, after = ThresholdBook(revisions), ThresholdBook((*revisions, replace(proposed, set_at=at)))
    found = []
    for subsystem in SUBSYSTEMS:
        held, would = before.effective(tenant_id, subsystem, at), after.effective(tenant_id, subsystem, at)
        for figure in _MORE_FINDS_LESS:
            old, new = getattr(held, figure), getattr(would, figure)
            if old != new:
                found.append(Shift(subsystem, figure, old, new))
    return tuple(found)

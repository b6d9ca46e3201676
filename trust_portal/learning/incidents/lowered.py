"""What is less once a merger was undone. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from trust_portal.kernel.canonical import Json
from trust_portal.learning.incidents.model import Incident, Severity


@dataclass(frozen=True, slots=True)
class Lowered:
    """``incident``, as it was, is a ``severity`` after a merger was undone. ``leaves``: it never was a P1 or P2 then, so
    that it takes no postmortem and stands in the coverage ledger no longer.
    """

    incident: Incident
    severity: Severity
    leaves: bool

    @property
    def takes_two(self) -> bool:
        """Whether that is a P1 or P2 the less, in force or in the coverage: nobody undoes the merger alone then."""
        return self.leaves or (
            self.incident.severity.is_major and self.incident.severity.outranks(self.severity)
        )

    @property
    def words(self) -> str:
        before, after = self.incident.severity.value, self.severity.value
        said = f"stays a {after}" if before == after else f"goes back from {before} to {after}"
        leaving = (
            ", takes no postmortem, and leaves the coverage ledger; what was signed of it stays on record"
        )
        return said + (leaving if self.leaves else "")

    def json(self) -> dict[str, Json]:
        return {
            "incident": str(self.incident.id),
            "source": self.incident.source,
            "key": self.incident.key,
            "before": self.incident.severity.value,
            "severity": self.severity.value,
            "leaves_coverage": self.leaves,
        }


def lowered(before: Iterable[Incident], after: Iterable[Incident]) -> tuple[Lowered, ...]:
    """Those of ``before`` that are less severe ``after``, or a P1 or P2 no longer."""
    now = {each.id: each for each in after}
    return tuple(
        Lowered(each, now[each.id].severity, each.needs_postmortem and not now[each.id].needs_postmortem)
        for each in before
        if each.severity.outranks(now[each.id].severity)
        or (each.needs_postmortem and not now[each.id].needs_postmortem)
    )

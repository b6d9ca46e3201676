"""What became of what a section is about, in a word and a mark; read from its own figures. Pure.

Freshness says how old a section is. Whether what it tells is good is another matter, and comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from trust_portal.trust.gathering import ids
from trust_portal.trust.sections.display import display
from trust_portal.trust.sections.model import Section

#: Kind of mark (``components/marks.html``) and the word beside it.
Outcome = tuple[str, str]


def outcome(section: Section) -> Outcome | None:
    """None where a section has nothing that could go well or badly, or has no figures; and where it would
    have gone well but for a figure that this edition of it does not have.
    """
    judge = _JUDGES.get(section.id)
    if judge is None or not section.figures:
        return None
    counts = _Counts(section)
    found = judge(counts)
    return None if found is not None and found[0] == "good" and counts.lacking else found


def verdict(sections: Sequence[Section]) -> str | None:
    """``1 of 1 promises missed; EUR 480.00 credited; 1 postmortem owed``. None where there is nothing to say."""
    by_id = {each.id: each for each in sections}
    return (
        "; ".join(
            words
            for id_, tell in _TELLERS.items()
            if (section := by_id.get(id_)) is not None and section.figures and (words := tell(section))
        )
        or None
    )


def _sla(counts: _Counts) -> Outcome | None:
    missed, kept = counts["missed"], counts["kept"]
    if missed:
        return "bad", "Missed" if missed == 1 else f"{missed} missed"
    if unreported := counts["unreported"]:
        return "warn", f"{unreported} not reported"
    return ("good", "Kept") if kept else None


def _incidents(counts: _Counts) -> Outcome:
    if gaps := counts["gaps"] + counts.also("earlier-gaps"):
        return "bad", f"{_counted(gaps, 'postmortem')} owed"
    if overdue := counts["overdue"] + counts.also("earlier-overdue"):
        return "warn", f"{_counted(overdue, 'action')} overdue"
    if unclear := counts.also(ids.UNCLEAR):
        return "warn", f"{unclear} not in the register"
    major = counts["major"]
    return ("good", f"{major}, accounted for") if major else ("good", "None")


def _cost(counts: _Counts) -> Outcome:
    if still := counts["open"]:
        return "warn", f"{still} open"
    found = counts["anomalies"]
    if counts.says(ids.METERED_SINCE):
        return "mute", f"{found} closed, metered in part" if found else "Metered in part"
    return ("mute", f"{found} closed") if found else ("good", "Nothing unusual")


def _credits(counts: _Counts) -> Outcome:
    if due := counts["due"]:
        return "bad", f"{due} due, and not on its way" if due == 1 else f"{due} due, and not on their way"
    if waiting := counts["open"]:
        return "warn", f"{waiting} not decided"
    if counts["issued"] or counts.also("later"):
        return "good", "Credited"
    unclaimed = counts["unclaimed"]
    return "mute", f"{unclaimed} not claimed in time" if unclaimed else "None"


def _compliance(counts: _Counts) -> Outcome:
    if gaps := counts["gaps"]:
        return "bad", _counted(gaps, "gap")
    if failed := counts["not-satisfied"]:
        return "bad", f"{failed} not satisfied"
    if skipped := counts["not-evaluated"]:
        return "warn", f"{skipped} not evaluated"
    return "good", "Satisfied"


def _posture(counts: _Counts) -> Outcome:
    if failed := counts["failed"]:
        return "bad", f"{failed} {'does' if failed == 1 else 'do'} not hold"
    if skipped := counts["not-checked"]:
        return "warn", f"{skipped} not checked"
    return "good", "Holds"


def _told_of_sla(section: Section) -> str:
    counts = _Counts(section)
    missed, promises = counts["missed"], counts["promises"]
    if not promises:
        return ""
    if missed:
        return f"{missed} of {promises} promises missed"
    if counts["kept"] == promises:
        return f"{_counted(promises, 'promise')} kept"
    return f"{counts['kept']} of {promises} promises kept"


def _told_of_credits(section: Section) -> str:
    counts = _Counts(section)
    told = [
        f"{' and '.join(sums)} {words}"
        for beginning, words in (
            ("sum-", "credited"),
            ("later-", "credited after the period"),
            ("due-", "due, and not on its way"),
        )
        if (sums := [display(each.cell) for each in section.figures if each.id.startswith(beginning)])
    ]
    waiting = counts["open"]
    return "; ".join([*told, *([f"{_counted(waiting, 'credit')} not decided"] if waiting else [])])


def _told_of_incidents(section: Section) -> str:
    counts = _Counts(section)
    gaps, unclear = counts["gaps"] + counts.also("earlier-gaps"), counts.also(ids.UNCLEAR)
    told = [
        *([f"{_counted(gaps, 'postmortem')} owed"] if gaps else []),
        *([f"{unclear} not in the register"] if unclear else []),
    ]
    return "; ".join(told)


class _Counts:
    """A section's counted figures by name; 0, and ``lacking``, where this edition of it has none of that name."""

    def __init__(self, section: Section) -> None:
        self._values = {each.id: each.cell.value for each in section.figures}
        self.lacking: set[str] = set()

    def __getitem__(self, name: str) -> int:
        if name not in self._values:
            self.lacking.add(name)
        return self.also(name)

    def says(self, name: str) -> bool:
        """Of what is no count, and has a figure only where there is something to say."""
        return name in self._values

    def also(self, name: str) -> int:
        """Of what has a figure only where there is something to count."""
        return int(self._values.get(name) or 0)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


_JUDGES: Final[Mapping[str, Callable[[_Counts], Outcome | None]]] = {
    ids.SLA: _sla,
    ids.INCIDENTS: _incidents,
    ids.COST: _cost,
    ids.CREDITS: _credits,
    ids.COMPLIANCE: _compliance,
    ids.POSTURE: _posture,
}
#: In the order in which a verdict tells them.
_TELLERS: Final[Mapping[str, Callable[[Section], str]]] = {
    ids.SLA: _told_of_sla,
    ids.CREDITS: _told_of_credits,
    ids.INCIDENTS: _told_of_incidents,
}

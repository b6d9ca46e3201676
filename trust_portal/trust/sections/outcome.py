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
    """None where a section has nothing that could go well or badly, or has no figures."""
    judge = _JUDGES.get(section.id)
    return None if judge is None or not section.figures else judge(section)


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


def _sla(section: Section) -> Outcome | None:
    missed, kept = _count(section, "missed"), _count(section, "kept")
    if missed:
        return "bad", "Missed" if missed == 1 else f"{missed} missed"
    if unreported := _count(section, "unreported"):
        return "warn", f"{unreported} not reported"
    return ("good", "Kept") if kept else None


def _incidents(section: Section) -> Outcome:
    if gaps := _count(section, "gaps"):
        return "bad", f"{_counted(gaps, 'postmortem')} owed"
    if overdue := _count(section, "overdue"):
        return "warn", f"{_counted(overdue, 'action')} overdue"
    major = _count(section, "major")
    return ("good", f"{major}, accounted for") if major else ("good", "None")


def _cost(section: Section) -> Outcome:
    if still := _count(section, "open"):
        return "warn", f"{still} open"
    found = _count(section, "anomalies")
    return ("mute", f"{found} closed") if found else ("good", "Nothing unusual")


def _credits(section: Section) -> Outcome:
    if due := _count(section, "due"):
        return "bad", f"{due} due, and not on its way" if due == 1 else f"{due} due, and not on their way"
    if waiting := _count(section, "open"):
        return "warn", f"{waiting} not decided"
    return ("good", "Credited") if _count(section, "issued") else ("mute", "None")


def _compliance(section: Section) -> Outcome:
    if gaps := _count(section, "gaps"):
        return "bad", _counted(gaps, "gap")
    if failed := _count(section, "not-satisfied"):
        return "bad", f"{failed} not satisfied"
    if skipped := _count(section, "not-evaluated"):
        return "warn", f"{skipped} not evaluated"
    return "good", "Satisfied"


def _posture(section: Section) -> Outcome:
    if failed := _count(section, "failed"):
        return "bad", f"{failed} {'does' if failed == 1 else 'do'} not hold"
    if skipped := _count(section, "not-checked"):
        return "warn", f"{skipped} not checked"
    return "good", "Holds"


def _told_of_sla(section: Section) -> str:
    missed, promises = _count(section, "missed"), _count(section, "promises")
    if not promises:
        return ""
    if missed:
        return f"{missed} of {promises} promises missed"
    if _count(section, "kept") == promises:
        return f"{_counted(promises, 'promise')} kept"
    return f"{_count(section, 'kept')} of {promises} promises kept"


def _told_of_credits(section: Section) -> str:
    told = [
        f"{' and '.join(sums)} {words}"
        for beginning, words in (("sum-", "credited"), ("due-", "due, and not on its way"))
        if (sums := [display(each.cell) for each in section.figures if each.id.startswith(beginning)])
    ]
    waiting = _count(section, "open")
    return "; ".join([*told, *([f"{_counted(waiting, 'credit')} not decided"] if waiting else [])])


def _told_of_incidents(section: Section) -> str:
    gaps = _count(section, "gaps")
    return f"{_counted(gaps, 'postmortem')} owed" if gaps else ""


def _count(section: Section, name: str) -> int:
    """0 where this edition of the section has no such figure."""
    value = next((each.cell.value for each in section.figures if each.id == name), None)
    return int(value or 0)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


_JUDGES: Final[Mapping[str, Callable[[Section], Outcome | None]]] = {
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

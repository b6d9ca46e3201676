"""Sentences about a section's own figures. Pure: gathering and verifying say the same of the same figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from trust_portal.trust.gathering.ids import METERED_SINCE, UNCLEAR
from trust_portal.trust.sections.model import Figure, Sentence

#: What is signed where there was none.
NO_INCIDENTS: Final = "No major incidents in the period."
#: What is signed instead where something was told of that is no incident of the register.
NONE_KNOWN: Final = "No major incident of the period is in the register."
#: What is signed where no anomaly was found.
NOTHING: Final = "Nothing unusual was found in the period."
#: What is signed instead of a period that was metered in part.
NOTHING_METERED: Final = "Nothing unusual was found in what was metered of the period."


def incident_sentences(figures: Sequence[Figure]) -> tuple[Sentence, ...]:
    """Of ``incident_totals``, ``earlier_totals`` and ``unclear_total``."""
    counts = {each.id: each.cell.value for each in figures}
    overtaken = ", of which signed before more happened: {outdated}" if "outdated" in counts else ""
    said = f"Major incidents in the period: {{major}}; without a signed postmortem: {{gaps}}{overtaken}."
    none = NONE_KNOWN if UNCLEAR in counts else NO_INCIDENTS
    found = [Sentence(none if counts["major"] == "0" else said)]
    if UNCLEAR in counts:
        found.append(
            Sentence(
                f"Told of by then and not in the register, each of which may have been major: {{{UNCLEAR}}}."
            )
        )
    if counts["promised"] != "0":
        found.append(Sentence("Prevention actions promised: {promised}; done: {done}; overdue: {overdue}."))
    if "earlier" in counts:
        found.append(
            Sentence(
                "Incidents before the period of which something is still owed: {earlier}; without a signed postmortem: "
                "{earlier-gaps}; prevention actions open: {earlier-open}, of which overdue: {earlier-overdue}."
            )
        )
    return tuple(found)


def cost_sentences(figures: Sequence[Figure]) -> tuple[Sentence, ...]:
    """Of ``cost_totals`` and ``metered_since``."""
    counts = {each.id: each.cell.value for each in figures}
    excess, rate, saved = (amounts(figures, name) for name in ("excess", "rate", "saved"))
    found = [Sentence(NOTHING_METERED if METERED_SINCE in counts else NOTHING)]
    if counts["anomalies"] != "0":
        earlier = ", begun before it: {earlier}" if counts["earlier"] != "0" else ""
        part = ", in the hours of the period" if "parted" in counts else ""
        cost = f"; beyond what was expected{part}: {excess}" if excess else ""
        found = [Sentence(f"Anomalies in the period: {{anomalies}}, of which open: {{open}}{earlier}{cost}.")]
    if METERED_SINCE in counts:
        since = f"{{{METERED_SINCE}}}"
        found.append(
            Sentence(f"Usage is metered since {since} only; of the period before that nothing is known.")
        )
    if counts["playbooks"] != "0":
        saving = f", which saves {rate} an hour" if rate else ""
        found.append(
            Sentence(
                f"Playbooks carried out: {{playbooks}}, of which verified in the data: {{verified}}{saving}."
            )
        )
    if counts["refused"] != "0":
        found.append(Sentence("Planned, and not carried out: {refused}."))
    if saved:
        found.append(
            Sentence(
                f"Avoided in the first day of each, had it gone on at the rate before: {saved}. Of that day counts "
                f"what lies in the period: {{hours}} hours in all."
            )
        )
    return tuple(found)


def amounts(figures: Sequence[Figure], name: str) -> str:
    """Slots of the amounts of one name, one for each currency."""
    return " and ".join(f"{{{each.id}}}" for each in figures if each.id.startswith(f"{name}-"))

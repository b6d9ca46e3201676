"""What documents of format 1 counted and said otherwise than those that are made now. Pure.

They are signed and in the hands of customers: ``verify --recompute`` still derives each of them by the rules it was made by.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from trust_portal.trust.gathering.telling import NO_INCIDENTS, amounts
from trust_portal.trust.gathering.totals import COST_PAGE, DROP, PLAYBOOKS_PAGE, count, sums
from trust_portal.trust.sections.model import Figure, Sentence, Table

#: What was said of promises, whatever their number.
_PROMISES: Final = "Of {promises} promises in the period {kept} were kept and {missed} missed; down: {down}."


def sla_sentences(now: Sequence[Sentence]) -> tuple[Sentence, ...]:
    """``now`` is what is said of the same figures today: only the promises were put otherwise."""
    return tuple(Sentence(_PROMISES) if "promises" in each.figures else each for each in now)


def cost_totals(anomalies: Table, playbooks: Table, savings: Table) -> tuple[Figure, ...]:
    """An anomaly counted whole in every period that it touched; a plan that nobody carried out was a playbook."""
    open_ = sum((anomalies.cell(row, "state").value or "").startswith("open") for row in anomalies.rows)
    verified = sum(playbooks.cell(row, "rate").value is not None for row in playbooks.rows)
    hours = sum(int(savings.cell(row, "hours").value or 0) for row in savings.rows)
    return (
        count("anomalies", "Anomalies", len(anomalies.rows), COST_PAGE),
        count("open", "Open", open_, COST_PAGE),
        *sums(
            "excess",
            "Beyond what was expected",
            anomalies,
            COST_PAGE,
            lambda row: anomalies.cell(row, "kind").value != DROP,
        ),
        count("playbooks", "Playbooks", len(playbooks.rows), PLAYBOOKS_PAGE),
        count("verified", "Verified in the data", verified, PLAYBOOKS_PAGE),
        *sums("rate", "Saved an hour, verified", playbooks, PLAYBOOKS_PAGE),
        count("hours", "Hours counted as saved", hours, PLAYBOOKS_PAGE),
        *sums("saved", "Saved in the first day", savings, PLAYBOOKS_PAGE),
    )


def cost_sentences(figures: Sequence[Figure]) -> tuple[Sentence, ...]:
    counts = {each.id: each.cell.value for each in figures}
    excess, rate, saved = (amounts(figures, name) for name in ("excess", "rate", "saved"))
    found = [Sentence("Nothing unusual was found in the period.")]
    if counts["anomalies"] != "0":
        cost = f"; beyond what was expected: {excess}" if excess else ""
        found = [Sentence(f"Anomalies in the period: {{anomalies}}, of which open: {{open}}{cost}.")]
    if counts["playbooks"] != "0":
        saving = f", which saves {rate} an hour" if rate else ""
        found.append(
            Sentence(f"Playbooks: {{playbooks}}, of which verified in the data: {{verified}}{saving}.")
        )
    if saved:
        found.append(
            Sentence(
                f"Counted is the first day of each, as far as it lies in the period: {{hours}} hours in all, in "
                f"which {saved} was saved."
            )
        )
    return tuple(found)


def incident_sentences(figures: Sequence[Figure]) -> tuple[Sentence, ...]:
    counts = {each.id: each.cell.value for each in figures}
    if counts["major"] == "0":
        return (Sentence(NO_INCIDENTS),)
    found = [Sentence("Major incidents in the period: {major}; without a signed postmortem: {gaps}.")]
    if counts["promised"] != "0":
        found.append(Sentence("Of {promised} prevention actions {done} are done and {overdue} overdue."))
    return tuple(found)

"""What a review's own sections count of their rows, and say of that. Pure: gathering and verifying say the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from trust_portal.trust.gathering.totals import count, savings_totals
from trust_portal.trust.sections.model import Figure, Sentence, Table

#: States of a promise as a row says them; the first four as ``CommitmentState`` spells them.
OPEN: Final = "open"
KEPT: Final = "kept"
MISSED: Final = "missed"
DROPPED: Final = "dropped"
OPEN_LATE: Final = "open, late"
KEPT_LATE: Final = "kept, late"

_PAGE: Final = "/qbr"
_PLAYBOOKS: Final = "/cost/playbooks"


def commitment_totals(told: Table, new: Table) -> tuple[Figure, ...]:
    """Of promises of earlier reviews, and of this one."""
    states = [told.cell(row, "state").value for row in told.rows]

    def of_state(id_: str, label: str, *wanted: str) -> Figure:
        return count(id_, label, sum(states.count(each) for each in wanted), _PAGE)

    return (
        count("promised", "Promised earlier", len(states), _PAGE),
        of_state("kept", "Kept", KEPT, KEPT_LATE),
        of_state("kept-late", "Kept, but late", KEPT_LATE),
        of_state("missed", "Missed", MISSED),
        of_state("dropped", "Dropped", DROPPED),
        of_state("open", "Open", OPEN, OPEN_LATE),
        of_state("late", "Open and late", OPEN_LATE),
        count("new", "New in this review", len(new.rows), _PAGE),
    )


def commitment_sentences(figures: Sequence[Figure]) -> tuple[Sentence, ...]:
    """Of ``commitment_totals``."""
    counts = {each.id: each.cell.value for each in figures}
    said = [Sentence("Nothing was promised in an earlier review.")]
    if counts["promised"] != "0":
        said = [
            Sentence(
                "Promised in earlier reviews: {promised}; kept: {kept}, of which late: {kept-late}; missed: {missed}; "
                "dropped: {dropped}; open: {open}, of which late: {late}."
            )
        ]
    if counts["new"] != "0":
        said.append(Sentence("New in this review: {new}."))
    return tuple(said)


def saving_totals(savings: Table) -> tuple[Figure, ...]:
    """Of playbooks that stand verified. One of which no hour that counts lies in the period is listed, and not counted."""
    counted = sum(savings.cell(row, "hours").value != "0" for row in savings.rows)
    return (count("verified", "Verified playbooks", counted, _PLAYBOOKS), *savings_totals(savings))


def saving_sentences(figures: Sequence[Figure]) -> tuple[Sentence, ...]:
    """Of ``saving_totals``."""
    verified, *saved = figures
    if not saved:
        return (Sentence("No playbook of the period stands verified in the data, so no saving is claimed."),)
    if verified.cell.value == "0":
        return (
            Sentence(
                "Of no verified playbook does an hour that counts lie in the period, so no saving is claimed."
            ),
        )
    amounts = " and ".join(f"{{{each.id}}}" for each in saved)
    return (
        Sentence(
            f"Verified playbooks: {{verified}}. Avoided in the first day of each, had it gone on at the rate before: "
            f"{amounts}. Of that day counts what lies in the period; nobody knows how long it would have gone on."
        ),
    )

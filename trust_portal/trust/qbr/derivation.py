"""What a review's own sections must count and say of their own rows, whoever stated the rows. Pure.

The rows are as they were locked: a promise, or what a playbook saved, is the vendor's word. What is added up of them is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from trust_portal.evidence.verdict import Mismatch
from trust_portal.reliability.comparison import mismatches
from trust_portal.trust.gathering.ids import SAVINGS as SAVED
from trust_portal.trust.qbr.gathering.telling import (
    commitment_sentences,
    commitment_totals,
    saving_sentences,
    saving_totals,
)
from trust_portal.trust.qbr.ids import COMMITMENTS, NEW, SAVINGS
from trust_portal.trust.report.derivation import figures_of
from trust_portal.trust.sections.model import Section


def own_sections_differ(file: str, sections: Sequence[Section]) -> Iterator[Mismatch]:
    """Every figure and sentence of promises and savings that does not follow from the rows beside it."""
    for number, stated in enumerate(sections):
        derived = _derived(stated)
        if derived is not None:
            yield from mismatches(file, figures_of(stated), figures_of(derived), f"$.sections[{number}]")


def _derived(stated: Section) -> Section | None:
    if stated.id == COMMITMENTS:
        totals = commitment_totals(stated.table(COMMITMENTS), stated.table(NEW))
        return replace(stated, figures=totals, sentences=commitment_sentences(totals))
    if stated.id == SAVINGS:
        totals = saving_totals(stated.table(SAVED))
        return replace(stated, figures=totals, sentences=saving_sentences(totals))
    return None

"""What is different from the review before: value by value, as a Trust Report says it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from trust_portal.trust.gathering import changes
from trust_portal.trust.gathering.changes import Comparison
from trust_portal.trust.gathering.ids import CHANGES
from trust_portal.trust.gathering.model import Before
from trust_portal.trust.qbr.ids import INPUTS, OUTCOME, RECOMMENDATIONS
from trust_portal.trust.sections.model import Section

TITLE: Final = "Since the last review"
SOURCE: Final = "this QBR and the one before"

#: Passed over are the outcome, which says once more what other sections say, the documents of another period, and
#: recommendations, which are no figures of the customer's until somebody accepts them.
_REVIEW: Final = Comparison(
    TITLE,
    SOURCE,
    "review",
    "/qbr",
    "there is no QBR before this one",
    frozenset({CHANGES, INPUTS, OUTCOME, RECOMMENDATIONS}),
)


def changes_section(
    sections: Sequence[Section], before: Before | None, as_of: datetime, *, is_first: bool = False
) -> Section:
    """``sections`` are those of the review, without this one; ``is_first``: it is of format 1."""
    return changes.changes_section(sections, before, as_of, _REVIEW, is_first=is_first)

"""Names that a QBR's verifier shares with whoever gathered it. No IO, so that verifying loads no server."""

from __future__ import annotations

from typing import Final

COMMITMENTS: Final = "commitments"
OUTCOME: Final = "outcome"
USAGE: Final = "usage"
SAVINGS: Final = "savings"
RECOMMENDATIONS: Final = "recommendations"
INPUTS: Final = "inputs"
#: Table of the commitments: those of this review.
NEW: Final = "new"
#: Table of the recommendations: one row each.
PROPOSED: Final = "proposed"
#: Table of the inputs: one row each.
DOCUMENTS: Final = "documents"

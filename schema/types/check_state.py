"""What came of asking a second source, as the schema names it: of a report, and of a source that is tried."""

from __future__ import annotations

import strawberry

from trust_portal.reliability.crosscheck.comparison import CheckState

__all__ = ["CheckState"]

strawberry.enum(
    CheckState, name="CrossCheckState", description="What came of asking a second source for the same counts."
)

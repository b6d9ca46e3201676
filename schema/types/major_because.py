"""How an incident became a P1 or P2: of the incident and of its postmortem."""

from __future__ import annotations

from schema.enums import described
from trust_portal.learning.incidents.model import MajorBecause

described(
    MajorBecause,
    "MajorBecause",
    "How an incident became a P1 or P2.",
    DECLARED="It was declared as one.",
    RAISED="It was raised to one.",
    MERGED="One was merged into it.",
)

__all__ = ["MajorBecause"]

"""How an incident became a P1 or P2: of the incident and of its postmortem."""

from __future__ import annotations

import strawberry

from trust_portal.learning.incidents.model import MajorBecause

strawberry.enum(MajorBecause, name="MajorBecause", description="How an incident became a P1 or P2.")

__all__ = ["MajorBecause"]

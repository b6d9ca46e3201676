"""Actors that are no person: beside the scheduler (``kernel.actor.SYSTEM``), the shell."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from trust_portal.kernel.actor import SYSTEM, Actor, ActorKind
from trust_portal.kernel.ids import VENDOR_ID

#: Whoever runs ``trust-portal`` commands on the machine. Receipts and access logs carry this name.
CONSOLE = Actor(
    kind=ActorKind.SYSTEM,
    id=UUID("00000000-0000-7000-8000-000000000003"),
    name="Operator at the console",
    tenant_id=VENDOR_ID,
)

#: They grant roles too, and are nobody whose delegate one could be.
NO_PERSON: Final = frozenset({CONSOLE.id, SYSTEM.id})
#: Whoever granted what no person did, where rows must name somebody (``tables.vendor_roles``).
NOBODY: Final = UUID(int=0)

"""Actors that are no person: beside the scheduler (``kernel.actor.SYSTEM``), the shell."""

from __future__ import annotations

from uuid import UUID

from trust_portal.kernel.actor import Actor, ActorKind
from trust_portal.kernel.ids import VENDOR_ID

#: Whoever runs ``trust-portal`` commands on the machine. Receipts and access logs carry this name.
CONSOLE = Actor(
    kind=ActorKind.SYSTEM,
    id=UUID("00000000-0000-7000-8000-000000000003"),
    name="Operator at the console",
    tenant_id=VENDOR_ID,
)

"""What is asked for about a customer's key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from trust_portal.evidence.sealing.model import KeyAct
from trust_portal.kernel.names import require_words

NOUN: Final = "customer key"


@dataclass(frozen=True, slots=True)
class SetCustomerKey:
    """Command. ``reason`` is signed with the act."""

    tenant_id: UUID
    act: KeyAct
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))

"""A customer's key as it is on record. The key itself is with the key service and nowhere in the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class KeyAct(StrEnum):
    """What was done about a customer's key; the newest act says how it stands."""

    ENABLE = "enable"
    ROTATE = "rotate"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class CustomerKey:
    """One act. ``public_key`` (32 bytes, Ed25519) checks that whoever proves its use holds the key."""

    tenant_id: UUID
    ordinal: int
    act: KeyAct
    key_id: str
    public_key: bytes
    at: datetime
    by: str
    reason: str
    receipt_id: UUID

    @property
    def in_force(self) -> bool:
        return self.act is not KeyAct.WITHDRAW


@dataclass(frozen=True, slots=True)
class SealCounts:
    """How many of a tenant's exports have something stored: under which of its keys, and under none."""

    sealed: int
    under_another_key: int
    unsealed: int

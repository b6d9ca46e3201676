"""A contract version as it is recorded: what it says, and by which receipt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from trust_portal.reliability.contracts.model import Contract


@dataclass(frozen=True, slots=True)
class ContractVersion:
    """A contract version as recorded. ``sha256`` is over the document's bytes."""

    id: UUID
    tenant_id: UUID
    contract: Contract
    sha256: str
    receipt_id: UUID
    recorded_at: datetime
    recorded_by: str

    @property
    def version(self) -> str:
        return self.contract.version

"""What every verb of this room works with, wired once."""

from __future__ import annotations

from dataclasses import dataclass

from trust_portal.access.approvals.service import Approvals
from trust_portal.access.gate import Gate
from trust_portal.cost.remediation.control_client import ControlClient
from trust_portal.cost.remediation.playbooks import Playbooks
from trust_portal.cost.remediation.switches import KillSwitches
from trust_portal.evidence.ledger import Ledger
from trust_portal.storage.unit_of_work import Storage


@dataclass(frozen=True, slots=True)
class Equipment:
    storage: Storage
    gate: Gate
    ledger: Ledger
    approvals: Approvals
    playbooks: Playbooks
    client: ControlClient
    switches: KillSwitches

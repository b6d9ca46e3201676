"""What happened: the one door in, and the record of it."""

from __future__ import annotations

from dataclasses import dataclass

from trust_portal.facts.intake import Intake
from trust_portal.facts.operations_service import Operations
from trust_portal.house.foundation import Foundation


@dataclass(frozen=True)
class FactsRoom:
    intake: Intake
    operations: Operations


def facts_room(base: Foundation) -> FactsRoom:
    rate = base.settings.ingest_events_per_minute
    return FactsRoom(
        intake=Intake(base.storage, base.gate, base.clock, events_per_minute=rate),
        operations=Operations(base.storage, base.gate, base.access_log),
    )

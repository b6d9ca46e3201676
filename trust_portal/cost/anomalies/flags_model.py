"""The flags of detection: which detector is acted on, which one watches beside it, and who said so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from trust_portal.cost.detection.versions import INSTALLED_VERSION, VERSIONS, Version
from trust_portal.kernel.ids import VENDOR_ID


class Flag(StrEnum):
    """``live``: its finds are acted on; ``shadow``: it watches beside the live one and is compared."""

    LIVE = "live_detector"
    SHADOW = "shadow_detector"


@dataclass(frozen=True, slots=True)
class FlagRevision:
    """Who switched, when, for which version, with what back-test; the receipt says the same.

    At the vendor it holds for every tenant. ``back_test`` sums up the one it rests on.
    """

    tenant_id: UUID
    flag: Flag
    revision: int
    enabled: bool
    detector: str
    back_test_id: UUID | None
    back_test: Mapping[str, str]
    reason: str
    set_at: datetime
    set_by: str
    receipt_id: UUID

    @property
    def is_for_everybody(self) -> bool:
        return self.tenant_id == VENDOR_ID


@dataclass(frozen=True, slots=True)
class Detectors:
    """What watches a tenant, and where that was decided; without a decision the installed one does."""

    live: Version
    shadow: Version | None
    live_by: FlagRevision | None = None
    shadow_by: FlagRevision | None = None


class FlagBook:
    """All revisions of some tenants and of the vendor. A tenant's own flag goes before everybody's."""

    def __init__(self, revisions: Iterable[FlagRevision]) -> None:
        self._newest: dict[tuple[UUID, Flag], FlagRevision] = {}
        for each in sorted(revisions, key=lambda each: each.revision):
            self._newest[each.tenant_id, each.flag] = each

    def detectors(self, tenant_id: UUID) -> Detectors:
        """What watches ``tenant_id`` now. A version that this release does not know is passed over."""
        live_by, shadow_by = (self._holding(tenant_id, flag) for flag in (Flag.LIVE, Flag.SHADOW))
        live = INSTALLED_VERSION if live_by is None else VERSIONS[live_by.detector]
        shadow = None if shadow_by is None else VERSIONS[shadow_by.detector]
        if shadow == live:
            shadow, shadow_by = None, None
        return Detectors(live, shadow, live_by, shadow_by)

    def changed_at(self, tenant_id: UUID) -> datetime | None:
        """When the live detector was last decided about; before that, others may have spoken."""
        newest = [self._newest.get((owner, Flag.LIVE)) for owner in (tenant_id, VENDOR_ID)]
        return max((each.set_at for each in newest if each is not None), default=None)

    def _holding(self, tenant_id: UUID, flag: Flag) -> FlagRevision | None:
        for owner in dict.fromkeys((tenant_id, VENDOR_ID)):
            newest = self._newest.get((owner, flag))
            if newest is not None and newest.enabled and newest.detector in VERSIONS:
                return newest
        return None

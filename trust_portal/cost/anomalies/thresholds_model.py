"""What held when: thresholds of a tenant's subsystem, set for it, for the tenant, or for everybody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from trust_portal.cost.detection.thresholds import INSTALLED, Thresholds
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.ids import VENDOR_ID

#: Stands for all subsystems in keys, where NULL cannot.
ALL = ""


@dataclass(frozen=True, slots=True)
class ThresholdRevision:
    """``figures`` are the thresholds it sets, by name; none sets them back to what lies above.

    ``followed`` are those of the revision before; ``None``: it is the first. At the vendor it holds for every tenant. ``approval_id`` is of the request it rests on, if any. ``subsystem`` ``""``: all.
    """

    tenant_id: UUID
    subsystem: str
    revision: int
    figures: Mapping[str, float]
    reason: str
    set_at: datetime
    set_by: str
    receipt_id: UUID
    approval_id: UUID | None = None
    followed: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class AskedThresholds:
    """What was asked for in a request: ``revision`` is the one it becomes, ``trial`` what a back-test found."""

    tenant_id: UUID
    approval_id: UUID
    subsystem: str | None
    revision: int
    figures: Mapping[str, float]
    trial: Mapping[str, Json] | None


class ThresholdBook:
    """All revisions of some tenants and of the vendor."""

    def __init__(self, revisions: Iterable[ThresholdRevision]) -> None:
        self._scopes: dict[tuple[UUID, str], list[ThresholdRevision]] = {}
        for each in sorted(revisions, key=lambda each: each.revision):
            self._scopes.setdefault((each.tenant_id, each.subsystem), []).append(each)

    def effective(self, tenant_id: UUID, subsystem: str, at: datetime) -> Thresholds:
        """As installed, changed by what holds for everybody, then by what holds for the tenant."""
        thresholds = INSTALLED
        if not self._scopes:
            return thresholds
        for scope in ((VENDOR_ID, ALL), (VENDOR_ID, subsystem), (tenant_id, ALL), (tenant_id, subsystem)):
            held = [each for each in self._scopes.get(scope, ()) if each.set_at <= at]
            if held:
                thresholds = thresholds.with_changes(dict(held[-1].figures))
        return thresholds

    def changes(self, tenant_id: UUID) -> frozenset[datetime]:
        """When something was set that concerns a tenant."""
        return frozenset(
            each.set_at
            for (owner, _), revisions in self._scopes.items()
            if owner in {VENDOR_ID, tenant_id}
            for each in revisions
        )

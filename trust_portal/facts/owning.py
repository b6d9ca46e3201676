"""Whose fact an event is, and whether its token may speak for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from trust_portal.access.tokens.model import Bounds
from trust_portal.facts.events import PAGERS, PORTAL, TenantData
from trust_portal.facts.outcome import RejectionCode
from trust_portal.facts.reading import ReadEvent
from trust_portal.facts.refusal import BadEvent
from trust_portal.facts.rows import Owned
from trust_portal.kernel.ids import VENDOR_ID


def check_source(source: str, bounds: Bounds) -> None:
    """Raises ``BadEvent`` for a source the token was not given, and for those of the portal's own doors."""
    if source == PORTAL or source.startswith(PAGERS) or not bounds.covers_source(source):
        raise BadEvent(
            RejectionCode.FORBIDDEN_SOURCE, f"this token may not speak for the source {source}", "$.source"
        )


def tenants_named(events: Sequence[ReadEvent]) -> Collection[str]:
    named: set[str] = set()
    for read in events:
        data = read.event.data
        if isinstance(data, TenantData):
            named.add(data.tenant)
        else:
            named.update(getattr(data, "tenants", None) or ())
    return named


def owner(read: ReadEvent, directory: Mapping[str, UUID], bounds: Bounds) -> Owned:
    """A fact of one tenant is that tenant's; one about several, or all, is the vendor's.

    The latter is kept with its token's bounds: what it may change is seen only beside what others told.
    """
    data = read.event.data
    if isinstance(data, TenantData):
        tenant_id = directory.get(data.tenant)
        if tenant_id is None or bounds.tenants:
            tenant_id = _tenant(data.tenant, "$.data.tenant", directory, bounds)
        return Owned(read, tenant_id)
    named: list[str] | None = getattr(data, "tenants", None)
    if named is None:
        _check_everybody(bounds)
        return Owned(read, VENDOR_ID)
    tenants = [_tenant(key, f"$.data.tenants[{at}]", directory, bounds) for at, key in enumerate(named)]
    return Owned(read, VENDOR_ID, tuple(tenants), tuple(sorted(bounds.tenants)) or None)


def _tenant(key: str, path: str, directory: Mapping[str, UUID], bounds: Bounds) -> UUID:
    tenant_id = directory.get(key)
    if tenant_id is None and not bounds.tenants:
        raise BadEvent(RejectionCode.UNKNOWN_TENANT, f"no tenant {key}", path)
    # A token for some tenants learns nothing of the others, not even whether they exist.
    if tenant_id is None or not bounds.covers_tenant(tenant_id):
        raise BadEvent(RejectionCode.FORBIDDEN_TENANT, "this token may not speak for this tenant", path)
    return tenant_id


def _check_everybody(bounds: Bounds) -> None:
    """A fact that names no tenant speaks of all of them."""
    if bounds.tenants:
        raise BadEvent(
            RejectionCode.FORBIDDEN_TENANT,
            "this token speaks for some tenants only, and the event names none: name them in `tenants`",
            "$.data.tenants",
        )

"""Did it affect you? One customer's view of the vendor's incidents, without the names of the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.errors import NotFound
from trust_portal.evidence.export import Export
from trust_portal.facts.events import PAGERS
from trust_portal.facts.incident_touches import waiting_since
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.incidents import repository
from trust_portal.learning.incidents.model import (
    NOUN,
    EntryKind,
    Incident,
    IncidentEntry,
)
from trust_portal.learning.incidents.touched import AffectingIncident, Touched, copy_telling_of
from trust_portal.learning.postmortems.copying import copy_bundles
from trust_portal.learning.postmortems.model import NOUN as POSTMORTEM
from trust_portal.learning.postmortems.releases_model import ReleasedCopy, SignedAs
from trust_portal.learning.postmortems.releases_repository import newest_copies
from trust_portal.learning.postmortems.repository import postmortems_of
from trust_portal.learning.postmortems.versions_repository import snapshots_of, versions_that_count
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

_VENDOR: Final = TenantScope(VENDOR_ID)
#: Told to customers in the words that stand on record.
_TOLD: Final = frozenset(
    {EntryKind.DECLARED, EntryKind.TOLD_CUSTOMER, EntryKind.MITIGATED, EntryKind.RESOLVED, EntryKind.REOPENED}
)
#: Told to them where it is marked as a turning point.
_TOLD_IF_KEY: Final = frozenset({EntryKind.NOTE, EntryKind.MITIGATION})
#: Instead of what is in ``PAGERS_OWN_WORDS``.
_PAGERS_WORDS: Final = {EntryKind.RESOLVED: "It is over", EntryKind.REOPENED: "It was not over"}
_MERGED: Final = "It goes on with another incident"
_UNMERGED: Final = "It goes on by itself again"


class CustomerIncidents:
    """What the register says to one tenant. The rows are the vendor's; the queries name whom they are for."""

    def __init__(self, storage: Storage, gate: Gate, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._access_log = access_log

    async def of_tenant(self, actor: Actor, tenant_id: UUID, start: datetime, end: datetime) -> Touched:
        """What touched the tenant, or may have, under way between ``start`` and ``end``."""
        await self._gate.require(actor, Action.INCIDENT_READ, Resource(NOUN, tenant_id))
        tenant = await self._tenant(actor, tenant_id)
        async with self._storage.read(_VENDOR, snapshot=True) as session:
            waiting = await waiting_since(session)
            found = await repository.incidents_under_way(session, tenant, start, end)
            timelines = await repository.timelines_of(session, found)
        await self._access_log.looked(actor, tenant_id, "incidents", purpose="incidents")
        shown = await self._shown(actor, tenant_id, found, timelines)
        return Touched(start, end, waiting or self._storage.clock.now(), shown)

    async def find(self, actor: Actor, tenant_id: UUID, shown_id: UUID) -> AffectingIncident:
        """One of them by the id that it shows, whenever it was; ``NotFound`` also for one that touched others only."""
        await self._gate.require(actor, Action.INCIDENT_READ, Resource(NOUN, tenant_id, shown_id))
        tenant = await self._tenant(actor, tenant_id)
        async with self._storage.read(_VENDOR, snapshot=True) as session:
            incident = await repository.find_shown(session, shown_id)
            if not incident.concerns(tenant):
                raise NotFound(NOUN)
            into = incident.merged_into
            target = None if into is None else await repository.find_incident(session, into)
            found = [incident] + ([target] if target is not None and target.concerns(tenant) else [])
            timelines = await repository.timelines_of(session, found)
        await self._access_log.looked(actor, tenant_id, "incidents", purpose="incidents")
        return (await self._shown(actor, tenant_id, found, timelines))[-1]

    async def _tenant(self, actor: Actor, tenant_id: UUID) -> Tenant:
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            tenant = await find_tenant(session, tenant_id)
        if tenant is None:
            raise NotFound("tenant")
        return tenant

    async def _shown(
        self,
        actor: Actor,
        tenant_id: UUID,
        found: Sequence[Incident],
        timelines: Mapping[UUID, tuple[IncidentEntry, ...]],
    ) -> tuple[AffectingIncident, ...]:
        """``found`` from its end, as the tenant sees it."""
        here = {each.id: each.shown_id for each in found}
        copies, bundles = await self._copies(
            actor, tenant_id, here.keys() | {each.covering_id for each in found}
        )
        later, snapshots = await self._signed(copies)
        return tuple(
            AffectingIncident(
                id=each.shown_id,
                name=each.told_as,
                title=each.title,
                service=each.service,
                severity=each.severity,
                declared_severity=each.declared_severity,
                worst_severity=each.worst_severity,
                named=not each.everybody,
                objectives=each.objectives,
                began_at=each.began_at,
                detected_at=each.detected_at,
                declared_at=each.declared_at,
                told_at=each.told_at,
                mitigated_at=each.mitigated_at,
                resolved_at=each.resolved_at,
                reopened=each.reopened,
                # What it was merged into may be an incident of others only.
                merged_into=None if each.merged_into is None else here.get(each.merged_into),
                timeline=_for_customers(
                    timelines[each.id],
                    merged=each.merged_into is not None,
                ),
                copy=(copy := copy_telling_of(each, copies, snapshots)),
                bundle=None if copy is None else bundles.get(copy.id),
                superseded_by=None if copy is None else later.get(copy.incident_id),
            )
            for each in reversed(found)
        )

    async def _copies(
        self, actor: Actor, tenant_id: UUID, incident_ids: Collection[UUID]
    ) -> tuple[Mapping[UUID, ReleasedCopy], Mapping[UUID, Export]]:
        """What was released to the tenant by incident, and its bundles by copy, for those who may read it."""
        if not self._gate.allows(actor, Action.POSTMORTEM_READ, Resource(POSTMORTEM, tenant_id)):
            return {}, {}
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            copies = await newest_copies(session, tenant_id, incident_ids)
            return copies, await copy_bundles(session, tenant_id, [each.id for each in copies.values()])

    async def _signed(
        self, copies: Mapping[UUID, ReleasedCopy]
    ) -> tuple[Mapping[UUID, SignedAs], Mapping[UUID, datetime]]:
        """By incident: the version that counts, where the tenant's copy is of another; of when the copy's facts are."""
        async with self._storage.read(_VENDOR) as session:
            found = {of: each.id for of, each in (await postmortems_of(session, copies)).items()}
            counts = await versions_that_count(session, found.values())
            snapshots = await snapshots_of(session, found.values())
        later = {of: counts[id_] for of, id_ in found.items() if counts[id_].supersedes(copies[of].version)}
        return later, {of: snapshots[id_, copies[of].version] for of, id_ in found.items()}


def _for_customers(entries: Iterable[IncidentEntry], *, merged: bool) -> tuple[IncidentEntry, ...]:
    """What of a timeline may leave the house.

    What staff and pagers note among themselves stays, and so do the reasons of severities and of whom it
    touches: they may name another customer. So may the words of a merger; that it was merged is told.
    """
    shown = []
    entries = [entry for entry in entries if not entry.claim]
    undone = any(entry.kind is EntryKind.UNMERGED for entry in entries)
    for entry in entries:
        if entry.kind is EntryKind.MERGED and (merged or undone):
            shown.append(replace(entry, text=_MERGED))
        elif entry.kind is EntryKind.UNMERGED:
            shown.append(replace(entry, text=_UNMERGED))
        elif entry.kind in _TOLD or (entry.kind in _TOLD_IF_KEY and entry.key):
            by_pager = entry.origin is not None and entry.origin.source.startswith(PAGERS)
            words = _PAGERS_WORDS.get(entry.kind) if by_pager else None
            shown.append(entry if words is None else replace(entry, text=words))
    return tuple(shown)

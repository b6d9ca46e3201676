"""Incidents as one customer sees them, and its copies of their postmortems."""

from __future__ import annotations

import json
from datetime import datetime
from uuid import UUID

import strawberry

from schema.context import Info
from schema.ids import Node, encode
from schema.types.export import Export, export
from trust_portal.evidence import export as stored
from trust_portal.learning.incidents import model, touched
from trust_portal.learning.postmortems.copying import OpenedCopy
from trust_portal.learning.postmortems.releases_model import ReleasedCopy, SignedAs, StoredCopy

strawberry.enum(
    model.EntryKind, name="IncidentEntryKind", description="What a line of an incident's course tells."
)


@strawberry.type(description="One line of an incident's course.")
class IncidentEntry:
    at: datetime
    kind: model.EntryKind
    turning_point: bool
    text: str
    severity: model.Severity | None
    claim: bool = strawberry.field(
        description="It was told and is not in force: a lower severity, or what another source may not say."
    )


@strawberry.type(description="The tenant's copy of an incident's postmortem, of the latest version it has.")
class PostmortemCopy(Node):
    version: int
    sha256: str = strawberry.field(description="Of the copy.")
    released_at: datetime
    path: strawberry.Private[str]
    export: Export | None = strawberry.field(description="Its bundle, on the way or ready.")
    superseded_by_version: int | None = strawberry.field(
        description="The version that counts, where the copy is of another: released to the tenant or not."
    )
    superseded_at: datetime | None = strawberry.field(description="When that one was signed.")
    row: strawberry.Private[ReleasedCopy | StoredCopy]

    @strawberry.field(
        description="JSON, as docs/formats/postmortem.md says, with what was disclosed put back in its place."
    )
    async def document(self, info: Info) -> str:
        return json.dumps((await self._opened(info)).document, ensure_ascii=False)

    @strawberry.field(description="The profile by which it withholds.")
    async def profile(self, info: Info) -> str:
        return str((await self._opened(info)).body["profile"]["id"])

    @strawberry.field(description="How many digests in it are not shown, decoys among them.")
    async def concealed(self, info: Info) -> int:
        return (await self._opened(info)).concealed

    @strawberry.field(description="How many fields were disclosed since.")
    async def disclosed(self, info: Info) -> int:
        return len((await self._opened(info)).copy.disclosures)

    @strawberry.field(
        description="Its bundle made anew, which says by what the copy was superseded; null: nobody asked for it."
    )
    async def renewed_export(self, info: Info) -> Export | None:
        renewed = (await self._opened(info)).renewed
        return None if renewed is None else export(renewed, self.path.split("/")[2])

    @strawberry.field(description="The tenant's latest copy of the same postmortem; null: this is it.")
    async def newer_id(self, info: Info) -> strawberry.ID | None:
        newer = (await self._opened(info)).newer
        return None if newer is None else encode("PostmortemCopy", newer.tenant_id, newer.id)

    async def _opened(self, info: Info) -> OpenedCopy:
        copies = info.context.house.postmortem_copies
        return await copies.find(info.context.actor, self.row.tenant_id, self.row.id)

    @strawberry.field(description="The page where it is read, with its bundle.")
    def url(self, info: Info) -> str:
        return info.context.house.settings.base_url + self.path


@strawberry.type(description="An incident that concerns the tenant, as last known.")
class Incident(Node):
    key: str = strawberry.field(
        description="By what the vendor calls it; else the first digits of the UUID in its id."
    )
    severity: model.Severity = strawberry.field(description="In force.")
    declared_severity: model.Severity = strawberry.field(
        description="Stays, whatever the severity was changed to."
    )
    worst_severity: model.Severity = strawberry.field(
        description="The worst ever told, also of what was merged into it."
    )
    owes_postmortem: bool = strawberry.field(
        description="It is or was a P1 or P2: a postmortem is owed, whatever it is now. While `postmortem` is null "
        "none was released to the tenant, or the viewer may not read it."
    )
    merged_into_id: strawberry.ID | None = strawberry.field(
        description="The incident in which it goes on, where the tenant sees that one too."
    )
    title: str
    service: str
    named: bool = strawberry.field(
        description="The vendor named this tenant; otherwise it may have touched every customer."
    )
    objective_keys: list[str] | None = strawberry.field(description="Null: all of them.")
    began_at: datetime
    detected_at: datetime
    declared_at: datetime
    told_at: datetime | None = strawberry.field(description="When customers were first told.")
    mitigated_at: datetime | None
    resolved_at: datetime | None
    reopened: int = strawberry.field(description="How often it was reopened after its end.")
    timeline: list[IncidentEntry] = strawberry.field(
        description="What of its course is told to customers, in the order of what happened."
    )
    postmortem: PostmortemCopy | None = strawberry.field(
        description="Null: none was released to the tenant, or the viewer may not read it."
    )


@strawberry.type(
    description="What touched the tenant in a period, said as a statement: also that nothing did."
)
class IncidentStatement:
    since: datetime
    until: datetime
    as_of: datetime = strawberry.field(description="Everything that was told before it is in the statement.")
    none: bool = strawberry.field(
        description="No incident that was under way in the period touched the tenant, or may have."
    )
    incidents: list[Incident] = strawberry.field(description="Those that did or may have, the newest first.")


def incident_statement(row: touched.Touched, tenant_id: UUID, tenant_key: str) -> IncidentStatement:
    return IncidentStatement(
        since=row.start,
        until=row.end,
        as_of=row.as_of,
        none=not row.incidents,
        incidents=[incident(each, tenant_id, tenant_key) for each in row.incidents],
    )


def incident(row: touched.AffectingIncident, tenant_id: UUID, tenant_key: str) -> Incident:
    return Incident(
        id=encode("Incident", tenant_id, row.id),
        key=row.name,
        severity=row.severity,
        declared_severity=row.declared_severity,
        worst_severity=row.worst_severity,
        owes_postmortem=row.needs_postmortem,
        merged_into_id=None if row.merged_into is None else encode("Incident", tenant_id, row.merged_into),
        title=row.title,
        service=row.service,
        named=row.named,
        objective_keys=None if row.objectives is None else list(row.objectives),
        began_at=row.began_at,
        detected_at=row.detected_at,
        declared_at=row.declared_at,
        told_at=row.told_at,
        mitigated_at=row.mitigated_at,
        resolved_at=row.resolved_at,
        reopened=row.reopened,
        timeline=[_entry(each) for each in row.timeline],
        postmortem=None
        if row.copy is None
        else postmortem_copy(row.copy, row.bundle, row.superseded_by, tenant_key),
    )


def postmortem_copy(
    row: ReleasedCopy | StoredCopy, bundle: stored.Export | None, later: SignedAs | None, tenant_key: str
) -> PostmortemCopy:
    return PostmortemCopy(
        id=encode("PostmortemCopy", row.tenant_id, row.id),
        version=row.version,
        sha256=row.sha256,
        released_at=row.at,
        path=f"/t/{tenant_key}/postmortems/{row.id}",
        superseded_by_version=None if later is None else later.version,
        superseded_at=None if later is None else later.at,
        export=None if bundle is None else export(bundle, tenant_key),
        row=row,
    )


def _entry(row: model.IncidentEntry) -> IncidentEntry:
    return IncidentEntry(
        at=row.at,
        kind=row.kind,
        turning_point=row.key,
        text=row.text,
        severity=row.severity,
        claim=row.claim,
    )

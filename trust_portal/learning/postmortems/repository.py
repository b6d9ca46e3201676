"""Postmortems in and out of their tables. They are the vendor's: ``VENDOR_ID`` in its own scope, or the staff's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Text, and_, cast, exists, func, insert, or_, select

from trust_portal.access.tables import people
from trust_portal.errors import Conflict, NotFound
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.learning.incidents.model import MAJOR, MajorBecause
from trust_portal.learning.incidents.tables import incidents
from trust_portal.learning.postmortems.filters import ALL, PostmortemFilter
from trust_portal.learning.postmortems.model import (
    NOUN,
    Person,
    Postmortem,
    Step,
    StepKind,
    Version,
)
from trust_portal.learning.postmortems.tables import (
    postmortem_steps,
    postmortem_submissions,
    postmortem_versions,
    postmortems,
)
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

#: Somebody else did something meanwhile: look again.
CHANGED = "POSTMORTEM_CHANGED"


async def find_postmortem(session: ReadSession, postmortem_id: UUID) -> Postmortem:
    """``NotFound`` where there is none."""
    row = (
        await session.execute(
            select(postmortems).where(postmortems.c.tenant_id == VENDOR_ID, postmortems.c.id == postmortem_id)
        )
    ).first()
    if row is None:
        raise NotFound(NOUN)
    (found,) = await _with_history(session, [row])
    return found


async def postmortem_of(session: ReadSession, incident_id: UUID) -> Postmortem | None:
    """The incident's, if it takes one."""
    row = (
        await session.execute(
            select(postmortems).where(
                postmortems.c.tenant_id == VENDOR_ID, postmortems.c.incident_id == incident_id
            )
        )
    ).first()
    return None if row is None else (await _with_history(session, [row]))[0]


async def postmortems_of(session: ReadSession, incident_ids: Collection[UUID]) -> dict[UUID, Postmortem]:
    """By incident, for those that take one."""
    rows = await session.execute(
        select(postmortems).where(
            postmortems.c.tenant_id == VENDOR_ID, postmortems.c.incident_id.in_(incident_ids)
        )
    )
    return {each.incident_id: each for each in await _with_history(session, rows.all())}


async def postmortems_page(
    session: ReadSession, request: PageRequest, wanted: PostmortemFilter = ALL
) -> Page[Postmortem]:
    """Newest first."""
    query = _narrowed(select(postmortems), wanted)
    page = await keyset_page(
        session,
        query,
        request,
        order=(postmortems.c.opened_at, postmortems.c.id),
        parse=(datetime.fromisoformat, UUID),
        read=lambda row: row,
        key=lambda row: (rfc3339(row.opened_at), str(row.id)),
        descending=True,
    )
    return Page(await _with_history(session, page.items), page.cursors, page.has_next, page.has_previous)


async def count_postmortems(session: ReadSession, wanted: PostmortemFilter) -> int:
    """How many ``postmortems_page`` goes through."""
    query = _narrowed(select(func.count()).select_from(postmortems), wanted)
    count: int = (await session.execute(query)).scalar_one()
    return count


def _narrowed(query: Select[Any], wanted: PostmortemFilter) -> Select[Any]:
    about, here = incidents.c, postmortems.c
    known = and_(people.c.tenant_id == VENDOR_ID, people.c.id == about.owner_person_id)
    query = (
        query.join(incidents, and_(about.tenant_id == here.tenant_id, about.id == here.incident_id))
        .outerjoin(people, known)
        .where(here.tenant_id == VENDOR_ID)
    )
    for column, value in (
        (about.service, wanted.service),
        (func.coalesce(about.team, ""), wanted.team),
        (func.coalesce(cast(people.c.id, Text), about.owner), wanted.owner),
        (about.worst_severity, wanted.severity),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.incident_ids is not None:
        query = query.where(here.incident_id.in_(wanted.incident_ids))
    if wanted.unsigned:
        signed = exists().where(
            postmortem_versions.c.tenant_id == VENDOR_ID, postmortem_versions.c.postmortem_id == here.id
        )
        outdated = _frozen_at(here.incident_id) < about.changed_at
        query = query.where(or_(~signed, outdated), _is_owed())
    return query


def _is_owed() -> ColumnElement[bool]:
    """Its incident is a P1 or P2 still, and goes on in none whose postmortem covers it, or will.

    The one rule (``incidents.model.is_told_of``), of rows joined with their incident.
    """
    incident = incidents.c
    return and_(
        incident.worst_severity.in_([each.value for each in MAJOR]),
        or_(
            incident.ends_in.is_(None),
            _frozen_at(incident.ends_in) <= func.greatest(incident.changed_at, incident.merged_at),
        ),
    )


def _frozen_at(incident_id: ColumnElement[UUID]) -> ColumnElement[datetime]:
    """Of when the facts are of the newest signed version of the incident's postmortem; null: none is signed."""
    of = postmortems.alias()
    return (
        select(func.max(postmortem_submissions.c.snapshot_at))
        .select_from(of)
        .join(
            postmortem_versions,
            (postmortem_versions.c.tenant_id == of.c.tenant_id)
            & (postmortem_versions.c.postmortem_id == of.c.id),
        )
        .join(
            postmortem_submissions,
            (postmortem_submissions.c.tenant_id == postmortem_versions.c.tenant_id)
            & (postmortem_submissions.c.postmortem_id == postmortem_versions.c.postmortem_id)
            & (postmortem_submissions.c.ordinal == postmortem_versions.c.submitted),
        )
        .where(of.c.tenant_id == VENDOR_ID, of.c.incident_id == incident_id)
        .correlate(incidents, postmortems)
        .scalar_subquery()
    )


async def signed_ids(session: ReadSession) -> tuple[UUID, ...]:
    """Those of which a version is signed, in the order of their opening."""
    rows = await session.execute(
        select(postmortem_versions.c.postmortem_id)
        .where(postmortem_versions.c.tenant_id == VENDOR_ID, postmortem_versions.c.version == 1)
        .order_by(postmortem_versions.c.postmortem_id)
    )
    return tuple(rows.scalars())


async def add_step(session: WriteSession, postmortem: Postmortem, step: Step) -> None:
    """``Conflict`` (POSTMORTEM_CHANGED) where another step was taken meanwhile."""
    before = postmortem.last if postmortem.last.ordinal else None
    changed = Conflict("this postmortem has moved on meanwhile: look again", code=CHANGED)
    with duplicates_are(changed, postmortem_steps.name):
        await session.execute(
            insert(postmortem_steps).values(
                tenant_id=VENDOR_ID,
                postmortem_id=postmortem.id,
                ordinal=step.ordinal,
                kind=step.kind.value,
                before=None if before is None else before.ordinal,
                before_kind=None if before is None else before.kind.value,
                version=step.version,
                sha256=step.digest,
                actor_id=step.by.id,
                actor_name=step.by.name,
                reason=step.reason,
                at=step.at,
                receipt_id=step.receipt_id,
            )
        )


async def _with_history(session: ReadSession, rows: Sequence[Row[Any]]) -> tuple[Postmortem, ...]:
    ids = [row.id for row in rows]
    steps: dict[UUID, list[Step]] = {row.id: [_opening(row)] for row in rows}
    versions: dict[UUID, list[Version]] = {id_: [] for id_ in ids}
    if ids:
        found = await session.execute(
            select(postmortem_steps)
            .where(postmortem_steps.c.tenant_id == VENDOR_ID, postmortem_steps.c.postmortem_id.in_(ids))
            .order_by(postmortem_steps.c.postmortem_id, postmortem_steps.c.ordinal)
        )
        for row in found:
            steps[row.postmortem_id].append(_step(row))
        found = await session.execute(
            select(postmortem_versions, postmortem_submissions.c.snapshot_at)
            .join(
                postmortem_submissions,
                (postmortem_submissions.c.tenant_id == postmortem_versions.c.tenant_id)
                & (postmortem_submissions.c.postmortem_id == postmortem_versions.c.postmortem_id)
                & (postmortem_submissions.c.ordinal == postmortem_versions.c.submitted),
            )
            .where(postmortem_versions.c.tenant_id == VENDOR_ID, postmortem_versions.c.postmortem_id.in_(ids))
            .order_by(postmortem_versions.c.postmortem_id, postmortem_versions.c.version)
        )
        for row in found:
            known = versions[row.postmortem_id]
            if known:
                known[-1] = replace(known[-1], superseded_by=row.version)
            known.append(_version(row))
    return tuple(
        Postmortem(
            row.id,
            row.incident_id,
            row.opened_at,
            MajorBecause(row.opened_because),
            row.owner_person_id,
            tuple(steps[row.id]),
            tuple(versions[row.id]),
        )
        for row in rows
    )


def _opening(row: Row[Any]) -> Step:
    """The opening has no row of its own: it is the postmortem's."""
    return Step(
        0,
        StepKind.OPENED,
        1,
        None,
        Person(VENDOR_ID, "Trust Portal"),
        row.opened_because,
        row.opened_at,
        row.receipt_id,
    )


def _step(row: Row[Any]) -> Step:
    return Step(
        row.ordinal,
        StepKind(row.kind),
        row.version,
        row.sha256,
        Person(row.actor_id, row.actor_name),
        row.reason,
        row.at,
        row.receipt_id,
    )


def _version(row: Row[Any]) -> Version:
    return Version(
        number=row.version,
        sha256=row.sha256,
        snapshot_at=row.snapshot_at,
        signed_at=row.signed_at,
        signer=Person(row.signer_id, row.signer_name),
        reviewer=Person(row.reviewer_id, row.reviewer_name),
        authors=tuple(Person(each, "") for each in row.author_ids),
        rationale=row.rationale,
        reason=row.reason,
        signature_id=row.signature_id,
        action_count=row.action_count,
        receipt_id=row.receipt_id,
    )

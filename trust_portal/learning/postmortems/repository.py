"""Postmortems in and out of their tables. They are the vendor's: ``VENDOR_ID`` in its own scope, or the staff's."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, exists, insert, select

from trust_portal.errors import Conflict, NotFound
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.learning.postmortems.model import (
    NOUN,
    Draft,
    Judgment,
    Person,
    Postmortem,
    Step,
    StepKind,
    Submission,
    Verdict,
    Version,
    Written,
)
from trust_portal.learning.postmortems.tables import (
    postmortem_drafts,
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
    session: ReadSession, request: PageRequest, *, unsigned: bool = False
) -> Page[Postmortem]:
    """Newest first: all, or those of which no version is signed."""
    query = select(postmortems).where(postmortems.c.tenant_id == VENDOR_ID)
    if unsigned:
        signed = exists().where(
            postmortem_versions.c.tenant_id == VENDOR_ID,
            postmortem_versions.c.postmortem_id == postmortems.c.id,
        )
        query = query.where(~signed)
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


async def signed_ids(session: ReadSession) -> tuple[UUID, ...]:
    """Those of which a version is signed, in the order of their opening."""
    rows = await session.execute(
        select(postmortem_versions.c.postmortem_id)
        .where(postmortem_versions.c.tenant_id == VENDOR_ID, postmortem_versions.c.version == 1)
        .order_by(postmortem_versions.c.postmortem_id)
    )
    return tuple(rows.scalars())


async def newest_draft(session: ReadSession, postmortem_id: UUID) -> Draft | None:
    rows = postmortem_drafts.c
    row = (
        await session.execute(
            select(postmortem_drafts)
            .where(rows.tenant_id == VENDOR_ID, rows.postmortem_id == postmortem_id)
            .order_by(rows.revision.desc())
            .limit(1)
        )
    ).first()
    return None if row is None else _draft(row)


async def drafts_of(session: ReadSession, postmortem_id: UUID) -> tuple[Draft, ...]:
    """All savings, the newest first."""
    rows = await session.execute(
        select(postmortem_drafts)
        .where(postmortem_drafts.c.tenant_id == VENDOR_ID, postmortem_drafts.c.postmortem_id == postmortem_id)
        .order_by(postmortem_drafts.c.revision.desc())
    )
    return tuple(_draft(row) for row in rows)


async def authors_of(session: ReadSession, postmortem_id: UUID) -> tuple[Person, ...]:
    """Everybody who ever saved a draft of it, in the order in which they first did."""
    rows = await session.execute(
        select(postmortem_drafts.c.author_id, postmortem_drafts.c.author_name)
        .where(postmortem_drafts.c.tenant_id == VENDOR_ID, postmortem_drafts.c.postmortem_id == postmortem_id)
        .order_by(postmortem_drafts.c.revision)
    )
    found: dict[UUID, Person] = {}
    for row in rows:
        found.setdefault(row.author_id, Person(row.author_id, row.author_name))
    return tuple(found.values())


async def judges_of(session: ReadSession, postmortem_id: UUID) -> dict[str, Person]:
    """By fact: who made the judgment that stands."""
    draft = await newest_draft(session, postmortem_id)
    row = (
        await session.execute(
            select(postmortem_drafts.c.judgments).where(
                postmortem_drafts.c.tenant_id == VENDOR_ID,
                postmortem_drafts.c.postmortem_id == postmortem_id,
                postmortem_drafts.c.revision == (0 if draft is None else draft.revision),
            )
        )
    ).scalar_one_or_none()
    return {
        fact: Person(UUID(each["by"]["person"]), each["by"]["name"]) for fact, each in (row or {}).items()
    }


async def add_draft(
    session: WriteSession, postmortem_id: UUID, draft: Draft, judges: Mapping[str, Person]
) -> None:
    """``Conflict`` (POSTMORTEM_CHANGED) where somebody saved meanwhile."""
    changed = Conflict("somebody else saved meanwhile: compare, and save again", code=CHANGED)
    with duplicates_are(changed, postmortem_drafts.name):
        await session.execute(
            insert(postmortem_drafts).values(
                tenant_id=VENDOR_ID,
                postmortem_id=postmortem_id,
                revision=draft.revision,
                version=draft.version,
                written=draft.written.json(),
                judgments={
                    fact: {
                        "verdict": each.verdict.value,
                        "reason": each.reason,
                        "by": judges[fact].json(),
                    }
                    for fact, each in draft.judgments.items()
                },
                author_id=draft.author.id,
                author_name=draft.author.name,
                at=draft.at,
            )
        )


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


async def add_submission(session: WriteSession, postmortem_id: UUID, submission: Submission) -> None:
    await session.execute(
        insert(postmortem_submissions).values(
            tenant_id=VENDOR_ID,
            postmortem_id=postmortem_id,
            ordinal=submission.ordinal,
            kind=StepKind.SUBMITTED.value,
            document=submission.document,
            sha256=submission.sha256,
            snapshot_at=submission.snapshot_at,
            author_ids=[each.id for each in submission.authors],
        )
    )


async def find_submission(session: ReadSession, postmortem: Postmortem) -> Submission:
    """The document that is in review, or was last."""
    rows = postmortem_submissions.c
    row = (
        await session.execute(
            select(postmortem_submissions)
            .where(rows.tenant_id == VENDOR_ID, rows.postmortem_id == postmortem.id)
            .order_by(rows.ordinal.desc())
            .limit(1)
        )
    ).first()
    if row is None:
        raise NotFound("submitted document")
    names = {each.id: each for each in await authors_of(session, postmortem.id)}
    authors = tuple(names.get(each, Person(each, "")) for each in row.author_ids)
    return Submission(row.ordinal, bytes(row.document), row.sha256, row.snapshot_at, authors)


async def add_version(session: WriteSession, postmortem: Postmortem, version: Version, signed: Step) -> None:
    """The newest submission becomes a version by the step ``signed``."""
    submission = await find_submission(session, postmortem)
    await session.execute(
        insert(postmortem_versions).values(
            tenant_id=VENDOR_ID,
            postmortem_id=postmortem.id,
            version=version.number,
            before=None if version.number == 1 else version.number - 1,
            ordinal=signed.ordinal,
            kind=signed.kind.value,
            sha256=version.sha256,
            submitted=submission.ordinal,
            author_ids=[each.id for each in submission.authors],
            reviewer_id=version.reviewer.id,
            reviewer_name=version.reviewer.name,
            signer_id=version.signer.id,
            signer_name=version.signer.name,
            signature_id=version.signature_id,
            act="sign",
            rationale=version.rationale,
            reason=version.reason,
            action_count=version.action_count,
            signed_at=version.signed_at,
            receipt_id=version.receipt_id,
        )
    )


async def find_document(session: ReadSession, postmortem_id: UUID, version: int) -> bytes:
    """The canonical bytes that were signed as ``version``."""
    versions, frozen = postmortem_versions.c, postmortem_submissions.c
    document = (
        await session.execute(
            select(frozen.document)
            .join(
                postmortem_versions,
                (versions.tenant_id == frozen.tenant_id)
                & (versions.postmortem_id == frozen.postmortem_id)
                & (versions.submitted == frozen.ordinal),
            )
            .where(
                frozen.tenant_id == VENDOR_ID,
                versions.postmortem_id == postmortem_id,
                versions.version == version,
            )
        )
    ).scalar_one_or_none()
    if document is None:
        raise NotFound("signed version")
    return bytes(document)


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
            row.opened_because,
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


def _draft(row: Row[Any]) -> Draft:
    return Draft(
        revision=row.revision,
        version=row.version,
        written=Written(**row.written),
        judgments={
            fact: Judgment(Verdict(each["verdict"]), each["reason"]) for fact, each in row.judgments.items()
        },
        author=Person(row.author_id, row.author_name),
        at=row.at,
    )

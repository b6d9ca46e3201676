"""What was frozen of postmortems for review, and what of that was signed, in and out of its tables."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import and_, insert, select

from trust_portal.errors import NotFound
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.postmortems.drafts_repository import authors_of
from trust_portal.learning.postmortems.model import (
    Person,
    Postmortem,
    Step,
    StepKind,
    Submission,
    Version,
)
from trust_portal.learning.postmortems.releases_model import SignedAs
from trust_portal.learning.postmortems.tables import (
    postmortem_submissions,
    postmortem_versions,
)
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

#: Of a version: the submission that was signed.
_FROZEN_AS: Final = and_(
    postmortem_versions.c.tenant_id == postmortem_submissions.c.tenant_id,
    postmortem_versions.c.postmortem_id == postmortem_submissions.c.postmortem_id,
    postmortem_versions.c.submitted == postmortem_submissions.c.ordinal,
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


async def signed_by(session: ReadSession, receipt_id: UUID) -> tuple[UUID, int] | None:
    """Postmortem and number of the version whose signature that is."""
    rows = postmortem_versions.c
    found = (
        await session.execute(
            select(rows.postmortem_id, rows.version).where(
                rows.tenant_id == VENDOR_ID, rows.receipt_id == receipt_id
            )
        )
    ).first()
    return None if found is None else (found.postmortem_id, found.version)


async def versions_that_count(session: ReadSession, postmortem_ids: Collection[UUID]) -> dict[UUID, SignedAs]:
    """By postmortem: the newest version that was signed."""
    rows = postmortem_versions.c
    found = await session.execute(
        select(rows.postmortem_id, rows.version, rows.signed_at)
        .where(rows.tenant_id == VENDOR_ID, rows.postmortem_id.in_(postmortem_ids))
        .order_by(rows.version)
    )
    return {each.postmortem_id: SignedAs(each.version, each.signed_at) for each in found}


async def snapshots_of(
    session: ReadSession, postmortem_ids: Collection[UUID]
) -> dict[tuple[UUID, int], datetime]:
    """By postmortem and version: of when the facts are that were signed."""
    versions, frozen = postmortem_versions.c, postmortem_submissions.c
    found = await session.execute(
        select(versions.postmortem_id, versions.version, frozen.snapshot_at)
        .join(postmortem_submissions, _FROZEN_AS)
        .where(versions.tenant_id == VENDOR_ID, versions.postmortem_id.in_(postmortem_ids))
    )
    return {(each.postmortem_id, each.version): each.snapshot_at for each in found}


async def find_document(session: ReadSession, postmortem_id: UUID, version: int) -> bytes:
    """The canonical bytes that were signed as ``version``."""
    versions, frozen = postmortem_versions.c, postmortem_submissions.c
    document = (
        await session.execute(
            select(frozen.document)
            .join(postmortem_versions, _FROZEN_AS)
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

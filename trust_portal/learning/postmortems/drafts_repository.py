"""What people write of postmortems, saving by saving, in and out of its tables. The vendor's, as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select

from trust_portal.errors import Conflict
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.actions.tables import prevention_actions
from trust_portal.learning.postmortems.model import (
    Draft,
    Judgment,
    Person,
    Verdict,
    Written,
)
from trust_portal.learning.postmortems.repository import CHANGED
from trust_portal.learning.postmortems.tables import (
    postmortem_drafts,
)
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def newest_draft(session: ReadSession, postmortem_id: UUID) -> Draft | None:
    return (await newest_judged(session, postmortem_id))[0]


async def newest_judged(
    session: ReadSession, postmortem_id: UUID
) -> tuple[Draft | None, Mapping[str, Person]]:
    """The newest draft, and by fact who made the judgment that stands."""
    rows = postmortem_drafts.c
    row = (
        await session.execute(
            select(postmortem_drafts)
            .where(rows.tenant_id == VENDOR_ID, rows.postmortem_id == postmortem_id)
            .order_by(rows.revision.desc())
            .limit(1)
        )
    ).first()
    if row is None:
        return None, {}
    said = row.judgments.items()
    return _draft(row), {fact: Person(UUID(each["by"]["person"]), each["by"]["name"]) for fact, each in said}


async def authors_of(session: ReadSession, postmortem_id: UUID) -> tuple[Person, ...]:
    """Everybody who ever saved a draft of it, in the order in which they first did; then who planned actions in it."""
    draft, action = postmortem_drafts.c, prevention_actions.c
    written = await session.execute(
        select(draft.author_id, draft.author_name)
        .where(draft.tenant_id == VENDOR_ID, draft.postmortem_id == postmortem_id)
        .order_by(draft.revision)
    )
    planned = await session.execute(
        select(action.by_id, action.by_name)
        .where(action.tenant_id == VENDOR_ID, action.postmortem_id == postmortem_id)
        .order_by(action.created_at, action.id)
    )
    found: dict[UUID, Person] = {}
    for id_, name in (*written, *planned):
        found.setdefault(id_, Person(id_, name))
    return tuple(found.values())


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

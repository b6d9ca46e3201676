"""Accounts, business reviews and commitments. The document is the canonical JSON; fields here find it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

import strawberry

from schema.context import Info
from schema.ids import Node, encode
from schema.types.trust_report import AcknowledgedSection, acknowledged_section
from schema.work import weighs
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.trust.accounts import model as accounts
from trust_portal.trust.qbr import model
from trust_portal.trust.qbr.gathering.inputs import NO_FILE
from trust_portal.trust.qbr.ids import DOCUMENTS, INPUTS, PROPOSED, RECOMMENDATIONS
from trust_portal.trust.qbr.reading import OpenedQbr, Standing
from trust_portal.trust.qbr.reviewing import seen
from trust_portal.trust.report.model import blocked_as, blocking
from trust_portal.trust.sections.document import section_json, sections_of
from trust_portal.trust.sections.model import Cell, Section, State, Unit

#: What takes all of a review to be gathered, once whatever is asked of it.
_GATHERS: Final = weighs(20)

strawberry.enum(accounts.Readiness, name="AccountReadiness", description="How far the next review's QBR is.")
strawberry.enum(model.EntryKind, name="QbrEntryKind", description="What is said about a QBR's data.")
strawberry.enum(model.Audience, name="QbrAudience", description="Who reads a comment.")
strawberry.enum(model.Verdict, name="QbrVerdict", description="Whether a recommendation goes out.")
strawberry.enum(model.CommitmentState, name="CommitmentState", description="What became of a promise.")


@strawberry.type(description="A customer, who looks after it, and how ready its next review is.")
class Account:
    tenant_id: strawberry.ID
    key: str
    name: str
    csm: str | None
    csm_id: strawberry.ID | None = strawberry.field(description="Who looks after it, to be handed back.")
    review_on: date | None
    lead_days: int = strawberry.field(description="How long before the review its QBR is prepared.")
    quarter: str | None = strawberry.field(description="Which quarter the review is about.")
    readiness: accounts.Readiness
    blocking_count: int = strawberry.field(
        description="Sections of its draft that go out and are stale or missing by now."
    )
    qbr_id: strawberry.ID | None


@strawberry.type(description="A document that a review rests on, or one that is missing.")
class QbrInput:
    document: str = strawberry.field(description="What it is: a Trust Report, an SLA report, a memo.")
    of: str = strawberry.field(description="Its period, incident or reference; why there is none.")
    revision: int | None
    signed_at: datetime | None
    as_of: datetime | None
    max_age: str = strawberry.field(description="How old it may be, in words.")
    state: State
    file: str | None = strawberry.field(description="Its name in the bundle.")


@strawberry.type(description="A section that keeps a review from being issued until it is acknowledged.")
class QbrBlocking:
    section: str
    title: str
    seen: str = strawberry.field(description="What is acknowledged, to be handed back.")


@strawberry.type(description="A recommendation of a draft, and what was said of it as it stands.")
class QbrRecommendation:
    key: str
    title: str
    seen: str = strawberry.field(description="Digest of its figures, to be handed back with the review.")
    verdict: model.Verdict | None
    reviewed_by: str | None


@strawberry.type(description="Something said about a period's review.")
class QbrEntry:
    kind: model.EntryKind
    subject: str = strawberry.field(description="A section, or a recommendation.")
    audience: model.Audience
    text: str = strawberry.field(description="Markdown; empty where it took back what was said.")
    at: datetime
    by: str
    receipt_id: strawberry.ID


@strawberry.type(description="What is in a snapshot and was said of it, as it stands now; for staff.")
class QbrDraft:
    sections: str = strawberry.field(description="JSON; the shape is that of the issued document's.")
    entries: list[QbrEntry]
    blocking: list[QbrBlocking]
    recommendations: list[QbrRecommendation]
    superseded: list[str] = strawberry.field(
        description="What took the place of something that it rests on: with any of it, it is not issued as it is."
    )


@strawberry.type(description="A business review: a snapshot, and once it is issued what went out.")
class Qbr(Node):
    period: str
    as_of: datetime
    prepared_by: str
    blocking_count: int = strawberry.field(
        description="Sections that were stale or missing when it was gathered."
    )
    revision: int | None = strawberry.field(description="Of the period's issued ones; null of a draft.")
    issued_at: datetime | None
    issued_by: str | None
    reason: str | None = strawberry.field(description="Why there is another revision; null of the first.")
    acknowledgements: list[AcknowledgedSection] = strawberry.field(
        description="What was let stand when it was issued."
    )
    sha256: str = strawberry.field(description="Of the issued document, or else of the snapshot.")
    receipt_id: strawberry.ID
    row: strawberry.Private[model.Qbr]
    standing: strawberry.Private[Standing | None] = None
    opening: strawberry.Private[asyncio.Future[OpenedQbr] | None] = None
    reading: strawberry.Private[asyncio.Future[model.Draft] | None] = None

    async def _opened(self, info: Info) -> OpenedQbr | None:
        """Gathered once, whatever is asked of it; None while it is a draft."""
        if self.row.issue is None:
            return None
        if self.opening is None:
            reader, actor = info.context.house.qbr_reader, info.context.actor
            self.opening = asyncio.ensure_future(reader.get(actor, self.row.tenant_id, self.row.id))
        return await self.opening

    async def _draft(self, info: Info) -> model.Draft:
        if self.reading is None:
            reader, actor = info.context.house.qbr_reader, info.context.actor
            self.reading = asyncio.ensure_future(reader.draft(actor, self.row.tenant_id, self.row.id))
        return await self.reading

    @strawberry.field(
        description="qbr.json: RFC 8785 JSON, every figure a string; null of a draft.", metadata=_GATHERS
    )
    async def document(self, info: Info) -> str | None:
        opened = await self._opened(info)
        if opened is None:
            return None
        return json.dumps(opened.document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)

    @strawberry.field(description="Of its bundle, on the way or ready; null of a draft.", metadata=_GATHERS)
    async def export_id(self, info: Info) -> strawberry.ID | None:
        opened = await self._opened(info)
        if opened is None or opened.export is None:
            return None
        return encode("Export", self.row.tenant_id, opened.export.id)

    @strawberry.field(description="The issued revision that took its place; null of a draft.")
    async def superseded_by_id(self, info: Info) -> strawberry.ID | None:
        if self.standing is not None:
            later = self.standing.later
        else:
            opened = await self._opened(info)
            later = None if opened is None else opened.later
        return None if later is None else encode("Qbr", self.row.tenant_id, later.id)

    @strawberry.field(description="What it rests on: as it went out, or as it stands now.", metadata=_GATHERS)
    async def inputs(self, info: Info) -> list[QbrInput]:
        opened = await self._opened(info)
        if opened is None:
            return _inputs((await self._draft(info)).told)
        return _inputs(sections_of(opened.document))

    @strawberry.field(description="Its snapshot with everything in it, for staff.", metadata=_GATHERS)
    async def draft(self, info: Info) -> QbrDraft:
        return _qbr_draft(await self._draft(info))


@strawberry.type(description="Something that was promised in a review.")
class Commitment:
    id: strawberry.ID
    text: str
    owner: str
    due: date
    state: model.CommitmentState
    evidence: str | None
    period: str = strawberry.field(description="Of the review in which it was made.")
    made_at: datetime
    receipt_id: strawberry.ID


def account(row: accounts.Account) -> Account:
    tenant, settings = row.tenant, row.settings
    return Account(
        tenant_id=encode("Tenant", tenant.id, tenant.id),
        key=tenant.key,
        name=tenant.name,
        csm=settings.csm_name,
        csm_id=None if settings.csm_id is None else encode("Person", VENDOR_ID, settings.csm_id),
        review_on=settings.review_on,
        lead_days=settings.lead.days,
        quarter=settings.quarter,
        readiness=row.readiness,
        blocking_count=row.blocking,
        qbr_id=None if row.qbr_id is None else encode("Qbr", tenant.id, row.qbr_id),
    )


def qbr(row: model.Qbr, standing: Standing | None = None) -> Qbr:
    """``standing``: of one in a list, what took its place."""
    issue = row.issue
    return Qbr(
        id=encode("Qbr", row.tenant_id, row.id),
        period=row.period,
        as_of=row.as_of,
        prepared_by=row.prepared_by,
        blocking_count=row.blocking,
        revision=None if issue is None else issue.revision,
        issued_at=None if issue is None else issue.at,
        issued_by=None if issue is None else issue.by_name,
        reason=None if issue is None else issue.reason,
        acknowledgements=[
            acknowledged_section(each) for each in (() if issue is None else issue.acknowledged)
        ],
        sha256=row.sha256 if issue is None else issue.sha256,
        receipt_id=encode("Receipt", row.tenant_id, row.receipt_id if issue is None else issue.receipt_id),
        row=row,
        standing=standing,
    )


def _qbr_draft(draft: model.Draft) -> QbrDraft:
    return QbrDraft(
        sections=json.dumps([section_json(each) for each in draft.sections], ensure_ascii=False),
        entries=[qbr_entry(draft.qbr, each) for each in draft.entries],
        blocking=[
            QbrBlocking(section=each.id, title=each.title, seen=blocked_as(each))
            for each in blocking(draft.told)
        ],
        recommendations=_recommendations(draft),
        superseded=list(draft.newer),
    )


def qbr_entry(of: model.Qbr, row: model.Entry) -> QbrEntry:
    return QbrEntry(
        kind=row.kind,
        subject=row.subject,
        audience=row.audience,
        text=row.text,
        at=row.at,
        by=row.by_name,
        receipt_id=encode("Receipt", of.tenant_id, row.receipt_id),
    )


def commitment(row: model.Commitment) -> Commitment:
    return Commitment(
        id=encode("Commitment", row.tenant_id, row.id),
        text=row.text,
        owner=row.owner,
        due=row.due,
        state=row.state,
        evidence=row.evidence,
        period=row.period,
        made_at=row.made_at,
        receipt_id=encode("Receipt", row.tenant_id, row.receipt_id),
    )


def _input_state(told: str | None) -> State:
    """What a review says of a document: of one that nobody owes, no review before or a copy that was not given, in words."""
    return State(told) if told in set(State) else State.NOT_APPLICABLE


def _inputs(sections: Sequence[Section]) -> list[QbrInput]:
    found = []
    tables = (each.table(DOCUMENTS) for each in sections if each.id == INPUTS)
    for cells in (cells for table in tables for _, cells in table.by_column()):
        revision, file = cells["revision"], cells["file"].value
        found.append(
            QbrInput(
                document=cells["document"].value or "",
                of=cells["of"].value or "",
                revision=int(revision.value) if revision.unit is Unit.COUNT and revision.value else None,
                signed_at=_moment(cells["signed"]),
                as_of=_moment(cells["as_of"]),
                max_age=cells["max_age"].value or "",
                state=_input_state(cells["state"].value),
                file=None if file == NO_FILE else file,
            )
        )
    return found


def _moment(cell: Cell) -> datetime | None:
    """None where words stand in its place."""
    if cell.unit is not Unit.INSTANT or cell.value is None:
        return None
    return datetime.fromisoformat(cell.value)


def _recommendations(draft: model.Draft) -> list[QbrRecommendation]:
    found = []
    for section in draft.sections:
        if section.id != RECOMMENDATIONS:
            continue
        for id_, cells in section.table(PROPOSED).by_column():
            digest = seen(section, id_)
            said = model.last_of(draft.entries, model.EntryKind.REVIEW, id_)
            stands = said if said is not None and said.seen == digest else None
            found.append(
                QbrRecommendation(
                    key=id_,
                    title=cells["recommendation"].value or "",
                    seen=digest,
                    verdict=None if stands is None else stands.verdict,
                    reviewed_by=None if stands is None else stands.by_name,
                )
            )
    return found

"""QBRs: prepared, spoken about, issued. One unit of work each; nothing goes out that a receipt does not name."""

from __future__ import annotations

import logging
from dataclasses import replace
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Decision, Resource
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.errors import Conflict, InvalidInput, NotFound
from trust_portal.evidence.exports import Exports
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.ids import new_id
from trust_portal.kernel.period import day_in, parse_period
from trust_portal.storage.rounds import Round, Rounds
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage, WriteSession
from trust_portal.trust.qbr.beyond import beyond_draft
from trust_portal.trust.qbr.document import NEVER_OMITTED, Edition, qbr_document, receipts_said, sections_in
from trust_portal.trust.qbr.edition import name_of, require_issuable, require_latest
from trust_portal.trust.qbr.ids import RECOMMENDATIONS
from trust_portal.trust.qbr.model import (
    KIND,
    NOUN,
    Audience,
    Commitment,
    CommitmentState,
    Entry,
    EntryKind,
    Issue,
    IssueQbr,
    Prepare,
    Promise,
    Qbr,
    Review,
    Say,
    Settle,
)
from trust_portal.trust.qbr.preparing import is_wanted, record_snapshot, tell_prepared
from trust_portal.trust.qbr.receipts import commitment_act, entry_act, issued_act
from trust_portal.trust.qbr.repository import (
    add_commitment,
    add_entry,
    add_issue,
    commitments_of,
    entries_of,
    find_qbr,
    qbrs_of,
)
from trust_portal.trust.qbr.reviewing import seen
from trust_portal.trust.qbr.snapshot import Snapshot, take_snapshot
from trust_portal.trust.qbr.sources import sources_of
from trust_portal.trust.qbr.standing import standing_of
from trust_portal.trust.qbr.telling import announce_issue
from trust_portal.trust.report.receipts import receipts_of
from trust_portal.trust.report.service import acknowledge
from trust_portal.trust.sections.document import document_bytes
from trust_portal.trust.sections.model import Section

log = logging.getLogger(__name__)


class Qbrs:
    """The QBRs of all tenants."""

    def __init__(
        self, storage: Storage, *, gate: Gate, ledger: Ledger, exports: Exports, vendor_name: str
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._exports = exports
        self._rounds = Rounds(storage)
        self._vendor = vendor_name

    async def prepare(self, command: Prepare, actor: Actor) -> Qbr:
        """A snapshot of everything for the period, its data locked by a receipt.

        Raises ``InvalidInput`` (period), ``NotFound``; ``Conflict`` (QBR_CHANGED).
        """
        decision = await self._may(actor, Action.QBR_WRITE, command.tenant_id)
        found = await self._look(command)
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            before = await qbrs_of(session, command.tenant_id)
            return await record_snapshot(session, self._ledger, command, found, before, actor, decision)

    async def prepare_due(self, command: Prepare, work: UUID) -> None:
        """The scheduler's, in time for the review and anew each day until somebody takes it up; or ``work`` is done.

        ``work`` is the outbox row, gone with the commit. Where it fails the account is set back.
        """

        async def prepare(_: UUID) -> None:
            try:
                await self._prepare_by_clock(command, work)
            except Conflict:
                log.info("QBR of %s for %s was prepared meanwhile", command.tenant_id, command.period)

        await self._rounds.one_by_one(Round.PREPARE_QBR, (command.tenant_id,), prepare)

    async def say(self, command: Say, actor: Actor) -> Entry:
        """A comment, or an omission. Raises ``InvalidInput`` (section), ``Conflict`` (NOTHING_PREPARED)."""
        decision = await self._may(actor, Action.QBR_WRITE, command.tenant_id)
        if command.kind is EntryKind.OMISSION and command.section in NEVER_OMITTED:
            raise InvalidInput(
                "a review begins with what was promised, and says what it rests on: neither can be left out",
                field="section",
            )
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            sections = await _latest_sections(session, command.tenant_id, command.period)
            if command.section not in {each.id for each in sections}:
                raise InvalidInput(f"there is no section {command.section!r}", field="section")
            return await self._enter(
                session,
                command.tenant_id,
                command.period,
                Entry(
                    ordinal=0,
                    kind=command.kind,
                    subject=command.section,
                    audience=command.audience,
                    text=command.text,
                    at=session.clock.now(),
                    by_name=actor.name,
                    receipt_id=new_id(),
                ),
                actor,
                decision,
            )

    async def review(self, command: Review, actor: Actor) -> Entry:
        """A recommendation goes out, or does not. ``Conflict`` (RECOMMENDATION_CHANGED) where it is another."""
        decision = await self._may(actor, Action.QBR_REVIEW, command.tenant_id)
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            sections = await _latest_sections(session, command.tenant_id, command.period)
            section = next(each for each in sections if each.id == RECOMMENDATIONS)
            try:
                stands = seen(section, command.recommendation)
            except LookupError as error:
                raise NotFound("recommendation") from error
            if stands != command.seen:
                raise Conflict(
                    "its figures are others now than those you read: look again",
                    code="RECOMMENDATION_CHANGED",
                )
            return await self._enter(
                session,
                command.tenant_id,
                command.period,
                Entry(
                    ordinal=0,
                    kind=EntryKind.REVIEW,
                    subject=command.recommendation,
                    audience=Audience.CUSTOMER,
                    text=command.reason,
                    at=session.clock.now(),
                    by_name=actor.name,
                    receipt_id=new_id(),
                    verdict=command.verdict,
                    seen=command.seen,
                ),
                actor,
                decision,
            )

    async def issue(self, command: IssueQbr, actor: Actor) -> Qbr:
        """The customer's document, signed, its bundle asked for, the customer told.

        What became too old since it was gathered has to be acknowledged as what was so then.

        Raises ``Conflict``: ALREADY_ISSUED; NOT_THE_LATEST and TOO_OLD, where a newer snapshot is to be taken;
        INPUT_SUPERSEDED, where what it rests on is, or something was promised or settled since; QBR_CHANGED where something was said since it was read; REASON_REQUIRED
        over an issued one; SECTIONS_BLOCK, SECTION_CHANGED, NOTHING_TO_ACKNOWLEDGE as of a Trust Report. Nothing is changed then.
        """
        decision = await self._may(actor, Action.QBR_ISSUE, command.tenant_id)
        async with self._storage.read(StaffScope()) as reading:
            at = self._storage.clock.now()
            beyond = await beyond_draft(reading, command.tenant_id, command.qbr_id, at)
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            tenant = await find_tenant(session, command.tenant_id)
            if tenant is None:
                raise NotFound("tenant")
            qbr, snapshot = await find_qbr(session, command.tenant_id, command.qbr_id)
            known = await qbrs_of(session, command.tenant_id)
            now = session.clock.now()
            require_issuable(qbr, known, command, now)
            sections, entries = (
                sections_in(snapshot),
                await entries_of(session, command.tenant_id, qbr.period),
            )
            if command.entries not in {None, len(entries)}:
                raise Conflict(
                    "something was said about it since you read it: look again", code="QBR_CHANGED"
                )
            stands = await standing_of(session, tenant, qbr, snapshot, entries, now, beyond)
            require_latest(stands.newer)
            told, last, report = stands.told, stands.last, stands.trust_report
            acknowledged = acknowledge(told, command.acknowledgements)
            revision = 1 if last is None or last.issue is None else last.issue.revision + 1
            edition = Edition(
                vendor=self._vendor,
                tenant_key=tenant.key,
                tenant_name=tenant.name,
                period=stands.period,
                revision=revision,
                supersedes=name_of(last),
                previous=name_of(stands.previous),
                trust_report=None if report is None else (report.period, report.revision, report.sha256),
                reason=command.reason if revision > 1 else None,
                issued_at=now,
            )
            body = qbr_document(edition, qbr, sections, told, entries, acknowledged)
            content, sha256 = document_bytes(body)
            issue = Issue(revision, sha256, acknowledged, edition.reason, now, actor.name, new_id())
            named = (*receipts_of(told), qbr.receipt_id, *map(UUID, receipts_said(sections, entries)))
            receipts = await receipt_digests(session, command.tenant_id, *sorted({*named}))
            act = issued_act(qbr, issue, body, sources_of(body), actor, decision, receipts=receipts)
            await self._ledger.record(session, act, receipt_id=issue.receipt_id)
            await add_issue(session, qbr, issue, content, actor)
            await self._exports.request(
                session,
                kind=KIND,
                tenant_id=command.tenant_id,
                subject_id=qbr.id,
                revision=revision,
                actor=actor,
            )
            await announce_issue(session, tenant, replace(qbr, issue=issue))
        return replace(qbr, issue=issue)

    async def promise(self, command: Promise, actor: Actor) -> Commitment:
        """The next review begins with it. Raises ``InvalidInput`` (period, due)."""
        decision = await self._may(actor, Action.QBR_WRITE, command.tenant_id)
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            now = session.clock.now()
            tenant = await find_tenant(session, command.tenant_id)
            if tenant is None:
                raise NotFound("tenant")
            today = day_in(now, tenant.time_zone)
            if command.due < today:
                raise InvalidInput("a commitment is due today or later", field="due")
            period = command.period or tenant.newest_quarter(now)
            if tenant.came_after(period):
                raise InvalidInput(f"{period} was over before this customer came", field="period")
            if parse_period(period, tenant.time_zone).start > now:
                raise InvalidInput(f"{period} has not begun yet", field="period")
            commitment = Commitment(
                new_id(),
                command.tenant_id,
                1,
                command.text,
                command.owner,
                command.due,
                CommitmentState.OPEN,
                None,
                period,
                now,
                now,
                actor.name,
                new_id(),
            )
            act = commitment_act(commitment, actor, decision)
            await self._ledger.record(session, act, receipt_id=commitment.receipt_id)
            await add_commitment(session, commitment, actor)
        return commitment

    async def settle(self, command: Settle, actor: Actor) -> Commitment:
        """``NotFound``; ``Conflict`` (COMMITMENT_SETTLED) where it is settled already."""
        decision = await self._may(actor, Action.QBR_WRITE, command.tenant_id)
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            known = {each.id: each for each in await commitments_of(session, command.tenant_id)}
            before = known.get(command.commitment_id)
            if before is None:
                raise NotFound("commitment")
            if before.state is not CommitmentState.OPEN:
                raise Conflict("this commitment is settled already", code="COMMITMENT_SETTLED")
            commitment = replace(
                before,
                revision=2,
                state=command.state,
                evidence=command.evidence,
                at=session.clock.now(),
                by_name=actor.name,
                receipt_id=new_id(),
            )
            act = commitment_act(commitment, actor, decision)
            await self._ledger.record(session, act, receipt_id=commitment.receipt_id)
            await add_commitment(session, commitment, actor)
        return commitment

    async def _prepare_by_clock(self, command: Prepare, work: UUID) -> None:
        decision = await self._may(SYSTEM, Action.QBR_WRITE, command.tenant_id)
        now = self._storage.clock.now()
        async with self._storage.read(TenantScope(command.tenant_id)) as session:
            if not await is_wanted(session, command, now):
                return
        found = await self._look(command)
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            if not await session.complete(work) or not await is_wanted(session, command, now):
                return
            before = await qbrs_of(session, command.tenant_id)
            qbr = await record_snapshot(session, self._ledger, command, found, before, SYSTEM, decision)
            await tell_prepared(session, found.tenant, qbr, before)

    async def _look(self, command: Prepare) -> Snapshot:
        async with self._storage.read(StaffScope(), snapshot=True) as session:
            return await take_snapshot(session, command.tenant_id, command.period, self._storage.clock.now())

    async def _may(self, actor: Actor, action: Action, tenant_id: UUID) -> Decision:
        return await self._gate.require(actor, action, Resource(NOUN, tenant_id))

    async def _enter(
        self,
        session: WriteSession,
        tenant_id: UUID,
        period: str,
        entry: Entry,
        actor: Actor,
        decision: Decision,
    ) -> Entry:
        before = await entries_of(session, tenant_id, period)
        entry = replace(entry, ordinal=1 + len(before))
        act = entry_act(tenant_id, period, entry, actor, decision)
        await self._ledger.record(session, act, receipt_id=entry.receipt_id)
        await add_entry(session, tenant_id, period, entry, actor)
        return entry


async def _latest_sections(session: ReadSession, tenant_id: UUID, period: str) -> tuple[Section, ...]:
    own = await qbrs_of(session, tenant_id, period)
    if not own:
        raise Conflict("prepare this period's QBR first", code="NOTHING_PREPARED")
    return sections_in((await find_qbr(session, tenant_id, own[0].id))[1])

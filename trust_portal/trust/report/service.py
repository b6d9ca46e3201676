"""Trust Reports: looked at before, published, and read.

Everything is gathered in one snapshot, so that no two figures of a document are of different moments. What is
stale or missing keeps it from being published until somebody takes it upon themselves, section by section.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.errors import Conflict, InvalidInput, NotFound
from trust_portal.evidence.export import Export
from trust_portal.evidence.export_rows import find_export_of
from trust_portal.evidence.exports import Exports
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.evidence.strict import parse_json
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import new_id
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage, WriteSession
from trust_portal.trust.gathering.everything import gather
from trust_portal.trust.gathering.model import Ask, Before, period_of
from trust_portal.trust.report.document import Edition, trust_report
from trust_portal.trust.report.latest import latest
from trust_portal.trust.report.model import (
    KIND,
    NOUN,
    Acknowledged,
    Acknowledgement,
    Preview,
    PublishTrustReport,
    SectionsBlock,
    StoredTrustReport,
    blocked_as,
    blocking,
)
from trust_portal.trust.report.receipts import published_act, receipts_of, with_known_receipts
from trust_portal.trust.report.repository import (
    Published,
    add_trust_report,
    documents_of,
    find_trust_report,
    trust_reports_of,
    trust_reports_page,
)
from trust_portal.trust.report.sources import inputs_of
from trust_portal.trust.report.telling import tell_published
from trust_portal.trust.sections.document import document_bytes, sections_of
from trust_portal.trust.sections.model import Section

#: What is to be true of whoever asked together with the report's publication, or not at all.
Together: TypeAlias = Callable[[WriteSession, StoredTrustReport], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Opened:
    """A published report as it is read, with its bundle on the way or ready."""

    report: StoredTrustReport
    document: dict[str, Any]
    export: Export | None


@dataclass(frozen=True, slots=True)
class _Gathered:
    """One moment: the sections, digests of the receipts they name, and the published reports they follow.

    ``published`` counts all of the tenant's. ``previous`` is the last of a period that ends no later, ``last`` that one
    where it is of the same period.
    """

    tenant: Tenant
    ask: Ask
    sections: tuple[Section, ...]
    receipts: Mapping[UUID, str]
    published: int
    previous: StoredTrustReport | None
    last: StoredTrustReport | None


class TrustReports:
    """The Trust Reports of all tenants."""

    def __init__(
        self,
        storage: Storage,
        *,
        gate: Gate,
        ledger: Ledger,
        exports: Exports,
        access_log: AccessLog,
        vendor_name: str,
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._exports = exports
        self._access_log = access_log
        self._vendor = vendor_name

    async def preview(self, actor: Actor, tenant_id: UUID, period: str) -> Preview:
        """What would be published now, with the state of each section. Raises ``InvalidInput`` (period)."""
        await self._gate.require(actor, Action.TRUST_REPORT_PUBLISH, Resource(NOUN, tenant_id))
        found = await self._gather(tenant_id, period)
        await self._access_log.looked(actor, tenant_id, NOUN, f"draft {period}", "Trust Report")
        return Preview(period, found.ask.now, found.sections, found.last)

    async def publish(
        self, command: PublishTrustReport, actor: Actor, together: Together | None = None
    ) -> StoredTrustReport:
        """A new revision for the period, with its receipt and its bundle asked for; ``together`` is in the same transaction.

        Raises ``Conflict``: SECTIONS_BLOCK naming what is stale or missing and not acknowledged,
        SECTION_CHANGED where it is another thing than was acknowledged, NOTHING_TO_ACKNOWLEDGE,
        REASON_REQUIRED over a published one, REPORT_CHANGED where another came between; nothing is changed then.
        """
        decision = await self._gate.require(
            actor, Action.TRUST_REPORT_PUBLISH, Resource(NOUN, command.tenant_id)
        )
        found = await self._gather(command.tenant_id, command.period)
        acknowledged = acknowledge(found.sections, command.acknowledgements, command.standing)
        revision = 1 if found.last is None else found.last.revision + 1
        if found.last is not None and command.reason is None:
            raise Conflict(
                f"revision {found.last.revision} for {command.period} is published; say why there is another",
                field="reason",
                code="REASON_REQUIRED",
            )
        reason = command.reason if revision > 1 else None
        body = trust_report(_edition(found, self._vendor, revision, reason), found.sections, acknowledged)
        content, sha256 = document_bytes(body)
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            report = StoredTrustReport(
                id=new_id(),
                tenant_id=command.tenant_id,
                number=found.published + 1,
                period=command.period,
                revision=revision,
                as_of=found.ask.now,
                sha256=sha256,
                acknowledged=acknowledged,
                reason=reason,
                published_at=session.clock.now(),
                published_by=actor.name,
                receipt_id=new_id(),
            )
            sources, receipts = inputs_of(body), found.receipts
            act = published_act(report, found.sections, sources, actor, decision, receipts=receipts)
            await self._ledger.record(session, act, receipt_id=report.receipt_id)
            await add_trust_report(session, report, content, actor)
            await self._exports.request(
                session,
                kind=KIND,
                tenant_id=report.tenant_id,
                subject_id=report.id,
                revision=revision,
                actor=actor,
            )
            await tell_published(session, found.tenant, report)
            if together is not None:
                await together(session, report)
        return report

    async def versions(self, actor: Actor, tenant_id: UUID) -> tuple[StoredTrustReport, ...]:
        """Every published report, the newest first."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await trust_reports_of(session, tenant_id)
        await self._access_log.looked(actor, tenant_id, NOUN, purpose="Trust Report")
        return found

    async def page(self, actor: Actor, tenant_id: UUID, request: PageRequest) -> Page[StoredTrustReport]:
        """``versions``, a page at a time."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            page = await trust_reports_page(session, tenant_id, request)
        await self._access_log.looked(actor, tenant_id, NOUN, purpose="Trust Report")
        return page

    async def told(self, actor: Actor, tenant_id: UUID) -> Mapping[UUID, tuple[Section, ...]]:
        """What every published report tells, by report: for a list that says how each went."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            documents = await documents_of(session, tenant_id)
        await self._access_log.looked(actor, tenant_id, NOUN, purpose="Trust Report")
        return {id_: sections_of(parse_json(document)) for id_, document in documents.items()}

    async def get(self, actor: Actor, tenant_id: UUID, report_id: UUID) -> Opened:
        """One published report; ``NotFound`` if the tenant has no such one."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            opened = await _opened(session, await find_trust_report(session, tenant_id, report_id))
        await self._access_log.looked(actor, tenant_id, NOUN, str(report_id), "Trust Report")
        return opened

    async def newest(self, actor: Actor, tenant_id: UUID) -> Opened | None:
        """That of the period which ends last, in its last revision; None where there is none."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            last = latest(await trust_reports_of(session, tenant_id))
            opened = (
                None
                if last is None
                else await _opened(session, await find_trust_report(session, tenant_id, last.id))
            )
        if opened is not None:
            await self._access_log.looked(actor, tenant_id, NOUN, str(opened.report.id), "Trust Report")
        return opened

    async def document(self, actor: Actor, tenant_id: UUID, report_id: UUID) -> bytes:
        """The report's RFC 8785 bytes, whose digest its receipt signs."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await find_trust_report(session, tenant_id, report_id)
        await self._access_log.looked(actor, tenant_id, NOUN, str(report_id), "Trust Report")
        return found.document

    async def _may_read(self, actor: Actor, tenant_id: UUID) -> None:
        await self._gate.require(actor, Action.TRUST_REPORT_READ, Resource(NOUN, tenant_id))

    async def _gather(self, tenant_id: UUID, label: str) -> _Gathered:
        async with self._storage.read(StaffScope(), snapshot=True) as session:
            tenant = await find_tenant(session, tenant_id)
            if tenant is None or tenant.is_vendor:
                raise NotFound("tenant")
            now = self._storage.clock.now()
            period = period_of(label, tenant, now)
            published = await trust_reports_of(session, tenant_id)
            previous = latest(published, until=label)
            before = (
                None
                if previous is None
                else _before(await find_trust_report(session, tenant_id, previous.id))
            )
            ask = Ask(tenant, period, now, before)
            found = await gather(session, ask)
            receipts = await receipt_digests(session, tenant_id, *receipts_of(found))
            sections = with_known_receipts(found, receipts)
        last = previous if previous is not None and previous.period == label else None
        return _Gathered(tenant, ask, sections, receipts, len(published), previous, last)


def acknowledge(
    sections: Sequence[Section],
    given: Sequence[Acknowledgement],
    standing: Sequence[Acknowledgement] = (),
) -> tuple[Acknowledged, ...]:
    """What of ``sections`` is let stand by what was ``given``, and else by what is ``standing``.

    Raises ``Conflict`` and ``InvalidInput``. Pure.
    """
    reasons = {each.section: each for each in given}
    saying = {each.id: blocked_as(each) for each in blocking(sections)}
    for each in standing:
        if each.section not in reasons and saying.get(each.section) == each.seen:
            reasons[each.section] = each
    known = {each.id: each for each in sections}
    for name in reasons:
        if name not in known:
            raise InvalidInput(f"there is no section {name!r}", field="acknowledgements")
        if not known[name].state.blocks:
            raise Conflict(
                f"{known[name].title} is {known[name].state.value.replace('_', ' ')}: there is nothing to "
                "acknowledge",
                field=f"reason-{name}",
                code="NOTHING_TO_ACKNOWLEDGE",
            )
    waiting = [each for each in blocking(sections) if each.id not in reasons]
    if waiting:
        named = "; ".join(f"{each.title} ({each.id}), {each.state.value}: {each.why}" for each in waiting)
        raise SectionsBlock(
            f"not published: {named}. Acknowledge each with a reason, which is printed, or bring it up to date",
            waiting,
        )
    found = []
    for section in blocking(sections):
        if reasons[section.id].seen != blocked_as(section):
            raise Conflict(
                f"{section.title} is now {section.state.value}, {section.why}: that is not what was acknowledged",
                field=f"reason-{section.id}",
                code="SECTION_CHANGED",
            )
        found.append(
            Acknowledged(
                section.id, section.title, section.state, section.why or "", reasons[section.id].reason
            )
        )
    return tuple(found)


def _before(published: Published) -> Before:
    report = published.report
    sections = {each.id: each for each in sections_of(parse_json(published.document))}
    return Before(report.period, report.revision, report.sha256, sections)


def _edition(found: _Gathered, vendor: str, revision: int, reason: str | None) -> Edition:
    return Edition(
        vendor=vendor,
        tenant_key=found.tenant.key,
        tenant_name=found.tenant.name,
        period=found.ask.period,
        revision=revision,
        as_of=found.ask.now,
        supersedes=_name_of(found.last),
        previous=_name_of(found.previous),
        reason=reason,
    )


def _name_of(report: StoredTrustReport | None) -> tuple[str, int, str] | None:
    return None if report is None else (report.period, report.revision, report.sha256)


async def _opened(session: ReadSession, found: Published) -> Opened:
    report = found.report
    export = await find_export_of(session, report.tenant_id, KIND, report.id, report.revision)
    return Opened(report, parse_json(found.document), export)

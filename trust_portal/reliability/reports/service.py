"""Issuing SLA reports: read at one moment, calculate, sign or refuse, in one short transaction.

Nothing is locked while numbers are crunched. The attempt that read the period's head is saved only
if the head is still the one it read; whoever was overtaken reads again and usually finds that
nothing is left to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Decision, Resource
from trust_portal.errors import Conflict, NotFound, Unavailable
from trust_portal.evidence.exports import Exports
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import digest
from trust_portal.kernel.ids import new_id
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.kernel.period import parse_period
from trust_portal.reliability.findings import Finding, Severity, State
from trust_portal.reliability.reports import repository
from trust_portal.reliability.reports.document import build_report
from trust_portal.reliability.reports.inputs import ReportInputs, read_inputs
from trust_portal.reliability.reports.model import KIND, ReportContext, ReportDocument, Restatement
from trust_portal.reliability.reports.receipts import record_maintenance, report_act
from trust_portal.reliability.reports.record import Head, StoredReport
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

#: Being overtaken more often than this means something is wrong, not busy.
_TRIES = 20
_MAX_REASON = 2000


@dataclass(frozen=True, slots=True)
class IssueReport:
    """Command. ``reason`` is required where a signed revision exists and its inputs have changed."""

    tenant_id: UUID
    period: str
    reason: str | None = None


class Reports:
    """The SLA reports of all tenants: issued, restated, read."""

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
        self._vendor_name = vendor_name

    async def issue(self, command: IssueReport, actor: Actor) -> StoredReport:
        """The period's report: a new signed revision with its export, or a refusal, or what there is.

        Unchanged inputs make nothing new. A state other than ``ok`` is stored and receipted as a
        refusal and signs no figure; over a signed revision it needs no reason, for it restates nothing
        and says at once that what came in since disagrees. Raises ``Refused`` with NO_CONTRACT, PERIOD_NOT_OVER,
        REASON_REQUIRED.
        """
        parse_period(command.period, "UTC")
        resource = Resource("SLA report", command.tenant_id)
        decision = await self._gate.require(actor, Action.SLA_REPORT_ISSUE, resource)
        reason = (command.reason or "").strip()[:_MAX_REASON] or None
        for _ in range(_TRIES):
            now = self._storage.clock.now()
            inputs = await read_inputs(self._storage, command.tenant_id, command.period, now)
            document = await asyncio.to_thread(self._calculate, inputs, command.period, reason or "")
            if known := _unchanged(inputs, inputs_sha256(document)):
                return known
            if inputs.signed is not None and document.state is State.OK:
                if reason is None:
                    raise Conflict(
                        f"revision {inputs.signed.revision} of {command.period} is signed and its inputs have "
                        "changed since; a restatement needs a reason",
                        field="reason",
                        code="REASON_REQUIRED",
                    )
                decision = await self._gate.require(actor, Action.SLA_REPORT_RESTATE, resource)
            saved = await self._save(inputs, document, reason, actor, decision)
            if saved is not None:
                return saved
        raise Unavailable("this report is being issued by others; try again")

    async def page(
        self,
        actor: Actor,
        tenant_id: UUID,
        request: PageRequest,
        *,
        period: str | None = None,
        state: State | None = None,
    ) -> Page[StoredReport]:
        """A tenant's reports and refused attempts, newest first."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            page = await repository.reports_page(session, tenant_id, request, period=period, state=state)
        await self._trace(actor, tenant_id, "")
        return page

    async def heads(self, actor: Actor, tenant_id: UUID) -> tuple[Head, ...]:
        """Where each period stands, newest first: what a month picker shows."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            heads = await repository.heads(session, tenant_id)
        await self._trace(actor, tenant_id, "")
        return heads

    async def get(self, actor: Actor, tenant_id: UUID, report_id: UUID) -> StoredReport:
        """One report by id; ``NotFound`` if the tenant has no such one."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            report = await repository.find_report(session, tenant_id, report_id)
        await self._trace(actor, tenant_id, str(report_id))
        return report

    async def revision(self, actor: Actor, tenant_id: UUID, period: str, revision: int) -> StoredReport:
        """One signed revision of a period."""
        for report in await self.of_period(actor, tenant_id, period):
            if report.revision == revision:
                return report
        raise NotFound("SLA report")

    async def of_period(self, actor: Actor, tenant_id: UUID, period: str) -> tuple[StoredReport, ...]:
        """Every revision and refused attempt of a period, oldest first."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            reports = await repository.reports_of_period(session, tenant_id, period)
        await self._trace(actor, tenant_id, period)
        return reports

    async def latest(self, actor: Actor, tenant_id: UUID, period: str) -> StoredReport | None:
        """The latest signed revision; where there is none, the latest refused attempt."""
        reports = await self.of_period(actor, tenant_id, period)
        signed = [each for each in reports if each.state is State.OK]
        return next(iter([*reversed(signed), *reversed(reports)]), None)

    async def document(self, actor: Actor, tenant_id: UUID, report_id: UUID) -> bytes:
        """The report's RFC 8785 bytes, whose digest its receipt signs."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            document = await repository.find_document(session, tenant_id, report_id)
        await self._trace(actor, tenant_id, str(report_id))
        return document

    async def signed(self, tenant_id: UUID, period: str) -> StoredReport | None:
        """The latest signed revision. For services: asks no policy."""
        async with self._storage.read(TenantScope(tenant_id)) as session:
            head = await repository.find_head(session, tenant_id, period)
            if head is None or head.signed_id is None:
                return None
            return await repository.find_report(session, tenant_id, head.signed_id)

    async def _may_read(self, actor: Actor, tenant_id: UUID) -> None:
        await self._gate.require(actor, Action.SLA_REPORT_READ, Resource("SLA report", tenant_id))

    async def _trace(self, actor: Actor, tenant_id: UUID, subject: str) -> None:
        await self._access_log.trace(actor, [tenant_id], Access(Verb.READ, "SLA report", subject))

    def _calculate(self, inputs: ReportInputs, label: str, reason: str) -> ReportDocument:
        revision, restatement = 1, None
        if inputs.signed is not None and inputs.signed_document is not None:
            revision = (inputs.signed.revision or 0) + 1
            restatement = Restatement(ReportDocument.parse(inputs.signed_document), reason)
        context = ReportContext(inputs.tenant.name, self._vendor_name, revision, restatement, inputs.attested)
        exclusions = [each.exclusion for each in inputs.windows]
        return build_report(inputs.version.contract, inputs.measurements, exclusions, label, context)

    async def _save(
        self,
        inputs: ReportInputs,
        document: ReportDocument,
        reason: str | None,
        actor: Actor,
        decision: Decision,
    ) -> StoredReport | None:
        """Store, sign and ask for the export in one transaction; ``None`` when overtaken."""
        tenant_id = inputs.tenant.id
        async with self._storage.write(TenantScope(tenant_id)) as session:
            head = await repository.lock_head(session, tenant_id, _label(document), inputs.start)
            if head.attempts != inputs.attempts:
                return None
            now = session.clock.now()
            windows = await record_maintenance(self._ledger, session, tenant_id, inputs.windows, actor)
            signed = document.state is State.OK
            report = StoredReport(
                id=new_id(),
                tenant_id=tenant_id,
                period=head.period,
                attempt=head.attempts + 1,
                revision=document.revision if signed else None,
                state=document.state,
                contract_id=inputs.version.id,
                contract_version=inputs.version.version,
                period_start=inputs.start,
                period_end=inputs.end,
                sha256=document.sha256,
                inputs_sha256=inputs_sha256(document),
                findings=_findings(document.body["findings"]),
                supersedes=inputs.signed.id if signed and inputs.signed is not None else None,
                delta=_delta(document) if signed else None,
                reason=reason if signed and inputs.signed is not None else None,
                receipt_id=new_id(),
                issued_at=now,
                issued_by=actor.name,
            )
            contract = await receipt_digests(session, tenant_id, inputs.version.receipt_id)
            act = report_act(report, document, actor, decision, receipts={**windows, **contract})
            await self._ledger.record(session, act, receipt_id=report.receipt_id)
            await repository.add_report(session, report, actor, document.canonical, document.inputs)
            if report.revision is not None:
                await self._exports.request(
                    session,
                    kind=KIND,
                    tenant_id=tenant_id,
                    subject_id=report.id,
                    revision=report.revision,
                    actor=actor,
                )
                await session.enqueue(
                    Job.CONSIDER_CREDIT, {"tenant": str(tenant_id), "report": str(report.id)}
                )
            return report


def inputs_sha256(document: ReportDocument) -> str:
    """Over all that decides the figures: input files, what others attested, and the engine."""
    body = document.body
    return digest({name: body[name] for name in ("inputs", "attested_findings", "engine")})


def _unchanged(inputs: ReportInputs, sha256: str) -> StoredReport | None:
    """What was made of these very inputs before: the signed revision first, else a refusal."""
    for known in (inputs.signed, inputs.newest):
        if known is not None and known.inputs_sha256 == sha256:
            return known
    return None


def _label(document: ReportDocument) -> str:
    return str(document.body["period"]["label"])


def _delta(document: ReportDocument) -> Sequence[Mapping[str, str | None]] | None:
    restatement = document.body["restatement"]
    return None if restatement is None else restatement["delta"]


def _findings(entries: Sequence[Mapping[str, str]]) -> tuple[Finding, ...]:
    return tuple(
        Finding(each["code"], each["message"], each["where"], Severity(each["severity"])) for each in entries
    )

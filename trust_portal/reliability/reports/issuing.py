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

from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Decision, Resource
from trust_portal.errors import Conflict, Unavailable
from trust_portal.evidence.exports import Exports
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.canonical import digest
from trust_portal.kernel.ids import new_id
from trust_portal.kernel.names import require_words
from trust_portal.kernel.period import parse_period
from trust_portal.reliability.attainment.model import Attainment
from trust_portal.reliability.contracts.model import Sla
from trust_portal.reliability.crosscheck.comparison import CheckState
from trust_portal.reliability.crosscheck.document import read_readings, substance
from trust_portal.reliability.crosscheck.model import SourceReading
from trust_portal.reliability.crosscheck.prometheus import Prometheus
from trust_portal.reliability.findings import Finding, Severity, State
from trust_portal.reliability.reports import repository
from trust_portal.reliability.reports.assessment import attained_by
from trust_portal.reliability.reports.document import build_report
from trust_portal.reliability.reports.inputs import ReportInputs, read_inputs
from trust_portal.reliability.reports.model import (
    CROSS_CHECK_FILE,
    KIND,
    REASON_REQUIRED,
    ReportContext,
    ReportDocument,
    Restatement,
)
from trust_portal.reliability.reports.receipts import record_maintenance, report_act
from trust_portal.reliability.reports.record import StoredReport
from trust_portal.reliability.reports.second_sources import SecondSources
from trust_portal.reliability.reports.telling import tell_issued
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

#: Being overtaken more often than this means something is wrong, not busy.
_TRIES = 20


@dataclass(frozen=True, slots=True)
class IssueReport:
    """Command. ``reason`` is required where a signed revision exists and its inputs have changed."""

    tenant_id: UUID
    period: str
    reason: str | None = None

    def __post_init__(self) -> None:
        given = self.reason is not None and self.reason.strip()
        object.__setattr__(self, "reason", require_words(self.reason or "", "reason") if given else None)


class Issuing:
    """The verb of a report, apart from the reading of them."""

    def __init__(
        self,
        storage: Storage,
        *,
        gate: Gate,
        ledger: Ledger,
        exports: Exports,
        prometheus: Prometheus,
        vendor_name: str,
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._exports = exports
        self._prometheus = prometheus
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
        reason = command.reason
        sources = SecondSources(self._prometheus, self._storage.clock)
        for _ in range(_TRIES):
            now = self._storage.clock.now()
            inputs = await read_inputs(self._storage, command.tenant_id, command.period, now)
            attained = await asyncio.to_thread(_attained, inputs, command.period)
            readings = await sources.read(inputs, attained)
            document = await asyncio.to_thread(
                self._calculate, inputs, command.period, reason or "", attained, readings
            )
            if known := _standing(inputs, document, reason):
                await self._note(inputs, overtaken=False)
                return known
            if inputs.signed is not None and document.state is State.OK:
                if reason is None:
                    await self._note(inputs, overtaken=True)
                    raise Conflict(
                        f"revision {inputs.signed.revision} of {command.period} is signed and its inputs have "
                        "changed since; a restatement needs a reason",
                        field="reason",
                        code=REASON_REQUIRED,
                    )
                decision = await self._gate.require(actor, Action.SLA_REPORT_RESTATE, resource)
            saved = await self._save(inputs, document, reason, actor, decision)
            if saved is not None:
                return saved
        raise Unavailable("this report is being issued by others; try again")

    async def compare(self, tenant_id: UUID, period: str, row_id: UUID | None = None) -> bool:
        """Whether what is signed still follows from what is known and was decided since; seen on the period
        where it does not. Nothing is signed by it. ``row_id`` is the outbox row of the job at work.
        """
        await self._gate.require(SYSTEM, Action.SLA_REPORT_ISSUE, Resource("SLA report", tenant_id))
        for _ in range(_TRIES):
            inputs = await read_inputs(self._storage, tenant_id, period, self._storage.clock.now())
            attained = await asyncio.to_thread(_attained, inputs, period)
            document = await asyncio.to_thread(self._calculate, inputs, period, "", attained, ())
            stands = inputs.signed is None or inputs.signed.inputs_sha256 == inputs_sha256(document)
            async with self._storage.write(TenantScope(tenant_id)) as session:
                head = await repository.lock_head(session, tenant_id, period, inputs.start)
                if head.attempts != inputs.attempts:
                    continue
                if await session.complete(row_id) and (head.overtaken_at is None) != stands:
                    await repository.mark_overtaken(session, head, None if stands else session.clock.now())
                return stands
        raise Unavailable("this report is being issued by others; try again")

    def _calculate(
        self,
        inputs: ReportInputs,
        label: str,
        reason: str,
        attained: Sequence[tuple[Sla, Attainment]],
        readings: Sequence[SourceReading],
    ) -> ReportDocument:
        revision, restatement = 1, None
        if inputs.signed is not None and inputs.signed_document is not None:
            revision = (inputs.signed.revision or 0) + 1
            restatement = Restatement(ReportDocument.parse(inputs.signed_document), reason)
        context = ReportContext(
            inputs.tenant.name, self._vendor_name, revision, restatement, inputs.attested, readings
        )
        contract, exclusions = inputs.version.contract, [each.exclusion for each in inputs.windows]
        return build_report(contract, inputs.measurements, exclusions, label, context, attained=attained)

    async def _note(self, inputs: ReportInputs, *, overtaken: bool) -> None:
        """Whether the signed figures still follow from the data: seen on the period until somebody restates it."""
        if inputs.head is None or (inputs.head.overtaken_at is not None) == overtaken:
            return
        async with self._storage.write(TenantScope(inputs.tenant.id)) as session:
            head = await repository.lock_head(session, inputs.tenant.id, inputs.head.period, inputs.start)
            if head.attempts == inputs.attempts:
                await repository.mark_overtaken(session, head, session.clock.now() if overtaken else None)

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
                check=document.check,
                readings_sha256=readings_sha256(document),
                findings=_findings(document.body["findings"]),
                supersedes=inputs.signed.id if signed and inputs.signed is not None else None,
                delta=_delta(document) if signed else None,
                reason=reason if signed and inputs.signed is not None else None,
                receipt_id=new_id(),
                issued_at=now,
                issued_by=actor.name,
            )
            contract = await receipt_digests(session, tenant_id, inputs.version.receipt_id)
            sources = await receipt_digests(session, tenant_id, *document.source_receipts)
            replaced = () if inputs.signed is None or not signed else (inputs.signed.receipt_id,)
            before = await receipt_digests(session, tenant_id, *replaced)
            receipts = {**windows, **contract, **sources, **before}
            act = report_act(report, document, actor, decision, receipts=receipts)
            await self._ledger.record(session, act, receipt_id=report.receipt_id)
            await repository.add_report(session, report, actor, document.canonical, document.inputs)
            await tell_issued(session, report)
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
    """Over all that decides the figures: input files, what others attested, and the engine.

    What second sources said decides whether figures are signed, not what they are: it has a digest
    of its own (``readings_sha256``).
    """
    body = document.body
    inputs = [each for each in body["inputs"] if each["name"] != CROSS_CHECK_FILE]
    return digest({"inputs": inputs} | {name: body[name] for name in ("attested_findings", "engine")})


def readings_sha256(document: ReportDocument) -> str | None:
    """Over what second sources said, times aside; ``None`` where there are none."""
    file = document.inputs.get(CROSS_CHECK_FILE)
    return None if file is None else digest(substance(read_readings(file)))


def _attained(inputs: ReportInputs, label: str) -> tuple[tuple[Sla, Attainment], ...]:
    exclusions = [each.exclusion for each in inputs.windows]
    return attained_by(inputs.version.contract, inputs.measurements, exclusions, label)


def _standing(inputs: ReportInputs, document: ReportDocument, reason: str | None) -> StoredReport | None:
    """What was made of these very inputs before, and still stands.

    A signed revision of the same inputs stands unless a second source now contradicts it; one that
    cannot be asked any more contradicts nothing. Over later data that could not be signed, a person
    can confirm it with a reason. A refusal stands where it would be the same refusal.
    """
    signed, newest, same = inputs.signed, inputs.newest, inputs_sha256(document)
    contradicted = document.check is CheckState.DISAGREED
    if signed is not None and signed.inputs_sha256 == same and not contradicted:
        confirms = reason is not None and newest != signed and document.state is State.OK
        return None if confirms else signed
    if newest is None or newest.revision is not None or newest.inputs_sha256 != same:
        return None
    return newest if newest.readings_sha256 == readings_sha256(document) else None


def _label(document: ReportDocument) -> str:
    return str(document.body["period"]["label"])


def _delta(document: ReportDocument) -> Sequence[Mapping[str, str | None]] | None:
    restatement = document.body["restatement"]
    return None if restatement is None else restatement["delta"]


def _findings(entries: Sequence[Mapping[str, str]]) -> tuple[Finding, ...]:
    return tuple(
        Finding(each["code"], each["message"], each["where"], Severity(each["severity"])) for each in entries
    )

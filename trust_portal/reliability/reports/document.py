"""Builds the SLA report: the same contract, measurements and exclusions give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trust_portal.kernel.canonical import Json, canonical, sha256_hex
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.period import parse_period
from trust_portal.kernel.ratio import truncated_percent
from trust_portal.reliability.attainment.measurements import write_measurements
from trust_portal.reliability.attainment.model import (
    Attainment,
    Day,
    DownRun,
    Exclusion,
    ExclusionOutcome,
    Samples,
)
from trust_portal.reliability.contracts.model import Contract, Sla, percent_text
from trust_portal.reliability.contracts.recording import recorded_after_period, recorded_at
from trust_portal.reliability.credits.calculation import Credit
from trust_portal.reliability.crosscheck.comparison import cross_check_json
from trust_portal.reliability.crosscheck.document import write_readings
from trust_portal.reliability.findings import Finding, Severity
from trust_portal.reliability.reports.assessment import AssessedSla, Assessment, attained_by, conclude
from trust_portal.reliability.reports.figures import (
    figure_json,
    findings_json,
    period_json,
    ratio_json,
    rules_json,
)
from trust_portal.reliability.reports.method import method_statement
from trust_portal.reliability.reports.model import (
    CONTRACT_FILE,
    CROSS_CHECK_FILE,
    ENGINE,
    EXCLUSIONS_FILE,
    FORMAT,
    KIND,
    MEASUREMENTS_FILE,
    ReportContext,
    ReportDocument,
)
from trust_portal.reliability.reports.restatement import restatement_json


def build_report(
    contract: Contract,
    measurements: Mapping[str, Samples],
    exclusions: Sequence[Exclusion],
    label: str,
    context: ReportContext,
    *,
    attained: Sequence[tuple[Sla, Attainment]] | None = None,
) -> ReportDocument:
    """The report of one tenant for the period ``label`` (``2026-06``, ``2026-Q2``).

    ``attained`` spares computing again what ``attained_by`` gave for the same arguments.

    Raises ``Unusable`` when there is nothing to report on: no SLA of that period, a contract not in
    force, or a latency threshold that is not measured. Anything else is in the document's state.
    """
    attested = (*context.attested, *_not_over(contract, label, context))
    if attained is None:
        attained = attained_by(contract, measurements, exclusions, label)
    readings = {each.objective: each for each in context.readings}
    assessment = conclude(contract, attained, measurements, further=attested, readings=readings)
    inputs = {
        CONTRACT_FILE: contract.source,
        EXCLUSIONS_FILE: exclusions_json(exclusions),
        MEASUREMENTS_FILE: write_measurements(measurements),
    }
    if context.readings:
        inputs[CROSS_CHECK_FILE] = write_readings(context.readings)
    body = report_body(
        assessment, inputs, attested, tenant_name=context.tenant_name, vendor_name=context.vendor_name
    )
    body["revision"] = context.revision
    body["restatement"] = restatement_json(body, context.restatement)
    return ReportDocument(body, inputs)


def report_body(
    assessment: Assessment,
    inputs: Mapping[str, bytes],
    attested: Sequence[Finding],
    *,
    tenant_name: str,
    vendor_name: str,
    format_: str = FORMAT,
) -> dict[str, Json]:
    """Everything but ``revision`` and ``restatement``, which no input decides."""
    contract = assessment.contract
    first = assessment.slas[0].attainment.period
    checks = [entry.check for entry in assessment.slas if entry.check is not None]
    checked = {} if format_ == "1" else {"cross_check": cross_check_json(checks, contract.cross_check)}
    return {
        "kind": KIND,
        "format": format_,
        "tenant": {"key": contract.tenant, "name": tenant_name},
        "vendor": vendor_name,
        "contract": {
            "version": contract.version,
            "sha256": contract.digest,
            "effective_from": None if contract.effective_from is None else str(contract.effective_from),
            "effective_to": None if contract.effective_to is None else str(contract.effective_to),
            "recorded_at": recorded_at(attested),
        },
        "period": period_json(first),
        "state": assessment.state.value,
        "objectives": [_objective(entry, contract, attested) for entry in assessment.slas],
        "credit": None if assessment.credit is None else _credit(assessment.credit, contract),
        **checked,
        "findings": findings_json(assessment.findings),
        "attested_findings": findings_json(tuple(attested)),
        "inputs": [{"name": name, "sha256": sha256_hex(inputs[name])} for name in sorted(inputs)],
        "engine": dict(ENGINE),
    }


def exclusions_json(exclusions: Sequence[Exclusion]) -> bytes:
    """Exclusions as canonical JSON, which is YAML too: ``parse_exclusions`` reads it back."""
    entries: list[Json] = []
    for item in sorted(exclusions, key=lambda item: (item.start, item.end, item.window, item.announced_at)):
        entry: dict[str, Json] = {
            "window": item.window,
            "start": rfc3339(item.start),
            "end": rfc3339(item.end),
            "announced_at": rfc3339(item.announced_at),
            "reason": item.reason,
            "approvals": list(item.approvals),
            "receipts": list(item.receipts),
        }
        if item.objectives is not None:
            entry["objectives"] = list(item.objectives)
        if item.recorded_at is not None:
            entry["recorded_at"] = rfc3339(item.recorded_at)
        if item.record_began_at is not None:
            entry["record_began_at"] = rfc3339(item.record_began_at)
        entries.append(entry)
    return canonical(entries)


def _not_over(contract: Contract, label: str, context: ReportContext) -> list[Finding]:
    if context.as_of is None:
        return []
    ends = [parse_period(label, sla.time_zone).end for sla in contract.slas]
    if context.as_of >= max(ends):
        return []
    return [Finding("PERIOD_NOT_OVER", f"{label} ends {rfc3339(max(ends))}", "period", Severity.INCOMPLETE)]


def _objective(entry: AssessedSla, contract: Contract, attested: Sequence[Finding]) -> Json:
    sla, attainment, verdict = entry.sla, entry.attainment, entry.verdict
    return {
        "objective": sla.objective,
        "measure": _measure(sla),
        "target": percent_text(sla.target),
        "period": period_json(attainment.period),
        "method": [
            *method_statement(sla, contract.exclusions, attainment),
            *recorded_after_period(attested),
        ],
        "raw": None if attainment.raw is None else figure_json(attainment.raw),
        "adjusted": None if attainment.adjusted is None else figure_json(attainment.adjusted),
        "excluded_minutes": str(attainment.excluded_minutes),
        "met": None if verdict is None else verdict.met,
        "tier": None if verdict is None else verdict.tier,
        "credit_percent": None if verdict is None else percent_text(verdict.credit),
        "incidents": [_incident(run) for run in attainment.runs],
        "days": [_day(day) for day in attainment.days],
        "exclusions": [_exclusion(outcome) for outcome in attainment.exclusions],
        "rules": rules_json((*attainment.rules, *(() if verdict is None else verdict.rules))),
        "findings": findings_json(attainment.findings),
    }


def _measure(sla: Sla) -> Json:
    """What a good request is: one that succeeded, one within a bound, or a weighted share of one."""
    if sla.latency_threshold is not None:
        return {"kind": "latency", "threshold_seconds": sla.latency_threshold}
    if sla.weights:
        weights = [{"le": weight.le, "percent": percent_text(weight.weight)} for weight in sla.weights]
        return {"kind": "weighted", "weights": weights}
    return {"kind": "availability"}


def _incident(run: DownRun) -> Json:
    return {
        "start": rfc3339(run.start),
        "end": rfc3339(run.end),
        "minutes": str(run.minutes),
        "excluded_minutes": str(run.excluded_minutes),
        "worst": ratio_json(run.worst) if run.worst.denominator else None,
    }


def _day(day: Day) -> Json:
    return {
        "date": day.date,
        "percent": truncated_percent(day.figure.attained.value),
        "down_minutes": str(day.figure.down_minutes),
        "down_minutes_raw": str(day.down_minutes_raw),
    }


#: By whether the portal could have seen a window announced (``Exclusion.witnessed``).
_ANNOUNCEMENTS: Mapping[bool | None, str] = {True: "recorded", False: "stated", None: "given"}


def _exclusion(outcome: ExclusionOutcome) -> Json:
    item = outcome.exclusion
    return {
        "window": item.window,
        "start": rfc3339(item.start),
        "end": rfc3339(item.end),
        "announced_at": rfc3339(item.announced_at),
        "recorded_at": None if item.recorded_at is None else rfc3339(item.recorded_at),
        "announcement": _ANNOUNCEMENTS[item.witnessed],
        "reason": item.reason,
        "counted": outcome.counted,
        "code": outcome.code.value,
        "why": outcome.why,
        "minutes": str(outcome.minutes),
        "receipts": list(item.receipts),
        **({"approvals": list(item.approvals)} if item.approvals else {}),
    }


def _credit(credit: Credit, contract: Contract) -> Json:
    """What the contract says is due for these figures. It is no decision: proposing one is another act."""
    return {
        "percent": percent_text(credit.percent),
        "uncapped": percent_text(credit.uncapped),
        "amount": credit.amount.decimal,
        "currency": contract.currency,
        "fee": contract.fee.decimal,
        "rules": rules_json(credit.rules),
    }

"""One contract over one period: every SLA's attainment and credit. Preview and report both rest on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from trust_portal.kernel.period import Period, parse_period, quarter_label
from trust_portal.reliability.attainment.calculation import attain, subscription
from trust_portal.reliability.attainment.model import Attainment, Exclusion, Samples
from trust_portal.reliability.attainment.slices import instant_of
from trust_portal.reliability.contracts.document import lint
from trust_portal.reliability.contracts.in_force import length_of
from trust_portal.reliability.contracts.model import Contract, PeriodLength, Sla
from trust_portal.reliability.credits.calculation import Credit, SlaCredit, combined_credit, credit_for
from trust_portal.reliability.crosscheck.comparison import ComparedSla, compare
from trust_portal.reliability.crosscheck.model import SourceReading, Span
from trust_portal.reliability.findings import Finding, State, Unusable, refusal, state_of


@dataclass(frozen=True, slots=True)
class AssessedSla:
    """``verdict`` is absent where the attained value cannot be relied on; ``check`` in a preview."""

    sla: Sla
    attainment: Attainment
    verdict: SlaCredit | None
    check: ComparedSla | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """``credit`` is absent unless every figure can be relied on."""

    contract: Contract
    slas: tuple[AssessedSla, ...]
    credit: Credit | None
    findings: tuple[Finding, ...]

    @property
    def state(self) -> State:
        return state_of(self.findings)


def assess(
    contract: Contract,
    measurements: Mapping[str, Samples],
    exclusions: Sequence[Exclusion],
    label: str,
    *,
    further: Sequence[Finding] = (),
) -> Assessment:
    """Assess the SLAs whose period ``label`` names (``2026-06`` or ``2026-Q2``), by our own account alone.

    ``further`` findings from outside (data still arriving, another version) weigh like our own. Raises
    ``Unusable`` if no SLA has such a period or the contract is not in force in it.
    """
    attained = attained_by(contract, measurements, exclusions, label)
    return conclude(contract, attained, measurements, further=further)


def attained_by(
    contract: Contract, measurements: Mapping[str, Samples], exclusions: Sequence[Exclusion], label: str
) -> tuple[tuple[Sla, Attainment], ...]:
    """What each SLA of the period came to. Raises ``Unusable`` as ``assess`` does."""
    found = []
    for sla in _chosen(contract, label):
        period = parse_period(label, sla.time_zone)
        _in_force(contract, period)
        attainment = attain(
            sla,
            measurements.get(sla.objective),
            exclusions,
            period,
            terms=contract.exclusions,
            subscribed_from=contract.effective_from,
            subscribed_to=contract.effective_to,
        )
        found.append((sla, attainment))
    return tuple(found)


def conclude(
    contract: Contract,
    attained: Sequence[tuple[Sla, Attainment]],
    measurements: Mapping[str, Samples],
    *,
    further: Sequence[Finding] = (),
    readings: Mapping[str, SourceReading] | None = None,
) -> Assessment:
    """Verdicts and credit of what was attained.

    ``readings`` are what second sources said, by objective; ``None`` where no report is made, and
    nobody asks whether one was needed.
    """
    assessed: list[AssessedSla] = []
    findings = [*further, *lint(contract)]
    for sla, attainment in attained:
        verdict = None if attainment.adjusted is None else credit_for(sla, attainment.adjusted.attained.value)
        findings += attainment.findings
        if verdict is not None:
            findings += verdict.findings
        check = None
        if readings is not None:
            span = checked_span(contract, attainment)
            samples = measurements.get(sla.objective)
            check = compare(sla, samples, span, readings.get(sla.objective), contract.cross_check)
            findings += check.findings
        assessed.append(AssessedSla(sla, attainment, verdict, check))
    findings += _unpromised(contract, measurements)
    findings += _other_periods(contract, [sla for sla, _ in attained])
    reliable = state_of(findings) is State.OK
    verdicts = [entry.verdict for entry in assessed if entry.verdict is not None]
    return Assessment(
        contract,
        tuple(assessed),
        combined_credit(contract, verdicts) if reliable else None,
        tuple(findings),
    )


def checked_span(contract: Contract, attainment: Attainment) -> Span:
    """The subscribed part of a period: what both sources must have counted whole."""
    owed = subscription(attainment.period, contract.effective_from, contract.effective_to)
    return Span(instant_of(owed.start), instant_of(owed.stop))


def widened(contract: Contract, label: str) -> tuple[str, tuple[Finding, ...]]:
    """A month's quarter where the contract promises quarters only, with a note that says so."""
    if length_of(label) is PeriodLength.QUARTER or any(s.period is PeriodLength.MONTH for s in contract.slas):
        return label, ()
    quarter = quarter_label(date(int(label[:4]), int(label[5:]), 1))
    note = f"the contract promises per quarter: {label} is answered for {quarter}"
    return quarter, (Finding("PERIOD_WIDENED", note, "period"),)


def _chosen(contract: Contract, label: str) -> list[Sla]:
    chosen = [sla for sla in contract.slas if sla.period is length_of(label)]
    if not chosen:
        lengths = ", ".join(sorted({str(sla.period) for sla in contract.slas}))
        raise Unusable(
            "period",
            [
                refusal(
                    "PERIOD_MISMATCH",
                    f"{label} is a {length_of(label)}; the contract promises per {lengths}",
                    "period",
                )
            ],
        )
    return chosen


def _in_force(contract: Contract, period: Period) -> None:
    start, end = contract.effective_from, contract.effective_to
    if (start is not None and start.instant(period.time_zone) >= period.end) or (
        end is not None and end.instant(period.time_zone) <= period.start
    ):
        raise Unusable(
            "contract",
            [
                refusal(
                    "CONTRACT_NOT_IN_FORCE",
                    f"version {contract.version} is in force from {start or 'ever'} to {end or 'further notice'}, "
                    f"not in {period.label}",
                    "effective_from",
                )
            ],
        )


def _unpromised(contract: Contract, measurements: Mapping[str, Samples]) -> list[Finding]:
    promised = {sla.objective for sla in contract.slas}
    return [
        Finding("OBJECTIVE_NOT_PROMISED", f"measurements of {name!r} are ignored: no SLA names it", name)
        for name in sorted(set(measurements) - promised)
    ]


def _other_periods(contract: Contract, chosen: Sequence[Sla]) -> list[Finding]:
    return [
        Finding(
            "OTHER_PERIOD",
            f"{sla.objective!r} is promised per {sla.period} and not assessed here",
            sla.objective,
        )
        for sla in contract.slas
        if sla not in chosen
    ]

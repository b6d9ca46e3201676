"""What ``trust-portal sla preview`` answers (docs/formats/contract.md): an assessment as plain JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.period import Period
from trust_portal.kernel.ratio import truncated_percent
from trust_portal.reliability.attainment.model import Ratio
from trust_portal.reliability.contracts.model import percent_text
from trust_portal.reliability.credits.calculation import Credit
from trust_portal.reliability.findings import Finding
from trust_portal.reliability.reports.assessment import AssessedSla, Assessment
from trust_portal.reliability.reports.figures import published

#: Below the length at which Python refuses to print an integer.
_DIGITS = 4000


def preview_json(assessment: Assessment) -> dict[str, Any]:
    """The answer of an assessed contract; figures that cannot be relied on are null."""
    credit = assessment.credit
    return {
        "state": assessment.state.value,
        "period": _period(assessment.slas[0].attainment.period),
        "slas": [_sla(entry, credit) for entry in assessment.slas],
        "credit": {
            "percent": None if credit is None else percent_text(credit.percent),
            "uncapped": None if credit is None else percent_text(credit.uncapped),
            "amount": None if credit is None else credit.amount.decimal,
            "currency": assessment.contract.currency,
            "rules": [] if credit is None else [str(rule) for rule in credit.rules],
        },
        "findings": [finding.to_json() for finding in assessment.findings],
    }


def refused_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """The answer for a contract or file that is refused."""
    return {"state": "refused", "findings": [finding.to_json() for finding in findings]}


def _period(period: Period) -> dict[str, Any]:
    return {
        "label": period.label,
        "time_zone": period.time_zone,
        "start": rfc3339(period.start),
        "end": rfc3339(period.end),
        "minutes": period.minutes,
    }


def _sla(entry: AssessedSla, credit: Credit | None) -> dict[str, Any]:
    attainment, verdict = entry.attainment, entry.verdict
    rules = [*attainment.rules, *(() if verdict is None else verdict.rules)]
    if credit is not None and verdict is not None and verdict.credit > 0:
        rules += credit.rules
    raw, adjusted = attainment.raw, attainment.adjusted
    return {
        "objective": attainment.objective,
        "target": percent_text(entry.sla.target),
        "period": _period(attainment.period),
        "attained": None if adjusted is None else _ratio(adjusted.attained),
        "attained_raw": None if raw is None else _ratio(raw.attained),
        "down_minutes": {
            "raw": None if raw is None else raw.down_minutes,
            "adjusted": None if adjusted is None else adjusted.down_minutes,
        },
        "met": None if verdict is None else verdict.met,
        "tier": None if verdict is None else verdict.tier,
        "credit_percent": None if verdict is None else percent_text(verdict.credit),
        "exclusions": [
            {
                "window": outcome.exclusion.window,
                "counted": outcome.counted,
                "minutes": outcome.minutes,
                "why": outcome.why,
            }
            for outcome in attainment.exclusions
        ],
        "rules": [str(rule) for rule in rules],
    }


def _ratio(ratio: Ratio) -> dict[str, Any]:
    """Numerator and denominator as counted, and the percentage cut after six digits."""
    numerator, denominator, exact = published(ratio, _DIGITS)
    return {
        "numerator": numerator,
        "denominator": denominator,
        "exact": exact,
        "percent": truncated_percent(ratio.value),
    }

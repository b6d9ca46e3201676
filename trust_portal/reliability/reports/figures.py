"""How exact figures are written: as decimal strings in signed documents, never rounded."""

from __future__ import annotations

from trust_portal.kernel.canonical import Json
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.period import Period
from trust_portal.kernel.ratio import truncated_percent
from trust_portal.reliability.attainment.model import Figure, Ratio, Rule
from trust_portal.reliability.findings import Finding

#: A mean of ratios can have a denominator of thousands of digits. Documents show this many.
READABLE_DIGITS = 40


def published(ratio: Ratio, digits: int = READABLE_DIGITS) -> tuple[int, int, bool]:
    """(numerator, denominator, exact). A denominator of more digits is cut to a power of ten below it.

    Only what is shown is cut: targets and tiers have met the exact value. Nothing over nothing,
    which counts as attained, is shown as 1 / 1.
    """
    if not ratio.denominator:
        return 1, 1, True
    if ratio.denominator < 10**digits:
        return ratio.numerator, ratio.denominator, True
    scale: int = 10 ** (digits - 1)
    return ratio.numerator * scale // ratio.denominator, scale, False


def ratio_json(ratio: Ratio) -> dict[str, Json]:
    """A ratio with its percentage, cut after six digits."""
    numerator, denominator, exact = published(ratio)
    return {
        "numerator": str(numerator),
        "denominator": str(denominator),
        "exact": exact,
        "percent": truncated_percent(ratio.value),
    }


def figure_json(figure: Figure) -> dict[str, Json]:
    return {**ratio_json(figure.attained), "down_minutes": str(figure.down_minutes)}


def period_json(period: Period) -> dict[str, Json]:
    return {
        "label": period.label,
        "time_zone": period.time_zone,
        "start": rfc3339(period.start),
        "end": rfc3339(period.end),
        "minutes": str(period.minutes),
    }


def rules_json(rules: tuple[Rule, ...]) -> list[Json]:
    return [{"id": rule.id, "text": rule.text} for rule in rules]


def findings_json(findings: tuple[Finding, ...]) -> list[Json]:
    return [finding.to_json() for finding in findings]

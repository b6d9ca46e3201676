"""Months of measurements and contracts for worked cases; everything else is the real engine."""

import json
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np

from trust_portal.kernel.period import parse_period
from trust_portal.reliability.attainment.model import Exclusion, Samples
from trust_portal.reliability.attainment.slices import minute_of
from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.reports.assessment import assess

JUNE = datetime(2026, 6, 1, tzinfo=UTC)


def tiers(*steps, target="99.9"):
    """``("10", "99.0"), ("25", "95.0"), ("100", "0")`` from the target down: credit, and its lower bound."""
    table, upper = [], target
    for credit, lower in steps:
        table.append({"from": lower, "to": upper, "credit_percent": credit})
        upper = lower
    return table


T10_25_100 = (("10", "99.0"), ("25", "95.0"), ("100", "0"))


def contract_text(*slas, **fields):
    """A contract document; SLAs default to one objective ``api`` at 99.9 with tiers 10/25/100."""
    document = {
        "tenant": "acme",
        "version": "1",
        "effective_from": "2020-01-01",
        "currency": "USD",
        "fee": "100.00",
        "slas": [sla(**each) for each in slas] or [sla()],
    }
    return json.dumps(document | fields)


def sla(**fields):
    plain = {"objective": "api", "target": "99.9", "slice_rule": "all_fail"}
    merged = plain | fields
    if "tiers" not in merged and "formula" not in merged:
        merged["tiers"] = tiers(*T10_25_100, target=merged["target"])
    return {key: value for key, value in merged.items() if value is not None}


def month(label="2026-06", zone="UTC", *, down=0, total=100, start=0, every=1):
    """One sample each ``every`` minutes; the first ``down`` samples after ``start`` fail altogether."""
    period = parse_period(label, zone)
    minutes = np.arange(minute_of(period.start), minute_of(period.end), every, dtype=np.int64)
    counts = np.full(minutes.size, total, np.int64)
    good = counts.copy()
    good[start : start + down] = 0
    return Samples(minutes, counts, good)


def changed(samples, **columns):
    """A copy with some columns replaced."""
    kept = {
        "minutes": samples.minutes,
        "total": samples.total,
        "good": samples.good,
        "buckets": samples.buckets,
    }
    return Samples(**(kept | columns))


def without(samples, index):
    """A copy that lacks the samples at ``index``."""
    keep = np.ones(samples.minutes.size, bool)
    keep[index] = False
    return Samples(samples.minutes[keep], samples.total[keep], samples.good[keep])


def window(start, minutes, *, announced=timedelta(days=7), name="MW-1", **fields):
    """An exclusion ``start`` minutes into June 2026, announced ahead."""
    begins = JUNE + timedelta(minutes=start)
    return Exclusion(name, begins, begins + timedelta(minutes=minutes), begins - announced, **fields)


def run(samples, exclusions=(), *, label="2026-06", **fields):
    """Assess one SLA on ``api``; ``contract`` holds fields of the document itself."""
    document = fields.pop("contract", {})
    return assess(parse_contract(contract_text(fields, **document)), {"api": samples}, exclusions, label)


def attained(assessment):
    """The exact attained value of the first SLA, after exclusions."""
    return assessment.slas[0].attainment.adjusted.attained.value


def percent(assessment, digits=6):
    """It, as printed."""
    value = attained(assessment) * 100 * 10**digits
    return f"{int(value) // 10**digits}.{int(value) % 10**digits:0{digits}d}"


def credit(assessment):
    """Percent of the fee."""
    return assessment.credit.percent * 100


def codes(assessment):
    return {finding.code for finding in assessment.findings}


def rules(assessment):
    return {rule.id for rule in (*assessment.slas[0].attainment.rules, *assessment.slas[0].verdict.rules)}


def ratio(numerator, denominator):
    return Fraction(numerator, denominator)

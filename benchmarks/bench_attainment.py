"""Attainment of one objective-month, and a whole report without database and PDF."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.row import Row, at_most, context
from trust_portal.kernel.period import parse_period
from trust_portal.reliability.attainment.calculation import attain
from trust_portal.reliability.attainment.measurements import read_measurements, write_measurements
from trust_portal.reliability.attainment.model import Samples
from trust_portal.reliability.attainment.slices import minute_of
from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.reports.document import build_report
from trust_portal.reliability.reports.model import ReportContext

_CONTRACT = """\
{tenant: bench, currency: EUR, fee: "1000.00", slas: [{objective: api, target: "99.9", aggregate: AGGREGATE,
tiers: [{to: "99.9", credit_percent: "10"}]}]}
"""
_ROUNDS = 15


async def run() -> list[Row]:
    """Milliseconds, the best of some rounds; limits are those the product promises for one month."""
    june = parse_period("2026-06", "Europe/Berlin")
    minutes = np.arange(minute_of(june.start), minute_of(june.end), dtype=np.int64)
    random = np.random.default_rng(7)
    total = random.integers(500, 1_500, minutes.size)
    good = total - (random.random(minutes.size) < 0.2) * random.integers(1, 20, minutes.size)
    samples = Samples(minutes, total, good)
    rows = []
    for aggregate in ("slices", "ratio_of_sums", "mean_of_ratios"):
        contract = parse_contract(_CONTRACT.replace("AGGREGATE", aggregate))
        spent = _best(partial(attain, contract.slas[0], samples, (), june, terms=contract.exclusions))
        rows.append(at_most(f"attainment of 43,200 minutes, {aggregate}", spent, "ms", 10, "10 ms"))
    contract = parse_contract(_CONTRACT.replace("AGGREGATE", "slices"))
    report = ReportContext(tenant_name="Bench", vendor_name="Vendor")
    whole = _best(lambda: build_report(contract, {"api": samples}, (), "2026-06", report).canonical)
    rows.append(at_most("report of a month, inputs and digests included", whole, "ms", 60, "60 ms"))
    data = write_measurements({"api": samples})
    rows.append(
        at_most(
            "canonical CSV of 43,200 rows, written",
            _best(lambda: write_measurements({"api": samples})),
            "ms",
            30,
            "30 ms",
        )
    )
    rows.append(
        at_most(
            "canonical CSV of 43,200 rows, read", _best(lambda: read_measurements(data)), "ms", 30, "30 ms"
        )
    )
    rows.append(context("canonical CSV", len(data) / 1e6, "MB"))
    return rows


def _best(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best * 1000

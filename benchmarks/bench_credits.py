"""Credits: what ten thousand tenants' signed reports entitle to, from the stored bytes to the bytes that are signed.

The report is parsed from its canonical JSON, the amount and its words are computed, and the result is
made canonical and digested. Judged by processor time, which a busy machine does not change; the wall
time stands beside it. So does reading every contract's own YAML, which is not a part of it: the promise is
of the calculation alone, and how often a text is read depends on how many a process keeps
(``reliability.contracts.repository``). Reading rows and signing the receipt are the ledger's, whose own
benchmark is ``receipts``.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import numpy as np

from benchmarks.row import Row, at_most, context
from trust_portal.kernel.canonical import canonical, sha256_hex
from trust_portal.kernel.period import parse_period
from trust_portal.reliability.attainment.model import Samples
from trust_portal.reliability.attainment.slices import minute_of
from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.credits.entitlement import Source, entitlement
from trust_portal.reliability.reports.document import build_report
from trust_portal.reliability.reports.model import ReportContext

PERIOD = "2026-06"
TENANTS = 10_000
LIMIT_S = 10.0
#: Down minutes at and beside each bound of the tiers, and a month that was kept.
DOWN = (0, 43, 44, 432, 433, 2160, 2161, 5000)
CONTRACT = """\
tenant: {key}
version: "1"
currency: EUR
fee: "{fee}.00"
credit_policy: {{auto_propose: true, caps: {{percent: 50}}}}
slas:
  - objective: api
    target: "99.9"
    claim_window_days: 30
    tiers:
      - {{from: "99.0", to: "99.9", credit_percent: "10"}}
      - {{from: "95.0", to: "99.0", credit_percent: "25"}}
      - {{to: "95.0", credit_percent: "100"}}
    minimum_credit: "5.00"
"""


async def run() -> list[Row]:
    made = _reports()
    began = time.process_time()
    terms = [parse_contract(text) for text, _ in made]
    parsed = time.process_time() - began
    began, wall = time.process_time(), time.perf_counter()
    due = 0
    for contract, (_, document) in zip(terms, made, strict=True):
        found = entitlement(json.loads(document), contract, (), Source("r", sha256_hex(document), "rr", "cr"))
        sha256_hex(canonical(found.body))
        due += found.amount.minor > 0
    calculated, elapsed = time.process_time() - began, time.perf_counter() - wall
    assert due == TENANTS * (len(DOWN) - 2) // len(DOWN)
    limit = f"{TENANTS:,} tenants, one process"
    return [
        at_most("credit calculation", calculated, "cpu s", LIMIT_S, limit),
        context("… by the clock, beside whatever else ran", elapsed, "s"),
        context("… and reading every contract's text once", parsed, "cpu s"),
    ]


def _reports() -> list[tuple[bytes, bytes]]:
    """A contract and a signed report for each tenant; the figures are the engine's, a month for each of DOWN."""
    months = []
    for down in DOWN:
        contract = parse_contract(CONTRACT.format(key="tenant", fee=1000))
        samples = {"api": _month(down)}
        as_of = datetime(2026, 7, 2, tzinfo=UTC)
        months.append(
            build_report(contract, samples, (), PERIOD, ReportContext("Tenant", "Vendor", as_of=as_of))
        )
    made = []
    for number in range(TENANTS):
        text = CONTRACT.format(key=f"tenant-{number:05d}", fee=1000).encode()
        body = dict(months[number % len(DOWN)].body)
        body["tenant"] = {"key": f"tenant-{number:05d}", "name": f"Tenant {number}"}
        body["contract"] = {**body["contract"], "sha256": sha256_hex(text)}
        made.append((text, canonical(body)))
    return made


def _month(down: int) -> Samples:
    period = parse_period(PERIOD, "UTC")
    minutes = np.arange(minute_of(period.start), minute_of(period.end), dtype=np.int64)
    total = np.full(minutes.size, 100, np.int64)
    good = total.copy()
    good[:down] = 0
    return Samples(minutes, total, good)

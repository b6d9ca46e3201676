"""One month of a customer with two SLAs: availability breached, latency met; windows that count and that do not.

``python tests/sla_example.py`` writes ``tests/fixtures/sla_report_example.json``, which templates are
tried on. The figures come from the engine; nothing in the file is written by hand.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from trust_portal.kernel.period import parse_period
from trust_portal.reliability.attainment.model import Exclusion, Samples
from trust_portal.reliability.attainment.slices import minute_of
from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.reports.document import build_report
from trust_portal.reliability.reports.model import ReportContext, ReportDocument

FIXTURE = Path(__file__).parent / "fixtures" / "sla_report_example.json"

CONTRACT = """\
tenant: northwind
version: "2026.1"
effective_from: 2026-01-01
currency: EUR
fee: "4800.00"
combine: max
exclusions: {notice_hours: 72, cap_hours: 8}
slas:
  - objective: api-availability
    target: "99.9"
    period: month
    time_zone: Europe/Berlin
    denominator: minus_exclusions
    slice: 1m
    slice_rule: error_ratio > 0.05
    min_run: 2
    aggregate: slices
    tiers:
      - {from: "99.0", from_inclusive: true, to: "99.9", to_inclusive: false, credit_percent: "10"}
      - {from: "95.0", from_inclusive: true, to: "99.0", to_inclusive: false, credit_percent: "25"}
      - {from: "0", from_inclusive: true, to: "95.0", to_inclusive: false, credit_percent: "100"}
    minimum_credit: "5.00"
    cap_percent: "50"
    claim_window_days: 30
  - objective: search-latency
    target: "99"
    period: month
    time_zone: Europe/Berlin
    slice_rule: error_ratio > 0.5
    aggregate: ratio_of_sums
    latency_threshold: 0.5
    tiers:
      - {from: "95", to: "99", credit_percent: "5"}
      - {to: "95", credit_percent: "15"}
    cap_percent: "50"
"""

EXCLUSIONS = (
    Exclusion(
        window="MW-2026-014",
        start=datetime(2026, 6, 7, 1, 0, tzinfo=UTC),
        end=datetime(2026, 6, 7, 3, 0, tzinfo=UTC),
        announced_at=datetime(2026, 6, 1, 9, 30, tzinfo=UTC),
        reason="Database upgrade",
        objectives=("api-availability",),
        receipts=("receipt:6f1c0a52",),
    ),
    Exclusion(
        window="MW-2026-015",
        start=datetime(2026, 6, 18, 20, 0, tzinfo=UTC),
        end=datetime(2026, 6, 18, 20, 30, tzinfo=UTC),
        announced_at=datetime(2026, 6, 18, 8, 0, tzinfo=UTC),
        reason="Urgent certificate change",
        objectives=("api-availability",),
        receipts=("receipt:91d4e7b0",),
    ),
)

#: (start, minutes, failing share in percent): maintenance with a late start, outages, a blip of one minute.
_OUTAGES = (
    (datetime(2026, 6, 3, 13, 12, tzinfo=UTC), 18, 100),
    (datetime(2026, 6, 7, 2, 40, tzinfo=UTC), 35, 100),
    (datetime(2026, 6, 11, 5, 1, tzinfo=UTC), 1, 60),
    (datetime(2026, 6, 18, 20, 5, tzinfo=UTC), 9, 40),
    (datetime(2026, 6, 26, 16, 44, tzinfo=UTC), 27, 85),
)


def measurements() -> dict[str, Samples]:
    """Traffic with the rhythm of a day; integers throughout, no randomness."""
    period = parse_period("2026-06", "Europe/Berlin")
    minutes = np.arange(minute_of(period.start), minute_of(period.end), dtype=np.int64)
    of_day = minutes % 1440
    total = 600 + 4 * np.minimum(of_day, 1440 - of_day) // 5 + minutes % 7
    good = total - (minutes % 11 == 0)
    fast = total - total // 200 - minutes % 3
    for start, length, percent in _OUTAGES:
        at = slice(minute_of(start) - int(minutes[0]), minute_of(start) - int(minutes[0]) + length)
        good[at] = total[at] * (100 - percent) // 100
        fast[at] = fast[at] * (100 - percent // 2) // 100
    slow = {"0.25": fast * 9 // 10, "0.5": fast, "1": total - total // 900, "+Inf": total}
    return {
        "api-availability": Samples(minutes, total, good),
        "search-latency": Samples(minutes, total, total, slow),
    }


def example_report() -> ReportDocument:
    """The report of June 2026, as a first revision."""
    return build_report(
        parse_contract(CONTRACT),
        measurements(),
        EXCLUSIONS,
        "2026-06",
        ReportContext(
            tenant_name="Northwind Traders",
            vendor_name="Meridian Cloud",
            as_of=datetime(2026, 7, 1, tzinfo=UTC) + timedelta(hours=6),
        ),
    )


if __name__ == "__main__":
    FIXTURE.write_bytes(example_report().canonical)

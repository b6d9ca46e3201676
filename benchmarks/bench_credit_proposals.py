"""Credits through the service and a real database: what follows the signing of a month, customer by customer.

``consider`` is what the worker calls for each signed report: it holds the period, reads report, contract and
earlier credits, computes the amount, and records what is due with a receipt; where the contract proposes by
itself, the request for approval and the credit as well. A month that was kept leaves nothing. Told a customer,
in processor time of the program and of the database together; what is judged is the calculation, in ``credits``.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from benchmarks.cpu_time import below_seconds
from benchmarks.installation import installation
from benchmarks.row import Row, context
from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import AddPerson, GrantRole
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.access.tokens.model import Admission, Bounds
from trust_portal.facts.framing import lines
from trust_portal.house import House
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import ManualClock, rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.reliability.contracts.service import ImportContracts
from trust_portal.reliability.reports.service import IssueReport
from trust_portal.runtime.loading import settled

PERIOD = "2026-06"
LAST_DAY = datetime(2026, 6, 30, tzinfo=UTC)
NOW = datetime(2026, 7, 2, 9, tzinfo=UTC)
#: Customers of each kind.
TENANTS = 41
KINDS = ("kept", "calculated", "proposed")
_SAID = {
    "kept": "that was kept",
    "calculated": "whose credit is calculated",
    "proposed": "whose credit is calculated and proposed",
}
CONTRACT = """\
tenant: {key}
version: "1"
effective_from: 2026-06-30T00:00:00Z
currency: EUR
fee: "1000.00"
credit_policy: {{auto_propose: {auto}}}
slas:
  - objective: api
    target: "99.9"
    slice: 5m
    denominator: subscribed
    time_zone: UTC
    tiers:
      - {{from: "99.0", to: "99.9", credit_percent: "10"}}
      - {{to: "99.0", credit_percent: "25"}}
"""


async def run() -> list[Row]:
    rows = []
    with TemporaryDirectory() as folder:
        async with _house(Path(folder)) as house:
            made = {kind: await _signed(house, kind) for kind in KINDS}
            for kind, signed in made.items():
                await _consider(house, kind, [signed.pop()])  # what a process reads and compiles once
            settled()  # as every process of the product is once it has started
            for kind in KINDS:
                spent, waited = await _consider(house, kind, made[kind])
                rows += [
                    context(f"a month {_SAID[kind]}, through the database: processor time", spent, "ms"),
                    context("… by the clock, beside whatever else ran", waited, "ms"),
                ]
    return rows


async def _consider(house: House, kind: str, signed: list[tuple[UUID, UUID]]) -> tuple[float, float]:
    """Milliseconds a customer, of processor time and by the clock."""
    spent, began = _processor_time(), time.perf_counter()
    for tenant_id, report_id in signed:
        found = await house.credit_proposals.consider(tenant_id, report_id)
        assert (found is not None) == (kind == "proposed")
    count = len(signed)
    return (_processor_time() - spent) * 1000 / count, (time.perf_counter() - began) * 1000 / count


def _processor_time() -> float:
    """Seconds of this process and of the servers that it started."""
    return time.process_time() + below_seconds(os.getpid())


async def _signed(house: House, kind: str) -> list[tuple[UUID, UUID]]:
    """Customers with a signed report of their one-day month: kept whole, or with five minutes down."""
    found = []
    for number in range(TENANTS):
        key = f"{kind}-{number:04d}"
        tenant = await house.tenants.create(CreateTenant(key, key, onboarded_at=LAST_DAY), CONSOLE)
        auto = "true" if kind == "proposed" else "false"
        await house.contracts.import_file(
            ImportContracts(CONTRACT.format(key=key, auto=auto).encode()), CONSOLE
        )
        await _measure(house, key, down=0 if kind == "kept" else 1)
        report = await house.reports.issue(IssueReport(tenant.id, PERIOD), CONSOLE)
        assert report.revision == 1, report.why
        found.append((tenant.id, report.id))
    return found


async def _measure(house: House, key: str, down: int) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for number in range(288):
            at = LAST_DAY + timedelta(minutes=5 * number)
            data = {"tenant": key, "objective": "api", "total": 100, "good": 0 if number < down else 100}
            event = {
                "specversion": "1.0", "type": "trustportal.sli.measured.v1", "source": "//benchmark",
                "id": f"{key}-{number}", "time": rfc3339(at), "data": data,
            }  # fmt: skip
            yield json.dumps(event).encode() + b"\n"

    outcome = await house.intake.deliver(lines(parts()), Admission(CONSOLE, Bounds(sources=("*",))))
    assert outcome.rejected_count == 0, outcome.rejected


@asynccontextmanager
async def _house(folder: Path) -> AsyncIterator[House]:
    async with installation(folder, ManualClock(NOW)) as made:
        house = made.house
        for name, role in (("fay", Role.APPROVER_FINANCE), ("rob", Role.APPROVER_RELIABILITY)):
            person = await house.people.add(AddPerson(VENDOR_ID, f"{name}@vendor.example", name), CONSOLE)
            await house.people.grant(GrantRole(VENDOR_ID, person.id, role, None), CONSOLE)
        yield house

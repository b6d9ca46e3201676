"""One incident with 100,000 facts in the range that its postmortem is assembled from, and a year beside it.

In the range, and read: every minute measured of the month so far, of four customers; deploys and steps of flags
from the day before until it was mitigated; policy denials, steps of playbooks with their receipts and cost anomalies
while it went on; its own timeline. Out of the range, in the same tables and of the same customers: a year of the
same, and operations and adapters' observations of the very hours. Measurements, changes and the incident come in by
the door of events; the rest is written past the doors, as whose receipts it would take hours to sign.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks.past_the_doors import past_the_doors
from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.access.tokens.model import Admission, Bounds
from trust_portal.cost.remediation.model import BlastRadius, Evidence, Part, Plan, Saving, Touched
from trust_portal.cost.remediation.playbooks import load_playbooks
from trust_portal.cost.remediation.repository import plan_json
from trust_portal.facts.events import CHANGE_DEPLOYED, CHANGE_FLAG
from trust_portal.facts.framing import lines
from trust_portal.house import House
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.postmortems.repository import postmortems_page
from trust_portal.reliability.contracts.service import ImportContracts
from trust_portal.runtime.embedded import Servers
from trust_portal.storage.tenancy import TenantScope

BEGAN = datetime(2026, 6, 9, 10, tzinfo=UTC)
MITIGATED = BEGAN + timedelta(minutes=110)
RESOLVED = BEGAN + timedelta(minutes=120)
CUSTOMERS = ("contoso", "fabrikam", "northwind", "tailspin")
_FIRST = datetime(2026, 6, 1, tzinfo=UTC)
_CHANGES = 49_000
_BESIDE = 60_000
_CONTRACT = """
tenant: {key}
version: "1"
effective_from: 2026-01-01
currency: EUR
fee: "1000.00"
slas:
  - objective: api
    target: 99.9%
    period: month
    time_zone: UTC
    denominator: calendar
    slice: 1m
    slice_rule: error_ratio > 0.05
    min_run: 1
    aggregate: slices
    zero_traffic: up
    min_events_per_slice: 0
    missing_data: up
    rounding: none
    tiers:
      - {{from: 0%, from_inclusive: true, to: 99.9%, to_inclusive: false, credit_percent: 10}}
combine: max
credit_policy: {{auto_propose: false, approvers: [approver_finance]}}
"""

#: $1 a tenant, $2 when the incident began. Three hundred denials while it went on, and 20,000 before.
_DENIALS = """
INSERT INTO policy_decisions (tenant_id, id, minute, actor_id, actor_kind, actor_name, action, resource_kind,
  resource_tenant_id, resource_id, policies, policy_version)
SELECT $1::uuid, md5('d' || $1::text || n)::uuid, $2::timestamptz + n * interval '24 seconds' - make_interval(secs => (n * 24) % 60),
  md5('p' || n)::uuid, 'person', 'Person ' || n % 50, 'tenant:report:sign', 'report', $1::uuid, 'R-' || n,
  ARRAY['two-person-rule', 'sre-signs'], '2026-06'
FROM generate_series(-20000, 299) n
"""
#: Four hundred that overlap it, and 2,000 that were over before. Each opened and closed by a receipt.
_ANOMALIES = """
INSERT INTO anomalies (tenant_id, id, lane, subsystem, currency, direction, kind, state, severity, score, confidence,
  started_at, peak_at, last_at, detected_at, expected, actual, excess, unexplained, detector, detector_version, evidence,
  revision, opened_receipt_id, closed_receipt_id, opened_at, closed_at, changed_at)
SELECT $1::uuid, md5('a' || $1::text || n)::uuid, 'live', 'egress', 'EUR', 'up', 'deviation', 'closed', 'high', 9.5, 0.9,
  at, at, at + interval '3 hours', at, 10, 90, 80, 0, 'forecast', '2', '{"windows": []}', 2,
  md5('ra' || $1::text || n)::uuid, md5('rb' || $1::text || n)::uuid, at, at + interval '4 hours', at + interval '4 hours'
FROM (SELECT n, $2::timestamptz + interval '1 hour' * CASE WHEN n < 0 THEN n * 4 - 6 ELSE n % 3 - 1 END AS at
      FROM generate_series(-2000, 99) n) made
"""
#: Fifty runs while it went on, and 1,000 before; five steps each.
_RUNS = """
INSERT INTO playbook_runs (tenant_id, id, anomaly_id, playbook, plan, digest, planned_at, planned_by_id, planned_by_name)
SELECT $1::uuid, md5('u' || $1::text || n)::uuid, md5('a' || $1::text || CASE WHEN n < 0 THEN n ELSE n % 100 END)::uuid,
  'throttle-exports', $3::jsonb, repeat('0', 64),
  $2::timestamptz + CASE WHEN n < 0 THEN n * interval '8 hours' ELSE n * interval '2 minutes' END, md5('p1')::uuid, 'Person 1'
FROM generate_series(-1000, 49) n
"""
_STEPS = f"""
INSERT INTO playbook_steps (tenant_id, run_id, ordinal, kind, state, previous, previous_state, at, actor_id, actor_name,
  detail, receipt_id, approval_kind, allowed_by)
SELECT u.tenant_id, u.id, k, (ARRAY['planned', 'approved', 'sent', 'executed', 'verified'])[k], states[k],
  nullif(k - 1, 0), states[k - 1], u.planned_at + k * interval '2 minutes', '{SYSTEM.id}', 'Trust Portal', '{{}}',
  md5('rs' || u.id || k)::uuid, CASE WHEN k = 2 THEN 'playbook_run' END, CASE WHEN k = 2 THEN 'act-by-itself' END
FROM playbook_runs u CROSS JOIN generate_series(1, 5) k
CROSS JOIN (SELECT ARRAY['planned', 'executing', 'executing', 'executed', 'verified'] AS states) named
WHERE u.tenant_id = $1
"""
#: As large as they are when signed: about two kibibytes.
_RECEIPTS = """
INSERT INTO receipts (tenant_id, id, kind, predicate_type, subjects, envelope, leaf_hash, key_id, actor_kind, actor_id,
  actor_name, at)
SELECT $1::uuid, id, 'playbook', 'https://vendor.example/playbook', '[]', convert_to(repeat(md5(id::text), 64), 'UTF8'),
  sha256(id::text::bytea), repeat('0', 64), 'system', md5('p1')::uuid, 'Trust Portal', at
FROM (SELECT receipt_id AS id, at FROM playbook_steps WHERE tenant_id = $1
      UNION ALL SELECT opened_receipt_id, opened_at FROM anomalies WHERE tenant_id = $1
      UNION ALL SELECT closed_receipt_id, closed_at FROM anomalies WHERE tenant_id = $1) made
"""
_METERED = """
INSERT INTO metering_progress (tenant_id, revision, first_hour, closed_through, rolled_up_at)
VALUES ($1, 1, $2::timestamptz - interval '1 year', $2::timestamptz + interval '20 hours', $2)
"""
#: What the assembly has to read, by kind. $1 the incident's customers, $2 to $4 when it began, was mitigated and ended.
_IN_RANGE = f"""
SELECT 'minutes measured', count(*) FROM measurements WHERE tenant_id = ANY($1) AND minute >= date_trunc('month', $2, 'UTC')
UNION ALL
SELECT CASE type WHEN '{CHANGE_DEPLOYED}' THEN 'deploys' ELSE 'steps of flags' END, count(*) FROM facts
WHERE tenant_id = '{VENDOR_ID}' AND type IN ('{CHANGE_DEPLOYED}', '{CHANGE_FLAG}') AND time >= $2 - interval '24 hours' AND time < $3
GROUP BY type
UNION ALL
SELECT 'denials', count(*) FROM policy_decisions WHERE tenant_id = ANY($1 || '{VENDOR_ID}'::uuid)
AND minute BETWEEN $2 AND $4
UNION ALL
SELECT 'receipts of playbooks', count(*) FROM playbook_steps s JOIN receipts r ON (r.tenant_id, r.id) = (s.tenant_id, s.receipt_id)
WHERE s.tenant_id = ANY($1) AND s.at >= $2 AND s.at < $4
UNION ALL
SELECT 'cost anomalies', count(*) FROM anomalies WHERE tenant_id = ANY($1) AND started_at < $4 AND last_at > $2 - interval '1 hour'
UNION ALL
SELECT 'lines of the timeline', count(*) FROM facts
WHERE tenant_id = '{VENDOR_ID}' AND type LIKE 'trustportal.incident.%' AND subject = 'INC-1'
"""


@dataclass(frozen=True, slots=True)
class Filled:
    """``in_range``: how many facts of each kind the assembly has to read, as counted in the tables."""

    postmortem_id: UUID
    in_range: dict[str, int]

    @property
    def facts(self) -> int:
        return sum(self.in_range.values())


async def fill(house: House, servers: Servers) -> Filled:
    customers = []
    for key in CUSTOMERS:
        onboarded = datetime(2026, 1, 1, tzinfo=UTC)
        created = await house.tenants.create(CreateTenant(key, key.title(), onboarded_at=onboarded), CONSOLE)
        await house.contracts.import_file(ImportContracts(_CONTRACT.format(key=key).encode()), CONSOLE)
        customers.append(created.id)
    for events in (_changes(), _measured(), _beside(), _incident()):
        await _deliver(house, events)
    await house.incident_following.follow()
    async with past_the_doors(servers) as connection:
        await _write(connection, customers)
    async with past_the_doors(servers) as connection:
        in_range = dict(await connection.fetch(_IN_RANGE, customers, BEGAN, MITIGATED, RESOLVED))
    async with house.storage.read(TenantScope(VENDOR_ID)) as session:
        (postmortem,) = (await postmortems_page(session, PageRequest(5))).items
    return Filled(postmortem.id, in_range)


async def _write(connection: asyncpg.Connection, customers: list[UUID]) -> None:
    plan = json.dumps(plan_json(_plan()))
    await connection.execute(_DENIALS, VENDOR_ID, BEGAN)
    for each in customers:
        await connection.execute(_DENIALS, each, BEGAN)
        await connection.execute(_ANOMALIES, each, BEGAN)
        await connection.execute(_RUNS, each, BEGAN, plan)
        await connection.execute(_STEPS, each)
        await connection.execute(_RECEIPTS, each)
        await connection.execute(_METERED, each, BEGAN)


def _plan() -> Plan:
    """As long as they are: with the dearest of what it would touch, and what it rests on."""
    touched = [
        Touched(subsystem="egress", resource=f"bucket-{n}", operation="export", adapter="s3", cost=Decimal(n))
        for n in range(10)
    ]
    return Plan(
        tenant="northwind", tenant_name="Northwind", anomaly=UUID(int=1), anomaly_revision=1, subsystem="egress",
        currency="EUR", started_at=BEGAN - timedelta(hours=1), ended_at=BEGAN, expected=Decimal(60),
        actual=Decimal(360), playbook_id="throttle-exports", playbook=load_playbooks().by_id["throttle-exports"],
        playbooks_digest="0" * 64, target={"operation": "export", "resource": "bucket-1"}, parameters={"headroom": "1.2"},
        part=Part(where={"operation": "export"}, expected=Decimal(30), actual=Decimal(330)),
        reasons=("deviation",), saving=Saving(per_hour=Decimal(100), hours=24, total=Decimal(2400)),
        blast_radius=BlastRadius(hours=24, things=tuple(touched), count=40, cost=Decimal(900), of_tenant=Decimal(2000),
                                 beside=Decimal(50), per_day=90_000),
        evidence=tuple(Evidence(label=name, receipt=UUID(int=2), sha256="0" * 64) for name in ("anomaly", "why")),
    )  # fmt: skip


def _changes() -> Iterator[dict[str, Any]]:
    """Half of them deploys, half steps of flags, evenly over the 25 hours 50 that are looked at."""
    start = BEGAN - timedelta(hours=24)
    apart = (MITIGATED - start) / _CHANGES
    for number in range(_CHANGES):
        at = start + number * apart
        if number % 2:
            data: dict[str, Any] = {
                "flag": f"flag-{number % 70}", "variant": "on", "percentage": number % 100, "by": "ci",
                "previous": {"percentage": max(0, number % 100 - 1)}, "tenants": [CUSTOMERS[number % 4]],
            }  # fmt: skip
            yield _event("change.flag", number, at, data)
        else:
            data = {
                "service": f"s{number % 40}",
                "version": f"1.{number}",
                "environment": "production",
                "by": "ci",
            }
            yield _event("change.deployed", number, at, data)


def _measured() -> Iterator[dict[str, Any]]:
    for minute in range(int((RESOLVED + timedelta(hours=1) - _FIRST) / timedelta(minutes=1))):
        at = _FIRST + timedelta(minutes=minute)
        down = BEGAN <= at < BEGAN + timedelta(minutes=31)
        for key in CUSTOMERS:
            data = {"tenant": key, "objective": "api", "total": 100, "good": 0 if down else 100}
            yield _event("sli.measured", f"{key}-{minute}", at, data)


def _beside() -> Iterator[dict[str, Any]]:
    """Of the same days, and nothing that a postmortem reads; and deploys of the days before those it looks at."""
    data: dict[str, Any]
    for number in range(_BESIDE):
        at = BEGAN - timedelta(hours=24) + timedelta(seconds=number)
        customer = CUSTOMERS[number % 4]
        match number % 3:
            case 0:
                data = {
                    "service": f"s{number % 40}", "version": f"0.{number}", "environment": "production", "by": "ci",
                }  # fmt: skip
                yield _event("change.deployed", f"before-{number}", at - timedelta(days=2), data)
            case 1:
                data = {
                    "tenant": customer, "operation": "export", "resource": f"r{number % 50}", "subsystem": "egress",
                    "quantity": 1, "unit": "GB", "duration_s": 3, "initiated_by": "cron",
                }  # fmt: skip
                yield _event("operation.completed", number, at, data)
            case _:
                data = {
                    "tenant": customer, "adapter": f"a{number % 20}", "calls": 9, "errors": 0, "retries": 0,
                    "p95_ms": 20, "bytes": 100,
                }  # fmt: skip
                yield _event("adapter.observed", number, at.replace(second=0, microsecond=0), data)


def _incident() -> Iterator[dict[str, Any]]:
    at = rfc3339(BEGAN)
    yield _event("incident.declared", "d", BEGAN, {
        "incident": "INC-1", "severity": "P1", "title": "Exports slow", "service": "s1", "tenants": list(CUSTOMERS),
        "began_at": at, "detected_at": at, "owner": "ivo@vendor.example",
    })  # fmt: skip
    for number in range(100):
        data = {"incident": "INC-1", "kind": "note", "text": f"Note {number}"}
        yield _event("incident.updated", f"n{number}", BEGAN + timedelta(minutes=number), data)
    for kind, end in (("mitigated", MITIGATED), ("resolved", RESOLVED)):
        yield _event(
            f"incident.{kind}", kind, end, {"incident": "INC-1", "at": rfc3339(end), "text": "Over."}
        )


def _event(type_: str, id_: object, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{type_}-{id_}",
        "source": "urn:bench",
        "type": f"trustportal.{type_}.v1",
        "time": rfc3339(at),
        "data": data,
    }


async def _deliver(house: House, events: Iterator[dict[str, Any]]) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for event in events:
            yield json.dumps(event).encode() + b"\n"

    outcome = await house.intake.deliver(lines(parts()), Admission(CONSOLE, Bounds(sources=("*",))))
    assert outcome.rejected_count == 0, outcome.rejected

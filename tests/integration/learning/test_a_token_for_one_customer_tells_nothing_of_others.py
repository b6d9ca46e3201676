"""From the door to another customer's page: a token for one customer changes no incident of the others."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from support.learning_world import BEGAN, Vendor, by, declared, step, updated

from trust_portal.access.actors import CONSOLE
from trust_portal.access.tokens.model import Admission, Bounds
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.receipt_rows import find_receipt
from trust_portal.evidence.statement import Statement
from trust_portal.facts.framing import lines
from trust_portal.facts.outcome import Outcome
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.incidents import repository
from trust_portal.learning.incidents.model import Severity
from trust_portal.learning.incidents.touched import AffectingIncident
from trust_portal.learning.postmortems.tables import postmortems
from trust_portal.storage.tenancy import TenantScope


async def bring(vendor: Vendor, tenants: set[UUID], *events: dict[str, Any]) -> Outcome:
    """By a token of team A's for ``tenants``."""

    async def parts() -> AsyncIterator[bytes]:
        yield b"\n".join(json.dumps(each).encode() for each in events)

    sender = Admission(CONSOLE, Bounds(sources=("team-a/*",), tenants=frozenset(tenants)))
    return await vendor.house.intake.deliver(lines(parts()), sender)


async def seen_by(vendor: Vendor, tenant_id: UUID) -> AffectingIncident:
    reader = await vendor.person(f"R{tenant_id.hex} Reader", Role.CUSTOMER_ADMIN, tenant_id=tenant_id)
    touched = await vendor.house.customer_incidents.of_tenant(
        reader.as_actor(), tenant_id, BEGAN - timedelta(days=1), BEGAN + timedelta(days=1)
    )
    [seen] = touched.incidents
    return seen


def of_team_a(*events: dict[str, Any]) -> list[dict[str, Any]]:
    named_acme = [{**each, "data": {**each["data"], "tenants": ["acme"]}} for each in events]
    return list(by("team-a/x", *named_acme))


def told() -> list[dict[str, Any]]:
    note = updated("INC-1", "note", minute=20)
    note["data"]["key"] = True
    return of_team_a(
        note,
        updated("INC-1", "told_customer", minute=21),
        updated("INC-1", "severity", minute=22, severity="P1"),
        updated("INC-1", "reopened", minute=23),
    )


async def test_what_it_tells_of_anothers_incident_is_seen_by_staff_as_a_claim_and_by_customers_not_at_all(
    vendor: Vendor,
) -> None:
    acme, globex = await vendor.customer("acme"), await vendor.customer("globex")
    await vendor.tell(declared("INC-1", "P3", tenants=["globex"]), step("INC-1", "resolved", minute=10))
    before = (await vendor.register())["INC-1"]

    outcome = await bring(vendor, {acme}, *told())
    assert (outcome.accepted, outcome.rejected) == (4, [])

    after = (await vendor.register())["INC-1"]
    assert (before.severity, before.resolved_at, before.told_at, before.facts) == (
        Severity.P3,
        BEGAN + timedelta(minutes=10),
        None,
        2,
    )
    assert (after.severity, after.worst_severity, after.major_because) == (Severity.P3, Severity.P3, None)
    assert (after.resolved_at, after.told_at, after.reopened) == (before.resolved_at, None, 0)
    assert (after.last_fact_at, after.facts) == (before.last_fact_at, 6)
    async with vendor.house.storage.read(TenantScope(VENDOR_ID)) as session:
        entries = await repository.entries_of(session, after)
    assert [(entry.kind, entry.claim) for entry in entries] == [
        ("declared", False),
        ("resolved", False),
        ("note", True),
        ("told_customer", True),
        ("severity", True),
        ("reopened", True),
    ]
    seen = await seen_by(vendor, globex)
    assert [entry.text for entry in seen.timeline] == ["Trouble INC-1", "resolved of INC-1"]
    assert (seen.severity, seen.told_at, seen.resolved_at) == (Severity.P3, None, before.resolved_at)


async def test_of_an_incident_of_its_own_customer_alone_it_tells_as_before(vendor: Vendor) -> None:
    acme = await vendor.customer("acme")
    await vendor.tell(declared("INC-1", "P3", tenants=["acme"]), step("INC-1", "resolved", minute=10))
    await bring(vendor, {acme}, *told())
    incident = (await vendor.register())["INC-1"]
    assert (incident.severity, incident.resolved_at, incident.reopened) == (Severity.P1, None, 1)
    assert incident.told_at == BEGAN + timedelta(minutes=21)
    seen = await seen_by(vendor, acme)
    assert [entry.kind for entry in seen.timeline] == [
        "declared",
        "resolved",
        "note",
        "told_customer",
        "reopened",
    ]


async def test_a_postmortem_rests_on_no_severity_that_was_only_claimed(vendor: Vendor) -> None:
    acme, _ = await vendor.customer("acme"), await vendor.customer("globex")
    await vendor.tell(declared("INC-1", "P1", tenants=["globex"]))
    await bring(vendor, {acme}, *of_team_a(updated("INC-1", "severity", minute=5, severity="P1")))
    incident = (await vendor.register())["INC-1"]
    assert (incident.facts, incident.worst_severity) == (2, Severity.P1)
    async with vendor.house.storage.read(TenantScope(VENDOR_ID)) as session:
        [row] = await session.execute(select(postmortems).where(postmortems.c.tenant_id == VENDOR_ID))
        receipt = await find_receipt(session, VENDOR_ID, row.receipt_id)
    statement = Statement.parse(Envelope.parse(receipt.envelope).payload)
    assert [each["name"] for each in statement.predicate["inputs"]] == ["event/urn:pager/INC-1-declared--0"]

"""That a playbook is permitted is held by the tables: tried through SQL, as the application role, past the service."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from support.passkeys import device_of
from support.remediation_world import ProductProcess, World, person

from trust_portal.access.approvals.model import StepAct
from trust_portal.access.approvals.statement import decision_statement
from trust_portal.access.break_glass.model import OpenBreakGlass
from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.remediation.model import PlanPlaybook, Run, RunState, StepKind
from trust_portal.evidence.act import Act
from trust_portal.evidence.assertion import challenge_of
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import SYSTEM, Actor, Role
from trust_portal.kernel.canonical import canonical
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.storage.errors import violation
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=12)


def permitted(run: Run, actor: Actor = SYSTEM, **lies: Any) -> dict[str, Any]:
    """The step that lets a run begin, as the service would write it with its approval, but for the ``lies``."""
    requested = run.step(StepKind.REQUESTED)
    return {
        "tenant_id": run.tenant_id,
        "run_id": run.id,
        "ordinal": run.last.ordinal + 1,
        "kind": "approved",
        "state": "executing",
        "previous": run.last.ordinal,
        "previous_state": run.state.value,
        "at": run.last.at,
        "actor_id": actor.id,
        "actor_name": actor.name,
        "detail": "{}",
        "receipt_id": run.last.receipt_id,
        "approval_id": None if requested is None else requested.approval_id,
        "approval_kind": "playbook_run",
        "allowed_by": None,
    } | lies


async def write(run: Run, world: World, row: dict[str, Any], table: str = "playbook_steps") -> None:
    places = ", ".join(f"${at}" for at in range(1, len(row) + 1))
    async with world.house.storage.write(TenantScope(run.tenant_id)) as session:
        driver = await session.driver()
        assert await driver.fetchval("SELECT current_user") == "trust_portal_app"
        await driver.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", *row.values())


async def refused(world: World, run: Run, row: dict[str, Any]) -> str:
    """The constraint that refuses ``row``; the run is where it was."""
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
        await write(run, world, row)
    assert await world.read(run) == run
    found = violation(caught.value)
    assert found is not None
    return found.constraint.removeprefix("playbook_steps_").removesuffix("_check")


async def test_nothing_begins_by_an_approval_that_was_not_given(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)
    assert run.state is RunState.WAITING

    assert await refused(world, run, permitted(run)) == "use_fkey"
    await world.approve(run)
    assert await refused(world, run, permitted(run)) == "use_fkey", "approved, and not used"
    assert await refused(world, run, permitted(run, approval_id=new_id())) in {"about_fkey", "use_fkey"}
    assert product.calls == []
    assert (await world.advance(run)).state is RunState.EXECUTED, "what the service writes is taken"


async def test_nothing_begins_by_the_approval_of_another_run(
    world: World, product: ProductProcess, anomalies: dict[str, CostAnomaly]
):
    run = await world.planned(anomalies["acme"])
    plan = PlanPlaybook(run.tenant_id, anomalies["acme"].id, "pause-ramp")
    (other,) = await world.house.remediation.plan(plan, world.operator)
    assert (await world.executed(run)).state is RunState.EXECUTED
    used = run.step(StepKind.REQUESTED)
    assert used is not None

    assert await refused(world, other, permitted(other, approval_id=used.approval_id)) in {
        "about_fkey",
        "approval_used_once_idx",
    }
    assert len(product.applied) == 1


async def test_nothing_is_sent_by_a_step_that_is_no_permission(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)

    for kind in ("sent", "held", "unconfirmed"):
        row = permitted(run, kind=kind, approval_kind=None, approval_id=None)
        assert await refused(world, run, row) == "begins_by_permission"
    assert await refused(world, run, permitted(run, state="waiting")) in {
        "begins_by_permission",
        "follows_its_state",
    }
    assert product.calls == []


async def test_without_approval_a_policy_is_named_and_the_clockwork_or_an_emergency_does_it(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)
    alone = {"approval_id": None}

    assert await refused(world, run, permitted(run, **alone)) == "permitted_by_somebody"
    assert await refused(world, run, permitted(run, **alone, allowed_by=" ")) == "permitted_by_somebody"
    named = {**alone, "allowed_by": "safe-cache-automatic"}
    assert await refused(world, run, permitted(run, world.operator, **named)) == "permitted_by_somebody", (
        "a person is no clockwork"
    )
    glass = f'{{"break_glass": "{new_id()}"}}'
    assert (
        await refused(world, run, permitted(run, world.operator, **named, detail=glass)) == "emergency_fkey"
    )
    assert await refused(world, run, permitted(run, allowed_by="both")) == "permitted_by_somebody"
    assert product.calls == []


async def test_what_names_a_policy_that_does_not_permit_it_is_taken_by_the_tables_and_never_sent(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    """Which policies permit what, no row can say; the gate is asked once more before anything leaves."""
    run = await world.planned(anomaly)
    call = {"key": run.apply_key, "expires_at": rfc3339(world.clock.now() + timedelta(hours=1))}
    row = permitted(
        run,
        approval_id=None,
        allowed_by="safe-cache-automatic",
        detail=json.dumps(call),
        at=world.clock.now(),
    )
    await write(run, world, row)
    assert (await world.read(run)).state is RunState.EXECUTING

    stopped = await world.advance(run)

    assert (stopped.state, stopped.last.kind) == (RunState.DENIED, StepKind.DENIED)
    assert stopped.last.detail == {"why": "policy", "rules": ["playbooks-need-approval"]}
    assert (product.calls, product.applied) == ([], [])


async def test_an_approval_that_nobody_signed_is_taken_by_the_tables_and_never_sent(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    """Whose signature it is takes the vendor's rows to say; it is checked once more before anything leaves."""
    run = await world.planned(anomaly)
    await world.approve(run, world.approver)
    await forged_rest(world, run)
    call = {"key": run.apply_key, "expires_at": rfc3339(world.clock.now() + timedelta(hours=1))}
    await write(run, world, permitted(run, detail=json.dumps(call), at=world.clock.now()))
    assert (await world.read(run)).state is RunState.EXECUTING

    stopped = await world.advance(run)

    assert (stopped.state, stopped.last.kind) == (RunState.DENIED, StepKind.DENIED)
    assert stopped.last.detail == {"why": "policy", "rules": ["playbooks-need-approval"]}
    assert (product.calls, product.applied) == ([], [])


async def forged_rest(world: World, run: Run) -> None:
    """The second approval and the use of both, as rows: signed by a device that the payer never had."""
    requested = run.step(StepKind.REQUESTED)
    assert requested is not None
    found = await world.house.approval_inbox.get(world.approver, run.tenant_id, requested.approval_id)
    request, (first,) = found.approval.request, found.approval.approvals
    payer, passkey_id, now = world.payer, new_id(), world.clock.now()
    (slot,) = found.approval.open_slots
    statement = canonical(
        decision_statement(request, StepAct.APPROVE, slot, payer.id, payer.name, "It helps.")
    )
    assertion = device_of(world.house).sign(challenge_of(statement))
    introduction = {
        "passkey_id": passkey_id,
        "person_id": payer.id,
        "home_id": VENDOR_ID,
        "introduced_at": now,
        "receipt_id": await receipt(world, run),
    }
    signature = {
        "id": new_id(),
        "passkey_id": passkey_id,
        "person_id": payer.id,
        "about": request.id,
        "act": "approve",
        "statement": statement,
        "authenticator_data": assertion.authenticator_data,
        "client_data": assertion.client_data,
        "signature": assertion.signature,
        "at": now,
    }
    approval = {
        "request_id": request.id,
        "ordinal": 2,
        "act": "approve",
        "previous": 1,
        "previous_act": "approve",
        "previous_at": first.at,
        "slot": slot,
        "role": request.roles[slot - 1].value,
        "person_id": payer.id,
        "person_name": payer.name,
        "reason": "It helps.",
        "at": now,
        "digest": request.digest,
        "roles": [role.value for role in request.roles],
        "requester_id": request.requester_id,
        "expires_at": request.expires_at,
        "use_seconds": request.use_seconds,
        "signature_id": signature["id"],
        "receipt_id": await receipt(world, run),
    }
    use = approval | {
        "ordinal": 3,
        "act": "use",
        "previous": 2,
        "previous_at": now,
        "slot": None,
        "role": None,
        "person_id": SYSTEM.id,
        "person_name": SYSTEM.name,
        "reason": "",
        "signature_id": None,
        "receipt_id": await receipt(world, run),
    }
    for table, row in (
        ("passkey_introductions", introduction),
        ("passkey_signatures", signature),
        ("approval_steps", approval),
        ("approval_steps", use),
    ):
        await write(run, world, {"tenant_id": run.tenant_id, **row}, table)


async def receipt(world: World, run: Run) -> UUID:
    """One that no step has: whoever may write steps may write receipts."""
    act = Act(
        kind=ReceiptKind.APPROVAL_APPROVED,
        tenant_id=run.tenant_id,
        actor=SYSTEM,
        at=world.clock.now(),
        subjects=(Subject(f"forged/{new_id()}", "0" * 64),),
        predicate={},
    )
    async with world.house.storage.write(TenantScope(run.tenant_id)) as session:
        return (await world.house.ledger.record(session, act)).id


async def test_an_emergency_is_of_whoever_broke_the_glass(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    await person_for_review(world)
    run = await world.planned(anomaly)
    reason = "the export eats the month's budget and nobody answers"
    opened = await world.house.break_glass.open(OpenBreakGlass(run.tenant_id, reason), world.operator)
    glass = f'{{"break_glass": "{opened.grant.id}"}}'
    row = permitted(
        run, world.approver, approval_id=None, allowed_by="broken-glass-executes-playbooks", detail=glass
    )

    assert await refused(world, run, row) == "emergency_fkey"
    assert product.calls == []


async def test_what_deletes_early_takes_approval_of_its_own_kind(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)
    lies = permitted(run, approval_id=None, approval_kind="retention_change", allowed_by="a policy")

    assert await refused(world, run, lies) == "permitted_by_somebody"
    assert await refused(world, run, permitted(run, approval_kind="retention_change")) in {
        "run_kind_fkey",
        "about_fkey",
    }
    assert await refused(world, run, permitted(run, approval_kind=None)) == "kind_is_known_where_asked"
    assert product.calls == []


async def person_for_review(world: World) -> None:
    """Two others must be able to review what is done with the glass broken."""
    await person(world.house, "sid", Role.APPROVER_SECURITY)

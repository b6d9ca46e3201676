"""Minutes are excluded after they happened by two approvals, or not at all; and every report says which."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from credit_desk import JUNE, LAST_DAY, Desk, correct, promise, trust_of
from exclusion_bench import TEN, Bench
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from support.two_stand_behind import acts_of_two

from jobs.reports import REPORT_DUTIES
from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.model import Deny, Withdraw
from trust_portal.errors import Conflict, Denied, InvalidInput
from trust_portal.evidence.behind import signed_behind
from trust_portal.evidence.export import ExportState
from trust_portal.evidence.links import file_of, statements
from trust_portal.evidence.verify import verify
from trust_portal.house import House
from trust_portal.kernel.clock import ManualClock, rfc3339
from trust_portal.kernel.page import PageRequest
from trust_portal.reliability.credits.model import Outcome
from trust_portal.reliability.exclusions.attestation import approval_gaps
from trust_portal.reliability.exclusions.model import (
    ExclusionState,
    RevokeExclusion,
)
from trust_portal.reliability.recompute import RECOMPUTERS
from trust_portal.reliability.reports import repository
from trust_portal.reliability.reports.attestation import attest
from trust_portal.reliability.reports.record import StoredReport
from trust_portal.reliability.reports.service import IssueReport
from trust_portal.reliability.verification import KINDS
from trust_portal.storage.errors import violation
from trust_portal.storage.outbox import Job, outbox
from trust_portal.storage.tenancy import TenantScope

COMPARE = next(duty for duty in REPORT_DUTIES if duty.job is Job.COMPARE_SIGNED_REPORT)


@pytest.fixture
def bench(desk: Desk) -> Bench:
    return Bench(desk)


async def compare(bench: Bench) -> list[str]:
    """Do what waits to be compared, as the worker does; the periods."""
    async with bench.house.storage.read(TenantScope(bench.tenant_id)) as session:
        query = select(outbox.c.id, outbox.c.arguments).where(outbox.c.job == Job.COMPARE_SIGNED_REPORT)
        rows = (await session.execute(query.order_by(outbox.c.id))).all()
    for row in rows:
        await COMPARE.do(bench.house, row.id, row.arguments)
    return [row.arguments["period"] for row in rows]


async def overtaken_at(bench: Bench) -> datetime | None:
    (head,) = await bench.house.reports.heads(CONSOLE, bench.tenant_id)
    assert not head.contradicted
    return head.overtaken_at


async def test_a_signed_month_that_an_exclusion_contradicts_says_so_until_it_is_restated_or_revoked(
    house: House, desk: Desk, bench: Bench, clock: ManualClock
):
    await promise(house)
    first = await desk.sign()
    exclusion = await bench.approve(await bench.propose(), "rob")
    assert (await compare(bench), await overtaken_at(bench)) == ([], None), "one of two has approved"
    await bench.approve(exclusion, "fay")
    clock.advance(timedelta(minutes=5))
    assert (await compare(bench), await overtaken_at(bench)) == ([JUNE], clock.now())
    since = clock.now()
    clock.advance(timedelta(minutes=5))
    assert not await house.reports.compare(bench.tenant_id, JUNE)
    assert await overtaken_at(bench) == since, "known since the first time"
    assert await desk.jobs("compare_signed_report") == []

    revoke = RevokeExclusion(bench.tenant_id, exclusion.id, "it was our network after all")
    await house.exclusions.revoke(revoke, desk.by("olive"))
    assert (await compare(bench), await overtaken_at(bench)) == ([JUNE], None)
    assert await desk.sign() == first, "the figures are the signed ones again"

    await bench.approve(await bench.propose(reason="theirs, as their provider says"), "rob", "fay")
    await compare(bench)
    restated = await desk.sign("ten minutes are excluded after the fact")
    assert (restated.revision, await overtaken_at(bench)) == (2, None)
    assert await house.reports.compare(bench.tenant_id, JUNE)


async def test_an_exclusion_of_a_month_that_is_not_signed_contradicts_nothing(desk: Desk, bench: Bench):
    await promise(bench.house)
    await desk.sign()
    day = LAST_DAY - timedelta(days=60)
    await bench.approve(await bench.propose(start=day, end=day + timedelta(minutes=10)), "rob", "fay")
    assert (await compare(bench), await overtaken_at(bench)) == ([], None)


async def test_two_approve_and_the_next_attempt_counts_it_as_the_next_revision(
    house: House, desk: Desk, bench: Bench, sequencer: None
):
    await promise(house, policy="{auto_propose: true}")
    first = await desk.sign()
    before = await bench.objective(first)
    exclusion = await bench.propose()
    assert exclusion.state is ExclusionState.PROPOSED
    assert await desk.sign() == first, "a proposal changes nothing"
    one = await bench.approve(exclusion, "rob")
    assert one.state is ExclusionState.PROPOSED
    assert await desk.sign() == first, "nor does one approval"
    approved = await bench.approve(exclusion, "fay")
    assert approved.state is ExclusionState.APPROVED
    assert approved.approvers == (desk.people["rob"].id, desk.people["fay"].id)
    with pytest.raises(Conflict) as refusal:
        await desk.sign()
    assert refusal.value.code == "REASON_REQUIRED"

    again = await desk.sign("ten minutes are excluded after the fact")
    after = await bench.objective(again)
    assert (again.revision, again.supersedes) == (2, first.id)
    assert await acts_of_two(house.storage, desk.tenant.id) == ["exclusion.approved"]
    assert after["raw"] == before["raw"]
    assert (before["adjusted"]["down_minutes"], after["adjusted"]["down_minutes"]) == ("10", "0")
    assert {"field": "api.excluded_minutes", "before": "0", "after": "10"} in again.delta
    (window,) = after["exclusions"]
    assert (window["window"], window["counted"], window["minutes"]) == (approved.window, True, "10")
    assert window["approvals"] == [str(each) for each in approved.approvers]
    assert window["receipts"] == [str(approved.last.receipt_id)]
    assert window["why"] == ("announced 2026-07-10T09:00:00Z, after its start; approved by two persons")
    assert await desk.consider(again) is None
    assert (await house.credits.due(desk.by("olive"), desk.tenant.id)) == ()
    assert {each.outcome for each in await house.credits.calculations(desk.by("olive"), desk.tenant.id)} <= {
        Outcome.DUE, Outcome.NOTHING, Outcome.UNCHANGED,
    }  # fmt: skip
    assert await desk.kinds("exclusion.%") == ["exclusion.proposed", "exclusion.approved"]

    data = await report_bundle(house, desk, again)
    found = verify(data, policy=await trust_of(house, desk), kinds=KINDS, recomputers=RECOMPUTERS)
    assert found.findings == ()


async def report_bundle(house: House, desk: Desk, report: StoredReport) -> bytes:
    export = await house.bundles.request(CONSOLE, desk.tenant.id, report.id)
    built = await house.exports.build(desk.tenant.id, export.id)
    assert built.state is ExportState.READY, built.failure
    async with house.storage.read(TenantScope(desk.tenant.id)) as session:
        return (await house.exports.artefact(session, desk.tenant.id, built.id)).content


async def test_the_approvers_see_what_the_window_would_change(house: House, desk: Desk, bench: Bench):
    await promise(house)
    first = await desk.sign()
    exclusion = await bench.propose()
    intent = (await house.exclusions.approval(desk.by("rob"), exclusion)).request.intent
    lines = {each.label: each.value for each in intent.act}
    assert (lines["From"], lines["To"]) == (rfc3339(TEN[0]), rfc3339(TEN[1]))
    assert (lines["Objectives"], lines["Where to look it up"]) == ("api", "ticket 4711")
    assert lines["Would change 2026-06"] == (
        "api 99.305555 % → 100.000000 %, 10 minutes excluded; credit by the contract 100.00 → 0.00 EUR"
    )
    assert [each.sha256 for each in intent.evidence] == [exclusion.sha256, first.sha256]


@pytest.mark.parametrize("end", ["deny", "withdraw", "expire"])
async def test_what_is_not_approved_never_counts(
    house: House, desk: Desk, bench: Bench, clock: ManualClock, end: str
):
    await promise(house)
    first = await desk.sign()
    exclusion = await bench.propose()
    request = (await house.exclusions.approval(desk.by("rob"), exclusion)).request
    tenant_id = desk.tenant.id
    if end == "deny":
        await house.decisions.deny(
            Deny(tenant_id, request.id, request.digest, "their network was fine"), desk.by("rob")
        )
    elif end == "withdraw":
        await house.decisions.withdraw(Withdraw(tenant_id, request.id, "I was wrong"), desk.by("olive"))
    else:
        clock.advance(timedelta(days=8))
    over = await bench.settle(exclusion)
    state, words = {
        "deny": (ExclusionState.DENIED, "their network was fine"),
        "withdraw": (ExclusionState.WITHDRAWN, "I was wrong"),
        "expire": (ExclusionState.EXPIRED, "The time to approve it is over."),
    }[end]
    assert (over.state, over.last.reason, over.approvers) == (state, words, ())
    assert await desk.sign() == first
    assert (await bench.objective(first))["exclusions"] == []
    again = await bench.propose()
    assert again.state is ExclusionState.PROPOSED, "it can be asked for again"


async def test_who_reads_a_proposal_or_its_approval_stands_in_the_customers_access_log(
    house: House, desk: Desk, bench: Bench
):
    await promise(house)
    exclusion = await bench.propose()

    async def looks() -> list[tuple[str, str, str]]:
        page = await house.access_log.page(desk.by("carla"), desk.tenant.id, PageRequest(50))
        return [(each.actor_name, each.access.what, each.access.subject) for each in page.items]

    before = await looks()
    for name in ("rob", "carla"):
        await house.exclusions.proposal(desk.by(name), exclusion)
        await house.exclusions.approval(desk.by(name), exclusion)
    # The customer's own people leave no line: it is their house.
    assert [each for each in await looks() if each not in before] == [
        ("Rob", "approval request", str(exclusion.request_id)),
        ("Rob", "exclusion proposal", str(exclusion.id)),
    ]


async def test_settled_twice_it_is_approved_once(house: House, desk: Desk, bench: Bench):
    await promise(house)
    approved = await bench.approve(await bench.propose(), "rob", "fay")
    before = await bench.stored()
    assert await bench.settle(approved) == approved
    assert await bench.stored() == before


async def told(house: House, tenant_id: UUID, person_id: UUID) -> list[str]:
    """What lies in somebody's inbox of requests that ended."""
    async with house.storage.read(TenantScope(tenant_id)) as session:
        query = text(
            "SELECT n.text FROM notifications n WHERE n.tenant_id = :t AND n.topic = 'approval.decided'"
            " AND n.title LIKE 'No longer asked%' AND n.audience::text LIKE :person"
        )
        rows = await session.execute(query, {"t": tenant_id, "person": f"%{person_id}%"})
        return list(rows.scalars())


async def test_an_approver_who_left_leaves_it_unapproved(house: House, desk: Desk, bench: Bench):
    await promise(house)
    exclusion = await bench.propose()
    request = (await house.exclusions.approval(desk.by("rob"), exclusion)).request
    for name in ("rob", "fay"):
        await desk.devices.approve(request, desk.by(name), "fine")
    rob = desk.people["rob"]
    await house.people.suspend(CONSOLE, rob.tenant_id, rob.id)
    settled = await bench.settle(exclusion)
    why = "It cannot be excluded: Rob approved this and may no longer; ask again."
    assert (settled.state, settled.history[-1].reason) == (ExclusionState.WITHDRAWN, why)
    approval = await house.exclusions.approval(desk.by("fay"), settled)
    assert [each.act.value for each in approval.steps] == ["approve", "approve", "void"]
    assert await told(house, desk.tenant.id, desk.by("olive").id) == [
        f"What it was about no longer stands: {why}"
    ]
    before = await bench.stored()
    assert await bench.settle(exclusion) == settled
    assert await bench.stored() == before


async def test_what_was_denied_ends_also_where_no_rule_is_left_and_can_be_asked_for_again(
    house: House, desk: Desk, bench: Bench
):
    await promise(house)
    exclusion = await bench.propose()
    request = (await house.exclusions.approval(desk.by("rob"), exclusion)).request
    denial = Deny(desk.tenant.id, request.id, request.digest, "their network was fine")
    await house.decisions.deny(denial, desk.by("rob"))
    policies = house.gate.policies
    house.gate.policies = replace(policies, approval_rules={})
    assert (await bench.settle(exclusion)).state is ExclusionState.DENIED
    house.gate.policies = policies
    assert (await bench.propose()).state is ExclusionState.PROPOSED


async def test_what_was_approved_by_a_rule_that_is_gone_is_void(house: House, desk: Desk, bench: Bench):
    await promise(house)
    exclusion = await bench.propose()
    request = (await house.exclusions.approval(desk.by("rob"), exclusion)).request
    for name in ("rob", "fay"):
        await desk.devices.approve(request, desk.by(name), "fine")
    policies = house.gate.policies
    house.gate.policies = replace(policies, approval_rules={})
    settled = await bench.settle(exclusion)
    why = "It cannot be excluded: no rule says who may approve: exclusion."
    assert (settled.state, settled.history[-1].reason) == (ExclusionState.WITHDRAWN, why)
    house.gate.policies = policies
    assert (await bench.propose()).state is ExclusionState.PROPOSED, "it can be asked for again"


async def test_revoked_it_counts_again_as_the_next_revision(house: House, desk: Desk, bench: Bench):
    await promise(house)
    approved = await bench.approve(await bench.propose(), "rob", "fay")
    first = await desk.sign()
    assert (await bench.objective(first))["adjusted"]["down_minutes"] == "0"
    command = RevokeExclusion(desk.tenant.id, approved.id, "their network was fine after all")
    revoked = await house.exclusions.revoke(command, desk.by("olive"))
    assert revoked.state is ExclusionState.REVOKED
    again = await desk.sign("the exclusion was revoked")
    assert (again.revision, (await bench.objective(again))["adjusted"]["down_minutes"]) == (2, "10")
    before = await bench.stored()
    with pytest.raises(Conflict) as refusal:
        await house.exclusions.revoke(command, desk.by("olive"))
    assert refusal.value.code == "NOT_IN_FORCE"
    assert await bench.stored() == before


async def test_caps_and_overlaps_hold_for_it_as_for_maintenance(house: House, desk: Desk, bench: Bench):
    await promise(house, exclusions={"cap_hours": "0.1"})
    first = await bench.propose(end=LAST_DAY + timedelta(minutes=8))
    second = await bench.propose(start=LAST_DAY + timedelta(minutes=4), end=LAST_DAY + timedelta(minutes=12))
    for each in (first, second):
        await bench.approve(each, "rob", "fay")
    objective = await bench.objective(await desk.sign())
    assert [(each["code"], each["minutes"]) for each in objective["exclusions"]] == [
        ("CAPPED", "6"),
        ("CAPPED", "2"),
    ]
    assert objective["adjusted"]["down_minutes"] == "4"


async def test_what_cannot_be_proposed_is_refused_and_nothing_is_stored(
    house: House, desk: Desk, bench: Bench
):
    await promise(house)
    await bench.propose()
    before = await bench.stored()
    now = house.clock.now()
    wrong = [
        ({"end": now + timedelta(minutes=1)}, Conflict, "end", "NOT_OVER"),
        ({"objectives": ("web",)}, InvalidInput, "objectives", "INVALID"),
        ({}, Conflict, "start", "ALREADY_PROPOSED"),
    ]
    for changes, kind, field, code in wrong:
        with pytest.raises(kind) as refused:
            await bench.propose(**changes)
        assert (refused.value.field, refused.value.code) == (field, code)
    for who in ("carla", "fay", "rob", "finn"):
        with pytest.raises(Denied):
            await bench.propose(who, end=LAST_DAY + timedelta(minutes=5))
    for field, value in (("end", TEN[0]), ("objectives", ()), ("reason", " "), ("evidence", "")):
        with pytest.raises(InvalidInput) as invalid:
            await bench.propose(**{field: value})
        assert invalid.value.field == field
    assert await bench.stored() == before


async def test_a_customer_sees_what_was_proposed_about_its_minutes_and_nobody_elses(
    house: House, desk: Desk, bench: Bench
):
    await promise(house)
    exclusion = await bench.propose()
    page = await house.exclusions.page(desk.by("carla"), desk.tenant.id, PageRequest(10))
    assert [each.id for each in page.items] == [exclusion.id]


async def test_the_tables_refuse_what_two_did_not_approve(house: House, desk: Desk, bench: Bench):
    """The application's role, past the service."""
    await promise(house)
    exclusion = await bench.propose()
    request = (await house.exclusions.approval(desk.by("rob"), exclusion)).request
    await desk.devices.approve(request, desk.by("rob"), "fine")
    step = (await house.exclusions.approval(desk.by("rob"), exclusion)).steps[0]
    rob = desk.people["rob"].id
    forged = {
        "no approval": ("NULL", "NULL", "NULL", "NULL", "exclusion_states_approved_by_two_check"),
        "one approval": ("1", "'use'", "at", f"ARRAY['{rob}'::uuid]", "exclusion_states_approved_by_two_check"),
        "a use that never was": (
            "3", "'use'", f"'{step.at.isoformat()}'", f"ARRAY['{rob}'::uuid, '{rob}'::uuid]",
            "exclusion_states_use_fkey",
        ),
    }  # fmt: skip
    for ordinal, act, at, approvers, constraint in forged.values():
        assert (
            await forge(bench, exclusion.id, step.receipt_id, "approved", ordinal, act, at, approvers)
            == constraint
        )
    nulls = ("NULL", "NULL", "NULL", "NULL")
    assert (
        await forge(bench, exclusion.id, step.receipt_id, "revoked", *nulls)
        == "exclusion_states_follows_what_it_may_check"
    )


async def forge(bench: Bench, exclusion_id: UUID, receipt_id: UUID, state: str, *use: str) -> str:
    """Insert the next state by SQL; the constraint that refused it."""
    ordinal, act, at, approvers = use
    statement = (
        "INSERT INTO exclusion_states (tenant_id, exclusion_id, ordinal, state, previous, previous_state, "
        "request_id, use_ordinal, use_act, used_at, approvers, at, by_id, by_name, reason, receipt_id) "
        f"SELECT tenant_id, exclusion_id, 2, '{state}', 1, state, request_id, {ordinal}, {act}, {at}, "
        f"{approvers}, at, by_id, by_name, reason, :receipt FROM exclusion_states "
        "WHERE tenant_id = :tenant AND exclusion_id = :exclusion AND ordinal = 1"
    )
    before = await bench.stored()
    with pytest.raises(DBAPIError) as refusal:
        async with bench.house.storage.write(TenantScope(bench.tenant_id)) as session:
            await session.execute(
                text(statement),
                {"tenant": bench.tenant_id, "exclusion": exclusion_id, "receipt": receipt_id},
            )
    assert await bench.stored() == before
    found = violation(refusal.value)
    assert found is not None, refusal.value
    return found.constraint


async def test_a_forged_exclusion_is_not_signed_into_a_bundle(house: House, desk: Desk, bench: Bench):
    """Approvals that the receipts do not bear out, in the report's own bytes."""
    await promise(house)
    await bench.approve(await bench.propose(), "rob", "fay")
    report = await desk.sign()
    async with house.storage.read(TenantScope(desk.tenant.id)) as session:
        envelopes = await signed_behind(session, desk.tenant.id, report.receipt_id)
        inputs = await repository.find_inputs(session, desk.tenant.id, report.id)
        document = await repository.find_document(session, desk.tenant.id, report.id)
    files = {**inputs, "report.json": document, **{file_of(i): e for i, e in envelopes.items()}}
    assert attest(files).gaps == ()
    approvals = await desk.kinds("approval.%")
    assert approvals == ["approval.requested", "approval.approved", "approval.approved", "approval.used"]
    for name in [each for each in files if each.startswith("receipts/")]:
        found = attest({each: content for each, content in files.items() if each != name})
        assert found.gaps, name


def wider(result):
    result["objectives"] = None


def two_of_finance(result):
    for each in result["approvals"]:
        each["role"] = "approver_finance"


@pytest.mark.parametrize(
    ("lie", "fields"),
    [
        (wider, {"predicate.result.objectives"}),
        (lambda result: result.update(reason="a storm"), {"predicate.result.reason"}),
        (lambda result: result.update(evidence="ticket 1"), {"predicate.result.evidence"}),
        (lambda result: result.update(end="2026-07-01T00:00:00Z"), {"predicate.result.end"}),
        (two_of_finance, {"predicate.result.approvals", "predicate.result.approvals[0]"}),
    ],
)
async def test_a_receipt_that_says_otherwise_than_the_approvers_signed_is_found(
    house: House, desk: Desk, bench: Bench, lie: Callable[[dict], object], fields: set[str]
):
    """A vendor with its own keys: the receipt is wider than the intent, or of people the rule does not ask."""
    await promise(house)
    approved = await bench.approve(await bench.propose(), "rob", "fay")
    async with house.storage.read(TenantScope(desk.tenant.id)) as session:
        envelopes = await signed_behind(session, desk.tenant.id, approved.last.receipt_id)
    files = {file_of(id_): envelope for id_, envelope in envelopes.items()}
    found, name = dict(statements(files)), file_of(approved.last.receipt_id)
    assert [*approval_gaps(files, found, name, found[name])] == []
    predicate = deepcopy(dict(found[name].predicate))
    lie(predicate["result"])
    lied = replace(found[name], predicate=predicate)
    assert {each.field for each in approval_gaps(files, found, name, lied)} == fields


async def test_an_attempt_names_the_window_that_nobody_approved(house: House, desk: Desk, bench: Bench):
    """Late maintenance does not count and says so; the approval of the same window makes it count."""
    await promise(house)
    await correct(house, range(10, 20), 0)
    await bench.approve(await bench.propose(), "rob", "fay")
    report = await house.reports.issue(IssueReport(desk.tenant.id, JUNE), CONSOLE)
    objective = await bench.objective(report)
    assert (objective["raw"]["down_minutes"], objective["adjusted"]["down_minutes"]) == ("20", "10")

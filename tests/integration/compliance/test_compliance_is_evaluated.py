"""Controls are judged from what really happened: each evaluation a document, with a receipt, and never changed."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from support.learning_world import Vendor, declared
from support.passkeys import Devices
from support.sequencing import sequencing

from jobs.compliance import COMPLIANCE_DUTIES, mind_compliance
from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.acts import ALWAYS_CARRIED
from trust_portal.access.approvals.model import Deny
from trust_portal.access.break_glass.model import CloseBreakGlass, OpenBreakGlass
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.cost.anomalies.thresholds import SetThresholds
from trust_portal.errors import Denied, NotFound
from trust_portal.evidence.act import Act
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.receipt_rows import find_receipt
from trust_portal.evidence.statement import ReceiptKind, Statement, Subject
from trust_portal.house import House
from trust_portal.kernel.actor import SYSTEM, Role
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.kernel.period import parse_period
from trust_portal.reliability.contracts.service import ImportContracts
from trust_portal.storage.outbox import Job, outbox
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.compliance.model import ControlState, Evaluate, Evaluation, Party, Result
from trust_portal.trust.compliance.section import gather
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.sections.model import State

pytestmark = pytest.mark.takes(seconds=15)

DAY = timedelta(days=1)
WHY = "the auditor asks"
CONTRACT = """\
tenant: acme
version: "1"
effective_from: 2026-06-01T00:00:00Z
currency: EUR
fee: "1000.00"
slas:
  - objective: api
    target: "99.9"
    denominator: subscribed
    time_zone: UTC
    tiers:
      - {to: "99.9", credit_percent: "10"}
"""


async def evaluate(house: House, tenant_id: UUID) -> Evaluation:
    return await house.compliance.evaluate(Evaluate(tenant_id, WHY), CONSOLE)


async def ask(house: House, session: ReadSession, tenant_id: UUID) -> Ask:
    tenant = await find_tenant(session, tenant_id)
    assert tenant is not None
    return Ask(tenant, parse_period("2026-06", "UTC"), house.clock.now())


def result(evaluation: Evaluation, control: str, party: Party = Party.TENANT) -> Result:
    return next(each for each in evaluation.results if (each.control, each.party) == (control, party))


def states(evaluation: Evaluation) -> dict[str, str]:
    return {f"{each.control} {each.party.value}": each.state.value for each in evaluation.results}


def gaps(found: Result) -> list[tuple[str, str]]:
    return [(each.name, each.why) for each in found.gaps]


async def logged(house: House, *tenants: UUID) -> None:
    """Until nothing waits for the log."""
    async with sequencing(house), asyncio.timeout(60):
        for tenant_id in tenants:
            async with house.storage.read(StaffScope()) as session:
                driver = await session.driver()
                ids = await driver.fetch("SELECT id FROM receipts WHERE tenant_id = $1", tenant_id)
            for row in ids:
                await house.ledger.wait(tenant_id, row["id"], 60)


async def test_a_house_in_its_first_hour_says_what_cannot_be_judged_yet(house: House, vendor: Vendor) -> None:
    acme = await vendor.customer("acme")
    own = await evaluate(house, VENDOR_ID)
    assert states(own) == {
        "access-review house": "satisfied",
        "dual-control house": "satisfied",
        "emergency-access house": "satisfied",
        "key-rotation house": "satisfied",
        "postmortem-coverage house": "satisfied",
        "receipts-audited house": "not_evaluated",
        "sla-reports house": "not_evaluated",
    }
    assert result(own, "dual-control", Party.HOUSE).excepted == 1, "the policies it begins with"
    assert result(own, "key-rotation", Party.HOUSE).looked_at == 2
    theirs = await evaluate(house, acme)
    assert states(theirs) == {
        "access-review house": "satisfied",
        "access-review tenant": "satisfied",
        "dual-control house": "satisfied",
        "dual-control tenant": "satisfied",
        "emergency-access tenant": "satisfied",
        "key-rotation house": "satisfied",
        "postmortem-coverage tenant": "satisfied",
        "receipts-audited house": "not_evaluated",
        "receipts-audited tenant": "not_evaluated",
        "sla-reports tenant": "not_evaluated",
    }
    async with house.storage.read(TenantScope(acme)) as session:
        receipt = await find_receipt(session, acme, theirs.receipt_id)
        section = await gather(session, await ask(house, session, acme))
    statement = Statement.parse(Envelope.parse(receipt.envelope).payload)
    assert (receipt.kind, statement.subjects) == (
        ReceiptKind.COMPLIANCE_EVALUATED,
        (Subject("compliance.json", theirs.sha256),),
    )
    assert theirs.sha256 == sha256_hex(theirs.document)
    assert statement.predicate["rationale"] == WHY
    assert statement.predicate["result"]["counts"] == {
        "satisfied": "7",
        "not_satisfied": "0",
        "not_evaluated": "3",
    }
    vendors = json.loads(theirs.document)["inherited_from"]
    assert (vendors["evaluation"], vendors["receipt"]) == (str(own.id), str(own.receipt_id))
    assert {each["name"] for each in statement.predicate["inputs"]} == {
        "controls.yaml",
        f"vendor/receipt/{own.receipt_id}",
    }
    assert (section.state, section.figure("not-evaluated").cell.value) == (State.FRESH, "3")


async def test_what_is_not_as_it_should_be_is_named(house: House, vendor: Vendor, clock: ManualClock) -> None:
    """Months go by in which nobody reviews, audits, reports or writes; then some of it is made good."""
    acme, globex = await vendor.customer("acme"), await vendor.customer("globex")
    iris = await vendor.person("Iris", Role.INCIDENT_OWNER)
    for name, role in (("Rex", Role.APPROVER_RELIABILITY), ("Sam", Role.APPROVER_SECURITY)):
        await vendor.person(name, role)
    carol = await vendor.person("Carol", Role.CUSTOMER_ADMIN, tenant_id=acme)
    await house.contracts.import_file(ImportContracts(CONTRACT.encode()), CONSOLE)
    await vendor.tell(declared("INC-1", tenants=["acme"]), declared("INC-2", "P2", tenants=["globex"]))
    await vendor.register()
    await house.break_glass.open(
        OpenBreakGlass(acme, "exports of acme run away, nobody answers"), iris.as_actor()
    )
    async with house.storage.write(TenantScope(acme)) as session:
        forged = await house.ledger.record(
            session,
            Act(
                kind=ReceiptKind.CREDIT_ISSUED,
                tenant_id=acme,
                actor=CONSOLE,
                at=clock.now(),
                subjects=(Subject("memo.json", "ab" * 32),),
                predicate={"amount": "1000000.00"},
            ),
        )
    clock.advance(100 * DAY)
    own = await evaluate(house, VENDOR_ID)
    theirs = await evaluate(house, acme)
    assert {each for each, state in states(theirs).items() if state != "satisfied"} == {
        "access-review house",
        "access-review tenant",
        "dual-control tenant",
        "emergency-access tenant",
        "postmortem-coverage tenant",
        "receipts-audited house",
        "receipts-audited tenant",
        "sla-reports tenant",
    }
    assert theirs.count(ControlState.NOT_SATISFIED) == 8
    assert gaps(result(theirs, "access-review")) == [
        (f"customer_admin of person {carol.id}", "it was never reviewed")
    ]
    dual = result(theirs, "dual-control")
    assert gaps(dual) == [("credit.issued of memo.json", "its receipt names no approval")]
    assert dual.gaps[0].receipt == forged.id
    assert gaps(result(theirs, "emergency-access")) == [
        (f"Emergency access of {iris.id} to acme", "nobody reviewed it in time")
    ]
    assert gaps(result(theirs, "postmortem-coverage")) == [
        ("P1: Trouble INC-1", "its postmortem is not signed")
    ]
    assert gaps(result(theirs, "receipts-audited")) == [("The log", "no audit of this log is on record")]
    unreported = "no report is signed, and no run covered it"
    assert gaps(result(theirs, "sla-reports")) == [
        ("2026-06 of acme", unreported),
        ("2026-07 of acme", unreported),
    ]
    assert gaps(result(own, "postmortem-coverage", Party.HOUSE)) == [
        ("P1: Trouble INC-1", "its postmortem is not signed"),
        ("P2: Trouble INC-2", "its postmortem is not signed"),
    ]
    staff = result(theirs, "access-review", Party.HOUSE)
    assert (staff.gap_count, staff.gaps, staff.evidence) == (3, (), ()), "how many, and not who"
    others = await evaluate(house, globex)
    assert gaps(result(others, "postmortem-coverage")) == [
        ("P2: Trouble INC-2", "its postmortem is not signed")
    ]
    assert "INC-1" not in others.document.decode()
    assert result(others, "sla-reports").why == "no period has ended yet for which a report is due"

    clock.advance(266 * DAY)
    late = await evaluate(house, VENDOR_ID)
    old = result(late, "key-rotation", Party.HOUSE)
    assert [each.why for each in old.gaps] == ["it is too old", "it is too old"]
    async with house.storage.read(TenantScope(acme)) as session:
        section = await gather(session, await ask(house, session, acme))
    assert section.state is State.STALE
    assert section.why == (
        "Roles are reviewed, Two persons stand behind what takes two, Emergency access is reviewed, "
        "Signing keys are rotated, Major incidents have a signed postmortem, Receipts are audited, "
        "Every promise is reported on: it is 266\u00a0d old, and may be 3\u00a0d"
    )


async def test_an_approval_by_another_satisfies_dual_control(
    house: House, vendor: Vendor, clock: ManualClock
) -> None:
    acme = await vendor.customer("acme")
    olive = (await vendor.person("Olive", Role.FINOPS_OPERATOR)).as_actor()
    rex = (await vendor.person("Rex", Role.APPROVER_RELIABILITY)).as_actor()
    fay = (await vendor.person("Fay", Role.APPROVER_FINANCE)).as_actor()
    command = SetThresholds(acme, "compute", {"min_impact": 100_000.0}, "noisy account")
    asked = await house.threshold_changes.change(command, olive)
    request = (await house.approval_inbox.get(rex, acme, asked.approval_id)).approval.request
    for each in (rex, fay):
        await Devices(house).approve(request, each)
    await house.threshold_changes.approval_settled(acme, request.id)
    found = result(await evaluate(house, acme), "dual-control")
    assert (found.state, found.looked_at, found.excepted, found.gaps) == (ControlState.SATISFIED, 1, 0, ())
    assert len(found.evidence) == 1


@pytest.mark.parametrize("kind", sorted(ALWAYS_CARRIED))
async def test_an_act_of_any_kind_that_takes_two_and_names_no_approval_is_a_gap(
    house: House, vendor: Vendor, clock: ManualClock, kind: ReceiptKind
) -> None:
    acme = await vendor.customer("acme")
    act = Act(
        kind=kind,
        tenant_id=acme,
        actor=CONSOLE,
        at=clock.now(),
        subjects=(Subject("act.json", "ab" * 32),),
        predicate={"outcome": "accepted"},
    )
    async with house.storage.write(TenantScope(acme)) as session:
        forged = await house.ledger.record(session, act)
    clock.advance(DAY)
    dual = result(await evaluate(house, acme), "dual-control")
    # Of policies, the first there are take none: nobody could approve them.
    first = kind is ReceiptKind.POLICY_INSTALLED
    why = "its receipt names no approval"
    assert gaps(dual) == ([] if first else [(f"{kind.value} of act.json", why)])
    assert (dual.looked_at, dual.excepted, dual.evidence) == (1, int(first), (forged.id,))


async def test_the_review_of_an_emergency_access_is_judged_where_two_accepted_it(
    house: House, vendor: Vendor, clock: ManualClock
) -> None:
    """Where one objected, their denial is the review: no approval is used, and none is missing."""
    acme, globex = await vendor.customer("acme"), await vendor.customer("globex")
    iris = (await vendor.person("Iris", Role.INCIDENT_OWNER)).as_actor()
    rex = (await vendor.person("Rex", Role.APPROVER_RELIABILITY)).as_actor()
    sam = (await vendor.person("Sam", Role.APPROVER_SECURITY)).as_actor()
    for tenant_id in (acme, globex):
        opened = await house.break_glass.open(
            OpenBreakGlass(tenant_id, "exports run away, nobody answers"), iris
        )
        command = CloseBreakGlass(tenant_id, opened.grant.id, "it is stopped")
        closed = await house.break_glass.close(command, iris)
        request_id = closed.steps[-1].approval_id
        request = (await house.approval_inbox.get(rex, tenant_id, request_id)).approval.request
        if tenant_id == acme:
            for each in (rex, sam):
                await Devices(house).approve(request, each)
        else:
            await house.decisions.deny(Deny(globex, request.id, request.digest, "not needed"), sam)
        await house.glass_reviews.settled(tenant_id, request.id)
    accepted, objected = [result(await evaluate(house, each), "dual-control") for each in (acme, globex)]
    assert (accepted.state, accepted.looked_at, accepted.excepted) == (ControlState.SATISFIED, 1, 0)
    assert (objected.state, objected.looked_at, objected.excepted) == (ControlState.SATISFIED, 0, 0)


async def test_an_audit_is_on_record_with_what_it_found(
    house: House, vendor: Vendor, clock: ManualClock
) -> None:
    acme = await vendor.customer("acme")
    await logged(house, acme)
    clean = await house.receipt_audits.run(acme, SYSTEM)
    assert (clean.receipts, clean.finding_count) == (1, 0)
    found = result(await evaluate(house, acme), "receipts-audited")
    assert (found.state, found.looked_at, found.evidence) == (ControlState.SATISFIED, 1, (clean.receipt_id,))

    await logged(house, acme)
    async with house.storage.engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        await driver.execute("ALTER TABLE receipts DISABLE TRIGGER receipts_append_only")
        await driver.execute("ALTER TABLE receipts NO FORCE ROW LEVEL SECURITY")
        await driver.execute(
            "UPDATE receipts SET leaf_hash = sha256(leaf_hash) WHERE tenant_id = $1 AND kind = 'receipts.audited'",
            acme,
        )
    clock.advance(DAY)
    bad = await house.receipt_audits.run(acme, SYSTEM)
    assert [code for code, _, _ in bad.findings] == ["BODY_CHANGED"]
    found = result(await evaluate(house, acme), "receipts-audited")
    assert gaps(found) == [
        (
            f"receipt {clean.receipt_id} (log entry 1)",
            "the stored envelope does not hash to its leaf in the log",
        )
    ]


async def test_the_clockwork_judges_the_vendor_first_and_everybody_once_a_day(
    house: House, vendor: Vendor, clock: ManualClock
) -> None:
    acme, globex = await vendor.customer("acme"), await vendor.customer("globex")

    async def waiting() -> list[tuple[UUID, dict[str, str]]]:
        async with house.storage.read(TenantScope(VENDOR_ID)) as session:
            rows = await session.execute(
                outbox.select().where(outbox.c.job == Job.EVALUATE_COMPLIANCE.value).order_by(outbox.c.id)
            )
            return [(row.id, row.arguments) for row in rows]

    async def work() -> list[str]:
        jobs = await waiting()
        for row_id, arguments in jobs:
            await COMPLIANCE_DUTIES[0].do(house, row_id, arguments)
        return [arguments["tenant_id"] for _, arguments in jobs]

    await mind_compliance(house)
    assert await work() == [], "nothing is a day old yet"
    clock.advance(DAY)
    await mind_compliance(house)
    await mind_compliance(house)
    assert await work() == [str(VENDOR_ID)], "others inherit from it"
    await mind_compliance(house)
    # Jobs of one millisecond have no order.
    assert sorted(await work()) == sorted([str(acme), str(globex)])
    await mind_compliance(house)
    assert await work() == []
    async with house.storage.read(StaffScope()) as session:
        driver = await session.driver()
        counted = await driver.fetch(
            "SELECT kind, count(*) AS n FROM receipts WHERE kind IN ('receipts.audited', 'compliance.evaluated')"
            " AND actor_kind = 'system' GROUP BY kind ORDER BY kind"
        )
    assert [tuple(row) for row in counted] == [("compliance.evaluated", 3), ("receipts.audited", 3)]
    newest = await house.compliance.newest(CONSOLE, acme)
    assert newest is not None
    assert newest.at == clock.now()
    await house.compliance.do_scheduled(acme)
    assert await house.compliance.newest(CONSOLE, acme) == newest, "it is not due"


async def test_evaluations_are_for_whom_they_concern_and_never_change(
    house: House, vendor: Vendor, clock: ManualClock
) -> None:
    acme, globex = await vendor.customer("acme"), await vendor.customer("globex")
    carol = (await vendor.person("Carol", Role.CUSTOMER_ADMIN, tenant_id=acme)).as_actor()
    pat = (await vendor.person("Pat", Role.PMO)).as_actor()
    csm = (await vendor.person("Cleo", Role.CSM)).as_actor()
    assert await house.compliance.newest(carol, acme) is None
    made = await evaluate(house, acme)
    assert await house.compliance.get(carol, acme, made.id) == made
    with pytest.raises(NotFound):
        await house.compliance.newest(carol, globex)
    with pytest.raises(Denied):
        await house.compliance.newest(carol, VENDOR_ID)
    with pytest.raises(Denied):
        await house.compliance.evaluate(Evaluate(acme, WHY), carol)
    with pytest.raises(Denied):
        await house.compliance.standings(pat, PageRequest())
    counts = [
        (each.key, each.satisfied, each.not_evaluated)
        for each in (await house.compliance.standings(csm, PageRequest())).items
    ]
    assert counts == [("acme", 4, 2), ("globex", 0, 0)]
    assert await house.compliance.newest(carol, acme) == made, "what was refused changed nothing"
    with pytest.raises(asyncpg.PostgresError, match="are never changed"):
        async with house.storage.engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            await driver.execute("ALTER TABLE compliance_evaluations NO FORCE ROW LEVEL SECURITY")
            await driver.execute("UPDATE compliance_evaluations SET satisfied = 10")

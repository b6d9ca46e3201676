"""From an event at the door to the register, and to a postmortem with its receipt."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select
from support.learning_world import BEGAN, PAGER, Vendor, by, declared, named, step, updated

from jobs.incidents import INCIDENT_DUTIES, mind_incidents
from trust_portal.evidence.receipt_rows import find_receipt
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.kernel.actor import SYSTEM, Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.incidents import following, repository
from trust_portal.learning.incidents.acts_model import DeclareIncident, NoteIncident
from trust_portal.learning.incidents.model import GapReason, MajorBecause, Severity
from trust_portal.learning.postmortems.tables import postmortems
from trust_portal.learning.switchboard.coverage import Cover
from trust_portal.learning.switchboard.model import BoardFilter
from trust_portal.learning.switchboard.repository import read_ledger
from trust_portal.storage.backlog import Backlog
from trust_portal.storage.outbox import Job, outbox
from trust_portal.storage.rounds import Round, Rounds
from trust_portal.storage.tenancy import TenantScope

VENDOR = TenantScope(VENDOR_ID)


async def opened(vendor: Vendor) -> dict[str, str]:
    """Why each postmortem was opened, by the incident's id."""
    async with vendor.house.storage.read(VENDOR) as session:
        rows = await session.execute(select(postmortems).where(postmortems.c.tenant_id == VENDOR_ID))
        return {str(row.incident_id): row.opened_because for row in rows}


async def ledger_of(vendor: Vendor) -> list[tuple[str, Cover, Severity | None, datetime]]:
    """The coverage ledger's lines, the oldest first."""
    async with vendor.house.storage.read(VENDOR) as session:
        found = await read_ledger(session)
    return [(each.name, each.cover, each.worst_severity, each.since) for each in found.lines]


async def test_events_become_an_incident_and_a_p1_gets_its_postmortem_with_a_receipt(vendor: Vendor) -> None:
    acme = await vendor.customer("acme")
    ivo = await vendor.person("Ivo Owner", Role.INCIDENT_OWNER)
    await vendor.tell(
        declared("INC-1", tenants=["acme"], objectives=["api"], team="payments"),
        updated("INC-1", "told_customer", minute=5),
        step("INC-1", "mitigated", minute=20),
        step("INC-1", "resolved", minute=30),
    )
    waiting = await Backlog(vendor.house.storage).waiting()
    assert [each.job for each in waiting] == [Job.FOLLOW_INCIDENTS]

    [duty] = INCIDENT_DUTIES
    await duty.do(vendor.house, UUID(int=1), {})

    [incident] = (await vendor.register(follow=False)).values()
    at = {minutes: BEGAN + timedelta(minutes=minutes) for minutes in (-10, 0, 5, 20, 30)}
    assert (incident.id, incident.source, incident.key) == (named("INC-1"), PAGER, "INC-1")
    assert (incident.severity, incident.worst_severity) == (Severity.P1, Severity.P1)
    assert (incident.began_at, incident.detected_at, incident.declared_at) == (at[-10], at[-10], at[0])
    assert (incident.told_at, incident.mitigated_at, incident.resolved_at) == (at[5], at[20], at[30])
    assert (incident.everybody, incident.tenants, incident.objectives) == (False, (acme,), ("api",))
    assert (incident.owner, incident.owner_person_id) == ("ivo@vendor.example", ivo.id)
    assert (incident.service, incident.team, incident.facts) == ("api", "payments", 4)
    async with vendor.house.storage.read(VENDOR) as session:
        entries = await repository.entries_of(session, incident)
        [row] = await session.execute(select(postmortems).where(postmortems.c.tenant_id == VENDOR_ID))
        receipt = await find_receipt(session, VENDOR_ID, row.receipt_id)
    assert [entry.kind for entry in entries] == ["declared", "told_customer", "mitigated", "resolved"]
    assert (row.incident_id, row.opened_because, row.owner_person_id) == (incident.id, "declared", ivo.id)
    assert receipt.kind is ReceiptKind.POSTMORTEM_OPENED
    statement = json.loads(receipt.envelope)
    assert statement["payloadType"] == "application/vnd.in-toto+json"
    assert await vendor.house.incident_following.is_behind() is False


async def test_opening_its_postmortem_changes_nothing_of_the_incident(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Declared alone, and then with its postmortem: the same rows and events, and one receipt more."""
    house = vendor.house
    await vendor.customer("acme")
    sre = (await vendor.person("Sam Operator", Role.SRE_OPERATOR)).as_actor()

    async def rows(table: str) -> list[Any]:
        async with house.storage.read(VENDOR) as session:
            driver = await session.driver()
            return [
                dict(each) for each in await driver.fetch(f"SELECT * FROM {table} ORDER BY {table}::text")
            ]

    async def everything() -> dict[str, list[Any]]:
        told = (
            "incidents",
            "incident_tenants",
            "incident_gaps",
            "incident_touches",
            "facts",
            "notifications",
        )
        return {table: await rows(table) for table in told}

    async def receipts() -> list[str]:
        return sorted(each["kind"] for each in await rows("receipts"))

    def declaration(key: str) -> DeclareIncident:
        at = house.clock.now()
        return DeclareIncident("Uploads fail", Severity.P1, "api", at, at, tenants=("acme",), key=key)

    async def nothing(*_: object) -> None:
        return None

    with monkeypatch.context() as patched:
        patched.setattr(following, "open_postmortem", nothing)
        alone = await house.incidents.declare(declaration("INC-A"), sre)
        await vendor.tell(declared("INC-P", "P2"), updated("INC-P", "note", minute=3))
        await vendor.register()
    before, on_record = await everything(), await receipts()
    assert await opened(vendor) == {}
    async with house.storage.write(VENDOR) as session:
        await repository.lock_register(session)
        await house.incident_following.take_in(session, ["INC-A", "INC-P"], SYSTEM)
    assert set(await opened(vendor)) == {str(alone.id), str(named("INC-P"))}
    assert await everything() == before
    assert await receipts() == sorted([*on_record, "postmortem.opened", "postmortem.opened"])

    both = await house.incidents.declare(declaration("INC-B"), sre)
    assert replace(both, id=alone.id, key=alone.key) == alone


async def test_a_p3_gets_no_postmortem_until_it_is_raised(vendor: Vendor) -> None:
    await vendor.tell(declared("INC-1", "P3"))
    [incident] = (await vendor.register()).values()
    assert (incident.severity, incident.major_because, await opened(vendor)) == (Severity.P3, None, {})

    await vendor.tell(updated("INC-1", "severity", minute=3, severity="P2"))
    [incident] = (await vendor.register()).values()
    assert (incident.severity, incident.major_because) == (Severity.P2, MajorBecause.RAISED)
    assert await opened(vendor) == {str(incident.id): "raised"}


async def test_what_a_fact_tells_below_a_p1_is_a_claim_and_the_postmortem_stays(vendor: Vendor) -> None:
    await vendor.tell(declared("INC-1", "P1"), updated("INC-1", "severity", minute=3, severity="P4"))
    [incident] = (await vendor.register()).values()
    assert (incident.severity, incident.claimed_severity) == (Severity.P1, Severity.P4)
    assert await opened(vendor) == {str(incident.id): "declared"}


async def test_a_merged_p1_makes_its_target_major_also_when_the_target_is_declared_later(
    vendor: Vendor,
) -> None:
    await vendor.tell(declared("INC-1", "P1"), updated("INC-1", "merged", minute=3, into="INC-2"))
    await vendor.register()
    await vendor.tell(declared("INC-2", "P3"))
    register = await vendor.register()
    assert register["INC-1"].merged_into == register["INC-2"].id
    two = register["INC-2"]
    assert (two.severity, two.declared_severity, two.worst_severity) == (
        Severity.P1,
        Severity.P3,
        Severity.P1,
    )
    assert (two.told_severity, two.ends_in, register["INC-1"].ends_in) == (Severity.P1, None, two.id)
    assert await opened(vendor) == {str(named("INC-1")): "declared", str(named("INC-2")): "merged"}


async def test_steps_that_nobody_declared_are_a_named_gap_until_somebody_does(vendor: Vendor) -> None:
    await vendor.tell(updated("INC-1", "severity", minute=3, severity="P1"))
    assert await vendor.register() == {}
    async with vendor.house.storage.read(VENDOR) as session:
        [gap] = await repository.gaps(session)
    assert (gap.source, gap.key, gap.reason) == (PAGER, "INC-1", GapReason.UNDECLARED)
    assert (gap.worst_severity, gap.first_at) == (Severity.P1, BEGAN + timedelta(minutes=3))

    await vendor.tell(declared("INC-1", "P3"))
    [incident] = (await vendor.register()).values()
    assert (incident.severity, incident.declared_severity) == (Severity.P1, Severity.P3)
    async with vendor.house.storage.read(VENDOR) as session:
        assert await repository.gaps(session) == ()


async def test_the_same_key_of_two_sources_is_two_incidents_and_a_third_voice_is_a_gap(
    vendor: Vendor,
) -> None:
    await vendor.tell(
        declared("INC-1", "P3"),
        *by("urn:other", declared("INC-1", "P4")),
        *by("urn:third", updated("INC-1", "severity", minute=4, severity="P1")),
    )
    await vendor.house.incident_following.follow()
    async with vendor.house.storage.read(VENDOR) as session:
        found = await repository.incidents_of_keys(session, ["INC-1"])
        [gap] = await repository.gaps(session)
    assert [(each.source, each.severity) for each in found] == [("urn:other", "P4"), (PAGER, "P3")]
    assert (gap.source, gap.reason, gap.worst_severity) == ("urn:third", GapReason.AMBIGUOUS, "P1")


async def test_the_clockwork_takes_in_what_a_job_missed(vendor: Vendor) -> None:
    await vendor.tell(declared("INC-1"))
    backlog = Backlog(vendor.house.storage)
    async with vendor.house.storage.write(VENDOR) as session:
        await session.execute(delete(outbox))
    assert await backlog.waiting() == ()
    await mind_incidents(vendor.house)
    assert [each.job for each in await backlog.waiting()] == [Job.FOLLOW_INCIDENTS]


async def test_what_is_told_of_the_future_is_refused_and_the_incident_goes_on(vendor: Vendor) -> None:
    await vendor.tell(declared("INC-1", "P1"))
    before = await vendor.register()
    far = "2062-06-01T10:00:00Z"
    wrong = [
        each | {"data": each["data"] | data}
        for each, data in (
            (step("INC-1", "mitigated", minute=20), {"at": far}),
            (step("INC-1", "resolved", minute=20), {"at": far}),
            (declared("INC-2"), {"began_at": far, "detected_at": far}),
            (declared("INC-3"), {"detected_at": far}),
        )
    ]
    outcome = await vendor.send(*wrong)
    assert (outcome.accepted, [(each.code, each.path) for each in outcome.rejected]) == (
        0,
        [
            ("TIME_IN_FUTURE", "$.data.at"),
            ("TIME_IN_FUTURE", "$.data.at"),
            ("TIME_IN_FUTURE", "$.data.began_at"),
            ("TIME_IN_FUTURE", "$.data.detected_at"),
        ],
    )
    assert await vendor.register() == before
    await vendor.tell(step("INC-1", "resolved", minute=20))
    assert (await vendor.register())["INC-1"].resolved_at == BEGAN + timedelta(minutes=20)


async def test_a_stranger_does_not_say_whom_an_incident_touches(vendor: Vendor) -> None:
    acme, globex = await vendor.customer("acme"), await vendor.customer("globex")
    await vendor.tell(
        declared("INC-1", tenants=["acme"]),
        *by("urn:stranger", updated("INC-1", "affected", minute=3, tenants=["globex"])),
    )
    [incident] = (await vendor.register()).values()
    assert (incident.everybody, incident.tenants) == (False, (acme,))
    await vendor.tell(updated("INC-1", "affected", minute=4, tenants=["acme", "globex"]))
    [incident] = (await vendor.register()).values()
    assert set(incident.tenants) == {acme, globex}


@pytest.mark.parametrize("source", ["portal", "pagerduty/main", "alertmanager/prod"])
async def test_no_token_speaks_as_the_portal_nor_as_a_pager(vendor: Vendor, source: str) -> None:
    [event] = by(source, declared("INC-1"))
    with pytest.raises(AssertionError, match="FORBIDDEN_SOURCE"):
        await vendor.tell(event)
    assert await vendor.register() == {}


async def test_an_incident_that_cannot_be_taken_in_waits_alone_and_the_others_told_with_it_do_not(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds, follow = Rounds(vendor.house.storage), vendor.house.incident_following
    fold = following.fold

    def poisoned(told: Any, *arguments: Any) -> Any:
        if any(fact.subject == "INC-2" for fact in told):
            raise RecursionError("merged in a circle")
        return fold(told, *arguments)

    monkeypatch.setattr(following, "fold", poisoned)
    told_at = vendor.clock.now()
    await vendor.tell(declared("INC-1", "P3"), declared("INC-2", "P1"), declared("INC-3", "P3"))
    await vendor.tell(declared("INC-4", "P3"))
    assert await ledger_of(vendor) == [(f"INC-{n}", Cover.WAITING, None, told_at) for n in range(1, 5)], (
        "nothing is taken in yet"
    )

    assert set(await vendor.register()) == {"INC-1", "INC-3", "INC-4"}
    assert await ledger_of(vendor) == [("INC-2", Cover.WAITING, None, told_at)]
    (setback,) = await rounds.setbacks()
    assert (setback.round, setback.failures, setback.error) == (Round.FOLLOW_INCIDENTS, 1, "RecursionError")
    assert await follow.is_behind() is False

    await vendor.tell(declared("INC-5", "P3"))
    assert set(await vendor.register()) == {"INC-1", "INC-3", "INC-4", "INC-5"}
    monkeypatch.undo()
    vendor.clock.advance(timedelta(minutes=1))
    assert await ledger_of(vendor) == [("INC-2", Cover.WAITING, None, told_at)], "as old as it is"
    assert await follow.is_behind()
    assert set(await vendor.register()) == {f"INC-{n}" for n in range(1, 6)}
    assert (await rounds.setbacks(), await follow.is_behind()) == ((), False)
    assert await ledger_of(vendor) == [("Trouble INC-2", Cover.UNSIGNED, Severity.P1, BEGAN)]


async def test_what_is_told_is_a_gap_from_then_on_and_an_act_at_a_door_leaves_nothing_waiting(
    vendor: Vendor,
) -> None:
    """The worker is down all the while."""
    owner = (await vendor.person("Ivo Owner", Role.INCIDENT_OWNER)).as_actor()
    house, at = vendor.house, vendor.clock.now()
    assert await ledger_of(vendor) == []
    command = DeclareIncident("Sign-in fails", Severity.P1, "identity", at, at, key="OURS")
    ours = await house.incidents.declare(command, owner)
    line = ("Sign-in fails", Cover.UNSIGNED, Severity.P1, at)
    assert await ledger_of(vendor) == [line]
    await house.incidents.tell(NoteIncident(ours.id, "We look at it"), owner)
    assert (await ledger_of(vendor), await house.incident_following.is_behind()) == ([line], False)

    vendor.clock.advance(timedelta(minutes=5))
    await vendor.tell(declared("INC-1", "P1"), *by("urn:other", declared("INC-2", "P1")))
    later = vendor.clock.now()
    vendor.clock.advance(timedelta(days=2))
    await vendor.tell(updated("INC-1", "note", minute=5))
    waiting = [("INC-1", Cover.WAITING, None, later), ("INC-2", Cover.WAITING, None, later)]
    assert await ledger_of(vendor) == [line, *waiting]
    board = await house.switchboard.board(owner, BoardFilter())
    assert [(each.name, each.days(board.at)) for each in board.ledger.gaps[1:]] == [
        ("INC-1", 2),
        ("INC-2", 2),
    ]
    assert (board.ledger.covered, board.ledger.total) == (0, 3)

    await vendor.register()
    assert sorted(await ledger_of(vendor)) == sorted(
        [line, *((f"Trouble INC-{n}", Cover.UNSIGNED, Severity.P1, BEGAN) for n in (1, 2))]
    )

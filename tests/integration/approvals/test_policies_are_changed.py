"""Policies come with a deployment, and decide once two have approved exactly that version."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from dual_control import Desk, add_person, settings_of
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from support.passkeys import Devices

from trust_portal.access.action import Action
from trust_portal.access.approvals.model import ApprovalRequest, Approve, Deny
from trust_portal.access.policy import PolicySet, Resource, shipped_policies
from trust_portal.access.policy_change.changes import changes, difference
from trust_portal.access.policy_change.repository import add_set
from trust_portal.access.policy_change.service import AskPolicyChange
from trust_portal.access.policy_register import usable
from trust_portal.errors import Broken, Conflict, Denied, InvalidInput
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.house import House, build_house
from trust_portal.kernel.actor import SYSTEM, Actor, Role
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.storage.errors import violation
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=12)
REASON = "read every line"
TEXTS = {each.name: each.text for each in shipped_policies().texts}
RULE = '\n@id("csm-asks-too")\npermit (principal in Role::"csm", action == Action::"house:policy_change:request", resource);\n'
NEWER = PolicySet.parse(
    {
        **TEXTS,
        "staff.cedar": TEXTS["staff.cedar"] + RULE,
        "approvals.yaml": TEXTS["approvals.yaml"].replace("decide_within: 3d", "decide_within: 2d", 1),
    }
)


@dataclass
class Bench:
    """The version that runs, and one that brings newer policies."""

    desk: Desk
    ada: Actor
    running: House
    start: Callable[[PolicySet], House]
    devices: Devices

    async def ask(self, house: House) -> ApprovalRequest:
        return await house.policy_changes.ask(AskPolicyChange("the new release"), self.ada)

    async def approve(self, request: ApprovalRequest) -> None:
        people = ((1, self.desk.by("sam")), (2, self.desk.by("rob")))
        for slot, actor in people:
            signature = await self.devices.sign(request, actor, REASON, slot=slot)
            command = Approve(VENDOR_ID, request.id, request.digest, REASON, slot, signature)
            await self.running.decisions.approve(command, actor)

    async def versions(self) -> list[str]:
        async with self.running.storage.read(TenantScope(VENDOR_ID)) as session:
            query = text("SELECT version FROM policy_installs WHERE tenant_id = :t ORDER BY ordinal")
            return list((await session.execute(query, {"t": VENDOR_ID})).scalars())


@pytest.fixture
async def bench(house: House, desk: Desk, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Bench]:
    shutil.copy(house.settings.key_file, tmp_path / "keys.json")
    settings = settings_of(house.settings.database_url, house.settings.redis_url, tmp_path)
    houses: list[House] = []

    def start(policies: PolicySet) -> House:
        started = build_house(settings, clock)
        started.gate.shipped = started.gate.policies = policies
        houses.append(started)
        return started

    running = start(shipped_policies())
    await running.open()
    ada = await add_person(running, "ada@vendor.example", Role.VENDOR_ADMIN)
    rob = await add_person(running, "rob@vendor.example", Role.APPROVER_RELIABILITY)
    known = replace(desk, people={**desk.people, "rob": rob})
    yield Bench(known, ada.as_actor(), running, start, Devices(running))
    for each in houses:
        await each.close()


async def test_a_fresh_installation_registers_what_it_came_with_and_asks_nobody(bench: Bench):
    assert await bench.versions() == [shipped_policies().version]
    assert await bench.running.policies.install() is False
    assert not bench.running.policies.waiting
    with pytest.raises(Conflict) as refusal:
        await bench.ask(bench.running)
    assert refusal.value.code == "POLICIES_IN_FORCE"


async def test_a_newer_version_decides_by_the_texts_in_force_until_two_approve_its_own(bench: Bench):
    newer, old = bench.start(NEWER), shipped_policies().version
    await newer.open()
    csm = (await add_person(bench.running, "cleo@vendor.example", Role.CSM)).as_actor()
    asking = (csm, Action.POLICY_CHANGE_REQUEST, Resource.of_house("policies"))
    assert (newer.gate.policies.version, newer.policies.waiting) == (old, True)
    assert not newer.gate.allows(*asking)

    request = await bench.ask(newer)
    told = {line.label: line.value for line in request.intent.act}
    assert (told["Version"], told["Instead of"]) == (NEWER.version, old)
    assert told["staff.cedar"] == "new: csm-asks-too; 3 lines more, 0 less"
    assert told["approvals.yaml"].startswith("changed: ")
    assert "decide_within: 2d" in next(v for k, v in told.items() if k.startswith("Approval of "))
    (evidence,) = request.intent.evidence
    shown = await newer.policy_changes.difference(bench.ada, NEWER.version, old)
    assert evidence.sha256 == sha256_hex(shown.encode())
    assert '+@id("csm-asks-too")\n' in shown

    await bench.approve(request)
    assert await bench.versions() == [old]
    # Whichever process takes the job: the texts came with the request.
    assert await bench.running.policy_changes.approval_settled(VENDOR_ID, request.id) == NEWER.version
    assert await bench.versions() == [old, NEWER.version]
    await newer.policies.follow()
    assert (newer.gate.policies.version, newer.policies.waiting) == (NEWER.version, False)
    assert newer.gate.allows(*asking)
    # The version that came before still decides by its own: it was approved once, and may come back.
    await bench.running.policies.follow()
    assert bench.running.gate.policies.version == old

    page = await newer.archive.receipts(bench.ada, VENDOR_ID, PageRequest(1), ReceiptKind.POLICY_INSTALLED)
    filed = await newer.archive.receipt(bench.ada, VENDOR_ID, page.items[0].id)
    result = filed.statement["predicate"]["result"]
    assert (result["version"], result["replaces"]) == (NEWER.version, old)
    assert [each["person"] for each in result["approvals"]] == [
        str(bench.desk.by(name).id) for name in ("sam", "rob")
    ]
    assert filed.statement["predicate"]["policies"]["version"] == old
    assert await newer.policy_changes.approval_settled(VENDOR_ID, request.id) is None


async def test_one_that_was_denied_never_decides_and_another_approval_does_not_fit_it(bench: Bench):
    newer = bench.start(NEWER)
    await newer.open()
    request = await bench.ask(newer)
    await bench.running.decisions.deny(
        Deny(VENDOR_ID, request.id, request.digest, "who asked for this rule?"), bench.desk.by("sam")
    )
    assert await newer.policy_changes.approval_settled(VENDOR_ID, request.id) is None
    overtaken, other = (
        await bench.ask(newer),
        bench.start(PolicySet.parse({**TEXTS, "staff.cedar": TEXTS["staff.cedar"] + "// a comment\n"})),
    )
    await other.open()
    first = await bench.ask(other)
    await bench.approve(first)
    await other.policy_changes.approval_settled(VENDOR_ID, first.id)
    await bench.approve(overtaken)
    assert await newer.policy_changes.approval_settled(VENDOR_ID, overtaken.id) is None
    assert NEWER.version not in await bench.versions()
    await newer.policies.follow()
    assert newer.gate.policies.version == other.policies.shipped.version


async def test_asking_takes_a_reason_and_a_right_and_leaves_nothing_where_it_is_refused(bench: Bench):
    newer = bench.start(NEWER)
    await newer.open()
    with pytest.raises(InvalidInput):
        AskPolicyChange("  ")
    with pytest.raises(Denied):
        await newer.policy_changes.ask(AskPolicyChange("a reason"), bench.desk.by("olive"))
    async with newer.storage.read(TenantScope(VENDOR_ID)) as session:
        query = text("SELECT count(*) FROM policy_requests WHERE tenant_id = :t")
        assert (await session.execute(query, {"t": VENDOR_ID})).scalar_one() == 0


@pytest.mark.parametrize(
    "kept", [{}, {"schema.cedarschema": TEXTS["schema.cedarschema"].replace('action "house', 'action "hut')}]
)
def test_a_program_that_cannot_decide_by_the_texts_in_force_does_not_start(kept: dict[str, str]):
    with pytest.raises(Broken, match="keep the version that runs now serving") as refusal:
        usable(kept, NEWER.version)
    assert refusal.value.code == "POLICIES_NOT_APPROVED"


async def test_the_database_puts_no_second_version_in_force_without_the_use_of_an_approval(bench: Bench):
    newer = bench.start(NEWER)
    await newer.open()
    request = await bench.ask(newer)
    await bench.approve(request)
    other = PolicySet.parse({**TEXTS, "staff.cedar": TEXTS["staff.cedar"] + "// a comment\n"})
    async with newer.storage.write(TenantScope(VENDOR_ID)) as session:
        for each in (NEWER, other):
            await add_set(session, each.version, {one.name: one.text for one in each.texts})
    now = newer.clock.now()
    row = {
        "tenant_id": VENDOR_ID,
        "ordinal": 2,
        "version": NEWER.version,
        "previous": 1,
        "approval_id": request.id,
        "use_ordinal": 3,
        "use_act": "use",
        "used_at": now,
        "at": now,
    }
    nothing = dict.fromkeys(("previous", "approval_id", "use_ordinal", "use_act", "used_at"))

    async def insert(lie: dict[str, object]) -> None:
        names, values = ", ".join(row), ", ".join(f":{name}" for name in row)
        async with newer.storage.write(TenantScope(VENDOR_ID)) as session:
            await session.execute(text(f"INSERT INTO policy_installs ({names}) VALUES ({values})"), row | lie)

    async def refused(**lie: object) -> str:
        with pytest.raises(DBAPIError) as refusal:
            await insert(lie)
        found = violation(refusal.value)
        assert found is not None, refusal.value
        return found.constraint.removeprefix("policy_installs_")

    assert await refused() == "use_fkey", "approved, and not used"
    approvers = await newer.approvals.who_could(request.kind, VENDOR_ID)
    async with newer.storage.write(TenantScope(VENDOR_ID)) as session:
        used = await newer.approvals.use(session, request.id, request.intent, SYSTEM, approvers)
    row["used_at"] = used.approval.steps[-1].at
    assert await refused(**nothing) == "all_but_the_first_are_approved_check"
    approved = {"use_ordinal": 2, "use_act": "approve", "used_at": used.approval.steps[1].at}
    assert await refused(**approved) == "all_but_the_first_are_approved_check"
    assert await refused(version=other.version) == "request_fkey", "asked for was another version"
    assert await refused(ordinal=3, previous=2) == "previous_fkey"
    assert await refused(ordinal=1, **nothing) == "pkey"
    assert await bench.versions() == [shipped_policies().version]
    await insert({})
    assert await bench.versions() == [shipped_policies().version, NEWER.version]


def test_a_difference_names_rules_by_their_ids_and_counts_lines():
    old = {"a.cedar": '@id("one")\npermit (principal, action, resource);\n', "same.cedar": "// same\n"}
    new = {
        "a.cedar": '// why\n@id("two")\npermit (principal, action, resource);\n',
        "same.cedar": "// same\n",
    }
    (change,) = changes(old, new)
    assert change.words == "new: two; gone: one; 2 lines more, 1 less"
    assert difference(old, old) == ""
    assert '-@id("one")\n' in difference(old, new)

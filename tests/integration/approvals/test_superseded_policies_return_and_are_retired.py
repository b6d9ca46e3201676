"""Going back to older policies is on record and told; what two have retired decides no more."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from dual_control import Desk, add_person, settings_of
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from support.passkeys import Devices
from support.two_stand_behind import acts_of_two

from jobs.approvals import SETTLED
from trust_portal.access.action import Action
from trust_portal.access.approvals.model import ApprovalKind, ApprovalRequest
from trust_portal.access.policy import PolicySet, Resource, shipped_policies
from trust_portal.access.policy_change.retiring import AskPolicyRetirement
from trust_portal.access.policy_change.service import AskPolicyChange
from trust_portal.errors import Broken, Conflict, Denied, NotFound, Refused
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.house import House, build_house
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=15)

OLD = shipped_policies()
TEXTS = {each.name: each.text for each in OLD.texts}
NEWER = PolicySet.parse({**TEXTS, "staff.cedar": TEXTS["staff.cedar"] + "// the fault is mended\n"})


@dataclass
class Release:
    """The vendor's people, and houses by whichever policies a release brings."""

    desk: Desk
    ada: Actor
    start: Callable[[PolicySet], House]
    devices: Devices

    async def approve(self, house: House, request: ApprovalRequest) -> None:
        for name in ("sam", "rob"):
            await self.devices.approve(request, self.desk.by(name))
        await SETTLED[ApprovalKind.POLICY_CHANGE](house, VENDOR_ID, request.id)

    async def supersede(self) -> House:
        """The newer release, by whose policies it is decided from now on."""
        newer = self.start(NEWER)
        await newer.open()
        await self.approve(newer, await newer.policy_changes.ask(AskPolicyChange("a fault"), self.ada))
        assert newer.gate.policies.version == NEWER.version
        return newer

    async def retire(self, house: House) -> ApprovalRequest:
        request = await house.policy_retirements.ask(AskPolicyRetirement(OLD.version, "a fault"), self.ada)
        await self.approve(house, request)
        return request

    async def told(self, house: House) -> list[str]:
        async with house.storage.read(TenantScope(VENDOR_ID)) as session:
            query = text(
                "SELECT title FROM notifications WHERE tenant_id = :t AND topic = 'policies.returned'"
            )
            return list((await session.execute(query, {"t": VENDOR_ID})).scalars())

    async def receipts(self, house: House, kind: ReceiptKind) -> list[dict[str, object]]:
        page = await house.archive.receipts(self.ada, VENDOR_ID, PageRequest(20), kind)
        found = [await house.archive.receipt(self.ada, VENDOR_ID, each.id) for each in page.items]
        return [each.statement["predicate"]["result"] for each in found]


@pytest.fixture
async def release(house: House, desk: Desk, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Release]:
    shutil.copy(house.settings.key_file, tmp_path / "keys.json")
    settings = settings_of(house.settings.database_url, house.settings.redis_url, tmp_path)
    houses: list[House] = []

    def start(policies: PolicySet) -> House:
        started = build_house(settings, clock)
        started.gate.shipped = started.gate.policies = policies
        houses.append(started)
        return started

    running = start(OLD)
    await running.open()
    ada = await add_person(running, "ada@vendor.example", Role.VENDOR_ADMIN)
    rob = await add_person(running, "rob@vendor.example", Role.APPROVER_RELIABILITY)
    known = replace(desk, people={**desk.people, "rob": rob})
    yield Release(known, ada.as_actor(), start, Devices(running))
    for each in houses:
        await each.close()


async def test_that_superseded_policies_decide_again_is_on_record_and_told_once_a_day(
    release: Release, clock: ManualClock
) -> None:
    newer = await release.supersede()
    assert await release.told(newer) == []
    for _ in range(2):
        back = release.start(OLD)
        await back.open()
        assert (back.gate.policies.version, back.policies.waiting) == (OLD.version, False)
    said = {"version": OLD.version, "superseded_by": NEWER.version}
    assert await release.receipts(newer, ReceiptKind.POLICY_RETURNED) == [said]
    assert await release.told(newer) == [f"Superseded policies {OLD.version[:12]} decide again"]

    await release.start(NEWER).open()
    assert await release.receipts(newer, ReceiptKind.POLICY_RETURNED) == [said]
    clock.advance(timedelta(days=1))
    await release.start(OLD).open()
    assert await release.receipts(newer, ReceiptKind.POLICY_RETURNED) == [said, said]
    assert len(await release.told(newer)) == 2


async def test_what_two_have_retired_decides_nowhere_any_more(release: Release) -> None:
    newer = await release.supersede()
    back = release.start(OLD)
    await back.open()
    request = await release.retire(newer)

    lines = {line.label: line.value for line in request.intent.act}
    assert lines == {"Retire version": OLD.version, "In force": NEWER.version}
    assert await newer.policy_retirements.superseded(release.ada) == {OLD.version: True}
    (retired,) = await release.receipts(newer, ReceiptKind.POLICY_RETIRED)
    assert (retired["version"], [each["person"] for each in retired["approvals"]]) == (
        OLD.version,
        [str(release.desk.by(name).id) for name in ("sam", "rob")],
    )
    assert newer.gate.policies.version == NEWER.version
    kinds = await acts_of_two(newer.storage, VENDOR_ID)
    assert kinds == ["policy.installed", "policy.installed", "policy.retired"]

    await back.policies.follow()
    assert (back.gate.policies.version, back.policies.waiting) == (NEWER.version, True)
    again = release.start(OLD)
    await again.open()
    assert again.gate.policies.version == NEWER.version
    assert await newer.policy_retirements.approval_settled(request.id) is None
    with pytest.raises(Conflict) as refusal:
        await again.policy_changes.ask(AskPolicyChange("back again"), release.ada)
    assert refusal.value.code == "POLICIES_IN_FORCE"


async def test_a_process_whose_policies_are_retired_and_that_cannot_decide_by_the_newest_permits_nothing(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = await release.supersede()
    back = release.start(OLD)
    await back.open()
    await release.retire(newer)

    def unusable(*_: object) -> PolicySet:
        raise Broken("no", code="POLICIES_NOT_APPROVED")

    monkeypatch.setattr("trust_portal.access.policy_register.usable", unusable)
    monkeypatch.setattr("trust_portal.access.policy_register._SETTLED", timedelta(0))
    reading = release.ada, Action.POLICIES_READ, Resource.of_house("policies")
    assert back.gate.allows(*reading)
    with pytest.raises(Broken):
        await asyncio.wait_for(back.policies.watch(), 60)
    assert not back.gate.allows(*reading)
    with pytest.raises(Broken) as refusal:
        await release.start(OLD).open()
    assert refusal.value.code == "POLICIES_NOT_APPROVED"


async def test_only_what_was_superseded_is_retired_and_nothing_is_left_where_that_is_refused(
    release: Release,
) -> None:
    newer = await release.supersede()

    async def refused(version: str, actor: Actor, kind: type[Refused]) -> str:
        with pytest.raises(kind) as refusal:
            await newer.policy_retirements.ask(AskPolicyRetirement(version, "a fault"), actor)
        return refusal.value.code

    assert await refused(NEWER.version, release.ada, Conflict) == "POLICIES_IN_FORCE"
    assert await refused("0" * 64, release.ada, NotFound) == "NOT_FOUND"
    assert await refused(OLD.version, release.desk.by("olive"), Denied) == "DENIED"
    async with newer.storage.read(TenantScope(VENDOR_ID)) as session:
        query = text("SELECT count(*) FROM policy_retirement_requests WHERE tenant_id = :t")
        assert (await session.execute(query, {"t": VENDOR_ID})).scalar_one() == 0

    first = await newer.policy_retirements.ask(AskPolicyRetirement(OLD.version, "a fault"), release.ada)
    await release.retire(newer)
    assert await refused(OLD.version, release.ada, Conflict) == "POLICIES_RETIRED"
    await release.approve(newer, first)
    view = await newer.approval_inbox.get(release.ada, VENDOR_ID, first.id)
    assert view.approval.steps[-1].act.value == "void", "another retired them first"


async def test_the_database_retires_nothing_without_the_use_of_an_approval_for_that(
    release: Release,
) -> None:
    newer = await release.supersede()
    async with newer.storage.read(TenantScope(VENDOR_ID)) as session:
        query = text(
            "SELECT approval_id, use_ordinal, use_act, used_at FROM policy_installs"
            " WHERE tenant_id = :t AND ordinal = 2"
        )
        install = (await session.execute(query, {"t": VENDOR_ID})).mappings().one()
    request = await newer.policy_retirements.ask(AskPolicyRetirement(OLD.version, "a fault"), release.ada)
    lies = {
        "policy_retirements_request_fkey": {**install},
        "policy_retirements_use_fkey": {**install, "approval_id": request.id},
        "two_approved_it": {**install, "approval_id": request.id, "use_act": "approve"},
    }
    for constraint, row in lies.items():
        with pytest.raises(DBAPIError, match=constraint):
            async with newer.storage.write(TenantScope(VENDOR_ID)) as session:
                await session.execute(
                    text(
                        "INSERT INTO policy_retirements (tenant_id, version, approval_id, use_ordinal, use_act,"
                        " used_at) VALUES (:t, :version, :approval_id, :use_ordinal, :use_act, :used_at)"
                    ),
                    {"t": VENDOR_ID, "version": OLD.version, **row},
                )
    assert await newer.policy_retirements.superseded(release.ada) == {OLD.version: False}

"""A key that signs is replaced by another: asked for by one, signed for by two, said in every log by place."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import pytest
from dual_control import Desk, add_person, settings_of
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from support.passkeys import Devices
from support.two_stand_behind import acts_of_two

from trust_portal.access.approvals.model import Approval, ApprovalRequest, Approve, Deny
from trust_portal.access.key_rotation.model import AskKeyRotation
from trust_portal.access.key_rotation.service import KeyRotations
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.errors import Conflict, Denied, InvalidInput, Unavailable
from trust_portal.evidence.act import Act
from trust_portal.evidence.audit import AuditTotals, audit
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.export import Export, RenderedDocument
from trust_portal.evidence.exports import Exports
from trust_portal.evidence.keyring import KeyPurpose, load_keyring, prepare_key, tidy_keys
from trust_portal.evidence.ledger import Receipt
from trust_portal.evidence.log_check import check_logs
from trust_portal.evidence.policy_file import Policy
from trust_portal.evidence.reproduction import reproduce_all
from trust_portal.evidence.sequencer import run_sequencer
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.evidence.verdict import Code
from trust_portal.evidence.verify import verify
from trust_portal.house import House, build_house
from trust_portal.kernel.actor import SYSTEM, Actor, Role
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.storage.errors import sqlstate_of, violation
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession

pytestmark = pytest.mark.takes(seconds=15)
REASON = "compared the fingerprints"


class Letters:
    """A document that carries every receipt the test recorded."""

    async def render(self, session: ReadSession, export: Export) -> RenderedDocument:
        found = await session.execute(
            text("SELECT id FROM receipts WHERE tenant_id = :t AND actor_name = 'Rotation' ORDER BY id"),
            {"t": export.tenant_id},
        )
        return RenderedDocument(
            files={"letter.txt": b"Dear customer\n"},
            tenant="acme",
            period="",
            file_name="acme-letter.zip",
            receipts=export.receipt_ids or tuple(found.scalars()),
        )


@dataclass
class Process:
    """One process of the installation, with a key file of its own as on a machine of its own."""

    house: House
    path: Path

    @property
    def rotations(self) -> KeyRotations:
        return self.house.key_rotations

    async def record(self, tenant_id) -> Receipt:
        async with self.house.storage.write(TenantScope(tenant_id)) as session:
            return await self.house.ledger.record(session, act_of(self.house, tenant_id))

    async def bundle(self, tenant_id) -> tuple[Exports, bytes]:
        storage, ledger = self.house.storage, self.house.ledger
        exports = Exports(storage, ledger, {"letter": Letters()}, host="trust.example", vendor="Vendor Ltd")
        async with storage.write(TenantScope(tenant_id)) as session:
            asked = await exports.request(
                session, kind="letter", tenant_id=tenant_id, subject_id=new_id(), revision=1, actor=SYSTEM
            )
        await exports.build(tenant_id, asked.id)
        async with storage.read(TenantScope(tenant_id)) as session:
            return exports, (await exports.artefact(session, tenant_id, asked.id)).content

    async def policy(self, actor: Actor, tenant_id) -> Policy:
        return Policy.parse((await self.house.archive.trust_policy(actor, tenant_id)).encode())

    @asynccontextmanager
    async def sequencing(self) -> AsyncIterator[None]:
        stop = asyncio.Event()
        task = asyncio.create_task(
            run_sequencer(self.house.storage, self.house.keyring, stop, host="trust.example")
        )
        yield
        stop.set()
        await task


def act_of(house: House, tenant_id: UUID) -> Act:
    return Act(
        kind=ReceiptKind.TENANT_CREATED,
        tenant_id=tenant_id,
        actor=replace(SYSTEM, name="Rotation"),
        at=house.clock.now(),
        subjects=(Subject("a thing", sha256_hex(b"a thing")),),
        predicate={"name": "a thing"},
        policies=("test",),
        policy_version="1",
    )


def signer(receipt: Receipt) -> str:
    return Envelope.parse(receipt.envelope).signatures[0].key_id


@dataclass
class Bench:
    """Two processes: one serves, the other has the sequencer's seat."""

    desk: Desk
    ada: Actor
    serving: Process
    working: Process
    devices: Devices

    def prepare(self, purpose: KeyPurpose = KeyPurpose.RECEIPTS, *, everywhere: bool = True) -> str:
        key = prepare_key(self.serving.path, purpose)
        if everywhere:
            shutil.copy(self.serving.path, self.working.path)
        return key.key_id

    async def ask(
        self, purpose: KeyPurpose = KeyPurpose.RECEIPTS, key_id: str | None = None
    ) -> ApprovalRequest:
        return await self.serving.rotations.ask(AskKeyRotation(purpose, "a year is over", key_id), self.ada)

    async def approve(self, request: ApprovalRequest) -> None:
        for slot, name in enumerate(("sam", "sid"), start=1):
            actor = self.desk.by(name)
            signature = await self.devices.sign(request, actor, REASON, slot=slot)
            command = Approve(VENDOR_ID, request.id, request.digest, REASON, slot, signature)
            await self.serving.house.decisions.approve(command, actor)

    async def retired(self, count: int) -> None:
        for _ in range(200):
            keys = await self.serving.rotations.keys(self.ada)
            if sum(each.retired_at is not None for each in keys.known) == count:
                return
            await asyncio.sleep(0.1)
        raise AssertionError("the old key was never retired")

    async def rotations(self) -> int:
        async with self.serving.house.storage.read(TenantScope(VENDOR_ID)) as session:
            query = text("SELECT count(*) FROM key_rotations WHERE tenant_id = :t")
            return (await session.execute(query, {"t": VENDOR_ID})).scalar_one()


@pytest.fixture
async def bench(house: House, desk: Desk, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Bench]:
    processes = []
    for name in ("serving", "working"):
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(house.settings.key_file, folder / "keys.json")
        settings = settings_of(house.settings.database_url, house.settings.redis_url, folder)
        processes.append(Process(build_house(settings, clock), folder / "keys.json"))
        await processes[-1].house.open()
    ada = await add_person(processes[0].house, "ada@vendor.example", Role.VENDOR_ADMIN)
    yield Bench(desk, ada.as_actor(), *processes, Devices(processes[0].house))
    for process in processes:
        await process.house.close()


async def test_bundles_from_before_and_after_verify_under_the_new_policy_by_place_in_the_log(bench: Bench):
    tenant_id, old = bench.desk.tenant.id, bench.serving.house.keyring.receipts.key_id
    async with bench.working.sequencing():
        first = await bench.serving.record(tenant_id)
        exports, before = await bench.serving.bundle(tenant_id)
        earlier = await bench.serving.policy(bench.ada, tenant_id)
        new = bench.prepare()
        request = await bench.ask(key_id=new)
        told = {line.label: line.value for line in request.intent.act}
        assert (told["Signs"], told["Key in force, fingerprint"], told["New key, fingerprint"]) == (
            "receipts and bundles", old, new,
        )  # fmt: skip
        await bench.approve(request)
        rotation = await bench.working.rotations.approval_settled(VENDOR_ID, request.id)
        assert rotation is not None
        assert (rotation.key_id, rotation.replaces) == (new, old)
        await bench.retired(1)
        later = await bench.serving.record(tenant_id)
        _, after = await bench.serving.bundle(tenant_id)
        policy = await bench.serving.policy(bench.ada, tenant_id)
        assert await check_logs(bench.serving.house.storage, bench.serving.house.keyring) >= 2

    assert (signer(first), signer(later)) == (old, new)
    assert [key.key_id for key in policy.receipt_keys] == [new, old]
    spans = {key.key_id: policy.span(key) for key in policy.receipt_keys}
    assert spans[old].first == 0
    assert spans[old].end == spans[new].first
    assert spans[new].end is None
    for content in (before, after):
        assert verify(content, policy=policy).findings == ()
    assert verify(before, policy=earlier).findings == ()
    assert {each.code for each in verify(after, policy=earlier).findings} == {Code.UNKNOWN_KEY}
    assert verify(after, pinned=frozenset({new})).findings == ()
    totals = AuditTotals()
    storage = bench.serving.house.storage
    assert [each async for each in reproduce_all(storage, exports, totals)] == []
    assert totals.reproduced == 2
    assert [each async for each in audit(storage, totals)] == []


async def test_the_receipt_is_signed_by_the_key_that_leaves_and_names_who_asked_and_approved(bench: Bench):
    old = bench.serving.house.keyring.receipts.key_id
    new = bench.prepare()
    request = await bench.ask()
    await bench.approve(request)
    rotation = await bench.serving.rotations.approval_settled(VENDOR_ID, request.id)
    assert rotation is not None
    filed = await bench.serving.house.archive.receipt(bench.ada, VENDOR_ID, rotation.receipt_id)
    assert signer(filed.receipt) == old
    assert filed.receipt.subjects == (Subject("receipts.der", new),)
    result = filed.statement["predicate"]["result"]
    assert (result["replaces"], result["requester"]["person"]) == (old, str(bench.ada.id))
    assert [each["person"] for each in result["approvals"]] == [
        str(bench.desk.by(name).id) for name in ("sam", "sid")
    ]
    assert await bench.serving.rotations.approval_settled(VENDOR_ID, request.id) is None
    assert await bench.rotations() == 1
    assert "key.rotated" in await acts_of_two(bench.serving.house.storage, VENDOR_ID)


async def test_the_key_of_checkpoints_ends_at_the_size_at_which_the_next_begins(bench: Bench):
    tenant_id, old = bench.desk.tenant.id, bench.working.house.keyring.checkpoints.key_id
    async with bench.working.sequencing():
        await bench.serving.record(tenant_id)
        _, before = await bench.serving.bundle(tenant_id)
        new = bench.prepare(KeyPurpose.CHECKPOINTS)
        request = await bench.ask(KeyPurpose.CHECKPOINTS)
        await bench.approve(request)
        await bench.serving.rotations.approval_settled(VENDOR_ID, request.id)
        await bench.retired(1)
        await check_logs(bench.serving.house.storage, bench.serving.house.keyring)
        await bench.serving.record(tenant_id)
        _, after = await bench.serving.bundle(tenant_id)
        policy = await bench.serving.policy(bench.ada, tenant_id)
    spans = {log.key.key_id: policy.span(log.key) for log in policy.logs}
    assert list(spans) == [new, old]
    assert spans[old].end == spans[new].first
    for content in (before, after):
        assert verify(content, policy=policy).findings == ()
    async with bench.working.sequencing():  # whoever takes the seat next agrees with what is stored
        await bench.serving.house.ledger.wait(tenant_id, (await bench.serving.record(tenant_id)).id)


async def test_what_was_under_way_when_the_key_turned_is_signed_by_the_old_one_and_still_verifies(
    bench: Bench,
):
    tenant_id, old = bench.desk.tenant.id, bench.serving.house.keyring.receipts.key_id
    async with bench.working.sequencing():
        new = bench.prepare()
        request = await bench.ask()
        await bench.approve(request)
        act = act_of(bench.serving.house, tenant_id)
        async with bench.serving.house.storage.write(TenantScope(tenant_id)) as session:
            late = await bench.serving.house.ledger.record(session, act)
            await bench.working.rotations.approval_settled(VENDOR_ID, request.id)
            for _ in range(100):
                if signer(await bench.working.record(tenant_id)) == new:
                    break
                await asyncio.sleep(0.1)
            await asyncio.sleep(1.5)
            keys = await bench.working.rotations.keys(bench.ada)
            assert [each.retired_at for each in keys.known] == [None] * 4
        assert signer(late) == old
        await bench.retired(1)
        _, content = await bench.serving.bundle(tenant_id)
        policy = await bench.serving.policy(bench.ada, tenant_id)
    spans = {key.key_id: policy.span(key) for key in policy.receipt_keys}
    assert spans[old].end > spans[new].first
    assert verify(content, policy=policy).findings == ()


async def test_a_process_without_the_new_key_records_nothing_and_says_so_until_it_has_it(bench: Bench):
    tenant_id = bench.desk.tenant.id
    without = bench.working.path.read_bytes()
    async with bench.working.sequencing():
        new = bench.prepare()
        with_it = bench.serving.path.read_bytes()
        request = await bench.ask()
        await bench.approve(request)
        await bench.working.rotations.approval_settled(VENDOR_ID, request.id)
        bench.serving.path.write_bytes(without)
        await bench.retired(1)
        with pytest.raises(InvalidInput, match="bring the rotated key to it") as refusal:
            await bench.serving.record(tenant_id)
        assert refusal.value.field == "KEY_FILE"
        with pytest.raises(Unavailable):
            await bench.serving.house.readiness["keys"]()
        bench.serving.path.write_bytes(with_it)
        assert signer(await bench.serving.record(tenant_id)) == new
        await bench.serving.house.readiness["keys"]()
    assert tidy_keys(bench.serving.path, {KeyPurpose.RECEIPTS: new}) != ()
    assert load_keyring(bench.serving.path).receipts.key_id == new


async def test_nothing_turns_where_the_sequencer_lacks_the_key_and_everything_goes_on_under_the_old(
    bench: Bench,
):
    tenant_id, old = bench.desk.tenant.id, bench.serving.house.keyring.receipts.key_id
    async with bench.working.sequencing():
        new = bench.prepare(everywhere=False)
        request = await bench.ask()
        await bench.approve(request)
        await bench.serving.rotations.approval_settled(VENDOR_ID, request.id)
        await asyncio.sleep(1.5)
        receipt = await bench.serving.record(tenant_id)
        assert signer(receipt) == old
        await bench.serving.house.ledger.wait(tenant_id, receipt.id)
        keys = await bench.serving.rotations.keys(bench.ada)
        assert [each.key_id for each in keys.approved] == [new]
        with pytest.raises(Conflict) as refusal:
            await bench.ask()
        assert refusal.value.code == "KEY_TURNING"
        shutil.copy(bench.serving.path, bench.working.path)
        await bench.retired(1)


async def test_one_that_is_denied_or_was_shown_another_key_changes_nothing(bench: Bench):
    with pytest.raises(Conflict) as refusal:
        await bench.ask()
    assert refusal.value.code == "KEY_NOT_PREPARED"
    new = bench.prepare()
    with pytest.raises(Conflict) as refusal:
        await bench.ask(key_id="0" * 64)
    assert refusal.value.code == "KEY_NOT_THIS"
    with pytest.raises(Denied):
        await bench.serving.rotations.ask(
            AskKeyRotation(KeyPurpose.RECEIPTS, "a reason"), bench.desk.by("olive")
        )
    with pytest.raises(InvalidInput):
        AskKeyRotation(KeyPurpose.WEBHOOKS, "a reason")
    denied = await bench.ask(key_id=new)
    await bench.serving.house.decisions.deny(
        Deny(VENDOR_ID, denied.id, denied.digest, "not this month"), bench.desk.by("sam")
    )
    assert await bench.serving.rotations.approval_settled(VENDOR_ID, denied.id) is None
    request = await bench.ask()
    for path in (bench.serving.path, bench.working.path):
        tidy_keys(path, {KeyPurpose.RECEIPTS: new})  # as if another had thrown the old one away too soon
    await bench.approve(request)
    assert await bench.serving.rotations.approval_settled(VENDOR_ID, request.id) is None
    assert await bench.rotations() == 0


async def test_the_database_puts_no_key_in_force_that_two_did_not_approve(bench: Bench):
    house, old = bench.serving.house, bench.serving.house.keyring.receipts.key_id
    bench.prepare()
    new = load_keyring(bench.serving.path).prepared[KeyPurpose.RECEIPTS].verify_key
    request, other = await bench.ask(), await another_used_approval(bench)
    await bench.approve(request)
    rotation = {
        "tenant_id": VENDOR_ID,
        "key_id": new.key_id,
        "purpose": "receipts",
        "replaces": old,
        "public_key": new.public_key,
        "approval_id": request.id,
        "use_ordinal": 3,
        "use_act": "use",
        "at": house.clock.now(),
        "receipt_id": (await bench.serving.record(VENDOR_ID)).id,
    }
    assert await refusal_of(bench, "key_rotations", rotation) == "key_rotations_use_fkey", (
        "approved, not used"
    )
    elsewhere = {"approval_id": other.request.id, "at": other.steps[-1].at}
    assert await refusal_of(bench, "key_rotations", rotation | elsewhere) == "key_rotations_kind_fkey"
    used = await spent(bench, request)
    rotation["at"] = used.steps[-1].at
    for lie, rule in (
        ({"use_ordinal": 2, "use_act": "approve", "at": used.steps[1].at}, "two_people_approved"),
        ({"purpose": "webhooks"}, "purpose_is_rotated"),
        ({"replaces": new.key_id}, "key_is_another"),
    ):
        assert await refusal_of(bench, "key_rotations", rotation | lie) == f"key_rotations_{rule}_check"
    assert await bench.rotations() == 0
    await insert(bench, "key_rotations", rotation)
    assert await bench.rotations() == 1, "so it was for the lies that the others were refused"


async def test_only_the_sequencer_says_where_a_key_begins_and_ends(bench: Bench):
    house, key = bench.serving.house, bench.serving.house.keyring.receipts.verify_key
    now = house.clock.now()
    first = {"key_id": "another", "purpose": "receipts", "public_key": key.public_key, "created_at": now}
    edge = {"tenant_id": VENDOR_ID, "key_id": key.key_id, "edge": "end", "index": 0, "at": now}
    assert await refusal_of(bench, "signing_keys", first) == "signing_keys_one_first_key"
    for table, row in (
        ("signing_keys", first | {"replaces": key.key_id}),
        ("key_retirements", {"key_id": key.key_id, "at": now}),
        ("key_edges", edge),
    ):
        assert await refusal_of(bench, table, row) == "permission denied", table


async def another_used_approval(bench: Bench) -> Approval:
    """Of the vendor's own tenant and of another kind: by two, used, and in time."""
    async with bench.serving.house.storage.read(TenantScope(VENDOR_ID)) as session:
        vendor = await find_tenant(session, VENDOR_ID)
    assert vendor is not None
    desk = replace(bench.desk, house=bench.serving.house, tenant=vendor)
    desk.devices.held = bench.devices.held
    request = await desk.ask()
    await desk.approve(request, "sam")
    await desk.approve(request, "fay")
    return (await desk.use(request)).approval


async def spent(bench: Bench, request: ApprovalRequest) -> Approval:
    """Used, and nothing done with it."""
    approvals = bench.serving.house.approvals
    approvers = await approvals.who_could(request.kind, VENDOR_ID)
    async with bench.serving.house.storage.write(TenantScope(VENDOR_ID)) as session:
        return (await approvals.use(session, request.id, request.intent, SYSTEM, approvers)).approval


async def insert(bench: Bench, table: str, row: Mapping[str, object]) -> None:
    names = ", ".join(f'"{name}"' for name in row)
    values = ", ".join(f":{name}" for name in row)
    async with bench.serving.house.storage.write(TenantScope(VENDOR_ID)) as session:
        await session.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), dict(row))


async def refusal_of(bench: Bench, table: str, row: Mapping[str, object]) -> str:
    """The constraint that refuses a row."""
    with pytest.raises(DBAPIError) as refusal:
        await insert(bench, table, row)
    found = violation(refusal.value)
    if found is None:
        assert sqlstate_of(refusal.value) == "42501", refusal.value
        return "permission denied"
    return found.constraint

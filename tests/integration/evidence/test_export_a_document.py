"""An export becomes a bundle that verifies, whatever interrupts it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from uuid import UUID

import pytest
from sqlalchemy import text

from trust_portal.errors import InvalidInput, NotFound, Unavailable
from trust_portal.evidence import bundle
from trust_portal.evidence.act import Act
from trust_portal.evidence.audit import AuditCode, AuditTotals
from trust_portal.evidence.export import Export, ExportState, RenderedDocument
from trust_portal.evidence.exports import Exports
from trust_portal.evidence.key_register import register_keys
from trust_portal.evidence.keyring import Keyring
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.note import NoteKey
from trust_portal.evidence.packing import Packing
from trust_portal.evidence.policy_file import Policy
from trust_portal.evidence.rendering import Rendering
from trust_portal.evidence.reproduction import reproduce_all
from trust_portal.evidence.sealing.vault import Vault
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.evidence.verify import verify
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import LedgerScope, TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage

MakeAct = Callable[..., Act]
KIND = "letter"


class Letters:
    """A document kind of the test's own: all receipts the tenant has, and a text."""

    refuse = False
    words = b"Dear customer\n"

    async def render(self, session: ReadSession, export: Export) -> RenderedDocument:
        if self.refuse:
            raise InvalidInput("the letter has no words", field="words")
        found = await session.execute(
            text("SELECT id FROM receipts WHERE tenant_id = :t AND kind = :k ORDER BY id"),
            {"t": export.tenant_id, "k": ReceiptKind.TENANT_CREATED.value},
        )
        return RenderedDocument(
            files={"letter.txt": self.words, "inputs/words.csv": b"word\nDear\ncustomer\n"},
            tenant="acme",
            period="2026-06",
            file_name="acme-letter-2026-06.zip",
            receipts=tuple(found.scalars()),
            summary={"words": "2"},
        )


@pytest.fixture
def letters() -> Letters:
    return Letters()


@pytest.fixture
async def exports(storage: Storage, ledger: Ledger, keyring: Keyring, letters: Letters) -> Exports:
    await register_keys(storage, keyring)
    return Exports(storage, ledger, {KIND: letters}, host="portal.example", vendor="Example Ltd")


async def request(
    storage: Storage, exports: Exports, tenant: UUID, subject: UUID, revision: int = 1
) -> Export:
    async with storage.write(TenantScope(tenant)) as session:
        return await exports.request(
            session, kind=KIND, tenant_id=tenant, subject_id=subject, revision=revision, actor=SYSTEM
        )


async def record(storage: Storage, ledger: Ledger, act: Act) -> UUID:
    async with storage.write(TenantScope(act.tenant_id)) as session:
        return (await ledger.record(session, act)).id


async def content_of(storage: Storage, exports: Exports, export: Export) -> bytes:
    async with storage.read(TenantScope(export.tenant_id)) as session:
        return (await exports.artefact(session, export.tenant_id, export.id)).content


async def test_an_export_becomes_a_bundle_that_verifies_under_the_tenants_policy(
    storage: Storage,
    ledger: Ledger,
    keyring: Keyring,
    exports: Exports,
    sequencer: asyncio.Task[None],
    tenant: UUID,
    make_act: MakeAct,
) -> None:
    receipt_id = await record(
        storage, ledger, make_act(tenant, predicate={"email": "a@b.example"}, sensitive=frozenset({"email"}))
    )
    asked = await request(storage, exports, tenant, new_id())
    assert (asked.state, asked.percent) == (ExportState.REQUESTED, 0)
    export = await exports.build(tenant, asked.id)
    assert (export.state, export.step, export.percent) == (ExportState.READY, "Ready", 100)
    content = await content_of(storage, exports, export)
    files = bundle.read(content).files
    assert sorted(files) == sorted(
        [
            "VERIFY.md",
            f"disclosures/{receipt_id}.json",
            "inputs/words.csv",
            f"keys/{keyring.checkpoints.key_id}.pem",
            f"keys/{keyring.receipts.key_id}.pem",
            "letter.txt",
            "manifest.dsse.json",
            "manifest.tlog-proof",
            "policy.txt",
            f"receipts/{receipt_id}.dsse.json",
            f"receipts/{receipt_id}.tlog-proof",
            "verify.html",
        ]
    )
    policy = Policy.parse(files["policy.txt"])
    origin = policy.logs[0].name
    assert policy == Policy(
        (NoteKey(origin, keyring.checkpoints.verify_key),), (keyring.receipts.verify_key,)
    )
    verdict = verify(content, policy=policy)
    assert verdict.findings == ()
    assert verdict.ok
    assert (verdict.subject.kind, verdict.subject.tenant, verdict.subject.period) == (KIND, "acme", "2026-06")


async def test_the_next_export_proves_that_the_log_grew_from_the_previous_one(
    storage: Storage, exports: Exports, sequencer: asyncio.Task[None], tenant: UUID
) -> None:
    first = await exports.build(tenant, (await request(storage, exports, tenant, new_id())).id)
    second = await exports.build(tenant, (await request(storage, exports, tenant, new_id())).id)
    before, after = [await content_of(storage, exports, each) for each in (first, second)]
    policy = Policy.parse(bundle.read(after).files["policy.txt"])
    assert "consistency/previous.proof" in bundle.read(after).files
    assert verify(after, policy=policy, since=before).findings == ()
    assert second.previous_size == first.tree_size


async def test_of_two_that_are_made_at_the_same_time_each_proves_growth_from_what_was_finished_before_it(
    storage: Storage,
    ledger: Ledger,
    exports: Exports,
    letters: Letters,
    sequencer: asyncio.Task[None],
    tenant: UUID,
    make_act: MakeAct,
) -> None:
    begin = await exports.build(tenant, (await request(storage, exports, tenant, new_id())).id)
    asked = [await request(storage, exports, tenant, new_id()) for _ in range(3)]
    rendering = Rendering(
        storage, ledger, {KIND: letters}, host="portal.example", vendor="Example Ltd", vault=Vault()
    )
    for each in asked:  # in turn, so that each has a place of its own in the log; none is finished yet
        await rendering.render(each)
        await ledger.wait(tenant, each.manifest_receipt_id, 20)
    one, two, three = asked
    second = await exports.build(tenant, two.id)
    early = await exports.build(tenant, one.id)
    late = await exports.build(tenant, three.id)

    assert [each.previous_size for each in (second, early, late)] == [begin.tree_size] * 3
    # The one rendered first was finished after the second: it shows the tree of that, not the smaller one of its own.
    assert early.tree_size == second.tree_size
    assert [each.meanwhile_size for each in (second, early, late)] == [None, None, early.tree_size]
    contents = [await content_of(storage, exports, each) for each in (begin, second, early, late)]
    policy = Policy.parse(bundle.read(contents[-1]).files["policy.txt"])
    for older, newer in pairwise(contents):
        assert verify(newer, policy=policy, since=older).findings == ()
    assert [each async for each in reproduce_all(storage, exports, AuditTotals())] == []


async def test_of_exports_that_are_packed_at_once_no_two_follow_on_the_same(
    storage: Storage,
    ledger: Ledger,
    exports: Exports,
    letters: Letters,
    sequencer: asyncio.Task[None],
    tenant: UUID,
) -> None:
    asked = [await request(storage, exports, tenant, new_id()) for _ in range(4)]
    rendering = Rendering(
        storage, ledger, {KIND: letters}, host="portal.example", vendor="Example Ltd", vault=Vault()
    )
    for each in asked:
        await rendering.render(each)
        await ledger.wait(tenant, each.manifest_receipt_id, 20)
    done = await asyncio.gather(*(exports.build(tenant, each.id) for each in asked))
    in_order = sorted(done, key=lambda each: (each.tree_size or 0, -(each.meanwhile_size or 0)))
    contents = [await content_of(storage, exports, each) for each in in_order]
    policy = Policy.parse(bundle.read(contents[-1]).files["policy.txt"])
    for older, newer in pairwise(contents):
        assert verify(newer, policy=policy, since=older).findings == ()


async def test_made_once_more_from_the_same_snapshot_it_is_the_same_bytes(
    storage: Storage,
    ledger: Ledger,
    exports: Exports,
    sequencer: asyncio.Task[None],
    tenant: UUID,
    make_act: MakeAct,
) -> None:
    await record(storage, ledger, make_act(tenant))
    await exports.build(tenant, (await request(storage, exports, tenant, new_id())).id)
    export = await exports.build(tenant, (await request(storage, exports, tenant, new_id())).id)
    assert await exports.reproduce(tenant, export.id) == await content_of(storage, exports, export)
    totals = AuditTotals()
    assert [each async for each in reproduce_all(storage, exports, totals)] == []
    assert totals.reproduced == 2


async def test_a_bundle_that_no_longer_follows_from_the_database_is_named(
    storage: Storage, exports: Exports, letters: Letters, sequencer: asyncio.Task[None], tenant: UUID
) -> None:
    export = await exports.build(tenant, (await request(storage, exports, tenant, new_id())).id)
    letters.words = b"Dear sir\n"
    (finding,) = [each async for each in reproduce_all(storage, exports, AuditTotals(), tenant)]
    assert (finding.code, finding.tenant_id) == (AuditCode.NOT_REPRODUCIBLE, tenant)
    assert str(export.id) in finding.where
    assert str(export.digest) in finding.message


async def test_asked_twice_it_is_one_export_and_one_job(
    storage: Storage, exports: Exports, tenant: UUID
) -> None:
    subject = new_id()
    first = await request(storage, exports, tenant, subject)
    assert await request(storage, exports, tenant, subject) == first
    assert (await request(storage, exports, tenant, subject, revision=2)).id != first.id
    async with storage.read(LedgerScope()) as session:
        jobs = (await session.execute(text("SELECT job, arguments FROM outbox ORDER BY id"))).all()
    assert len(jobs) == 2
    assert jobs[0] == (Job.BUILD_EXPORT.value, {"tenant": str(tenant), "export": str(first.id)})


async def test_an_export_interrupted_before_the_log_has_its_manifest_continues_where_it_was(
    storage: Storage,
    ledger: Ledger,
    keyring: Keyring,
    exports: Exports,
    tenant: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from trust_portal.evidence import packing as module
    from trust_portal.evidence.sequencer import run_sequencer

    monkeypatch.setattr(module, "_LOG_PATIENCE", 0.3)
    asked = await request(storage, exports, tenant, new_id())
    with pytest.raises(Unavailable):
        await exports.build(tenant, asked.id)
    half = await exports.find(tenant, asked.id)
    assert (half.state, half.step, half.percent) == (ExportState.RENDERED, "Waiting for the log", 60)
    monkeypatch.setattr(module, "_LOG_PATIENCE", 10)
    stop = asyncio.Event()
    task = asyncio.create_task(run_sequencer(storage, keyring, stop, host="portal.example"))
    done = await asyncio.gather(*(exports.build(tenant, asked.id) for _ in range(3)))
    stop.set()
    await task
    assert {each.state for each in done} == {ExportState.READY}
    async with storage.read(LedgerScope()) as session:
        kinds = (
            await session.execute(text("SELECT kind FROM receipts WHERE tenant_id = :t"), {"t": tenant})
        ).scalars()
        assert sorted(kinds) == ["export.completed", "export.manifest"]


async def test_a_worker_that_was_held_up_leaves_a_finished_export_as_it_is(
    storage: Storage,
    ledger: Ledger,
    exports: Exports,
    letters: Letters,
    sequencer: asyncio.Task[None],
    tenant: UUID,
) -> None:
    asked = await request(storage, exports, tenant, new_id())
    done = await exports.build(tenant, asked.id)
    content = await content_of(storage, exports, done)
    late = replace(done, state=ExportState.RENDERED)
    await Packing(storage, ledger, Vault()).pack(late, None)
    rendering = Rendering(
        storage, ledger, {KIND: letters}, host="portal.example", vendor="Vendor", vault=Vault()
    )
    await rendering.render(asked)
    assert await exports.find(tenant, asked.id) == done
    assert await content_of(storage, exports, done) == content


async def test_a_refusal_by_the_renderer_ends_the_export_and_a_new_request_begins_anew(
    storage: Storage, exports: Exports, letters: Letters, sequencer: asyncio.Task[None], tenant: UUID
) -> None:
    subject = new_id()
    letters.refuse = True
    export = await exports.build(tenant, (await request(storage, exports, tenant, subject)).id)
    assert (export.state, export.failure) == (ExportState.FAILED, "the letter has no words")
    async with storage.read(LedgerScope()) as session:
        assert (
            await session.execute(text("SELECT count(*) FROM receipts WHERE tenant_id = :t"), {"t": tenant})
        ).scalar() == 0
    letters.refuse = False
    again = await request(storage, exports, tenant, subject)
    assert (again.id, again.state, again.failure) == (export.id, ExportState.REQUESTED, None)
    assert (await exports.build(tenant, again.id)).state is ExportState.READY


async def test_an_export_given_up_after_its_manifest_was_signed_is_finished_when_asked_again(
    storage: Storage,
    keyring: Keyring,
    exports: Exports,
    tenant: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from trust_portal.evidence import packing as module
    from trust_portal.evidence.sequencer import run_sequencer

    monkeypatch.setattr(module, "_LOG_PATIENCE", 0.2)
    subject = new_id()
    asked = await request(storage, exports, tenant, subject)
    with pytest.raises(Unavailable):
        await exports.build(tenant, asked.id)
    given_up = await exports.fail(tenant, asked.id, "the log did not answer")
    assert given_up.state is ExportState.FAILED
    monkeypatch.setattr(module, "_LOG_PATIENCE", 10)
    again = await request(storage, exports, tenant, subject)
    assert (again.id, again.state, again.failure) == (asked.id, ExportState.RENDERED, None)
    stop = asyncio.Event()
    task = asyncio.create_task(run_sequencer(storage, keyring, stop, host="portal.example"))
    done = await exports.build(tenant, again.id)
    stop.set()
    await task
    assert (done.state, done.failure) == (ExportState.READY, None)
    async with storage.read(LedgerScope()) as session:
        query = text("SELECT count(*) FROM receipts WHERE tenant_id = :t AND kind = 'export.manifest'")
        assert (await session.execute(query, {"t": tenant})).scalar_one() == 1


async def test_another_tenant_finds_neither_the_export_nor_its_bundle(
    storage: Storage, exports: Exports, sequencer: asyncio.Task[None], tenant: UUID
) -> None:
    export = await exports.build(tenant, (await request(storage, exports, tenant, new_id())).id)
    with pytest.raises(NotFound):
        await exports.find(VENDOR_ID, export.id)
    async with storage.read(TenantScope(VENDOR_ID)) as session:
        for named in (VENDOR_ID, tenant):
            with pytest.raises(NotFound):
                await exports.artefact(session, named, export.id)
        driver = await session.driver()
        for table in ("exports", "export_files", "artefacts"):
            assert await driver.fetch(f"SELECT * FROM {table}") == []

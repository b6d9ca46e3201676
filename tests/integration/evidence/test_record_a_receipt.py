"""A receipt is recorded with its act, gets its place in the log, and is provable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from trust_portal.errors import Broken, Unavailable
from trust_portal.evidence.act import Act
from trust_portal.evidence.disclosure import reveal
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.keyring import Keyring
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.merkle import leaf_hash
from trust_portal.evidence.note import NoteKey
from trust_portal.evidence.receipt_rows import receipts_page
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.storage.tenancy import LedgerScope, TenantScope
from trust_portal.storage.unit_of_work import Storage

MakeAct = Callable[..., Act]


async def count(storage: Storage, table: str) -> int:
    async with storage.read(LedgerScope()) as session:
        return (await session.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one()


async def test_a_receipt_says_who_did_what_under_which_policy_and_is_signed(
    storage: Storage, ledger: Ledger, keyring: Keyring, tenant: UUID, make_act: MakeAct
) -> None:
    async with storage.write(TenantScope(tenant)) as session:
        receipt = await ledger.record(session, make_act(tenant, rationale="they asked"))
    envelope = Envelope.parse(receipt.envelope)
    assert envelope.verify(keyring.receipts.verify_key)
    statement = Statement.parse(envelope.payload)
    assert statement.kind is ReceiptKind.TENANT_CREATED
    assert statement.predicate == {
        "receipt": str(receipt.id),
        "tenant": str(tenant),
        "actor": {
            "kind": "system",
            "id": "00000000-0000-7000-8000-000000000002",
            "name": "Trust Portal scheduler",
        },
        "at": "2026-07-10T09:00:00Z",
        "policies": {"ids": ["tenants-created-by-staff"], "version": "1"},
        "inputs": [],
        "engine": statement.predicate["engine"],
        "result": {"name": "a thing"},
        "rationale": "they asked",
    }


async def test_a_recorded_receipt_gets_a_proof_under_a_signed_checkpoint(
    storage: Storage,
    ledger: Ledger,
    keyring: Keyring,
    sequencer: asyncio.Task[None],
    tenant: UUID,
    make_act: MakeAct,
) -> None:
    async with storage.write(TenantScope(tenant)) as session:
        receipt = await ledger.record(session, make_act(tenant))
    proof = await ledger.wait(tenant, receipt.id, 60)
    assert (proof.index, proof.checkpoint.size, proof.hashes) == (0, 1, ())
    assert proof.verifies(leaf_hash(Envelope.parse(receipt.envelope).pae))
    assert proof.checkpoint.origin.startswith("portal.example/log/")
    assert proof.note.signed_by(NoteKey(proof.checkpoint.origin, keyring.checkpoints.verify_key))
    assert await count(storage, "pending_receipts") == 0


async def test_an_act_that_fails_leaves_no_receipt(
    storage: Storage, ledger: Ledger, tenant: UUID, make_act: MakeAct
) -> None:
    with pytest.raises(RuntimeError):
        async with storage.write(TenantScope(tenant)) as session:
            await ledger.record(session, make_act(tenant))
            raise RuntimeError
    assert await count(storage, "receipts") == 0
    assert await count(storage, "pending_receipts") == 0


async def test_a_receipt_of_another_tenant_than_the_transactions_is_refused(
    storage: Storage, ledger: Ledger, tenant: UUID, make_act: MakeAct
) -> None:
    with pytest.raises(Broken) as refusal:
        async with storage.write(TenantScope(VENDOR_ID)) as session:
            await ledger.record(session, make_act(tenant))
    assert refusal.value.code == "WRONG_SCOPE"
    assert await count(storage, "receipts") == 0


async def test_what_is_sensitive_is_signed_as_a_digest_and_disclosed_beside(
    storage: Storage, ledger: Ledger, tenant: UUID, make_act: MakeAct
) -> None:
    act = make_act(tenant, predicate={"name": "x", "email": "a@b.example"}, sensitive=frozenset({"email"}))
    async with storage.write(TenantScope(tenant)) as session:
        receipt = await ledger.record(session, act)
    assert b"a@b.example" not in Envelope.parse(receipt.envelope).payload
    async with storage.read(TenantScope(tenant)) as session:
        stored = (
            await session.execute(
                text("SELECT disclosure FROM receipt_disclosures WHERE tenant_id = :t"), {"t": tenant}
            )
        ).scalars()
        revealed = reveal(Statement.parse(Envelope.parse(receipt.envelope).payload).predicate, stored)
    assert revealed.value["result"] == {"name": "x", "email": "a@b.example"}
    assert (revealed.concealed, revealed.unreferenced, revealed.false) == (0, (), ())


async def test_without_a_sequencer_waiting_ends_and_the_receipt_stays(
    storage: Storage, ledger: Ledger, tenant: UUID, make_act: MakeAct
) -> None:
    async with storage.write(TenantScope(tenant)) as session:
        receipt = await ledger.record(session, make_act(tenant))
    with pytest.raises(Unavailable) as refusal:
        await ledger.wait(tenant, receipt.id, 0.3)
    assert refusal.value.code == "NOT_INTEGRATED"
    assert await count(storage, "pending_receipts") == 1


@pytest.mark.parametrize(
    "verb", ["UPDATE receipts SET kind = 'x'", "DELETE FROM receipts", "TRUNCATE receipts"]
)
async def test_a_receipt_cannot_be_changed_removed_or_truncated(
    storage: Storage, ledger: Ledger, tenant: UUID, make_act: MakeAct, verb: str
) -> None:
    async with storage.write(TenantScope(tenant)) as session:
        await ledger.record(session, make_act(tenant))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with storage.write(TenantScope(tenant)) as session:
            await (await session.driver()).execute(verb)
    async with storage.engine.connect() as connection:  # the owner, whom no grant holds back
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        if verb.startswith("TRUNCATE"):
            with pytest.raises(asyncpg.PostgresError) as refusal:
                await driver.execute(verb + " CASCADE")
            assert refusal.value.sqlstate == "TP001"
        else:  # row-level security is forced for the owner too: no row is in reach
            assert (await driver.execute(verb)).endswith(" 0")
    assert await count(storage, "receipts") == 1


async def test_another_tenant_sees_nothing_of_a_receipt_its_log_or_its_proofs(
    storage: Storage,
    ledger: Ledger,
    sequencer: asyncio.Task[None],
    tenant: UUID,
    make_act: MakeAct,
) -> None:
    async with storage.write(TenantScope(tenant)) as session:
        receipt = await ledger.record(session, make_act(tenant))
    await ledger.wait(tenant, receipt.id, 60)
    other = new_id()
    async with storage.read(TenantScope(other)) as session:
        driver = await session.driver()
        for table in ("receipts", "receipt_disclosures", "logs", "log_entries", "log_nodes", "checkpoints"):
            assert await driver.fetch(f"SELECT * FROM {table}") == []
        assert await ledger.proof(session, other, receipt.id) is None
        assert await ledger.proof(session, tenant, receipt.id) is None
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with storage.read(TenantScope(other)) as session:
            await (await session.driver()).fetch("SELECT * FROM pending_receipts")


async def test_receipts_are_listed_newest_first_whatever_their_ids(
    storage: Storage, ledger: Ledger, tenant: UUID, make_act: MakeAct, clock: ManualClock
) -> None:
    # A derived id: the receipt follows from an event, and the same event gives the same receipt.
    ids = [UUID(int=9), UUID(int=2), UUID(int=7), UUID(int=1)]
    for id_ in ids:
        async with storage.write(TenantScope(tenant)) as session:
            await ledger.record(session, make_act(tenant), receipt_id=id_)
        clock.advance(timedelta(seconds=1))
    listed: list[UUID] = []
    after: str | None = None
    async with storage.read(TenantScope(tenant)) as session:
        while True:
            page = await receipts_page(session, tenant, PageRequest(size=3, after=after))
            listed += [receipt.id for receipt in page.items]
            if not page.has_next:
                break
            after = page.cursors[-1]
    assert listed == ids[::-1]

"""The key file is made once, guarded, and never silently replaced."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from sqlalchemy import text

from trust_portal.errors import InvalidInput
from trust_portal.evidence.key_register import register_keys
from trust_portal.evidence.keyring import Keyring, load_keyring, load_or_create_keyring
from trust_portal.evidence.ledger import Ledger
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import LedgerScope, TenantScope
from trust_portal.storage.unit_of_work import Storage


def test_a_first_start_makes_a_file_only_its_owner_can_read(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "deep" / "keys.json"
    made = load_or_create_keyring(path, clock)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["keys.json"]
    assert load_or_create_keyring(path, clock) == made
    assert made.receipts.key_id != made.checkpoints.key_id
    assert made.receipts.seed.hex() not in repr(made)


def test_a_file_others_can_read_is_refused_with_the_command_that_helps(
    tmp_path: Path, clock: ManualClock
) -> None:
    path = tmp_path / "keys.json"
    load_or_create_keyring(path, clock)
    path.chmod(0o640)
    with pytest.raises(InvalidInput, match=rf"mode 0640; run: chmod 600 {path}") as refusal:
        load_keyring(path)
    assert refusal.value.field == "KEY_FILE"


@pytest.mark.parametrize("content", [b"", b"{}", b'{"format": "other"}', b"\xff", b"[1]"])
def test_a_damaged_file_is_refused_and_left_as_it_is(
    tmp_path: Path, clock: ManualClock, content: bytes
) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(InvalidInput):
        load_or_create_keyring(path, clock)
    assert path.read_bytes() == content


async def test_the_first_start_leaves_a_receipt_for_each_key_and_the_next_leaves_none(
    storage: Storage, keyring: Keyring
) -> None:
    for _ in range(2):
        await register_keys(storage, keyring)
    async with storage.read(TenantScope(VENDOR_ID)) as session:
        rows = await session.execute(
            text("SELECT kind, subjects FROM receipts WHERE tenant_id = :t ORDER BY id"), {"t": VENDOR_ID}
        )
        assert {(row.kind, row.subjects[0]["sha256"]) for row in rows} == {
            ("key.created", keyring.receipts.key_id),
            ("key.created", keyring.checkpoints.key_id),
        }


async def test_a_lost_file_is_not_replaced_by_a_new_one(
    storage: Storage, keyring: Keyring, tmp_path: Path, clock: ManualClock, tenant, make_act
) -> None:
    await register_keys(storage, keyring)
    other = load_or_create_keyring(tmp_path / "new.json", clock)
    with pytest.raises(InvalidInput, match="restore it from its backup"):
        await register_keys(storage, other)
    with pytest.raises(InvalidInput, match="restore it from its backup"):
        async with storage.write(TenantScope(tenant)) as session:
            await Ledger(storage, other).record(session, make_act(tenant))
    async with storage.read(LedgerScope()) as session:
        assert (await session.execute(text("SELECT count(*) FROM receipts"))).scalar() == 2

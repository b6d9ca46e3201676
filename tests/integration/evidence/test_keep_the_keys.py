"""The key file is made once, guarded, and never silently replaced."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
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
    assert len({key.key_id for key in made.by_purpose().values()}) == 3
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
            ("key.created", keyring.webhooks.key_id),
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
        assert (await session.execute(text("SELECT count(*) FROM receipts"))).scalar() == 3


def first_format(path: Path) -> dict:
    """The file as it was before there was a key for webhooks."""
    document = json.loads(path.read_bytes())
    del document["keys"]["webhooks"]
    document["format"] = "trust-portal-keys/1"
    path.write_text(json.dumps(document))
    return document


async def test_a_file_from_before_webhooks_gets_their_key_once_and_keeps_the_others(
    storage: Storage, tmp_path: Path, clock: ManualClock
) -> None:
    path = tmp_path / "keys.json"
    before = load_or_create_keyring(path, clock)
    first_format(path)
    async with storage.write(TenantScope(VENDOR_ID)) as session:
        for purpose in ("receipts", "checkpoints"):
            await session.execute(
                text("INSERT INTO signing_keys VALUES (:id, :purpose, :key, :at)"),
                {
                    "id": getattr(before, purpose).key_id,
                    "purpose": purpose,
                    "key": getattr(before, purpose).public_key,
                    "at": clock.now(),
                },
            )
    with pytest.raises(InvalidInput, match="no key for webhooks yet"):
        load_keyring(path)
    with ThreadPoolExecutor(8) as starting:
        keyrings = list(starting.map(lambda _: load_or_create_keyring(path, clock), range(8)))
    assert len({each.webhooks.key_id for each in keyrings}) == 1
    after = keyrings[0]
    assert (after.receipts, after.checkpoints) == (before.receipts, before.checkpoints)
    assert after.webhooks.key_id != before.webhooks.key_id
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["keys.json"]
    for _ in range(2):
        await register_keys(storage, after)
    async with storage.read(TenantScope(VENDOR_ID)) as session:
        subjects = (
            await session.execute(
                text("SELECT subjects FROM receipts WHERE tenant_id = :t"), {"t": VENDOR_ID}
            )
        ).scalars()
        assert [each[0]["sha256"] for each in subjects] == [after.webhooks.key_id]


async def test_an_older_backup_of_the_file_that_lost_a_key_on_record_is_refused(
    storage: Storage, tmp_path: Path, clock: ManualClock
) -> None:
    path = tmp_path / "keys.json"
    await register_keys(storage, load_or_create_keyring(path, clock))
    first_format(path)
    with pytest.raises(InvalidInput, match="restore it from its backup"):
        await register_keys(storage, load_or_create_keyring(path, clock))


def test_a_damaged_file_of_the_first_format_is_refused_and_left_as_it_is(
    tmp_path: Path, clock: ManualClock
) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(b'{"format": "trust-portal-keys/1"}')
    path.chmod(0o600)
    with pytest.raises(InvalidInput):
        load_or_create_keyring(path, clock)
    assert path.read_bytes() == b'{"format": "trust-portal-keys/1"}'

"""A process puts its keys on record before anything is signed, and does not start with another house's."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from trust_portal.app import create_app
from trust_portal.errors import InvalidInput, Unavailable
from trust_portal.house import build_house
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.settings import Settings
from trust_portal.storage.tenancy import TenantScope


def settings_of(database_url: str, redis_url: str, key_file: Path) -> Settings:
    return Settings(
        database_url=database_url, redis_url=redis_url, key_file=key_file, base_url="https://trust.example"
    )


async def test_keys_are_on_record_before_the_first_receipt_and_foreign_ones_stop_the_start(
    database_url: str, redis_url: str, tmp_path: Path, clock: ManualClock
):
    house = build_house(settings_of(database_url, redis_url, tmp_path / "ours.json"), clock)
    stranger = build_house(settings_of(database_url, redis_url, tmp_path / "theirs.json"), clock)
    try:
        with pytest.raises(Unavailable, match="not on record yet"):
            await house.readiness["keys"]()
        await house.open()
        await house.readiness["keys"]()
        async with house.storage.read(TenantScope(VENDOR_ID)) as session:
            kinds = (await session.execute(text("SELECT kind FROM receipts ORDER BY id"))).scalars().all()
        assert kinds[:4] == ["key.created"] * 3 + ["policy.installed"]
        with pytest.raises(InvalidInput, match="not the one this database knows") as refusal:
            await stranger.open()
        assert refusal.value.field == "KEY_FILE"
        with pytest.raises(Unavailable, match="not the one this database knows"):
            await stranger.readiness["keys"]()
        async with house.storage.read(TenantScope(VENDOR_ID)) as session:
            after = (await session.execute(text("SELECT kind FROM receipts ORDER BY id"))).scalars().all()
        assert after == kinds, "nothing was signed by the stranger"
    finally:
        await house.close()
        await stranger.close()


async def test_the_portal_does_not_start_with_a_foreign_key_file(
    database_url: str, redis_url: str, tmp_path: Path, clock: ManualClock
):
    house = build_house(settings_of(database_url, redis_url, tmp_path / "ours.json"), clock)
    await house.open()
    await house.close()
    app = create_app(settings_of(database_url, redis_url, tmp_path / "theirs.json"))
    with pytest.raises(InvalidInput, match="restore it from its backup"):
        async with app.router.lifespan_context(app):
            pass

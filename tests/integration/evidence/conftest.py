"""A keyring, a ledger and a running sequencer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

import pytest

from trust_portal.evidence.act import Act
from trust_portal.evidence.keyring import Keyring, load_or_create_keyring
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.sequencer import run_sequencer
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import new_id
from trust_portal.storage.unit_of_work import Storage

HOST = "portal.example"
MakeAct: TypeAlias = Callable[..., Act]


@pytest.fixture
def keyring(tmp_path: Path, clock: ManualClock) -> Keyring:
    return load_or_create_keyring(tmp_path / "keys.json", clock)


@pytest.fixture
async def ledger(storage: Storage, keyring: Keyring, clock: ManualClock) -> AsyncIterator[Ledger]:
    found = Ledger(storage, keyring)
    yield found
    await found.close()


@pytest.fixture
async def sequencer(storage: Storage, keyring: Keyring) -> AsyncIterator[asyncio.Task[None]]:
    """Integrates receipts while the test runs; a failure of its own fails the test."""
    stop = asyncio.Event()
    task = asyncio.create_task(run_sequencer(storage, keyring, stop, host=HOST))
    yield task
    stop.set()
    await task


@pytest.fixture
def tenant() -> UUID:
    return new_id()


@pytest.fixture
def make_act(clock: ManualClock) -> MakeAct:
    """Any act will do."""

    def make(tenant_id: UUID, what: str = "a thing", **changes: Any) -> Act:
        return replace(
            Act(
                kind=ReceiptKind.TENANT_CREATED,
                tenant_id=tenant_id,
                actor=SYSTEM,
                at=clock.now(),
                subjects=(Subject(what, sha256_hex(what.encode())),),
                predicate={"name": what},
                policies=("tenants-created-by-staff",),
                policy_version="1",
            ),
            **changes,
        )

    return make

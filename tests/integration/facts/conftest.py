from __future__ import annotations

import pytest
from intake_door import Door, add_tenant, make_intake

from trust_portal.kernel.clock import ManualClock
from trust_portal.storage.unit_of_work import Storage


@pytest.fixture
async def door(storage: Storage, clock: ManualClock) -> Door:
    return Door(
        storage,
        make_intake(storage, clock),
        await add_tenant(storage, "acme"),
        await add_tenant(storage, "globex"),
    )

"""The four scopes against real row-level security."""

from __future__ import annotations

from sqlalchemy import text

from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage


async def test_a_job_asked_for_twice_with_one_key_waits_once(storage: Storage) -> None:
    for _ in range(2):
        async with storage.write(TenantScope(VENDOR_ID)) as session:
            await session.enqueue(Job.BUILD_EXPORT, {"export": "1"}, dedupe_key="export 1")
    async with storage.read(StaffScope()) as session:
        rows = (await session.execute(text("SELECT job, arguments, attempts FROM outbox"))).all()
    assert rows == [("build_export", {"export": "1"}, 0)]

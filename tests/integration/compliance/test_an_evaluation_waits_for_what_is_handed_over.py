"""No evaluation is of a later moment than an assessment that it did not see: it waits for what is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from support.foreign_assessment import foreign_assessment
from support.learning_world import Vendor

from trust_portal.access.actors import CONSOLE
from trust_portal.evidence.strict import parse_json
from trust_portal.house import House
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import TenantScope
from trust_portal.trust.compliance.document import imports_of
from trust_portal.trust.compliance.imports import service
from trust_portal.trust.compliance.imports.service import ChangeReaders, ImportAssessment, WithdrawAssessment
from trust_portal.trust.compliance.model import AssessmentReaders, Evaluate, Evaluation

pytestmark = pytest.mark.takes(seconds=10)
_WAITING = text(
    "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE NOT granted AND datname = current_database()"
)


async def _meanwhile(
    house: House, patch: pytest.MonkeyPatch, last: str, change: Callable[[], Awaitable[Any]], acme: Any
) -> Evaluation:
    """What an evaluation found that began when ``change`` had done its ``last`` and was not committed yet."""
    written, go = asyncio.Event(), asyncio.Event()
    writes: Callable[..., Awaitable[Any]] = getattr(service, last)

    async def stopping(*arguments: Any) -> Any:
        done = await writes(*arguments)
        written.set()
        await go.wait()
        return done

    async def changing() -> None:
        await change()

    with patch.context() as patched:
        patched.setattr(service, last, stopping)
        change_made = asyncio.create_task(changing())
        await written.wait()
        evaluated = asyncio.create_task(house.compliance.evaluate(Evaluate(acme, "daily"), CONSOLE))
        while not evaluated.done():
            async with house.storage.read(TenantScope(VENDOR_ID)) as session:
                if (await session.execute(_WAITING)).scalar_one():
                    break
        go.set()
        await change_made
        return await evaluated


async def test_what_is_handed_over_made_readable_or_withdrawn_meanwhile_is_seen(
    house: House, vendor: Vendor, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = await vendor.customer("acme")
    sam = (await vendor.person("Sam", Role.APPROVER_SECURITY)).as_actor()
    await house.compliance.evaluate(Evaluate(VENDOR_ID, "daily"), CONSOLE)
    imports = house.assessment_imports
    command = ImportAssessment(
        "Harbour Assurance", foreign_assessment(), timedelta(days=400), "Yearly", AssessmentReaders.VENDOR
    )

    async def named(last: str, change: Callable[[], Awaitable[Any]]) -> list[tuple[str, str, bool]]:
        clock.advance(timedelta(hours=1))
        found = await _meanwhile(house, monkeypatch, last, change, acme)
        assert found.at == clock.now()
        return [
            (each.source, each.readers.value, each.withdrawn is None)
            for each in imports_of(parse_json(found.document))
        ]

    assert await named("add_import", lambda: imports.take(command, sam)) == [
        ("Harbour Assurance", "vendor", True)
    ]
    (taken,) = await imports.newest(sam)
    wider = ChangeReaders(taken.id, AssessmentReaders.CUSTOMERS, "They may")
    assert await named("add_readers_change", lambda: imports.change_readers(wider, sam)) == [
        ("Harbour Assurance", "customers", True)
    ]
    gone = WithdrawAssessment(taken.id, "It was wrong")
    assert await named("add_withdrawal", lambda: imports.withdraw(gone, sam)) == [
        ("Harbour Assurance", "customers", False)
    ]

"""What a signed version must be the tables hold too: SQL, as the application's role, in the vendor's scope."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest
from support.learning_world import Vendor
from support.postmortem_desk import Desk, desk_of

from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.errors import violation
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=10)


@pytest.fixture
async def desk(vendor: Vendor) -> Desk:
    return await desk_of(vendor)


async def versions(desk: Desk) -> list[dict[str, Any]]:
    async with desk.house.storage.read(TenantScope(VENDOR_ID)) as session:
        driver = await session.driver()
        return [
            dict(each) for each in await driver.fetch("SELECT * FROM postmortem_versions ORDER BY version")
        ]


async def refused(desk: Desk, statement: str, *values: object) -> str:
    """By which constraint, or by which right that is lacking."""
    with pytest.raises(asyncpg.PostgresError) as caught:
        async with desk.house.storage.write(TenantScope(VENDOR_ID)) as session:
            driver = await session.driver()
            assert await driver.fetchval("SELECT current_user") == "trust_portal_app"
            await driver.execute(statement, *values)
    found = violation(caught.value)
    return str(caught.value) if found is None else found.constraint.removesuffix("_check")


async def test_a_version_is_signed_with_one_to_three_actions_by_others_than_who_reviewed_it_and_stays(
    desk: Desk,
) -> None:
    await desk.signed(await desk.postmortem())
    (row,) = await versions(desk)
    assert row["action_count"] == 1
    second = row | {"version": 2, "before": 1, "reason": "Late evidence."}
    into = f"INSERT INTO postmortem_versions ({', '.join(row)}) VALUES ({', '.join(f'${n + 1}' for n in range(len(row)))})"

    for count in (-1, 0, 4, 100):
        lie = second | {"action_count": count}
        assert await refused(desk, into, *lie.values()) == "postmortem_versions_one_to_three_actions", count
    for count in (1, 2, 3):
        # It is no step of its own: that, and not the count, is what this one lacks.
        assert await refused(desk, into, *(second | {"action_count": count}).values()) in {
            "postmortem_versions_receipt_key", "postmortem_versions_signature_key",
        }, count  # fmt: skip
    for lie, constraint in (
        ({"reviewer_id": row["author_ids"][0]}, "postmortem_versions_reviewed_by_somebody_else"),
        ({"reason": None}, "postmortem_versions_a_new_version_has_a_reason"),
        ({"before": None}, "postmortem_versions_supersedes_the_one_before"),
        ({"act": "approve"}, "postmortem_versions_is_signed"),
    ):
        assert await refused(desk, into, *(second | lie).values()) == constraint, lie
    for statement in ("UPDATE postmortem_versions SET action_count = 3", "DELETE FROM postmortem_versions"):
        assert await refused(desk, statement) == "permission denied for table postmortem_versions"
    assert await versions(desk) == [row]

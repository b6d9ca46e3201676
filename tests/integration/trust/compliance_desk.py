"""What notes, compliance and reviews of roles leave behind."""

from __future__ import annotations

from trust_portal.house import House
from trust_portal.storage.tenancy import StaffScope


async def on_record(house: House) -> list[tuple[str, int]]:
    """How much there is of what these acts could leave behind."""
    async with house.storage.read(StaffScope()) as session:
        driver = await session.driver()
        rows = await driver.fetch(
            "SELECT 'notes' AS what, count(*) AS n FROM trust_notes UNION ALL"
            " SELECT 'evaluations', count(*) FROM compliance_evaluations UNION ALL"
            " SELECT 'imports', count(*) FROM compliance_imports UNION ALL"
            " SELECT 'reviews', count(*) FROM access_reviews UNION ALL"
            " SELECT 'roles', count(*) FROM role_grants WHERE revoked_at IS NULL UNION ALL"
            " SELECT 'receipts', count(*) FROM receipts ORDER BY what"
        )
    return [tuple(row) for row in rows]

"""How often the database is asked for a Trust Report does not grow with the months that were reported before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from benchmarks import past
from trust_portal.access.actors import CONSOLE
from trust_portal.house import House
from trust_portal.reliability.reports.issuing import IssueReport
from trust_portal.trust.sections.model import Section

pytestmark = pytest.mark.takes(seconds=15)

MONTHS = ("2024-10", "2024-11", "2024-12")
PAST = past.Past(MONTHS, (), metered=timedelta(days=1))


@contextmanager
def asked(house: House) -> Iterator[list[str]]:
    engine, statements = house.storage.engine.sync_engine, list[str]()

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def test_a_report_after_three_months_is_gathered_by_as_many_statements_as_one_after_the_first(
    house: House,
) -> None:
    (tenant,) = await past.customers(house, 1, datetime(2024, 1, 1, tzinfo=UTC))
    await past.live_through(house, [tenant], PAST)
    for month in MONTHS:
        await house.reports.issue(IssueReport(tenant.id, month), CONSOLE)

    async def service_levels(period: str) -> tuple[Section, list[str]]:
        with asked(house) as statements:
            found = await house.trust_reports.preview(CONSOLE, tenant.id, period)
        return next(each for each in found.sections if each.id == "sla"), statements

    first, of_first = await service_levels(MONTHS[0])
    last, of_last = await service_levels(MONTHS[-1])
    assert [len(each.table("reports").rows) for each in (first, last)] == [1, 3]
    assert len(of_last) == len(of_first)

"""Every query block names its tenant, or does not leave the process."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import Column, MetaData, Table, Text, delete, exists, func, or_, select, update
from sqlalchemy.sql.elements import ClauseElement

from trust_portal.errors import Broken
from trust_portal.storage.metadata import TENANT_OWNED, uuid_column
from trust_portal.storage.tenancy import TenantScope, require_tenant_filter

TENANT = UUID("00000000-0000-7000-8000-00000000000a")

metadata = MetaData()


def owned(name: str) -> Table:
    columns = [uuid_column("tenant_id", primary_key=True), uuid_column("id", primary_key=True)]
    return Table(name, metadata, *columns, Column("state", Text), info={TENANT_OWNED: True})


reports, findings = owned("reports"), owned("findings")
registry = Table(
    "registry", metadata, Column("key", Text), uuid_column("tenant_id"), info={TENANT_OWNED: False}
)
other = reports.alias("other")
link = reports.c.tenant_id == findings.c.tenant_id
mine = reports.c.tenant_id == TENANT
inner = select(findings.c.id).where(findings.c.tenant_id == TENANT)

NAMED: dict[str, ClauseElement] = {
    "by value": select(reports).where(mine),
    "by one of several values": select(reports).where(reports.c.tenant_id.in_([TENANT])),
    "beside other conditions": select(reports).where(
        mine, or_(reports.c.state == "a", reports.c.state == "b")
    ),
    "through a join": select(reports).join(findings, link).where(mine),
    "through a chain of joins": select(reports, findings, other)
    .select_from(reports.join(findings, link).join(other, other.c.tenant_id == findings.c.tenant_id))
    .where(mine),
    "through the outer block": select(reports.c.id).where(
        mine, exists(select(findings.c.id).where(link).correlate(reports))
    ),
    "in a sub-select and outside": select(inner.subquery()),
    "in a common table": select(inner.cte("found")),
    "by an alias": select(other).where(other.c.tenant_id == TENANT),
    "in an update": update(reports).values(state="b").where(mine),
    "in a delete": delete(reports).where(mine),
    "of nobody's table": select(registry),
}

UNNAMED: dict[str, ClauseElement] = {
    "nothing": select(reports),
    "another column": select(reports).where(reports.c.state == "a"),
    "one of two tables": select(reports, findings).where(mine),
    "only the link of a join": select(reports).join(findings, link),
    "a tenant that may be left out": select(reports).where(or_(mine, reports.c.state == "a")),
    "everybody else": select(reports).where(~mine),
    "only an inner block": select(reports).where(
        exists(select(other.c.id).where(other.c.tenant_id == TENANT))
    ),
    "only the outer block": select(reports.c.id).where(mine, exists(select(findings.c.id))),
    "an unfiltered scalar": select(select(func.count()).select_from(findings).scalar_subquery()),
    "the other alias": select(reports, other).where(other.c.tenant_id == TENANT),
    "an update of everything": update(reports).values(state="b"),
    "a delete of everything": delete(reports),
    "a common table of everything": select(select(findings.c.id).cte("found")),
}


@pytest.mark.parametrize("how", NAMED)
def test_a_query_that_names_its_tenant_passes(how: str) -> None:
    require_tenant_filter(NAMED[how])


@pytest.mark.parametrize("what", UNNAMED)
def test_a_query_that_names_less_is_refused(what: str) -> None:
    with pytest.raises(Broken, match="without naming its tenant"):
        require_tenant_filter(UNNAMED[what])


def test_a_tenant_scope_is_opened_with_a_uuid_only() -> None:
    with pytest.raises(TypeError):
        TenantScope("x'; DROP TABLE outbox; --").statement()  # type: ignore[arg-type]
    assert TenantScope(TENANT).statement() == (
        f"SET LOCAL app.tenant_id = '{TENANT}'; SET LOCAL ROLE trust_portal_app"
    )


def test_what_was_found_right_once_says_nothing_of_another_query() -> None:
    """A structure is looked at once; a refusal is remembered by nobody, and values belong to no structure."""
    one, two = reports.alias(), reports.alias()
    both = select(one, two).where(one.c.tenant_id == TENANT, two.c.tenant_id == TENANT)
    for _ in range(2):
        for each in (*NAMED.values(), both, select(reports).where(reports.c.tenant_id == UUID(int=7))):
            require_tenant_filter(each)
        for each in (*UNNAMED.values(), select(one, two).where(one.c.tenant_id == TENANT)):
            with pytest.raises(Broken, match="without naming its tenant"):
                require_tenant_filter(each)

"""Incidents: what takes a P1 or P2 away by undoing a merger is asked of two, and every key one was ever merged into is known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, as_each_tenant, begin_revision, distribute, protect

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None

#: Also what was told by somebody who had no say in it: it only makes others be read together.
_EVER = """
UPDATE incidents SET merge_keys = coalesce((
    SELECT array_agg(DISTINCT told.body ->> 'into' ORDER BY told.body ->> 'into') FROM facts told
    WHERE told.tenant_id = :tenant_id AND told.subject = incidents.key
      AND told.type = 'trustportal.incident.updated.v1' AND told.body ->> 'kind' = 'merged'
  ), '{}')
WHERE tenant_id = :tenant_id
"""


def upgrade() -> None:
    begin_revision()
    op.add_column(
        "incidents",
        sa.Column(
            "merge_keys", ARRAY(sa.Text()), comment="every key that it was ever told to be merged into"
        ),
    )
    as_each_tenant("incidents", {}, _EVER)
    op.alter_column("incidents", "merge_keys", nullable=False)
    op.drop_index("incidents_merge_idx", "incidents")
    op.create_index("incidents_merge_keys_idx", "incidents", ["merge_keys"], postgresql_using="gin")
    _requests()
    _unmergers()
    for table in ("incident_unmerger_requests", "incident_unmergers"):
        distribute(table)
        protect(table, app=("SELECT", "INSERT"))
        append_only(table)


def downgrade() -> None:
    begin_revision()
    op.drop_table("incident_unmergers")
    op.drop_table("incident_unmerger_requests")
    op.drop_index("incidents_merge_keys_idx", "incidents")
    op.create_index(
        "incidents_merge_idx",
        "incidents",
        ["tenant_id", "merge_key"],
        postgresql_where=sa.text("merge_key IS NOT NULL"),
    )
    op.drop_column("incidents", "merge_keys")


def _id(name: str, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, UUID(as_uuid=True), nullable=False, comment=comment)


def _refers(table: str, name: str, parent: str, columns: dict[str, str]) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", *columns],
        [f"{parent}.tenant_id", *(f"{parent}.{each}" for each in columns.values())],
        name=f"{table}_{name}_fkey",
    )


def _requests() -> None:
    table = "incident_unmerger_requests"
    op.create_table(
        table,
        _id("tenant_id"),
        _id("request_id", "the approval asked for"),
        _id("incident_id"),
        sa.Column("approval_kind", sa.Text(), sa.Computed("'severity_downgrade'::text", persisted=True)),
        sa.PrimaryKeyConstraint("tenant_id", "request_id", name=f"{table}_pkey"),
        _refers(table, "kind", "approval_requests", {"request_id": "id", "approval_kind": "kind"}),
        _refers(table, "incident", "incidents", {"incident_id": "id"}),
        sa.UniqueConstraint("tenant_id", "request_id", "incident_id", name=f"{table}_what_key"),
    )
    op.create_index(f"{table}_incident_idx", table, ["tenant_id", "incident_id"])


def _unmergers() -> None:
    table = "incident_unmergers"
    op.create_table(
        table,
        _id("tenant_id"),
        _id("request_id"),
        _id("incident_id", "what goes on by itself again"),
        _id("event_key", "the fact that says so"),
        sa.Column("use_ordinal", sa.Integer(), nullable=False, comment="the use of its approval"),
        sa.Column("use_act", sa.Text(), nullable=False),
        sa.Column("used_at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("approvers", ARRAY(UUID(as_uuid=True)), nullable=False, comment="the persons"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "request_id", name=f"{table}_pkey"),
        _refers(
            table,
            "request",
            "incident_unmerger_requests",
            {"request_id": "request_id", "incident_id": "incident_id"},
        ),
        _refers(
            table,
            "use",
            "approval_steps",
            {"request_id": "request_id", "use_ordinal": "ordinal", "use_act": "act", "used_at": "at"},
        ),
        _refers(table, "receipt", "receipts", {"receipt_id": "id"}),
        sa.UniqueConstraint("tenant_id", "event_key", name=f"{table}_event_key"),
        sa.UniqueConstraint("tenant_id", "receipt_id", name=f"{table}_receipt_key"),
        sa.CheckConstraint(
            "use_act = 'use' AND use_ordinal > 2 AND cardinality(approvers) = use_ordinal - 1",
            name="approved_by_two",
        ),
    )
    op.create_index(f"{table}_incident_idx", table, ["tenant_id", "incident_id"])

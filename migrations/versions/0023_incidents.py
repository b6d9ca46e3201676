"""incidents: their register, approved downgrades, and the postmortems that were opened."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, grant_house, protect

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_KEPT = ("incident_downgrade_requests", "incident_downgrades", "postmortems")
_MADE = ("incident_register", "incidents", "incident_tenants", "incident_gaps")
_WHAT = ("request_id", "incident_id", "before", "severity")


def upgrade() -> None:
    begin_revision()
    _touches()
    _register()
    _downgrades()
    _postmortems()
    for table in (*_MADE, *_KEPT):
        distribute(table)
    protect("incident_register", app=("SELECT", "INSERT", "UPDATE"))
    protect("incidents", app=("SELECT", "INSERT", "UPDATE"))
    protect("incident_tenants", app=("SELECT", "INSERT", "DELETE"))
    protect("incident_gaps", app=("SELECT", "INSERT", "UPDATE", "DELETE"))
    for table in _KEPT:
        protect(table, app=("SELECT", "INSERT"))
        append_only(table)
    # What people tell at the portal's own doors is a fact like others, stored with the act's receipt.
    op.execute("GRANT INSERT ON facts TO trust_portal_app")
    op.execute("GRANT SELECT, INSERT ON event_keys TO trust_portal_app")


def downgrade() -> None:
    begin_revision()
    op.execute("REVOKE INSERT ON facts FROM trust_portal_app")
    op.execute("REVOKE SELECT, INSERT ON event_keys FROM trust_portal_app")
    for table in reversed((*_MADE, *_KEPT)):
        op.drop_table(table)
    op.drop_table("incident_touches")


def _id(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, UUID(as_uuid=True), nullable=nullable, comment=comment)


def _at(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=nullable, comment=comment)


def _text(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable, comment=comment)


def _refers(table: str, own: tuple[str, ...], others: tuple[str, ...], name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", *own], [f"{table}.tenant_id", *(f"{table}.{each}" for each in others)], name=name
    )


def _touches() -> None:
    op.create_table(
        "incident_touches",
        _id("id"),
        sa.Column("keys", ARRAY(sa.Text()), nullable=False, comment="external keys of the incidents"),
        _at("received_at"),
        sa.PrimaryKeyConstraint("id", name="incident_touches_pkey"),
    )
    grant_house("incident_touches", app=("SELECT", "INSERT", "DELETE"), intake=("INSERT",))


def _register() -> None:
    op.create_table(
        "incident_register",
        _id("tenant_id"),
        _at("followed_at", comment="when facts were last taken in"),
        _at("rebuilt_at", nullable=True, comment="when it was last made again from all facts"),
        sa.PrimaryKeyConstraint("tenant_id", name="incident_register_pkey"),
    )
    op.create_table(
        "incidents",
        _id("tenant_id"),
        _id("id", comment="follows from source and key"),
        _text("source"),
        _text("key"),
        _text("title"),
        _text("service"),
        _text("team", nullable=True),
        _text("owner", comment="as told"),
        _id("owner_person_id", nullable=True, comment="who of the vendor's people that is"),
        _text("severity", comment="in force"),
        _text("declared_severity"),
        _text("worst_severity", comment="ever told, also of those merged into it"),
        _text("claimed_severity", nullable=True, comment="a lower one that waits for approval"),
        _at("severity_at", comment="when it was last spoken of"),
        _text(
            "major_because", nullable=True, comment="declared, raised or merged; null: it takes no postmortem"
        ),
        _at("began_at"),
        _at("detected_at"),
        _at("declared_at"),
        _at("told_at", nullable=True, comment="when customers were first told"),
        _at("mitigated_at", nullable=True),
        _at("resolved_at", nullable=True),
        sa.Column("reopened", sa.Integer(), nullable=False),
        _text("merge_key", nullable=True, comment="key of what it was merged into, as told"),
        _id("merged_into", nullable=True),
        sa.Column("everybody", sa.Boolean(), nullable=False, comment="it may touch every tenant"),
        sa.Column("objectives", ARRAY(sa.Text()), comment="null: all"),
        sa.Column("facts", sa.Integer(), nullable=False),
        _at("last_fact_at"),
        _at("followed_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="incidents_pkey"),
        sa.UniqueConstraint("tenant_id", "source", "key", name="incidents_name_key"),
        _refers("incidents", ("merged_into",), ("id",), "incidents_merged_fkey"),
        sa.CheckConstraint(
            "severity IN ('P1', 'P2', 'P3', 'P4') AND declared_severity IN ('P1', 'P2', 'P3', 'P4')"
            " AND worst_severity <= least(severity, declared_severity) AND worst_severity >= 'P1'",
            name="worst_is_worst",
        ),
        sa.CheckConstraint(
            "(major_because IS NOT NULL) = (worst_severity IN ('P1', 'P2'))", name="major_has_a_reason"
        ),
    )
    op.create_index("incidents_declared_idx", "incidents", ["tenant_id", "declared_at", "id"])
    op.create_index(
        "incidents_merge_idx",
        "incidents",
        ["tenant_id", "merge_key"],
        postgresql_where=sa.text("merge_key IS NOT NULL"),
    )
    op.create_index("incidents_key_idx", "incidents", ["tenant_id", "key"])
    op.create_table(
        "incident_tenants",
        _id("tenant_id"),
        _id("incident_id"),
        _id("customer_id"),
        sa.PrimaryKeyConstraint("tenant_id", "incident_id", "customer_id", name="incident_tenants_pkey"),
        _refers("incidents", ("incident_id",), ("id",), "incident_tenants_incident_fkey"),
    )
    op.create_index("incident_tenants_customer_idx", "incident_tenants", ["tenant_id", "customer_id"])
    op.create_table(
        "incident_gaps",
        _id("tenant_id"),
        _text("source"),
        _text("key"),
        _text("reason", comment="undeclared or ambiguous"),
        _text("worst_severity", nullable=True, comment="the worst it names"),
        _at("first_at"),
        _at("last_at"),
        sa.Column("facts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "source", "key", name="incident_gaps_pkey"),
        sa.CheckConstraint("reason IN ('undeclared', 'ambiguous')", name="reason_is_known"),
    )


def _downgrades() -> None:
    op.create_table(
        "incident_downgrade_requests",
        _id("tenant_id"),
        _id("request_id", comment="the approval asked for"),
        _id("incident_id"),
        _text("before"),
        _text("severity"),
        sa.PrimaryKeyConstraint("tenant_id", "request_id", name="incident_downgrade_requests_pkey"),
        _refers("approval_requests", ("request_id",), ("id",), "incident_downgrade_requests_approval_fkey"),
        _refers("incidents", ("incident_id",), ("id",), "incident_downgrade_requests_incident_fkey"),
        sa.UniqueConstraint("tenant_id", *_WHAT, name="incident_downgrade_requests_what_key"),
        sa.CheckConstraint(
            "before IN ('P1', 'P2') AND severity > before AND severity <= 'P4'", name="lowers"
        ),
    )
    op.create_index(
        "incident_downgrade_requests_incident_idx",
        "incident_downgrade_requests",
        ["tenant_id", "incident_id"],
    )
    op.create_table(
        "incident_downgrades",
        _id("tenant_id"),
        _id("request_id"),
        _id("incident_id"),
        _text("before"),
        _text("severity"),
        _at("holds_from", comment="after everything told of the severity until then"),
        sa.Column("use_ordinal", sa.Integer(), nullable=False, comment="the use of its approval"),
        _text("use_act"),
        _at("used_at"),
        sa.Column("approvers", ARRAY(UUID(as_uuid=True)), nullable=False, comment="the persons"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "request_id", name="incident_downgrades_pkey"),
        _refers("incident_downgrade_requests", _WHAT, _WHAT, "incident_downgrades_request_fkey"),
        _refers(
            "approval_steps",
            ("request_id", "use_ordinal", "use_act", "used_at"),
            ("request_id", "ordinal", "act", "at"),
            "incident_downgrades_use_fkey",
        ),
        _refers("receipts", ("receipt_id",), ("id",), "incident_downgrades_receipt_fkey"),
        sa.UniqueConstraint("tenant_id", "receipt_id", name="incident_downgrades_receipt_key"),
        sa.CheckConstraint(
            "use_act = 'use' AND use_ordinal > 2 AND cardinality(approvers) = use_ordinal - 1",
            name="approved_by_two",
        ),
    )
    op.create_index("incident_downgrades_incident_idx", "incident_downgrades", ["tenant_id", "incident_id"])


def _postmortems() -> None:
    op.create_table(
        "postmortems",
        _id("tenant_id"),
        _id("id"),
        _id("incident_id"),
        _at("opened_at"),
        _text("opened_because", comment="declared, raised or merged"),
        _id("owner_person_id", nullable=True, comment="who is to sign it, as known when it was opened"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="postmortems_pkey"),
        _refers("incidents", ("incident_id",), ("id",), "postmortems_incident_fkey"),
        _refers("receipts", ("receipt_id",), ("id",), "postmortems_receipt_fkey"),
        sa.UniqueConstraint("tenant_id", "incident_id", name="postmortems_incident_key"),
        sa.UniqueConstraint("tenant_id", "receipt_id", name="postmortems_receipt_key"),
        sa.CheckConstraint("opened_because IN ('declared', 'raised', 'merged')", name="reason_is_known"),
    )
    op.create_index("postmortems_newest_idx", "postmortems", ["tenant_id", "opened_at", "id"])

"""reliability: contracts, objectives, SLA reports and runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

#: Written once, read for ever.
_APPEND = ("SELECT", "INSERT")


def upgrade() -> None:
    begin_revision()
    _contracts()
    _objectives()
    _reports()
    _runs()


def downgrade() -> None:
    begin_revision()
    for table in (
        "sla_run_tenants",
        "sla_runs",
        "sla_report_heads",
        "sla_reports",
        "objectives",
        "contracts",
    ):
        op.drop_table(table)


def _id(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, UUID(as_uuid=True), nullable=nullable, comment=comment)


def _at(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=nullable, comment=comment)


def _text(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable, comment=comment)


def _count(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Integer(), nullable=nullable, autoincrement=False, comment=comment)


def _receipt(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "receipt_id"],
        ["receipts.tenant_id", "receipts.id"],
        name=f"{table}_tenant_id_receipt_id_fkey",
    )


def _contracts() -> None:
    op.create_table(
        "contracts",
        _id("tenant_id"),
        _id("id"),
        _text("version"),
        _text("effective_from", nullable=True, comment="as written: a date or an instant"),
        sa.Column(
            "lengths",
            ARRAY(sa.Text()),
            nullable=False,
            comment="of the periods it promises for: month, quarter",
        ),
        _text("document", comment="the YAML document as it was imported"),
        _text("sha256", comment="of document, UTF-8"),
        _id("receipt_id"),
        _at("recorded_at"),
        _text("recorded_by_name"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="contracts_pkey"),
        _receipt("contracts"),
        sa.UniqueConstraint("tenant_id", "version", name="contracts_tenant_id_version_key"),
    )
    distribute("contracts")
    protect("contracts", app=_APPEND)
    append_only("contracts")


def _objectives() -> None:
    op.create_table(
        "objectives",
        _id("tenant_id"),
        _text("key", comment="as events and contracts name it"),
        _count("revision"),
        _text("kind"),
        _text("title"),
        _text("description"),
        _text("service"),
        _text("threshold", nullable=True, comment="seconds, inclusive upper bound; latency only"),
        _text("target", nullable=True, comment="percent"),
        _text("source"),
        _at("recorded_at"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "key", "revision", name="objectives_pkey"),
        sa.CheckConstraint("kind IN ('availability', 'latency')", name="objectives_kind_is_known_check"),
        sa.CheckConstraint(
            "(kind = 'latency') = (threshold IS NOT NULL)", name="objectives_latency_has_a_threshold_check"
        ),
    )
    distribute("objectives")
    protect("objectives", app=_APPEND)
    append_only("objectives")


def _reports() -> None:
    op.create_table(
        "sla_reports",
        _id("tenant_id"),
        _id("id"),
        _text("period", comment="2026-06 or 2026-Q2"),
        _count("attempt", comment="counts signed and refused ones of the period"),
        _count("revision", nullable=True, comment="counts the signed ones; a refused attempt has none"),
        _text("state"),
        _id("contract_id"),
        _text("contract_version"),
        _at("period_start"),
        _at("period_end"),
        sa.Column(
            "document",
            sa.LargeBinary(),
            nullable=False,
            comment="RFC 8785 bytes, as digested in the receipt",
        ),
        _text("sha256", comment="of document"),
        _text("inputs_sha256", comment="of everything the calculation was given"),
        sa.Column("findings", JSONB(), nullable=False),
        _id("supersedes", nullable=True, comment="the revision before"),
        sa.Column("delta", JSONB(), comment="what changed against it"),
        _text("reason", nullable=True, comment="why it was issued again, in a person's words"),
        _id("receipt_id"),
        _at("issued_at"),
        _id("issued_by_id"),
        _text("issued_by_name"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="sla_reports_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "contract_id"],
            ["contracts.tenant_id", "contracts.id"],
            name="sla_reports_tenant_id_contract_id_fkey",
        ),
        _receipt("sla_reports"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "supersedes"],
            ["sla_reports.tenant_id", "sla_reports.id"],
            name="sla_reports_tenant_id_supersedes_fkey",
        ),
        sa.UniqueConstraint(
            "tenant_id", "period", "attempt", name="sla_reports_tenant_id_period_attempt_key"
        ),
        sa.UniqueConstraint(
            "tenant_id", "period", "revision", name="sla_reports_tenant_id_period_revision_key"
        ),
        sa.CheckConstraint(
            "state IN ('ok', 'incomplete', 'disputed')", name="sla_reports_state_is_known_check"
        ),
        sa.CheckConstraint(
            "(state = 'ok') = (revision IS NOT NULL)", name="sla_reports_only_ok_is_a_revision_check"
        ),
        sa.CheckConstraint(
            "(revision > 1) = (supersedes IS NOT NULL AND reason IS NOT NULL)",
            name="sla_reports_restated_check",
        ),
    )
    op.create_index("sla_reports_newest_idx", "sla_reports", ["tenant_id", "period_start", "attempt"])
    op.create_table(
        "sla_report_heads",
        _id("tenant_id"),
        _text("period"),
        _at("period_start"),
        _count("attempts"),
        _id("newest_id", nullable=True, comment="the latest attempt, whatever came of it"),
        _text("newest_state", nullable=True),
        _id("signed_id", nullable=True, comment="the latest signed revision"),
        _count("signed_revision", nullable=True),
        _at("changed_at"),
        sa.PrimaryKeyConstraint("tenant_id", "period", name="sla_report_heads_pkey"),
    )
    op.create_table(
        "sla_report_inputs",
        _id("tenant_id"),
        _id("report_id"),
        _text("name", comment="path in the bundle"),
        sa.Column("content", sa.LargeBinary(), nullable=False, comment="zlib (RFC 1950)"),
        sa.PrimaryKeyConstraint("tenant_id", "report_id", "name", name="sla_report_inputs_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "report_id"],
            ["sla_reports.tenant_id", "sla_reports.id"],
            name="sla_report_inputs_tenant_id_report_id_fkey",
        ),
    )
    # Compressed already: PostgreSQL shall not try again.
    op.execute("ALTER TABLE sla_report_inputs ALTER COLUMN content SET STORAGE EXTERNAL")
    distribute("sla_reports")
    distribute("sla_report_inputs")
    distribute("sla_report_heads")
    protect("sla_report_inputs", app=_APPEND, staff=())
    append_only("sla_report_inputs")
    protect("sla_reports", app=_APPEND)
    append_only("sla_reports")
    protect("sla_report_heads", app=("SELECT", "INSERT", "UPDATE"))


def _runs() -> None:
    op.create_table(
        "sla_runs",
        _id("tenant_id"),
        _id("id"),
        _text("period"),
        _text("state"),
        _count("attempt"),
        _count("total", nullable=True, comment="tenants covered; known once planned"),
        sa.Column(
            "planned",
            ARRAY(UUID(as_uuid=True)),
            comment="ids of those tenants, as the planner wrote them",
        ),
        _at("requested_at"),
        _id("requested_by_id"),
        _text("requested_by_name"),
        _at("completed_at", nullable=True),
        _id("receipt_id", nullable=True, comment="of the completion"),
        sa.Column("counts", JSONB(), comment="tenants by outcome, at completion"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="sla_runs_pkey"),
        sa.UniqueConstraint("tenant_id", "period", name="sla_runs_tenant_id_period_key"),
        sa.CheckConstraint(
            "state IN ('planning', 'running', 'complete')", name="sla_runs_state_is_known_check"
        ),
    )
    op.create_table(
        "sla_run_tenants",
        _id("tenant_id"),
        _id("run_id"),
        _count("attempt", comment="of the run, at which this outcome was reached"),
        _text("tenant_key"),
        _text("tenant_name"),
        _text("outcome"),
        _text("reason", nullable=True, comment="in words, where no report was issued or it no longer holds"),
        _id("report_id", nullable=True),
        _count("revision", nullable=True),
        _at("due_at", comment="not before the period is over in the contract's time zone"),
        _at("changed_at"),
        sa.PrimaryKeyConstraint("tenant_id", "run_id", name="sla_run_tenants_pkey"),
        sa.CheckConstraint(
            "outcome IN ('pending', 'issued', 'restatement_needed', 'incomplete', 'disputed', 'no_contract', "
            "'failed')",
            name="sla_run_tenants_outcome_is_known_check",
        ),
    )
    distribute("sla_runs")
    distribute("sla_run_tenants")
    protect("sla_runs", app=("SELECT", "INSERT", "UPDATE"))
    protect("sla_run_tenants", app=("SELECT", "INSERT", "UPDATE"))

"""metering: roll-ups, detector states, anomalies, thresholds, suppressions, budgets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

#: Written once, read for ever.
_APPEND = ("SELECT", "INSERT")
_MOVING = ("SELECT", "INSERT", "UPDATE")


def upgrade() -> None:
    begin_revision()
    _roll_ups()
    _detector()
    _anomalies()
    _decisions()
    _budgets()


def downgrade() -> None:
    begin_revision()
    for table in (
        "budgets",
        "detector_flags",
        "suppressions",
        "thresholds",
        "anomaly_feedback",
        "anomalies",
        "cost_expectations",
        "detector_states",
        "metering_progress",
        "usage_parts",
        "usage_hours",
    ):
        op.drop_table(table)


def _id(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, UUID(as_uuid=True), nullable=nullable, comment=comment)


def _at(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=nullable, comment=comment)


def _text(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable, comment=comment)


def _count(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Integer(), nullable=False, autoincrement=False)


def _amount(name: str, *, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Numeric(), nullable=False, comment=comment)


def _receipt(table: str, column: str = "receipt_id") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        ["receipts.tenant_id", "receipts.id"],
        name=f"{table}_tenant_id_{column}_fkey",
    )


def _roll_ups() -> None:
    op.create_table(
        "usage_hours",
        _id("tenant_id"),
        _at("hour", comment="its start, UTC"),
        _text("subsystem"),
        _text("currency"),
        _amount("cost", comment="exact, in major units"),
        _count("events"),
        sa.PrimaryKeyConstraint("tenant_id", "hour", "subsystem", "currency", name="usage_hours_pkey"),
    )
    op.create_table(
        "usage_parts",
        _id("tenant_id"),
        _at("hour", comment="its start, UTC"),
        _text("subsystem"),
        _text("currency"),
        sa.Column("part", sa.LargeBinary(), nullable=False, comment="16 bytes over the dimensions"),
        _text("resource"),
        _text("operation"),
        _text("region"),
        _text("adapter", nullable=True),
        _text("unit"),
        sa.Column("labels", JSONB(), nullable=False, comment="those that explanations ask for"),
        _amount("quantity"),
        _amount("cost", comment="exact, in major units"),
        _count("events"),
        sa.PrimaryKeyConstraint(
            "tenant_id", "hour", "subsystem", "currency", "part", name="usage_parts_pkey"
        ),
    )
    op.create_table(
        "metering_progress",
        _id("tenant_id"),
        sa.Column(
            "revision",
            sa.BigInteger(),
            nullable=False,
            comment="counts the roll-ups; a close that missed one is void",
        ),
        _at("first_hour", comment="of any usage"),
        _at("closed_through", nullable=True, comment="start of the last hour the detector has seen"),
        _at("dirty_from", nullable=True, comment="earliest closed hour that has changed since"),
        _at("rolled_up_at"),
        sa.PrimaryKeyConstraint("tenant_id", name="metering_progress_pkey"),
    )
    for table in ("usage_hours", "usage_parts"):
        distribute(table)
        protect(table)
    distribute("metering_progress")
    # A close commits many tenants at once, as the sequencer does, and under the same role.
    protect("metering_progress", app=_MOVING, ledger=("SELECT", "UPDATE (closed_through, dirty_from)"))


def _detector() -> None:
    op.create_table(
        "detector_states",
        _id("tenant_id"),
        _text("lane", comment="live or shadow"),
        _at("through", comment="start of the last hour it has seen"),
        _text("detector", comment="name and version"),
        sa.Column("state", sa.LargeBinary(), nullable=False, comment="of all the tenant's series"),
        sa.PrimaryKeyConstraint("tenant_id", "lane", "through", name="detector_states_pkey"),
    )
    # Floats of a detector hardly compress: PostgreSQL shall not try.
    op.execute("ALTER TABLE detector_states ALTER COLUMN state SET STORAGE EXTERNAL")
    op.create_table(
        "cost_expectations",
        _id("tenant_id"),
        _at("hour", comment="its start, UTC"),
        _text("subsystem"),
        _text("currency"),
        _amount("expected", comment="of the live detector, rounded to a millionth"),
        sa.PrimaryKeyConstraint("tenant_id", "hour", "subsystem", "currency", name="cost_expectations_pkey"),
    )
    # The role that closes hours for all tenants may change what it keeps, and never whose it is.
    for table, changed in (("detector_states", "detector, state"), ("cost_expectations", "expected")):
        distribute(table)
        protect(table, ledger=("SELECT", "INSERT", "DELETE", f"UPDATE ({changed})"))


def _anomalies() -> None:
    op.create_table(
        "anomalies",
        _id("tenant_id"),
        _id("id"),
        _text("lane", comment="live, or shadow: found by a detector on trial"),
        _text("subsystem"),
        _text("currency"),
        _text("kind"),
        _text("state"),
        _text("severity"),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False, comment="0 to 1"),
        _at("started_at", comment="start of its first hour"),
        _at("peak_at", comment="start of its worst hour"),
        _at("last_at", comment="start of its last hour so far"),
        _at("detected_at", comment="start of the hour whose close revealed it"),
        _amount("expected"),
        _amount("actual"),
        _amount("excess", comment="actual less expected"),
        _amount("unexplained", comment="what of the excess no cause accounts for"),
        _text("detector"),
        _text("detector_version"),
        sa.Column("evidence", JSONB(), nullable=False, comment="windows and burn rates that raised it"),
        _id("suppression_id", nullable=True, comment="the suppression it fell under when it was found"),
        _text("verdict", nullable=True, comment="the latest feedback"),
        sa.Column("revision", sa.Integer(), nullable=False, comment="counts changes of the figures"),
        _id("opened_receipt_id", nullable=True),
        _id("closed_receipt_id", nullable=True),
        _id("explained_receipt_id", nullable=True),
        _at("opened_at", comment="when it was written down"),
        _at("explained_at", nullable=True),
        _at("closed_at", nullable=True),
        _at("changed_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="anomalies_pkey"),
        _receipt("anomalies", "opened_receipt_id"),
        _receipt("anomalies", "closed_receipt_id"),
        _receipt("anomalies", "explained_receipt_id"),
        sa.CheckConstraint("lane IN ('live', 'shadow')", name="anomalies_lane_is_known_check"),
        sa.CheckConstraint("state IN ('open', 'closed')", name="anomalies_state_is_known_check"),
        sa.CheckConstraint(
            "severity IN ('low', 'medium', 'high', 'critical')", name="anomalies_severity_is_known_check"
        ),
        sa.CheckConstraint(
            "(lane = 'live') = (opened_receipt_id IS NOT NULL)", name="anomalies_live_has_a_receipt_check"
        ),
    )
    op.create_index("anomalies_newest_idx", "anomalies", ["tenant_id", "started_at", "id"])
    op.create_index("anomalies_started_at_idx", "anomalies", ["started_at", "id"])
    op.create_table(
        "anomaly_feedback",
        _id("tenant_id"),
        _id("id"),
        _id("anomaly_id"),
        _text("verdict"),
        _text("note"),
        _at("given_at"),
        _id("given_by_id"),
        _text("given_by_name"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="anomaly_feedback_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "anomaly_id"],
            ["anomalies.tenant_id", "anomalies.id"],
            name="anomaly_feedback_tenant_id_anomaly_id_fkey",
        ),
        _receipt("anomaly_feedback"),
        sa.CheckConstraint(
            "verdict IN ('real', 'planned', 'false')", name="anomaly_feedback_verdict_is_known_check"
        ),
    )
    distribute("anomalies")
    protect("anomalies", app=_MOVING)
    distribute("anomaly_feedback")
    protect("anomaly_feedback", app=_APPEND)
    append_only("anomaly_feedback")


def _decisions() -> None:
    op.create_table(
        "thresholds",
        _id("tenant_id"),
        _text("subsystem", comment="empty: all"),
        _count("revision"),
        sa.Column("figures", JSONB(), nullable=False, comment="empty: back to what lies above"),
        _text("reason"),
        _at("set_at"),
        _id("set_by_id"),
        _text("set_by_name"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "subsystem", "revision", name="thresholds_pkey"),
        _receipt("thresholds"),
    )
    op.create_table(
        "suppressions",
        _id("tenant_id"),
        _id("id"),
        _text("subsystem", nullable=True, comment="null: all"),
        _text("reason"),
        _at("starts_at"),
        _at("ends_at", comment="as set at first"),
        _at("ended_at", nullable=True, comment="ended early"),
        _text("end_reason", nullable=True),
        _at("created_at"),
        _id("created_by_id"),
        _text("created_by_name"),
        _text("ended_by_name", nullable=True),
        _id("receipt_id"),
        _id("ended_receipt_id", nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="suppressions_pkey"),
        _receipt("suppressions"),
        _receipt("suppressions", "ended_receipt_id"),
        sa.CheckConstraint("starts_at < ends_at", name="suppressions_ends_after_it_starts_check"),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_receipt_id IS NULL)", name="suppressions_ended_with_a_receipt_check"
        ),
    )
    op.create_table(
        "detector_flags",
        _id("tenant_id"),
        _text("flag"),
        _count("revision"),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        _text("detector", comment="name and version it was decided for"),
        sa.Column("back_test", JSONB(), nullable=False, comment="the back-test the decision rests on"),
        _text("reason"),
        _at("set_at"),
        _text("set_by_name"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "flag", "revision", name="detector_flags_pkey"),
        _receipt("detector_flags"),
    )
    for table in ("thresholds", "detector_flags"):
        distribute(table)
        protect(table, app=_APPEND)
        append_only(table)
    distribute("suppressions")
    protect("suppressions", app=_MOVING)


def _budgets() -> None:
    op.create_table(
        "budgets",
        _id("tenant_id"),
        _text("subsystem", comment="empty: all together"),
        _text("currency"),
        _count("revision"),
        sa.Column(
            "amount",
            sa.Numeric(),
            comment="per calendar month in UTC, major units; null: withdrawn",
        ),
        sa.Column(
            "from_month", sa.Date(), nullable=False, comment="first day of the first month it holds for"
        ),
        _text("reason"),
        _at("set_at"),
        _id("set_by_id"),
        _text("set_by_name"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "subsystem", "currency", "revision", name="budgets_pkey"),
        _receipt("budgets"),
        sa.CheckConstraint("amount > 0", name="budgets_amount_is_positive_check"),
        sa.CheckConstraint("extract(day FROM from_month) = 1", name="budgets_begins_with_a_month_check"),
    )
    distribute("budgets")
    protect("budgets", app=_APPEND)
    append_only("budgets")

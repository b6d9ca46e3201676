"""Detector states, expectations, anomalies and what people decide about them, as rows."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from trust_portal.storage.metadata import instant, tenant_table, uuid_column

#: The latest row of a lane is where the detector stands; midnights are kept for two days, so that
#: what comes late is taken up from there.
detector_states = tenant_table(
    "detector_states",
    Column("lane", Text, primary_key=True, comment="live or shadow"),
    instant("through", primary_key=True, comment="start of the last hour it has seen"),
    Column("detector", Text, nullable=False, comment="name and version"),
    Column("state", LargeBinary, nullable=False, comment="of all the tenant's series"),
)

cost_expectations = tenant_table(
    "cost_expectations",
    instant("hour", primary_key=True, comment="its start, UTC"),
    Column("subsystem", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("expected", Numeric, nullable=False, comment="of the live detector, rounded to a millionth"),
)

anomalies = tenant_table(
    "anomalies",
    uuid_column("id", primary_key=True),
    Column("lane", Text, nullable=False, comment="live, or shadow: found by a detector on trial"),
    Column("subsystem", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("direction", Text, nullable=False, comment="up: a rise; down: a drop"),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("score", Double, nullable=False),
    Column("confidence", Double, nullable=False, comment="0 to 1"),
    instant("started_at", nullable=False, comment="start of its first hour"),
    instant("peak_at", nullable=False, comment="start of its worst hour"),
    instant("last_at", nullable=False, comment="start of its last hour so far"),
    instant("detected_at", nullable=False, comment="start of the hour whose close revealed it"),
    Column("expected", Numeric, nullable=False),
    Column("actual", Numeric, nullable=False),
    Column("excess", Numeric, nullable=False, comment="actual less expected"),
    Column("unexplained", Numeric, nullable=False, comment="what of the excess no cause accounts for"),
    Column("detector", Text, nullable=False),
    Column("detector_version", Text, nullable=False),
    Column("evidence", JSONB, nullable=False, comment="windows and burn rates that raised it"),
    uuid_column("suppression_id", comment="the suppression it fell under when it was found"),
    Column("verdict", Text, comment="the latest feedback"),
    Column("revision", Integer, nullable=False, comment="counts changes of the figures"),
    uuid_column("opened_receipt_id"),
    uuid_column("closed_receipt_id"),
    uuid_column("explained_receipt_id"),
    instant("opened_at", nullable=False, comment="when it was written down"),
    instant("explained_at"),
    instant(
        "first_explained_at", comment="never moves again; explained_at is that of the latest explanation"
    ),
    instant("closed_at"),
    instant("changed_at", nullable=False),
    ForeignKeyConstraint(["tenant_id", "opened_receipt_id"], ["receipts.tenant_id", "receipts.id"]),
    ForeignKeyConstraint(["tenant_id", "closed_receipt_id"], ["receipts.tenant_id", "receipts.id"]),
    ForeignKeyConstraint(["tenant_id", "explained_receipt_id"], ["receipts.tenant_id", "receipts.id"]),
    CheckConstraint("lane IN ('live', 'shadow')", name="lane_is_known"),
    CheckConstraint("state IN ('open', 'closed')", name="state_is_known"),
    CheckConstraint("direction IN ('up', 'down')", name="direction_is_known"),
    CheckConstraint("severity IN ('low', 'medium', 'high', 'critical')", name="severity_is_known"),
    CheckConstraint("(lane = 'live') = (opened_receipt_id IS NOT NULL)", name="live_has_a_receipt"),
    CheckConstraint(
        "(first_explained_at IS NULL) = (explained_at IS NULL) AND first_explained_at <= explained_at",
        name="explained_first_and_last",
    ),
    Index("anomalies_newest_idx", "tenant_id", "started_at", "id"),
    Index("anomalies_started_at_idx", "started_at", "id"),
)

anomaly_feedback = tenant_table(
    "anomaly_feedback",
    uuid_column("id", primary_key=True),
    uuid_column("anomaly_id", nullable=False),
    Column("verdict", Text, nullable=False),
    Column("note", Text, nullable=False),
    instant("given_at", nullable=False),
    uuid_column("given_by_id", nullable=False),
    Column("given_by_name", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(["tenant_id", "anomaly_id"], ["anomalies.tenant_id", "anomalies.id"]),
    ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"]),
    CheckConstraint("verdict IN ('real', 'planned', 'false')", name="verdict_is_known"),
)

#: Per figure: by more of it less is found, or by less; what is not named counts as installed. Spelled as the
#: database spells it, which knows no other rows than the two that it compares.
_LOOSER = " OR ".join(
    f"(COALESCE(((figures ->> '{name}'::text))::numeric, {installed})"
    f" {sign} COALESCE(((followed ->> '{name}'::text))::numeric, {installed}))"
    for name, sign, installed in (
        ("min_impact", ">", "(10)::numeric"),
        ("min_day_share", ">", "0.4"),
        ("sensitivity", "<", "(1)::numeric"),
        ("burn_rate", ">", "(3)::numeric"),
        ("drop_impact", ">", "(1)::numeric"),
    )
)

#: Looser ones that were set without approval before that was held here. Nobody adds to them.
unapproved_thresholds = tenant_table(
    "unapproved_thresholds",
    Column("subsystem", Text, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
)

#: Revisions; the newest of a scope holds. At the vendor they hold for every tenant.
thresholds = tenant_table(
    "thresholds",
    Column("subsystem", Text, primary_key=True, comment="empty: all"),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("figures", JSONB, nullable=False, comment="empty: back to what lies above"),
    Column("reason", Text, nullable=False),
    instant("set_at", nullable=False),
    uuid_column("set_by_id", nullable=False),
    Column("set_by_name", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    uuid_column("approval_id", comment="of the request it rests on; null: set directly"),
    ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"]),
    # An approval sets what was asked for with it, once, and is used for it.
    ForeignKeyConstraint(
        ["tenant_id", "approval_id", "subsystem", "revision", "figures"],
        [
            f"threshold_requests.{name}"
            for name in ("tenant_id", "approval_id", "subsystem", "revision", "figures")
        ],
        name="thresholds_approval_fkey",
    ),
    Column(
        "milestone",
        Text,
        Computed("CASE WHEN approval_id IS NOT NULL THEN 'use'::text ELSE NULL::text END", persisted=True),
    ),
    ForeignKeyConstraint(
        ["tenant_id", "approval_id", "milestone"],
        [f"approval_steps.{name}" for name in ("tenant_id", "request_id", "milestone")],
        name="thresholds_use_fkey",
    ),
    # Each says what it follows, and without an approval is not looser than that.
    Column("followed", JSONB, comment="figures of the revision before; null: it is the first"),
    Column(
        "follows",
        Integer,
        Computed("CASE WHEN revision > 1 THEN revision - 1 ELSE NULL::integer END", persisted=True),
    ),
    UniqueConstraint("tenant_id", "subsystem", "revision", "figures", name="thresholds_figures_key"),
    CheckConstraint("revision > 0 AND (followed IS NULL) = (revision = 1)", name="each_follows_one"),
    ForeignKeyConstraint(
        ["tenant_id", "subsystem", "follows", "followed"],
        [f"thresholds.{name}" for name in ("tenant_id", "subsystem", "revision", "figures")],
        name="thresholds_followed_fkey",
    ),
    Column(
        "unapproved",
        Integer,
        Computed(
            f"CASE WHEN approval_id IS NULL AND ({_LOOSER}) THEN revision ELSE NULL::integer END",
            persisted=True,
        ),
    ),
    ForeignKeyConstraint(
        ["tenant_id", "subsystem", "unapproved"],
        [f"unapproved_thresholds.{name}" for name in ("tenant_id", "subsystem", "revision")],
        name="thresholds_unapproved_fkey",
    ),
)

threshold_requests = tenant_table(
    "threshold_requests",
    uuid_column("approval_id", primary_key=True),
    Column("subsystem", Text, nullable=False, comment="empty: all"),
    Column("revision", Integer, nullable=False, comment="which it becomes"),
    Column("figures", JSONB, nullable=False),
    Column("trial", JSONB, comment="what a back-test found; null: none was made"),
    Column("approval_kind", Text, Computed("'threshold_change'::text", persisted=True)),
    ForeignKeyConstraint(
        ["tenant_id", "approval_id", "approval_kind"],
        [f"approval_requests.{name}" for name in ("tenant_id", "id", "kind")],
        name="threshold_requests_kind_fkey",
    ),
    UniqueConstraint(
        "tenant_id", "approval_id", "subsystem", "revision", "figures", name="threshold_requests_what_key"
    ),
    ForeignKeyConstraint(
        ["tenant_id", "approval_id"],
        ["approval_requests.tenant_id", "approval_requests.id"],
        name="threshold_requests_approval_fkey",
    ),
)

suppressions = tenant_table(
    "suppressions",
    uuid_column("id", primary_key=True),
    Column("subsystem", Text, comment="null: all"),
    Column("reason", Text, nullable=False),
    instant("starts_at", nullable=False),
    instant("ends_at", nullable=False, comment="as set at first"),
    instant("ended_at", comment="ended early"),
    Column("end_reason", Text),
    instant("created_at", nullable=False),
    uuid_column("created_by_id", nullable=False),
    Column("created_by_name", Text, nullable=False),
    Column("ended_by_name", Text),
    uuid_column("receipt_id", nullable=False),
    uuid_column("ended_receipt_id"),
    ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"]),
    ForeignKeyConstraint(["tenant_id", "ended_receipt_id"], ["receipts.tenant_id", "receipts.id"]),
    CheckConstraint("starts_at < ends_at", name="ends_after_it_starts"),
    CheckConstraint("(ended_at IS NULL) = (ended_receipt_id IS NULL)", name="ended_with_a_receipt"),
)

#: What detectors came to on history. Run once, never to change.
detector_backtests = tenant_table(
    "detector_backtests",
    uuid_column("id", primary_key=True),
    Column("detector", Text, nullable=False, comment="name and version that was tried"),
    Column("live", Text, nullable=False, comment="name and version beside which it was tried"),
    Column("weeks", Integer, nullable=False),
    instant("starts_at", nullable=False, comment="start of the first hour replayed"),
    instant("ends_at", nullable=False, comment="end of the last hour replayed"),
    Column("document", JSONB, nullable=False, comment="parameters and results"),
    Column("digest", Text, nullable=False, comment="hex SHA-256 of the document, RFC 8785"),
    instant("ran_at", nullable=False),
    uuid_column("ran_by_id", nullable=False),
    Column("ran_by_name", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"]),
    Index("detector_backtests_newest_idx", "tenant_id", "ran_at", "id"),
)

#: Which detector is live and which stands beside it, at the vendor for every tenant. Revisions, the newest holds.
detector_flags = tenant_table(
    "detector_flags",
    Column("flag", Text, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("enabled", Boolean, nullable=False),
    Column("detector", Text, nullable=False, comment="name and version it was decided for"),
    Column("back_test", JSONB, nullable=False, comment="the back-test the decision rests on"),
    Column("reason", Text, nullable=False),
    instant("set_at", nullable=False),
    Column("set_by_name", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    uuid_column("back_test_id", comment="null: switched off"),
    ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"]),
    ForeignKeyConstraint(
        ["tenant_id", "back_test_id"], ["detector_backtests.tenant_id", "detector_backtests.id"]
    ),
)

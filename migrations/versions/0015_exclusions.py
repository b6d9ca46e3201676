"""exclusions: windows that are excluded after the fact, and the chain of states of each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TABLES = ("exclusions", "exclusion_states")


def upgrade() -> None:
    begin_revision()
    _exclusions()
    _states()
    for table in _TABLES:
        distribute(table)
    for table in _TABLES:
        protect(table, app=("SELECT", "INSERT"))
        append_only(table)


def downgrade() -> None:
    begin_revision()
    for table in reversed(_TABLES):
        op.drop_table(table)


def _id(name: str) -> sa.Column[object]:
    return sa.Column(name, UUID(as_uuid=True), nullable=False)


def _at(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=nullable)


def _refers(table: str, own: tuple[str, ...], others: tuple[str, ...], name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", *own], [f"{table}.tenant_id", *(f"{table}.{each}" for each in others)], name=name
    )


def _exclusions() -> None:
    op.create_table(
        "exclusions",
        _id("tenant_id"),
        _id("id"),
        _at("starts_at"),
        _at("ends_at"),
        sa.Column("objectives", ARRAY(sa.Text()), comment="null: all"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False, comment="where what happened can be looked up"),
        sa.Column(
            "proposer_id", UUID(as_uuid=True), nullable=False, comment="the person, also behind a token"
        ),
        sa.Column("proposer_name", sa.Text(), nullable=False),
        sa.Column("request_id", UUID(as_uuid=True), nullable=False, comment="the approval asked for"),
        sa.Column("document", sa.LargeBinary(), nullable=False, comment="the proposal: RFC 8785 bytes"),
        sa.Column("sha256", sa.Text(), nullable=False, comment="of document"),
        _at("proposed_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="exclusions_pkey"),
        _refers("approval_requests", ("request_id",), ("id",), "exclusions_request_fkey"),
        sa.UniqueConstraint("tenant_id", "request_id", name="exclusions_request_key"),
        sa.UniqueConstraint("tenant_id", "id", "request_id", name="exclusions_asked_key"),
        sa.CheckConstraint("starts_at < ends_at", name="lasts_some_time"),
        sa.CheckConstraint("ends_at <= proposed_at", name="is_over"),
        sa.CheckConstraint("cardinality(objectives) > 0", name="objectives_are_named"),
        sa.CheckConstraint("btrim(reason) <> '' AND btrim(evidence) <> ''", name="reason_is_given"),
        sa.CheckConstraint("sha256 = encode(sha256(document), 'hex')", name="digest_is_of_the_document"),
    )
    op.create_index("exclusions_newest_idx", "exclusions", ["tenant_id", "proposed_at", "id"])


def _states() -> None:
    op.create_table(
        "exclusion_states",
        _id("tenant_id"),
        _id("exclusion_id"),
        sa.Column("ordinal", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("previous", sa.Integer(), comment="ordinal of the state before; null: the first"),
        sa.Column("previous_state", sa.Text()),
        _id("request_id"),
        sa.Column("use_ordinal", sa.Integer(), comment="of an approved one: the use of its approval"),
        sa.Column("use_act", sa.Text()),
        _at("used_at", nullable=True),
        sa.Column("approvers", ARRAY(UUID(as_uuid=True)), comment="of an approved one: the persons"),
        _at("at"),
        _id("by_id"),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "exclusion_id", "ordinal", name="exclusion_states_pkey"),
        sa.UniqueConstraint(
            "tenant_id", "exclusion_id", "ordinal", "state", name="exclusion_states_link_key"
        ),
        sa.UniqueConstraint("tenant_id", "receipt_id", name="exclusion_states_receipt_key"),
        _refers(
            "exclusions",
            ("exclusion_id", "request_id"),
            ("id", "request_id"),
            "exclusion_states_exclusion_fkey",
        ),
        _refers(
            "exclusion_states",
            ("exclusion_id", "previous", "previous_state"),
            ("exclusion_id", "ordinal", "state"),
            "exclusion_states_previous_fkey",
        ),
        _refers(
            "approval_steps",
            ("request_id", "use_ordinal", "use_act", "used_at"),
            ("request_id", "ordinal", "act", "at"),
            "exclusion_states_use_fkey",
        ),
        _refers("receipts", ("receipt_id",), ("id",), "exclusion_states_receipt_fkey"),
        sa.CheckConstraint(
            "(ordinal = 1 AND state = 'proposed' AND num_nulls(previous, previous_state) = 2)"
            " OR (ordinal > 1 AND num_nulls(previous, previous_state) = 0 AND previous = ordinal - 1"
            " AND ((previous_state = 'proposed' AND state IN ('approved', 'denied', 'expired', 'withdrawn'))"
            " OR (previous_state = 'approved' AND state = 'revoked')))",
            name="follows_what_it_may",
        ),
        sa.CheckConstraint(
            "(state = 'approved' AND num_nulls(use_ordinal, use_act, used_at, approvers) = 0"
            " AND use_act = 'use' AND use_ordinal > 2 AND cardinality(approvers) = use_ordinal - 1)"
            " OR (state <> 'approved' AND num_nonnulls(use_ordinal, use_act, used_at, approvers) = 0)",
            name="approved_by_two",
        ),
        sa.CheckConstraint("btrim(reason) <> ''", name="reason_is_given"),
    )

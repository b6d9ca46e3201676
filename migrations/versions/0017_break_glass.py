"""break-glass: grants of emergency access, and what happened to each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_APPEND = ("SELECT", "INSERT")


def upgrade() -> None:
    begin_revision()
    # Who asked is bound to the request, and a review is of two.
    op.create_unique_constraint(
        "approval_requests_requester_key", "approval_requests", ["tenant_id", "id", "requester_id"]
    )
    op.create_check_constraint(
        "two_review",
        "approval_requests",
        "kind <> 'break_glass_review' OR cardinality(roles) >= 2",
    )
    _grants()
    _steps()
    for table in ("break_glass_grants", "break_glass_steps"):
        distribute(table)
        protect(table, app=_APPEND)
        append_only(table)


def downgrade() -> None:
    begin_revision()
    op.drop_table("break_glass_steps")
    op.drop_table("break_glass_grants")
    op.drop_constraint(op.f("approval_requests_two_review_check"), "approval_requests")
    op.drop_constraint(op.f("approval_requests_requester_key"), "approval_requests")


def _grants() -> None:
    op.create_table(
        "break_glass_grants",
        _id("tenant_id"),
        _id("id"),
        sa.Column("number", sa.Integer(), nullable=False, comment="of this person's for this tenant"),
        _id("person_id"),
        _text("person_name"),
        _text("reason"),
        _at("opened_at"),
        _at("until"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="break_glass_grants_pkey"),
        _receipt("break_glass_grants"),
        sa.UniqueConstraint("tenant_id", "id", "person_id", name="break_glass_grants_whose_key"),
        sa.UniqueConstraint("tenant_id", "person_id", "number", name="break_glass_grants_number_key"),
        sa.UniqueConstraint("tenant_id", "receipt_id", name="break_glass_grants_receipt_key"),
        sa.CheckConstraint("length(btrim(reason)) >= 20", name="reason_is_given"),
        sa.CheckConstraint(
            "until > opened_at AND until <= opened_at + interval '4 hours'",
            name="time_is_limited",
        ),
        sa.CheckConstraint(
            "tenant_id <> '00000000-0000-7000-8000-000000000001'",
            name="is_to_a_customer",
        ),
    )
    op.create_index("break_glass_grants_person_idx", "break_glass_grants", ["person_id", "until"])
    op.create_index("break_glass_grants_newest_idx", "break_glass_grants", ["opened_at", "id"])


def _steps() -> None:
    op.create_table(
        "break_glass_steps",
        _id("tenant_id"),
        _id("grant_id"),
        sa.Column("ordinal", sa.Integer(), nullable=False, autoincrement=False),
        _text("act"),
        sa.Column("previous", sa.Integer(), comment="ordinal of the step before; null: the first"),
        sa.Column("previous_act", sa.Text()),
        _id("person_id", comment="who broke the glass"),
        _id("actor_id"),
        _text("actor_name"),
        _text("reason"),
        _at("at"),
        _id("approval_id", nullable=True, comment="the request of the review"),
        sa.Column("outcome", sa.Text()),
        sa.Column("decided", sa.Integer(), comment="the step of the request by which it is over"),
        sa.Column("decided_act", sa.Text()),
        sa.Column("decided_at", TIMESTAMP(timezone=True)),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "grant_id", "ordinal", name="break_glass_steps_pkey"),
        _receipt("break_glass_steps"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "grant_id", "person_id"],
            ["break_glass_grants.tenant_id", "break_glass_grants.id", "break_glass_grants.person_id"],
            name="break_glass_steps_grant_fkey",
        ),
        sa.UniqueConstraint("tenant_id", "grant_id", "ordinal", "act", name="break_glass_steps_link_key"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "grant_id", "previous", "previous_act"],
            [f"break_glass_steps.{name}" for name in ("tenant_id", "grant_id", "ordinal", "act")],
            name="break_glass_steps_previous_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "approval_id", "person_id"],
            ["approval_requests.tenant_id", "approval_requests.id", "approval_requests.requester_id"],
            name="break_glass_steps_approval_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "approval_id", "decided", "decided_act", "decided_at"],
            [f"approval_steps.{name}" for name in ("tenant_id", "request_id", "ordinal", "act", "at")],
            name="break_glass_steps_decided_fkey",
        ),
        sa.UniqueConstraint("tenant_id", "approval_id", "act", name="break_glass_steps_approval_key"),
        sa.CheckConstraint(
            "(ordinal = 1 AND num_nulls(previous, previous_act) = 2 AND act = 'close')"
            " OR (ordinal > 1 AND num_nulls(previous, previous_act) = 0 AND previous = ordinal - 1"
            " AND (previous_act, act) IN (('close', 'ask'), ('ask', 'ask'), ('ask', 'review')))",
            name="follows_its_step",
        ),
        sa.CheckConstraint("(act = 'close') = (approval_id IS NULL)", name="review_has_a_request"),
        sa.CheckConstraint(
            "(act = 'review') = (outcome IS NOT NULL)"
            " AND num_nulls(outcome, decided, decided_act, decided_at) IN (0, 4)"
            " AND (outcome IS NULL OR (outcome, decided_act) IN (('accepted', 'use'), ('objected', 'deny')))",
            name="reviewed_by_a_decision",
        ),
        sa.CheckConstraint("btrim(reason) <> ''", name="reason_is_given"),
    )
    op.create_index(
        "break_glass_steps_reviewed_once_key",
        "break_glass_steps",
        ["tenant_id", "grant_id"],
        unique=True,
        postgresql_where=sa.text("act = 'review'"),
    )


def _id(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, UUID(as_uuid=True), nullable=nullable, comment=comment)


def _at(name: str) -> sa.Column[object]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=False)


def _text(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=False)


def _receipt(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "receipt_id"],
        ["receipts.tenant_id", "receipts.id"],
        name=f"{table}_tenant_id_receipt_id_fkey",
    )

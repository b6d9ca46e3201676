"""periods whose signed figures no longer follow, and approvers who do not issue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_LINK = ("ordinal", "request_id", "issuer_id", "own_allowed")


def upgrade() -> None:
    begin_revision()
    op.add_column(
        "sla_report_heads",
        sa.Column(
            "overtaken_at",
            TIMESTAMP(timezone=True),
            comment="when data received since first gave other figures; null: they do not",
        ),
    )
    op.create_unique_constraint(
        "approval_steps_person_key",
        "approval_steps",
        ["tenant_id", "request_id", "ordinal", "act", "person_id"],
    )
    _approvals()
    distribute("credit_issue_approvals")
    protect("credit_issue_approvals", app=("SELECT", "INSERT"))
    append_only("credit_issue_approvals")
    op.add_column(
        "credit_issues",
        sa.Column("last_approval", sa.Integer(), sa.Computed("use_ordinal - 1", persisted=True)),
    )
    op.add_column(
        "credit_issues",
        sa.Column(
            "own_allowed",
            sa.Boolean(),
            sa.Computed("coalesce(btrim(allowed_by), '') <> ''", persisted=True),
        ),
    )
    # What was issued before has no such rows and stays as it is; whatever is issued from now on has them.
    op.create_foreign_key(
        "credit_issues_approvers_fkey",
        "credit_issues",
        "credit_issue_approvals",
        ["tenant_id", "credit_id", "last_approval", "request_id", "issuer_id", "own_allowed"],
        ["tenant_id", "credit_id", *_LINK],
        postgresql_not_valid=True,
    )


def downgrade() -> None:
    begin_revision()
    op.drop_constraint("credit_issues_approvers_fkey", "credit_issues")
    op.drop_column("credit_issues", "own_allowed")
    op.drop_column("credit_issues", "last_approval")
    op.drop_table("credit_issue_approvals")
    op.drop_constraint("approval_steps_person_key", "approval_steps")
    op.drop_column("sla_report_heads", "overtaken_at")


def _id(name: str, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, UUID(as_uuid=True), nullable=False, comment=comment)


def _refers(table: str, own: tuple[str, ...], others: tuple[str, ...], name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", *own], [f"{table}.tenant_id", *(f"{table}.{each}" for each in others)], name=name
    )


def _approvals() -> None:
    of_step = ("request_id", "ordinal", "act", "person_id")
    op.create_table(
        "credit_issue_approvals",
        _id("tenant_id"),
        _id("credit_id"),
        sa.Column(
            "ordinal", sa.Integer(), nullable=False, autoincrement=False, comment="of the approval's step"
        ),
        sa.Column("previous", sa.Integer(), comment="ordinal of the approval before; null: the first"),
        _id("request_id"),
        sa.Column("act", sa.Text(), nullable=False),
        _id("person_id", "who approved"),
        _id("issuer_id"),
        sa.Column("own_allowed", sa.Boolean(), nullable=False, comment="a policy lets approvers issue"),
        sa.PrimaryKeyConstraint("tenant_id", "credit_id", "ordinal", name="credit_issue_approvals_pkey"),
        sa.UniqueConstraint("tenant_id", "credit_id", *_LINK, name="credit_issue_approvals_link_key"),
        _refers("credits", ("credit_id",), ("id",), "credit_issue_approvals_credit_fkey"),
        _refers("approval_steps", of_step, of_step, "credit_issue_approvals_step_fkey"),
        _refers(
            "credit_issue_approvals",
            ("credit_id", "previous", "request_id", "issuer_id", "own_allowed"),
            ("credit_id", *_LINK),
            "credit_issue_approvals_previous_fkey",
        ),
        sa.CheckConstraint("act = 'approve'", name="is_an_approval"),
        sa.CheckConstraint(
            "(ordinal = 1 AND previous IS NULL) OR (ordinal > 1 AND previous IS NOT DISTINCT FROM ordinal - 1)",
            name="leaves_none_out",
        ),
        sa.CheckConstraint("person_id <> issuer_id OR own_allowed", name="approver_does_not_issue"),
    )

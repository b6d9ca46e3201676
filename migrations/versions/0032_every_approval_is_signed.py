"""every approval is signed: an approval is no row without its signature, whatever it is about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

from trust_portal.storage.migration import append_only, as_each_tenant, begin_revision, distribute, protect

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_TERMS = ("digest", "roles", "requester_id", "expires_at", "use_seconds")
_UNSIGNED = "CASE WHEN act = 'approve'::text AND signature_id IS NULL THEN ordinal ELSE NULL::integer END"
_FORMERLY = """
INSERT INTO unsigned_approvals (tenant_id, request_id, ordinal)
SELECT tenant_id, request_id, ordinal FROM approval_steps
WHERE tenant_id = :tenant_id AND act = 'approve' AND signature_id IS NULL
"""
#: What a request that has them was not asked to be, before.
_NOT_ASKED_TO_SIGN = """
UPDATE {0} SET passkey = false WHERE tenant_id = :tenant_id
AND {1} IN (SELECT request_id FROM unsigned_approvals WHERE tenant_id = :tenant_id)
"""


def upgrade() -> None:
    begin_revision()
    op.create_table(
        "unsigned_approvals",
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("request_id", UUID(as_uuid=True), nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "request_id", "ordinal", name="unsigned_approvals_pkey"),
    )
    distribute("unsigned_approvals")
    protect("unsigned_approvals", app=("SELECT",))
    as_each_tenant("approval_steps", {"unsigned_approvals": "INSERT"}, _FORMERLY)
    append_only("unsigned_approvals")
    _terms(_TERMS)
    op.drop_constraint(op.f("approval_steps_approval_is_signed_if_it_must_check"), "approval_steps")
    op.drop_constraint(op.f("approval_requests_money_and_promises_are_signed_for_check"), "approval_requests")
    for table in ("approval_steps", "approval_requests"):
        op.drop_column(table, "passkey")
    op.add_column(
        "approval_steps", sa.Column("unsigned", sa.Integer(), sa.Computed(_UNSIGNED, persisted=True))
    )
    op.create_foreign_key(
        "approval_steps_unsigned_fkey",
        "approval_steps",
        "unsigned_approvals",
        ["tenant_id", "request_id", "unsigned"],
        ["tenant_id", "request_id", "ordinal"],
    )


def downgrade() -> None:
    begin_revision()
    op.drop_constraint("approval_steps_unsigned_fkey", "approval_steps")
    op.drop_column("approval_steps", "unsigned")
    tables = {"approval_requests": "id", "approval_steps": "request_id"}
    for table in tables:
        op.add_column(table, sa.Column("passkey", sa.Boolean(), nullable=False, server_default=sa.true()))
        op.alter_column(table, "passkey", server_default=None)
        op.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_append_only")
    updates = [_NOT_ASKED_TO_SIGN.format(table, key) for table, key in tables.items()]
    as_each_tenant("unsigned_approvals", dict.fromkeys(tables, "UPDATE"), *updates)
    for table in tables:
        op.execute(f"ALTER TABLE {table} ENABLE TRIGGER {table}_append_only")
    op.create_check_constraint(
        "money_and_promises_are_signed_for",
        "approval_requests",
        "kind NOT IN ('credit', 'exclusion') OR passkey",
    )
    op.create_check_constraint(
        "approval_is_signed_if_it_must",
        "approval_steps",
        "act <> 'approve' OR NOT passkey OR signature_id IS NOT NULL",
    )
    _terms((*_TERMS, "passkey"))
    op.drop_table("unsigned_approvals")


def _terms(columns: tuple[str, ...]) -> None:
    op.drop_constraint("approval_steps_terms_fkey", "approval_steps")
    op.drop_constraint("approval_requests_terms_key", "approval_requests")
    op.create_unique_constraint(
        "approval_requests_terms_key", "approval_requests", ["tenant_id", "id", *columns]
    )
    op.create_foreign_key(
        "approval_steps_terms_fkey",
        "approval_steps",
        "approval_requests",
        ["tenant_id", "request_id", *columns],
        ["tenant_id", "id", *columns],
    )

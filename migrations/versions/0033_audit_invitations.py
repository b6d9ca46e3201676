"""audits: invitations of auditors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    begin_revision()
    _invitations()
    _steps()
    for table in ("audit_invitations", "audit_invitation_steps"):
        distribute(table)
        # Staff read them in the tenant's own scope: secrets stay inside their tenant.
        protect(table, app=("SELECT", "INSERT"), staff=())
        append_only(table)


def downgrade() -> None:
    begin_revision()
    op.drop_table("audit_invitation_steps")
    op.drop_table("audit_invitations")


def _invitations() -> None:
    op.create_table(
        "audit_invitations",
        _id("tenant_id"),
        _id("id"),
        _text("email"),
        _text("name"),
        _text("reason"),
        _at("until"),
        _at("waits_until"),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False, comment="SHA-256"),
        _at("at"),
        _id("by_id", comment="actor id"),
        _text("by_name"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="audit_invitations_pkey"),
        _receipt("audit_invitations"),
        sa.UniqueConstraint("tenant_id", "secret_hash", name="audit_invitations_secret_key"),
        sa.CheckConstraint("btrim(reason) <> ''", name="reason_is_given"),
        sa.CheckConstraint(
            "until > at AND until <= at + interval '92 days' AND waits_until > at AND waits_until <= until",
            name="time_is_limited",
        ),
        sa.CheckConstraint(
            "tenant_id <> '00000000-0000-7000-8000-000000000001'",
            name="is_to_a_customer",
        ),
    )
    op.create_index("audit_invitations_newest_idx", "audit_invitations", ["tenant_id", "at", "id"])


def _steps() -> None:
    op.create_table(
        "audit_invitation_steps",
        _id("tenant_id"),
        _id("invitation_id"),
        sa.Column("ordinal", sa.Integer(), nullable=False, autoincrement=False),
        _text("act"),
        sa.Column("previous", sa.Integer(), comment="ordinal of the step before; null: the first"),
        sa.Column("previous_act", sa.Text()),
        _at("at"),
        _id("by_id", comment="actor id"),
        _text("by_name"),
        sa.Column("reason", sa.Text()),
        _id("person_id", nullable=True, comment="who came"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "invitation_id", "ordinal", name="audit_invitation_steps_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "invitation_id"],
            ["audit_invitations.tenant_id", "audit_invitations.id"],
            name="audit_invitation_steps_invitation_fkey",
        ),
        _receipt("audit_invitation_steps"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "person_id"],
            ["people.tenant_id", "people.id"],
            name="audit_invitation_steps_person_fkey",
        ),
        sa.UniqueConstraint(
            "tenant_id", "invitation_id", "ordinal", "act", name="audit_invitation_steps_link_key"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "invitation_id", "previous", "previous_act"],
            [f"audit_invitation_steps.{name}" for name in ("tenant_id", "invitation_id", "ordinal", "act")],
            name="audit_invitation_steps_previous_fkey",
        ),
        sa.CheckConstraint(
            "(ordinal = 1 AND num_nulls(previous, previous_act) = 2 AND act IN ('accepted', 'revoked'))"
            " OR (ordinal = 2 AND num_nulls(previous, previous_act) = 0 AND previous = 1"
            " AND previous_act = 'accepted' AND act = 'revoked')",
            name="follows_its_step",
        ),
        sa.CheckConstraint("(act = 'accepted') = (person_id IS NOT NULL)", name="acceptance_has_a_person"),
        sa.CheckConstraint(
            "(act = 'revoked') = (reason IS NOT NULL AND btrim(reason) <> '')",
            name="revocation_has_a_reason",
        ),
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
        name=f"{table}_receipt_fkey",
    )

"""Rounds: how each of the workers' rounds fares, and whom it is set back for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from trust_portal.storage.migration import begin_revision, grant_house

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    begin_revision()
    op.create_table(
        "round_standings",
        sa.Column("round", sa.Text, nullable=False),
        _at("well_at", nullable=True, comment="when it last went through, to the minute"),
        _at("failed_at", nullable=True, comment="when it last failed"),
        sa.Column("failures", sa.BigInteger, nullable=False, comment="ever"),
        sa.Column("error", sa.Text, comment="code of the last failure"),
        sa.PrimaryKeyConstraint("round", name="round_standings_pkey"),
    )
    op.create_table(
        "round_setbacks",
        sa.Column("round", sa.Text, nullable=False),
        sa.Column("subject", UUID(as_uuid=True), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False, comment="one after the other"),
        _at("first_at"),
        _at("last_at"),
        _at("retry_at"),
        sa.Column("error", sa.Text, nullable=False, comment="code of the last failure"),
        sa.PrimaryKeyConstraint("round", "subject", name="round_setbacks_pkey"),
    )
    grant_house("round_standings", app=("SELECT", "INSERT", "UPDATE"))
    grant_house("round_setbacks")


def downgrade() -> None:
    begin_revision()
    op.drop_table("round_setbacks")
    op.drop_table("round_standings")


def _at(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=nullable, comment=comment)

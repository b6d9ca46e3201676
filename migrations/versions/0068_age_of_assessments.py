"""Assessments from elsewhere: as old as the oldest finding that counts."""

from __future__ import annotations

from alembic import op

from trust_portal.storage.migration import begin_revision

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None


def upgrade() -> None:
    begin_revision()
    op.alter_column(
        "compliance_imports", "as_of", comment="when the oldest result that counts ended, or began"
    )


def downgrade() -> None:
    begin_revision()
    op.alter_column("compliance_imports", "as_of", comment="when its newest result ended, or began")

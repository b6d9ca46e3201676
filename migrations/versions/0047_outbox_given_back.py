"""outbox: attempts that were given back, and what is due is found past what was given up; requests by their end.

``credit_issues_approvers_fkey`` (0020) stays NOT VALID. It holds for every row written since. Of a credit that
was issued before, an approver may have been the issuer with no policy naming it, which was no offence then and is
one to ``approver_does_not_issue`` now: a back-fill would either be refused there or write down a permission that
nobody gave. What was done under the older rule stays as it was done.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trust_portal.storage.migration import begin_revision

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

_OPEN = sa.text("failed_at IS NULL")


def upgrade() -> None:
    begin_revision()
    op.add_column(
        "outbox",
        sa.Column(
            "given_back",
            sa.Integer(),
            nullable=False,
            server_default="0",
            comment="of the attempts: by a worker that stopped in good order",
        ),
    )
    op.drop_index("outbox_due_idx", "outbox")
    op.create_index("outbox_due_idx", "outbox", ["due_at", "id"], postgresql_where=_OPEN)
    op.create_index("outbox_job_idx", "outbox", ["job", "due_at"], postgresql_where=_OPEN)
    op.create_index("approval_requests_expires_at_idx", "approval_requests", ["expires_at"])


def downgrade() -> None:
    begin_revision()
    op.drop_index("approval_requests_expires_at_idx", "approval_requests")
    op.drop_index("outbox_job_idx", "outbox")
    op.drop_index("outbox_due_idx", "outbox")
    op.create_index("outbox_due_idx", "outbox", ["due_at"])
    op.drop_column("outbox", "given_back")

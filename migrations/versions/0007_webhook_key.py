"""webhook key: a signing key of its own for what is sent to the vendor's product."""

from __future__ import annotations

from alembic import op

from trust_portal.storage.migration import begin_revision

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_NAME = "signing_keys_purpose_is_known_check"


def upgrade() -> None:
    begin_revision()
    op.execute(f"ALTER TABLE signing_keys DROP CONSTRAINT {_NAME}")
    op.execute(
        f"ALTER TABLE signing_keys ADD CONSTRAINT {_NAME}"
        " CHECK (purpose IN ('receipts', 'checkpoints', 'webhooks'))"
    )


def downgrade() -> None:
    begin_revision()
    op.execute(f"ALTER TABLE signing_keys DROP CONSTRAINT {_NAME}")
    # NOT VALID: keys stay on record for ever, also one whose purpose the older schema does not know.
    op.execute(
        f"ALTER TABLE signing_keys ADD CONSTRAINT {_NAME}"
        " CHECK (purpose IN ('receipts', 'checkpoints')) NOT VALID"
    )

"""no looser without approval: thresholds say what they follow, and are looser than that with an approval only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

from trust_portal.storage.migration import append_only, as_each_tenant, begin_revision, distribute, protect

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

_SCOPE = ("tenant_id", "subsystem")
#: By figure: which side of the other finds less, and what counts where it is not named: what was installed.
_FIGURES = {
    "min_impact": (">", "(10)::numeric"),
    "min_day_share": (">", "0.4"),
    "sensitivity": ("<", "(1)::numeric"),
    "burn_rate": (">", "(3)::numeric"),
    "drop_impact": (">", "(1)::numeric"),
}
_LOOSER = " OR ".join(
    f"(COALESCE(((figures ->> '{name}'::text))::numeric, {installed})"
    f" {sign} COALESCE(((followed ->> '{name}'::text))::numeric, {installed}))"
    for name, (sign, installed) in _FIGURES.items()
)
_UNAPPROVED = f"CASE WHEN approval_id IS NULL AND ({_LOOSER}) THEN revision ELSE NULL::integer END"
_FOLLOWS = "CASE WHEN revision > 1 THEN revision - 1 ELSE NULL::integer END"
_FOLLOWED = """
UPDATE thresholds SET followed = before.figures FROM thresholds AS before
WHERE thresholds.tenant_id = :tenant_id AND before.tenant_id = :tenant_id
AND before.subsystem = thresholds.subsystem AND before.revision = thresholds.revision - 1
"""
_FORMERLY = f"""
INSERT INTO unapproved_thresholds (tenant_id, subsystem, revision)
SELECT tenant_id, subsystem, revision FROM thresholds
WHERE tenant_id = :tenant_id AND approval_id IS NULL AND ({_LOOSER})
"""


def upgrade() -> None:
    begin_revision()
    op.create_table(
        "unapproved_thresholds",
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("subsystem", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint(*_SCOPE, "revision", name="unapproved_thresholds_pkey"),
    )
    distribute("unapproved_thresholds")
    protect("unapproved_thresholds", app=("SELECT",))
    op.add_column(
        "thresholds",
        sa.Column("followed", JSONB(), comment="figures of the revision before; null: it is the first"),
    )
    op.execute("ALTER TABLE thresholds DISABLE TRIGGER thresholds_append_only")
    lent = {"thresholds": "UPDATE", "unapproved_thresholds": "INSERT"}
    as_each_tenant("thresholds", lent, _FOLLOWED, _FORMERLY)
    op.execute("ALTER TABLE thresholds ENABLE TRIGGER thresholds_append_only")
    append_only("unapproved_thresholds")
    for name, expression in (("follows", _FOLLOWS), ("unapproved", _UNAPPROVED)):
        op.add_column("thresholds", sa.Column(name, sa.Integer(), sa.Computed(expression, persisted=True)))
    op.create_unique_constraint("thresholds_figures_key", "thresholds", [*_SCOPE, "revision", "figures"])
    op.create_check_constraint(
        "each_follows_one", "thresholds", "revision > 0 AND (followed IS NULL) = (revision = 1)"
    )
    op.create_foreign_key(
        "thresholds_followed_fkey",
        "thresholds",
        "thresholds",
        [*_SCOPE, "follows", "followed"],
        [*_SCOPE, "revision", "figures"],
    )
    op.create_foreign_key(
        "thresholds_unapproved_fkey",
        "thresholds",
        "unapproved_thresholds",
        [*_SCOPE, "unapproved"],
        [*_SCOPE, "revision"],
    )


def downgrade() -> None:
    begin_revision()
    for name in ("unapproved_fkey", "followed_fkey", "figures_key"):
        op.drop_constraint(f"thresholds_{name}", "thresholds")
    op.drop_constraint(op.f("thresholds_each_follows_one_check"), "thresholds")
    for name in ("unapproved", "follows", "followed"):
        op.drop_column("thresholds", name)
    op.drop_table("unapproved_thresholds")

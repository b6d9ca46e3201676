"""who may approve: a request asks for what a rule in force asked, at least two, and is decided by roles that were given."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from trust_portal.storage.migration import (
    APP,
    STAFF,
    append_only,
    as_each_tenant,
    begin_revision,
    distribute,
    protect,
    reference,
)

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

_VENDOR = "00000000-0000-7000-8000-000000000001"
_NOBODY = "00000000-0000-0000-0000-000000000000"
#: The clockwork and the console grant roles too, and are no person.
_NO_PERSON = "('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000003')"
_REGISTRIES = ("vendor_roles", "approval_rules")
_LONE = "CASE WHEN cardinality(roles) < 2 THEN id ELSE NULL::uuid END"
_GIVER = f"CASE WHEN role IS NOT NULL THEN COALESCE(granted_by, '{_NOBODY}'::uuid) ELSE NULL::uuid END"
#: What the rules ask that come with this revision.
_RULES = {
    "break_glass_review": ("approver_security", "approver_reliability"),
    "credit": ("approver_finance", "approver_reliability"),
    "exclusion": ("approver_reliability", "approver_finance"),
    "key_rotation": ("approver_security", "approver_security"),
    "playbook_run": ("approver_reliability", "approver_finance"),
    "policy_change": ("approver_security", "approver_reliability"),
    "retention_change": ("approver_security", "approver_finance"),
    "severity_downgrade": ("approver_reliability", "approver_security"),
    "threshold_change": ("approver_reliability", "approver_finance"),
}
_ASKED = "SELECT DISTINCT kind, roles FROM approval_requests"
_DECIDED = f"""
SELECT s.request_id, s.ordinal, s.person_id, s.role FROM approval_steps s
WHERE s.role IS NOT NULL AND NOT EXISTS (
  SELECT FROM role_grants g WHERE g.tenant_id = '{_VENDOR}' AND g.person_id = s.person_id AND g.role = s.role
  AND g.granted_by IS NOT DISTINCT FROM coalesce(s.granted_by, CASE WHEN g.granted_by IN {_NO_PERSON} THEN g.granted_by END)
) ORDER BY s.request_id, s.ordinal
"""
_GIVEN = f"""
INSERT INTO vendor_roles (person_id, role, granted_by, tenant_id)
SELECT DISTINCT person_id, role,
  CASE WHEN granted_by IN {_NO_PERSON} THEN '{_NOBODY}'::uuid ELSE granted_by END, tenant_id
FROM role_grants WHERE tenant_id = '{_VENDOR}'
"""
_FORMERLY = """
INSERT INTO lone_requests (tenant_id, request_id)
SELECT tenant_id, id FROM approval_requests WHERE tenant_id = :tenant_id AND cardinality(roles) < 2
"""


def upgrade() -> None:
    begin_revision()
    asked = _earlier()
    _registries()
    _fill(asked)
    op.create_table(
        "lone_requests",
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("request_id", UUID(as_uuid=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "request_id", name="lone_requests_pkey"),
    )
    distribute("lone_requests")
    protect("lone_requests", app=("SELECT",))
    as_each_tenant("approval_requests", {"lone_requests": "INSERT"}, _FORMERLY)
    append_only("lone_requests")
    _made("approval_requests", "lone", _LONE)
    op.create_foreign_key(
        "approval_requests_lone_fkey",
        "approval_requests",
        "lone_requests",
        ["tenant_id", "lone"],
        ["tenant_id", "request_id"],
    )
    op.create_foreign_key(
        "approval_requests_rule_fkey",
        "approval_requests",
        "approval_rules",
        ["kind", "roles"],
        ["kind", "roles"],
    )
    _made("approval_steps", "giver", _GIVER)
    op.create_foreign_key(
        "approval_steps_role_fkey",
        "approval_steps",
        "vendor_roles",
        ["person_id", "role", "giver"],
        ["person_id", "role", "granted_by"],
    )


def downgrade() -> None:
    begin_revision()
    op.drop_constraint("approval_steps_role_fkey", "approval_steps")
    op.drop_column("approval_steps", "giver")
    for name in ("rule", "lone"):
        op.drop_constraint(f"approval_requests_{name}_fkey", "approval_requests")
    op.drop_column("approval_requests", "lone")
    for table in ("lone_requests", *_REGISTRIES):
        op.drop_table(table)


def _earlier() -> list[dict[str, object]]:
    """What was asked of whom so far. Refuses where somebody decided as what nobody ever made them."""
    connection = op.get_bind()
    op.execute(f"SET LOCAL ROLE {STAFF}")
    strangers = connection.execute(sa.text(_DECIDED)).all()
    asked = [{"kind": row.kind, "roles": row.roles} for row in connection.execute(sa.text(_ASKED))]
    op.execute("RESET ROLE")
    if strangers:
        named = "; ".join(
            f"request {each.request_id}, step {each.ordinal}: {each.person_id} as {each.role}"
            for each in strangers
        )
        raise RuntimeError(f"decided by people who were never given the role they decided as: {named}")
    return asked


def _registries() -> None:
    """The vendor's rows, copied to wherever rows refer to them, and written in the vendor's scope only."""
    op.create_table(
        "vendor_roles",
        sa.Column("person_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("role", sa.Text(), primary_key=True),
        sa.Column(
            "granted_by", UUID(as_uuid=True), primary_key=True, comment="the person; all zeros: no person"
        ),
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.CheckConstraint(f"tenant_id = '{_VENDOR}'", name="is_the_vendors"),
    )
    op.create_table(
        "approval_rules",
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("roles", ARRAY(sa.Text()), primary_key=True, comment="one slot each"),
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.CheckConstraint(f"tenant_id = '{_VENDOR}'", name="is_the_vendors"),
    )
    for table in _REGISTRIES:
        reference(table)
        protect(table, app=("SELECT", "INSERT"))


def _fill(asked: list[dict[str, object]]) -> None:
    connection = op.get_bind()
    op.execute(f"SET LOCAL app.tenant_id = '{_VENDOR}'")
    op.execute(f"SET LOCAL ROLE {APP}")
    op.execute(_GIVEN)
    rules = [{"kind": kind, "roles": list(roles)} for kind, roles in _RULES.items()]
    connection.execute(
        sa.text(
            "INSERT INTO approval_rules (kind, roles, tenant_id)"
            f" VALUES (:kind, CAST(:roles AS text[]), '{_VENDOR}') ON CONFLICT DO NOTHING"
        ),
        [*rules, *asked],
    )
    op.execute("RESET ROLE")
    op.execute("SET LOCAL app.tenant_id = ''")
    for table in _REGISTRIES:
        append_only(table)


def _made(table: str, name: str, expression: str) -> None:
    op.add_column(table, sa.Column(name, UUID(as_uuid=True), sa.Computed(expression, persisted=True)))

"""rules below the service: what rests on an approval refers to its use, and to a request of its own kind."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

from trust_portal.storage.migration import APP, STAFF, begin_revision

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

#: What refers to requests of one kind only: table, column, kind.
_KINDS = (
    ("break_glass_steps", "approval_id", "break_glass_review"),
    ("credits", "request_id", "credit"),
    ("exclusions", "request_id", "exclusion"),
    ("incident_downgrade_requests", "request_id", "severity_downgrade"),
    ("key_rotations", "approval_id", "key_rotation"),
    ("policy_requests", "approval_id", "policy_change"),
    ("threshold_requests", "approval_id", "threshold_change"),
)
_WHAT = ("tenant_id", "approval_id", "subsystem", "revision")
_MILESTONE = (
    "CASE WHEN act = 'use'::text THEN 'use'::text"
    " WHEN act = 'approve'::text AND ordinal = cardinality(roles) THEN 'approved'::text ELSE NULL::text END"
)
#: What was written before these columns were there, each tenant in its own scope.
_FILL = (
    """
    UPDATE credit_states s SET request_id = c.request_id FROM credits c
    WHERE s.tenant_id = :tenant_id AND c.tenant_id = s.tenant_id AND c.id = s.credit_id AND s.state = 'approved'
    """,
    """
    UPDATE playbook_steps s SET approval_kind = r.approval_kind,
      allowed_by = CASE WHEN s.approval_id IS NULL THEN 'the policies in its receipt' END
    FROM playbook_runs r
    WHERE s.tenant_id = :tenant_id AND r.tenant_id = s.tenant_id AND r.id = s.run_id
      AND (s.approval_id IS NOT NULL OR s.kind = 'approved')
    """,
)
_FILLED = ("credit_states", "playbook_steps")


def upgrade() -> None:
    begin_revision()
    _requests()
    _playbooks()
    _credits()
    _fill()
    _playbooks_hold()
    _credits_hold()
    _thresholds()


def downgrade() -> None:
    begin_revision()
    op.drop_constraint("thresholds_use_fkey", "thresholds")
    op.drop_column("thresholds", "milestone")
    _what_is_set(_WHAT)
    for table, keys, checks, columns in (
        ("credit_issues", (), ("approved_by_two",), ()),
        ("credit_states", ("approved", "asked"), ("approved_has_an_approval",), ("milestone", "request_id")),
        ("credits", ("requester", "about"), (), ("about",)),
        (
            "playbook_steps",
            ("use", "about", "run_kind", "emergency"),
            ("begins_by_permission", "permitted_by_somebody", "kind_is_known_where_asked"),
            ("milestone", "about", "emergency", "allowed_by", "approval_kind"),
        ),
    ):
        for key in keys:
            op.drop_constraint(f"{table}_{key}_fkey", table)
        for check in checks:
            op.drop_constraint(op.f(f"{table}_{check}_check"), table)
        for column in columns:
            op.drop_column(table, column)
    op.drop_constraint("credits_asked_key", "credits")
    op.drop_constraint("playbook_runs_approval_kind_key", "playbook_runs")
    op.drop_column("playbook_runs", "approval_kind")
    for table, _, _ in _KINDS:
        op.drop_constraint(f"{table}_kind_fkey", table)
        op.drop_column(table, "approval_kind")
    op.drop_constraint("approval_steps_milestone_key", "approval_steps")
    op.drop_column("approval_steps", "milestone")
    op.drop_constraint(op.f("approval_steps_people_decide_check"), "approval_steps")
    for rule in ("two_approve", "money_and_promises_are_signed_for"):
        op.drop_constraint(op.f(f"approval_requests_{rule}_check"), "approval_requests")
    for key in ("about", "kind"):
        op.drop_constraint(f"approval_requests_{key}_key", "approval_requests")


def _made(name: str, expression: str, type_: sa.types.TypeEngine[object] | None = None) -> sa.Column[object]:
    return sa.Column(name, type_ or sa.Text(), sa.Computed(expression, persisted=True))


def _key(table: str, name: str, *columns: str) -> None:
    op.create_unique_constraint(f"{table}_{name}_key", table, ["tenant_id", *columns])


def _refers(table: str, name: str, parent: str, columns: dict[str, str]) -> None:
    op.create_foreign_key(
        f"{table}_{name}_fkey",
        table,
        parent,
        ["tenant_id", *columns],
        ["tenant_id", *columns.values()],
    )


def _requests() -> None:
    """The floor under the rules of approvals.yaml, and what others refer to."""
    op.create_check_constraint(
        "two_approve",
        "approval_requests",
        "kind NOT IN ('credit', 'exclusion', 'key_rotation', 'policy_change', 'severity_downgrade')"
        " OR cardinality(roles) >= 2",
    )
    op.create_check_constraint(
        "money_and_promises_are_signed_for",
        "approval_requests",
        "kind NOT IN ('credit', 'exclusion') OR passkey",
    )
    op.create_check_constraint(
        "people_decide",
        "approval_steps",
        "slot IS NULL OR person_id NOT IN ('00000000-0000-7000-8000-000000000001',"
        " '00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000003')",
    )
    _key("approval_requests", "kind", "id", "kind")
    _key("approval_requests", "about", "id", "kind", "subject")
    op.add_column("approval_steps", _made("milestone", _MILESTONE))
    _key("approval_steps", "milestone", "request_id", "milestone")
    for table, column, kind in _KINDS:
        op.add_column(table, _made("approval_kind", f"'{kind}'::text"))
        _refers(table, "kind", "approval_requests", {column: "id", "approval_kind": "kind"})


def _playbooks() -> None:
    op.add_column(
        "playbook_runs",
        _made(
            "approval_kind",
            "CASE WHEN ((plan -> 'playbook'::text) ->> 'action'::text) = 'set_retention_tier'::text"
            " THEN 'retention_change'::text ELSE 'playbook_run'::text END",
        ),
    )
    _key("playbook_runs", "approval_kind", "id", "approval_kind")
    for column in (
        sa.Column(
            "approval_kind", sa.Text(), comment="of the request it takes; null: nothing asked or permitted"
        ),
        sa.Column("allowed_by", sa.Text(), comment="the policies that permit it without approval"),
        _made("about", "'playbook-run/'::text || run_id::text"),
        _made(
            "milestone",
            "CASE WHEN kind = 'approved'::text AND approval_id IS NOT NULL THEN 'use'::text ELSE NULL::text END",
        ),
        _made(
            "emergency",
            "CASE WHEN kind = 'approved'::text THEN (detail ->> 'break_glass'::text)::uuid ELSE NULL::uuid END",
            UUID(as_uuid=True),
        ),
    ):
        op.add_column("playbook_steps", column)


def _credits() -> None:
    op.add_column("credits", _made("about", "'credit/'::text || id::text"))
    _key("credits", "asked", "id", "request_id")
    op.add_column(
        "credit_states",
        sa.Column("request_id", UUID(as_uuid=True), comment="of an approved one: the request approved"),
    )
    op.add_column(
        "credit_states",
        _made("milestone", "CASE WHEN state = 'approved'::text THEN 'approved'::text ELSE NULL::text END"),
    )


def _fill() -> None:
    """Rows that never change gain columns, once: the guard is off and the grants are lent for it."""
    connection = op.get_bind()
    op.execute(f"SET LOCAL ROLE {STAFF}")
    union = " UNION ".join(f"SELECT tenant_id FROM {table}" for table in _FILLED)
    tenant_ids = connection.execute(sa.text(union)).scalars().all()
    op.execute("RESET ROLE")
    for table in _FILLED:
        op.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_append_only")
        op.execute(f"GRANT UPDATE ON {table} TO {APP}")
    op.execute(f"SET LOCAL ROLE {APP}")
    for tenant_id in tenant_ids:
        op.execute(f"SET LOCAL app.tenant_id = '{tenant_id}'")
        for statement in _FILL:
            connection.execute(sa.text(statement), {"tenant_id": tenant_id})
    op.execute("RESET ROLE")
    op.execute("SET LOCAL app.tenant_id = ''")
    for table in _FILLED:
        op.execute(f"REVOKE UPDATE ON {table} FROM {APP}")
        op.execute(f"ALTER TABLE {table} ENABLE TRIGGER {table}_append_only")


def _playbooks_hold() -> None:
    for name, rule in {
        "begins_by_permission": (
            "(kind = 'approved') = (state = 'executing' AND coalesce(previous_state, '') IN ('planned', 'waiting'))"
        ),
        "permitted_by_somebody": (
            "(kind = 'approved' AND approval_id IS NULL) = (allowed_by IS NOT NULL)"
            " AND (allowed_by IS NULL OR (btrim(allowed_by) <> '' AND coalesce(approval_kind, '') = 'playbook_run'"
            " AND (emergency IS NOT NULL OR actor_id = '00000000-0000-7000-8000-000000000002')))"
        ),
        "kind_is_known_where_asked": (
            "(approval_kind IS NOT NULL) = (approval_id IS NOT NULL OR kind = 'approved')"
        ),
    }.items():
        op.create_check_constraint(name, "playbook_steps", rule)
    _refers("playbook_steps", "run_kind", "playbook_runs", {"run_id": "id", "approval_kind": "approval_kind"})
    _refers(
        "playbook_steps",
        "about",
        "approval_requests",
        {"approval_id": "id", "approval_kind": "kind", "about": "subject"},
    )
    _refers(
        "playbook_steps", "use", "approval_steps", {"approval_id": "request_id", "milestone": "milestone"}
    )
    _refers("playbook_steps", "emergency", "break_glass_grants", {"emergency": "id", "actor_id": "person_id"})


def _credits_hold() -> None:
    _refers(
        "credits",
        "about",
        "approval_requests",
        {"request_id": "id", "approval_kind": "kind", "about": "subject"},
    )
    _refers("credits", "requester", "approval_requests", {"request_id": "id", "proposer_id": "requester_id"})
    op.create_check_constraint("approved_by_two", "credit_issues", "use_ordinal > 2")
    op.create_check_constraint(
        "approved_has_an_approval", "credit_states", "(state = 'approved') = (request_id IS NOT NULL)"
    )
    _refers("credit_states", "asked", "credits", {"credit_id": "id", "request_id": "request_id"})
    _refers(
        "credit_states", "approved", "approval_steps", {"request_id": "request_id", "milestone": "milestone"}
    )


def _thresholds() -> None:
    """What is set with an approval is what was asked for with it, to the figure, once it is used."""
    _what_is_set((*_WHAT, "figures"))
    op.add_column(
        "thresholds",
        _made("milestone", "CASE WHEN approval_id IS NOT NULL THEN 'use'::text ELSE NULL::text END"),
    )
    _refers("thresholds", "use", "approval_steps", {"approval_id": "request_id", "milestone": "milestone"})


def _what_is_set(columns: tuple[str, ...]) -> None:
    op.drop_constraint("thresholds_approval_fkey", "thresholds")
    op.drop_constraint("threshold_requests_what_key", "threshold_requests")
    op.create_unique_constraint("threshold_requests_what_key", "threshold_requests", list(columns))
    op.create_foreign_key(
        "thresholds_approval_fkey", "thresholds", "threshold_requests", list(columns), list(columns)
    )

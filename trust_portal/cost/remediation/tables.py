"""Runs, their steps, kill switches: added to and never changed.

A run's steps are a chain. Each names the one before it and the state that one left the run in, and
the database knows which state may follow which: nothing is executed that was not permitted, nothing
verified that was not executed, and of two processes at the same run only one adds the next step.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from trust_portal.cost.remediation.model import RunState
from trust_portal.storage.metadata import house_table, instant, tenant_table, uuid_column

_S: Final = RunState
#: From → to. A state that keeps itself takes further steps within it.
TRANSITIONS: Final[tuple[tuple[RunState, RunState], ...]] = (
    (_S.PLANNED, _S.PLANNED),
    (_S.PLANNED, _S.WAITING),
    (_S.PLANNED, _S.EXECUTING),
    (_S.PLANNED, _S.DENIED),
    (_S.PLANNED, _S.LAPSED),
    (_S.WAITING, _S.EXECUTING),
    (_S.WAITING, _S.DENIED),
    (_S.WAITING, _S.DECLINED),
    (_S.WAITING, _S.LAPSED),
    (_S.EXECUTING, _S.EXECUTING),
    (_S.EXECUTING, _S.EXECUTED),
    (_S.EXECUTING, _S.DENIED),
    (_S.EXECUTING, _S.FAILED),
    (_S.EXECUTING, _S.ROLLING_BACK),
    (_S.EXECUTED, _S.VERIFIED),
    (_S.EXECUTED, _S.ROLLING_BACK),
    (_S.VERIFIED, _S.ROLLING_BACK),
    (_S.FAILED, _S.ROLLING_BACK),
    (_S.ROLLING_BACK, _S.ROLLING_BACK),
    (_S.ROLLING_BACK, _S.ROLLED_BACK),
    (_S.ROLLING_BACK, _S.FAILED),
)


def follows_its_state() -> str:
    """The check that a step may follow the one before it; the first step is the plan."""
    allowed = ", ".join(f"('{before.value}', '{after.value}')" for before, after in TRANSITIONS)
    return (
        "(ordinal = 1 AND previous IS NULL AND previous_state IS NULL AND state = 'planned')"
        f" OR (previous = ordinal - 1 AND (previous_state, state) IN ({allowed}))"
    )


playbook_runs = tenant_table(
    "playbook_runs",
    uuid_column("id", primary_key=True),
    uuid_column("anomaly_id", nullable=False),
    Column("playbook", Text, nullable=False),
    Column("plan", JSONB, nullable=False, comment="whole, as signed in its receipt"),
    Column("digest", Text, nullable=False, comment="hex SHA-256 of the canonical plan"),
    instant("planned_at", nullable=False),
    uuid_column("planned_by_id", nullable=False),
    Column("planned_by_name", Text, nullable=False),
    uuid_column("supersedes", comment="the run of the same playbook and anomaly before this one"),
    # What is deleted early does not come back: its approval is of a kind of its own.
    Column(
        "approval_kind",
        Text,
        Computed(
            "CASE WHEN ((plan -> 'playbook'::text) ->> 'action'::text) = 'set_retention_tier'::text"
            " THEN 'retention_change'::text ELSE 'playbook_run'::text END",
            persisted=True,
        ),
    ),
    UniqueConstraint("tenant_id", "id", "approval_kind", name="playbook_runs_approval_kind_key"),
    ForeignKeyConstraint(["tenant_id", "anomaly_id"], ["anomalies.tenant_id", "anomalies.id"]),
    # Of one playbook and anomaly there is one run after the other: a second follows the first once.
    ForeignKeyConstraint(["tenant_id", "supersedes"], ["playbook_runs.tenant_id", "playbook_runs.id"]),
    UniqueConstraint("tenant_id", "anomaly_id", "playbook", "supersedes", postgresql_nulls_not_distinct=True),
    Index("playbook_runs_newest_idx", "planned_at", "id"),
)

playbook_steps = tenant_table(
    "playbook_steps",
    uuid_column("run_id", primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False, comment="in which it leaves the run"),
    Column("previous", Integer),
    Column("previous_state", Text),
    instant("at", nullable=False),
    uuid_column("actor_id", nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("detail", JSONB, nullable=False),
    uuid_column("receipt_id"),
    uuid_column("approval_id", comment="of the request that was opened, or used"),
    Column("approval_kind", Text, comment="of the request it takes; null: nothing asked or permitted"),
    Column("allowed_by", Text, comment="the policies that permit it without approval"),
    Column("about", Text, Computed("'playbook-run/'::text || run_id::text", persisted=True)),
    Column(
        "milestone",
        Text,
        Computed(
            "CASE WHEN kind = 'approved'::text AND approval_id IS NOT NULL THEN 'use'::text"
            " ELSE NULL::text END",
            persisted=True,
        ),
    ),
    Column(
        "emergency",
        UUID(as_uuid=True),
        Computed(
            "CASE WHEN kind = 'approved'::text THEN (detail ->> 'break_glass'::text)::uuid"
            " ELSE NULL::uuid END",
            persisted=True,
        ),
    ),
    UniqueConstraint("tenant_id", "run_id", "ordinal", "state"),
    ForeignKeyConstraint(["tenant_id", "run_id"], ["playbook_runs.tenant_id", "playbook_runs.id"]),
    ForeignKeyConstraint(
        ["tenant_id", "run_id", "previous", "previous_state"],
        [
            "playbook_steps.tenant_id",
            "playbook_steps.run_id",
            "playbook_steps.ordinal",
            "playbook_steps.state",
        ],
        name="playbook_steps_previous_fkey",
    ),
    ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"]),
    CheckConstraint(follows_its_state(), name="follows_its_state"),
    # A run begins with one step: by the use of an approval for this very run, by a policy that is named
    # and the clockwork, or by somebody under emergency access of their own. Retention takes approval.
    CheckConstraint(
        "(kind = 'approved') = (state = 'executing' AND coalesce(previous_state, '') IN ('planned', 'waiting'))",
        name="begins_by_permission",
    ),
    CheckConstraint(
        "(kind = 'approved' AND approval_id IS NULL) = (allowed_by IS NOT NULL)"
        " AND (allowed_by IS NULL OR (btrim(allowed_by) <> '' AND coalesce(approval_kind, '') = 'playbook_run'"
        " AND (emergency IS NOT NULL OR actor_id = '00000000-0000-7000-8000-000000000002')))",
        name="permitted_by_somebody",
    ),
    CheckConstraint(
        "(approval_kind IS NOT NULL) = (approval_id IS NOT NULL OR kind = 'approved')",
        name="kind_is_known_where_asked",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "run_id", "approval_kind"],
        [f"playbook_runs.{name}" for name in ("tenant_id", "id", "approval_kind")],
        name="playbook_steps_run_kind_fkey",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "approval_id", "approval_kind", "about"],
        [f"approval_requests.{name}" for name in ("tenant_id", "id", "kind", "subject")],
        name="playbook_steps_about_fkey",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "approval_id", "milestone"],
        [f"approval_steps.{name}" for name in ("tenant_id", "request_id", "milestone")],
        name="playbook_steps_use_fkey",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "emergency", "actor_id"],
        [f"break_glass_grants.{name}" for name in ("tenant_id", "id", "person_id")],
        name="playbook_steps_emergency_fkey",
    ),
    CheckConstraint(
        "kind NOT IN ('planned', 'approved', 'executed', 'verified', 'rollback_started', 'rolled_back',"
        " 'denied', 'failed', 'lapsed') OR receipt_id IS NOT NULL",
        name="acts_have_receipts",
    ),
    # What was done while something else went on: without looking at everything ever done.
    Index("playbook_steps_at_idx", "tenant_id", "at"),
    # Permitted once, and an approval permits one run once.
    Index(
        "playbook_steps_approved_once_idx",
        "tenant_id",
        "run_id",
        unique=True,
        postgresql_where=text("kind = 'approved'"),
    ),
    Index(
        "playbook_steps_approval_used_once_idx",
        "tenant_id",
        "approval_id",
        unique=True,
        postgresql_where=text("kind = 'approved'"),
    ),
)

#: The latest revision of a row's place counts. At the vendor: everywhere (no playbook), or one playbook
#: everywhere; at a tenant: everything of that tenant.
kill_switches = tenant_table(
    "kill_switches",
    Column("playbook", Text, primary_key=True, comment="empty: every playbook"),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("stopped", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    instant("set_at", nullable=False),
    uuid_column("set_by_id", nullable=False),
    Column("set_by_name", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"]),
)

#: What limits count, over all tenants: written in the transaction that permits an act.
playbook_actions = house_table(
    "playbook_actions",
    uuid_column("run_id", primary_key=True),
    uuid_column("tenant_id", nullable=False),
    Column("playbook", Text, nullable=False),
    Column("act", Text, nullable=False, comment="hex SHA-256 over playbook and target"),
    Column("currency", Text, nullable=False),
    Column("per_day", BigInteger, nullable=False, comment="cost a day of what is acted upon, minor units"),
    instant("at", nullable=False),
    Index("playbook_actions_at_idx", "at"),
)
